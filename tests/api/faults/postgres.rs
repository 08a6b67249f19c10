//! A server that stops, hangs, is restarted, refuses connections or writes, and a table that somebody locks.

use std::collections::HashSet;

use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::Load;
use crate::cluster::{Cluster, Database};
use crate::service::{Plan, Service};

/// A server of this test alone, as durable as PostgreSQL makes it.
struct House {
    database: Database,
    cluster: Cluster,
}

impl House {
    async fn new(settings: &[(&str, &str)]) -> House {
        let cluster = Cluster::start(settings);
        House { database: cluster.database().await, cluster }
    }

    fn service(&self) -> Service {
        Plan::new().with("DSN", &self.database.url).start()
    }

    async fn load(&self) -> Load {
        let load = Load::on(self.service());
        load.is_taken().await;
        load
    }

    /// To the server and every process of it.
    fn signal(&self, name: &str) {
        let pids = self.cluster.processes().into_iter().map(|pid| pid.to_string());
        let sent = std::process::Command::new("kill").arg(format!("-{name}")).args(pids).status().unwrap();
        assert!(sent.success());
    }

    /// Ends the load: each that was acknowledged is there, and nobody twice.
    async fn nothing_is_lost(self, load: Load) {
        let (acknowledged, service) = load.stopped().await;
        drop(service);
        let mut connection = self.database.connect().await;
        let rows = sqlx::query(
            "SELECT r.identity, r.version, count(*) AS events FROM records r JOIN events e ON e.record = r.id
             GROUP BY r.identity, r.version",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for row in &rows {
            assert_eq!((row.get::<i64, _>("version"), row.get::<i64, _>("events")), (1, 1));
        }
        let stored: HashSet<Uuid> = rows.iter().map(|row| row.get("identity")).collect();
        let lost = acknowledged.difference(&stored).count();
        assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
        connection.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_at_once_and_started_again() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    house.cluster.control(&["stop", "-m", "immediate"]);
    load.is_refused().await;
    house.cluster.control(&["start"]);
    load.is_healed().await;
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_for_longer_than_anybody_waits() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    house.signal("STOP");
    load.is_refused().await;
    load.is_refused().await;
    house.signal("CONT");
    load.is_healed().await;
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_again_and_again() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    for mode in ["fast", "immediate", "fast"] {
        house.cluster.control(&["restart", "-m", mode]);
        load.is_healed().await;
    }
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_no_connection_left() {
    let house = House::new(&[("max_connections", "16"), ("superuser_reserved_connections", "0")]).await;
    let load = house.load().await;
    let mut crowd = vec![house.database.connect().await];
    // Of the service's connections none is left, and strangers take every place.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'kratos-onboarding'";
    loop {
        sqlx::query(end).execute(&mut crowd[0]).await.unwrap();
        match PgConnection::connect(&house.database.url).await {
            Ok(connection) => crowd.push(connection),
            Err(_) if ours(&mut crowd[0]).await == 0 => break,
            Err(_) => {}
        }
    }
    load.is_refused().await;
    for connection in crowd {
        connection.close().await.unwrap();
    }
    load.is_healed().await;
    house.nothing_is_lost(load).await;
}

async fn ours(connection: &mut PgConnection) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kratos-onboarding'";
    sqlx::query_scalar(count).fetch_one(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_a_standby() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    let name = house.database.name();
    let mut admin = house.database.connect().await;
    let read_only = async |admin: &mut PgConnection, setting: &str| {
        let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {setting}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *admin).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kratos-onboarding'";
        sqlx::query(end).execute(admin).await.unwrap();
    };
    read_only(&mut admin, "on").await;
    load.is_refused().await;
    read_only(&mut admin, "off").await;
    load.is_healed().await;
    admin.close().await.unwrap();
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_locks_holds_every_connection() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    let mut somebody = house.database.connect().await;
    // `meta` too, as somebody does who rewrites all tables: readiness writes there.
    let lock = "BEGIN; LOCK TABLE records, events, meta, commits IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut somebody).await.unwrap();
    load.is_refused().await;
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    load.is_healed().await;
    house.nothing_is_lost(load).await;
}
