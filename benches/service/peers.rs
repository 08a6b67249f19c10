//! The same registrations at what a competent engineer would write by hand: Fastify with better-sqlite3, and with pg.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::cluster::Cluster;
use super::durable::{is_durable, without_fsync};
use super::load;
use super::ratio::{Aim, median, ratio};
use super::started::Started;
use super::{CONNECTIONS, KEY, PII, hook, postgres};

pub async fn measure(rounds: u64, time: Duration) {
    let installed = Command::new(folder().join("install")).status().expect("benches/peers/install");
    assert!(installed.success(), "benches/peers/install");
    let directory = tempfile::tempdir().expect("directory");
    durability_is_noticed(directory.path()).await;
    on_sqlite(directory.path(), rounds, time).await;
    on_postgres(directory.path(), rounds, time).await;
}

async fn on_sqlite(directory: &Path, rounds: u64, time: Duration) {
    let file = directory.join("service.db");
    let service = Started::service(directory, &format!("sqlite://{}", file.display()), None);
    let peer = peer("fastify-sqlite", &directory.join("peer.db").display().to_string(), &[]);
    let counts =
        compare("SQLite: durable ÷ Fastify + better-sqlite3", 10.0, &service, &peer, rounds, time).await;
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.expect("open");
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM records").fetch_one(&mut connection).await.expect("count");
    counts.hold(u64::try_from(stored).expect("a count"), &peer).await;
}

async fn on_postgres(directory: &Path, rounds: u64, time: Duration) {
    let cluster = Cluster::start(postgres::SETTINGS);
    let (ours, theirs) = (cluster.database().await, cluster.database().await);
    let service = Started::service(directory, &ours.url, None);
    let peer = peer("fastify-pg", &theirs.url, &[]);
    let counts = compare("PostgreSQL: durable ÷ Fastify + pg", 4.0, &service, &peer, rounds, time).await;
    let mut connection = PgConnection::connect(&ours.url).await.expect("open");
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM records").fetch_one(&mut connection).await.expect("count");
    counts.hold(u64::try_from(stored).expect("a count"), &peer).await;
}

/// Requests acknowledged.
struct Counts {
    service: u64,
    peer: u64,
}

impl Counts {
    /// Nobody said 204 to what is not there.
    async fn hold(&self, stored: u64, peer: &Started) {
        let count: serde_json::Value = reqwest::get(format!("http://{}/count", peer.address))
            .await
            .expect("count")
            .json()
            .await
            .expect("count");
        let peer_stored = count["records"].as_u64().expect("a count");
        println!(
            "# stored and acknowledged: service {stored} ≥ {}, peer {peer_stored} ≥ {}",
            self.service, self.peer
        );
        assert!(stored >= self.service && peer_stored >= self.peer, "acknowledged, and not stored");
    }
}

async fn compare(
    what: &str,
    aim: f64,
    service: &Started,
    peer: &Started,
    rounds: u64,
    time: Duration,
) -> Counts {
    let hook = hook();
    let mut counts = Counts { service: 0, peer: 0 };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let one = load::answered(service.address, &hook, CONNECTIONS, time).await;
        let other = load::answered(peer.address, &hook, CONNECTIONS, time).await;
        counts.service += one.requests;
        counts.peer += other.requests;
        // The first round warms up.
        if round > 0 {
            ours.push(one.per_second);
            theirs.push(other.per_second);
        }
    }
    ratio(what, &ours, &theirs, Aim::AtLeast(aim));
    println!("per second, medians of this machine: {:.0} and {:.0}", median(&ours), median(&theirs));
    counts
}

/// Every server that is compared makes durable what it acknowledges, and one that does not is found out.
async fn durability_is_noticed(directory: &Path) {
    let hook = hook();
    let sqlite = |name: &str| format!("sqlite://{}", directory.join(name).display());
    let service = Started::service(directory, &sqlite("durable.db"), None);
    assert!(is_durable(|| vec![service.pid()], service.address, &hook).await, "the service on SQLite");
    let library = without_fsync(directory);
    let careless =
        Started::service_with(directory, &sqlite("careless.db"), None, &[("LD_PRELOAD", &library)]);
    assert!(
        !is_durable(|| vec![careless.pid()], careless.address, &hook).await,
        "a build without fsync passed"
    );

    let file = |name: &str| directory.join(name).display().to_string();
    let fastify = peer("fastify-sqlite", &file("peer-durable.db"), &[]);
    assert!(is_durable(|| vec![fastify.pid()], fastify.address, &hook).await, "Fastify + better-sqlite3");
    let careless = peer("fastify-sqlite", &file("peer-careless.db"), &[("PEER_SYNCHRONOUS", "OFF")]);
    assert!(!is_durable(|| vec![careless.pid()], careless.address, &hook).await, "synchronous=OFF passed");

    for (settings, durable) in [(postgres::SETTINGS, true), (&[("fsync", "off")][..], false)] {
        let cluster = Cluster::start(settings);
        let (ours, theirs) = (cluster.database().await, cluster.database().await);
        let service = Started::service(directory, &ours.url, None);
        assert_eq!(is_durable(|| cluster.processes(), service.address, &hook).await, durable, "the service");
        let fastify = peer("fastify-pg", &theirs.url, &[]);
        assert_eq!(is_durable(|| cluster.processes(), fastify.address, &hook).await, durable, "Fastify + pg");
    }
}

fn peer(name: &str, database: &str, more: &[(&str, &str)]) -> Started {
    let mut command = Command::new("node");
    command.arg("server.mjs").current_dir(folder().join(name));
    command.env("NODE_ENV", "production").env("PEER_KEY", KEY).env("PEER_PII", PII);
    command.env("PEER_DATABASE", database).envs(more.iter().copied());
    Started::listening(&mut command, "listening ")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}
