//! The contract on SQLite, and what only a file can do.

use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};

use super::contract::{Fresh, at, contract, one_poison_of_128, person, registered, store_on};
use super::*;

async fn fresh() -> Fresh<tempfile::TempDir> {
    let directory = tempfile::tempdir().unwrap();
    let opening = Opening::Migrate(MadeBy::Development);
    let path = directory.path().join("test.db");
    let backend = Arc::new(Sqlite::open(&path, opening).await.unwrap());
    let elsewhere = Arc::new(Sqlite::open(&path, opening).await.unwrap());
    Fresh { backend, elsewhere, home: directory }
}

contract!(fresh);

async fn execute(home: &tempfile::TempDir, sql: &'static str) {
    let path = home.path().join("test.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_event_costs_the_others_nothing() {
    let spoil = "CREATE TRIGGER poison BEFORE INSERT ON events
         WHEN (SELECT hex(identity) FROM records WHERE id = NEW.record) = '5EDDBEECB3D34769AD6D000000000040'
         BEGIN SELECT RAISE(ABORT, 'poison'); END";
    let fresh = fresh().await;
    one_poison_of_128(&fresh, async || execute(&fresh.home, spoil).await).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_costs_the_others_nothing() {
    let fresh = fresh().await;
    one_poison_of_128(&fresh, async || execute(&fresh.home, "UPDATE records SET facts = '{'").await).await;
}

#[tokio::test]
async fn events_of_a_clock_that_was_ahead_do_not_hide_the_old_ones_behind_them() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    for (n, second) in [(1, 1000), (2, 1000), (3, 1000), (4, 0), (5, 1000), (6, 0), (7, 0)] {
        store.apply(Event { at: at(second), ..registered(n, 1, 1) }).await.unwrap();
    }
    let mut cleaned = Vec::new();
    while cleaned.last() != Some(&0) {
        cleaned.push(fresh.backend.clean(at(500), at(0), 2).await.unwrap().events);
    }
    assert_eq!(cleaned, [2, 1, 0]);
    for (n, left) in [(1, 1), (4, 0), (5, 1), (7, 0)] {
        assert_eq!(store.audit(person(n), 9).await.unwrap().len(), left, "{n}");
    }
}

#[tokio::test]
async fn a_database_that_is_locked_refuses_within_the_deadline_and_heals() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    let path = fresh.home.path().join("test.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    assert_eq!(store.apply(registered(1, 1, 1)).await.unwrap_err(), WriteError::Unavailable);
    assert!(store.ready().await.is_err());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    while store.ready().await.is_err() {}
    assert!(matches!(store.apply(registered(1, 2, 1)).await, Ok(Stored::Applied { .. })));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let fresh = fresh().await;
    let settings = WriterSettings { queue: 1, batch: 1, ..WriterSettings::default() };
    let store = Store::start(fresh.backend.clone(), settings, Clock::system(), Arc::default()).await.unwrap();
    let answers = futures_util::future::join_all((0..50).map(|n| store.apply(registered(n, 1, 1)))).await;
    assert!(answers.iter().any(|answer| matches!(answer, Err(WriteError::QueueFull))));
    assert!(answers.iter().any(|answer| matches!(answer, Ok(Stored::Applied { .. }))));
}

#[tokio::test]
async fn development_does_not_touch_what_production_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let open = |opening| Sqlite::open(&path, opening);
    assert!(matches!(open(Opening::Current(MadeBy::Production)).await, Err(OpenError::Missing(_))));
    open(Opening::Migrate(MadeBy::Development)).await.unwrap().close().await;
    open(Opening::Migrate(MadeBy::Development)).await.unwrap().close().await;
    open(Opening::Current(MadeBy::Production)).await.unwrap().close().await;
    let refused = open(Opening::Migrate(MadeBy::Development)).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotDevelopment(_)), "{refused}");
}

#[tokio::test]
async fn ready_means_that_a_page_was_written() {
    let fresh = fresh().await;
    let store = store_on(fresh.backend.clone()).await;
    let log = fresh.home.path().join("test.db-wal");
    let written = || std::fs::read(&log).unwrap_or_default();
    let before = written();
    store.ready().await.unwrap();
    assert_ne!(written(), before, "a full disk would have shown");
    store.close().await;
    assert!(store.ready().await.is_err(), "nobody is left to write");
}

#[tokio::test]
async fn each_migration_is_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("test.db");
    let open = async |opening| Sqlite::open(&path, opening).await.map(drop);
    contract::each_migration_is_looked_for(async |sql| execute(&home, sql).await, open).await;
}

#[tokio::test]
async fn the_oldest_that_waits_is_found_however_many_wait() {
    let fresh = fresh().await;
    // Such that whoever is due first is not the oldest.
    let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
                INSERT INTO outbox (id, receiver, record, identity, at, body, due_at)
                SELECT randomblob(16), 'crm', n, randomblob(16), (1790000000 + n) * 1000000, '{}', -n FROM n";
    execute(&fresh.home, many).await;
    let count = fresh.backend.outbox_count(&"crm".parse().unwrap()).await.unwrap();
    assert_eq!((count.waiting, count.oldest_waiting_at), (OutboxCount::MOST, Some(at(1))));
}
