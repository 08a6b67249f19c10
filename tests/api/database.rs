//! The service's file, looked at from outside while it runs.

use std::path::PathBuf;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Connection, Row, SqliteConnection};
use uuid::Uuid;

use crate::service::Service;

pub struct Database(PathBuf);

/// A row of the quarantine.
#[derive(Debug)]
pub struct PutAside {
    pub id: Uuid,
    pub hook: String,
    pub reason: String,
    pub size: i64,
    /// `json`, `sealed` or `none`.
    pub kept: String,
    pub body: Option<Vec<u8>>,
}

impl Database {
    pub fn of(service: &Service) -> Database {
        Database(service.directory().join("test.db"))
    }

    async fn reading(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.0).read_only(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// A connection that can lock and change it.
    pub async fn writing(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.0);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub async fn execute(&self, sql: &'static str) {
        let mut connection = self.writing().await;
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.reading().await).await.unwrap()
    }

    /// Another instance changes the passkeys of this person, for so many seconds.
    pub async fn take_turn(&self, identity: &str, seconds: u32) {
        let taken = sqlx::query(
            "INSERT INTO leases (role, holder, until) VALUES (?1, 1, (unixepoch('subsec') + ?2) * 1000000)
             ON CONFLICT (role) DO UPDATE SET until = excluded.until",
        );
        let mut connection = self.writing().await;
        taken.bind(format!("import:{identity}")).bind(seconds).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// It is done.
    pub async fn end_turns(&self) {
        self.execute("DELETE FROM leases").await;
    }

    /// Waits until it counts so many.
    pub async fn until(&self, sql: &'static str, expected: i64) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.count(sql).await != expected {
            assert!(std::time::Instant::now() < deadline, "{sql}: {}", self.count(sql).await);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    pub async fn events(&self) -> i64 {
        self.count("SELECT count(*) FROM events").await
    }

    /// The audit log: identity, actor, cause and kind of each event, oldest first.
    pub async fn log(&self) -> Vec<[String; 4]> {
        let rows = sqlx::query(
            "SELECT lower(hex(identity)) AS identity, actor, cause, kind
             FROM events JOIN records ON records.id = record ORDER BY seq",
        );
        let rows = rows.fetch_all(&mut self.reading().await).await.unwrap();
        rows.iter().map(|row| ["identity", "actor", "cause", "kind"].map(|column| row.get(column))).collect()
    }

    /// What the audit log says of the newest event.
    pub async fn newest_detail(&self) -> Value {
        let detail: String = sqlx::query_scalar("SELECT detail FROM events ORDER BY seq DESC LIMIT 1")
            .fetch_one(&mut self.reading().await)
            .await
            .unwrap();
        serde_json::from_str(&detail).unwrap()
    }

    /// What receivers are still to be told, and what was given up.
    pub async fn outbox(&self) -> (i64, i64) {
        let of = |state| self.count(state);
        let waiting = of("SELECT count(*) FROM outbox WHERE state = 'waiting'").await;
        (waiting, of("SELECT count(*) FROM outbox WHERE state = 'dead'").await)
    }

    /// Without what the service looked up itself.
    pub async fn events_of_hooks(&self) -> i64 {
        self.count("SELECT count(*) FROM events WHERE actor = 'kratos'").await
    }

    pub async fn records(&self) -> i64 {
        self.count("SELECT count(*) FROM records").await
    }

    /// What is known of an identity.
    pub async fn record(&self, identity: &str) -> Option<Value> {
        let identity = Uuid::parse_str(identity).unwrap();
        let facts: Option<String> = sqlx::query_scalar("SELECT facts FROM records WHERE identity = ?1")
            .bind(identity.as_bytes().as_slice())
            .fetch_optional(&mut self.reading().await)
            .await
            .unwrap();
        facts.map(|facts| serde_json::from_str(&facts).unwrap())
    }

    /// Every record: identity, version, stage and facts, in the order of identities.
    pub async fn facts(&self) -> Vec<(String, i64, String, Value)> {
        let rows = sqlx::query(
            "SELECT lower(hex(identity)) AS identity, version, stage, facts FROM records ORDER BY records.identity",
        );
        let rows = rows.fetch_all(&mut self.reading().await).await.unwrap();
        let facts = |row: &SqliteRow| serde_json::from_str(row.get("facts")).unwrap();
        rows.iter()
            .map(|row| (row.get("identity"), row.get("version"), row.get("stage"), facts(row)))
            .collect()
    }

    /// Oldest first.
    pub async fn put_aside(&self) -> Vec<PutAside> {
        let of = |row: &SqliteRow| PutAside {
            id: Uuid::from_slice(row.get("id")).unwrap(),
            hook: row.get("hook"),
            reason: row.get("reason"),
            size: row.get("size"),
            kept: row.get("kept"),
            body: row.get("body"),
        };
        let rows = sqlx::query("SELECT id, hook, reason, size, kept, body FROM quarantine ORDER BY at, id");
        rows.fetch_all(&mut self.reading().await).await.unwrap().iter().map(of).collect()
    }

    pub async fn is_empty(&self) -> bool {
        self.events().await == 0 && self.records().await == 0 && self.put_aside().await.is_empty()
    }

    /// Whether these bytes are in any of its files.
    pub fn holds(&self, needle: &[u8]) -> bool {
        let folder = std::fs::read_dir(self.0.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
        let name = self.0.file_name().unwrap().to_str().unwrap();
        let files = folder.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(name));
        let mut bytes = files.map(|file| std::fs::read(file).unwrap());
        bytes.any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    }
}
