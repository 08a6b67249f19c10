//! A server that stops, hangs, is restarted, refuses connections or writes, and a table that somebody locks.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Row};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use uuid::Uuid;

use super::{CROWD, Load, TWICE};
use crate::cluster::{Cluster, Database};
use crate::double::{Kratos, Session};
use crate::page::{document, verdict};
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

/// Between the service and the server. Frozen, what goes through it stands still, and nobody is told.
struct Proxy {
    port: u16,
    epoch: watch::Sender<u64>,
}

impl Proxy {
    async fn to(socket: PathBuf) -> Arc<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), epoch: watch::Sender::new(0) };
        let (proxy, accepting) = (Arc::new(proxy), listener);
        let of_epoch = proxy.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = accepting.accept().await {
                let (mut epoch, mut server) =
                    (of_epoch.epoch.subscribe(), UnixStream::connect(&socket).await.unwrap());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = epoch.changed() => {
                            // Open on both sides, and silent, for as long as the test runs.
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        proxy
    }

    /// All connections that are open now.
    fn freeze(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_are_given_up_and_made_anew() {
    let house = House::new(&[]).await;
    let proxy = Proxy::to(house.cluster.socket()).await;
    let (kratos, person) = (Kratos::start().await, Session::fresh());
    kratos.signed_in(&person);
    let dsn = format!(
        "postgres://postgres@127.0.0.1:{}/{}?sslmode=disable&max_conns=4",
        proxy.port,
        house.database.name()
    );
    let load = Load::on(kratos.plan_without_admin().with("DSN", dsn).start());
    let asks = || load.service.get("/api/onboarding").header("Cookie", person.cookies());
    load.is_taken().await;
    for _ in 0..3 {
        proxy.freeze();
        load.is_healed().await;
        // With one connection that reads, a page is answered from the database again.
        let deadline = Instant::now() + Duration::from_secs(20);
        while document(asks().send().await.unwrap()).await["recorded"] != true {
            assert!(Instant::now() < deadline, "nothing is read\n{}", load.service.log());
        }
    }
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_it_can_take_costs_no_more_memory() {
    let house = House::new(&[]).await;
    let load = Load::of(CROWD, house.service());
    load.is_taken().await;
    house.signal("STOP");
    load.is_refused_times(TWICE).await;
    house.signal("CONT");
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
async fn a_standby_that_does_not_answer_does_not_use_up_the_connections() {
    let house = House::new(&[]).await;
    let load = house.load().await;
    let mut admin = house.database.connect().await;
    let set = async |admin: &mut PgConnection, sql: &'static str| {
        sqlx::raw_sql(sql).execute(&mut *admin).await.unwrap();
        sqlx::raw_sql("SELECT pg_reload_conf()").execute(admin).await.unwrap();
    };
    // Every commit waits for it, and no time limit of a statement ends that.
    set(&mut admin, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
    for _ in 0..8 {
        load.is_refused().await;
        let sessions = ours(&mut admin).await;
        assert!(sessions <= 8, "{sessions} sessions");
    }
    set(&mut admin, "ALTER SYSTEM RESET synchronous_standby_names").await;
    load.is_healed().await;
    admin.close().await.unwrap();
    house.nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_locks_holds_every_connection() {
    let house = House::new(&[]).await;
    let (kratos, person) = (Kratos::start().await, Session::fresh());
    kratos.signed_in(&person);
    let load = Load::on(kratos.plan_without_admin().with("DSN", &house.database.url).start());
    load.is_taken().await;
    let page = async || {
        let asked = Instant::now();
        let asks = load.service.get("/api/onboarding").header("Cookie", person.cookies());
        let answer = document(asks.send().await.unwrap()).await;
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        answer
    };
    assert_eq!(page().await["recorded"], true);
    let mut somebody = house.database.connect().await;
    // `meta` too, as somebody does who rewrites all tables: readiness writes there.
    let lock = "BEGIN; LOCK TABLE records, events, meta, commits IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut somebody).await.unwrap();
    load.is_refused().await;
    // More pages than connections, each of a person who may have said "never": nothing is offered.
    for answer in futures_util::future::join_all((0..12).map(|_| page())).await {
        assert_ne!(verdict(&answer).0, "offer");
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    load.is_healed().await;
    house.nothing_is_lost(load).await;
}
