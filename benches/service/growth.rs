//! The same load on a small and on a large PostgreSQL database. `GROWTH` is the number of records of the large one.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor};

use super::cluster::{Cluster, Database};
use super::latency::{at_rate, quantile};
use super::ratio::{Aim, median, ratio};
use super::started::Started;
use super::{CONNECTIONS, hook, load, number, postgres};

const SMALL: u64 = 10_000;
const A_SECOND: u32 = 1000;
/// PostgreSQL writes a page whole the first time it changes after a checkpoint. A large index has many pages, so what is
/// measured before most of them were touched is the checkpoint; it is told apart.
const SETTLED: Duration = Duration::from_secs(60);

pub async fn measure(rounds: u64, time: Duration) {
    let large = number("GROWTH", 10_000_000);
    let mut settings = postgres::SETTINGS.to_vec();
    settings.extend([("checkpoint_timeout", "1h"), ("max_wal_size", "40GB"), ("wal_compression", "on")]);
    let cluster = Cluster::start(&settings);
    let directory = tempfile::tempdir().expect("directory");
    let mut databases = Vec::new();
    for records in [SMALL, large] {
        let database = cluster.database().await;
        drop(Started::service(directory.path(), &database.url, None));
        let begun = Instant::now();
        fill(&database, records).await;
        println!("# {records} records in {:.0} s", begun.elapsed().as_secs_f64());
        databases.push(database);
    }
    let hook = hook();
    let services: Vec<_> =
        databases.iter().map(|database| Started::service(directory.path(), &database.url, None)).collect();
    let [few, many] = services.as_slice() else { panic!("two services") };
    let first = [
        load::run(few.address, &hook, CONNECTIONS, time).await,
        load::run(many.address, &hook, CONNECTIONS, time).await,
    ];
    let first_ratio = first[1] / first[0];
    println!("# right after a checkpoint: {large} ÷ {SMALL} records {first_ratio:.2}");
    load::run(many.address, &hook, CONNECTIONS, SETTLED).await;
    let (mut throughput, mut p99) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        throughput.0.push(load::run(few.address, &hook, CONNECTIONS, time).await);
        throughput.1.push(load::run(many.address, &hook, CONNECTIONS, time).await);
    }
    // What the load left for the disk to do would be measured otherwise.
    let synced = std::process::Command::new("sync").status().expect("sync");
    assert!(synced.success());
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..rounds {
        let p99_of = |service: &Started| {
            quantile(&at_rate(service.address, &hook, A_SECOND, time * 2), 0.99).as_secs_f64() * 1000.0
        };
        p99.0.push(p99_of(few));
        p99.1.push(p99_of(many));
    }
    let aim = || Aim::AtLeast(0.9);
    ratio(&format!("throughput at {large} records ÷ at {SMALL}"), &throughput.1, &throughput.0, aim());
    ratio(&format!("p99 at {SMALL} records ÷ at {large}"), &p99.0, &p99.1, aim());
    println!(
        "of this machine: {:.0} and {:.0} a second, p99 {:.2} and {:.2} ms",
        median(&throughput.0),
        median(&throughput.1),
        median(&p99.0),
        median(&p99.1)
    );
}

/// Registrations as the service writes them, made by the server: the keys are random, and the indexes built at the end.
async fn fill(database: &Database, records: u64) {
    let mut connection = database.connect().await;
    let settings = "SET synchronous_commit = off; SET maintenance_work_mem = '2GB';
        ALTER TABLE records DROP CONSTRAINT records_identity_key;
        ALTER TABLE records DROP CONSTRAINT records_pkey;
        ALTER TABLE events DROP CONSTRAINT events_pkey;
        ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey";
    connection.execute(settings).await.expect("settings");
    let filled = format!(
        r#"INSERT INTO records (identity, version, stage, changed_at, facts)
           SELECT md5('i' || n)::uuid, 1, 'waiting', now(), format('{{"identity":"%s","first_heard_at":"2026-11-22T04:34:48.101032Z","registration":{{"at":"2026-11-22T04:34:48.101032Z","method":"password"}},"schema_id":{{"as_of":"2026-11-22T04:34:48.101032Z","value":"person"}},"state":{{"as_of":"2026-11-22T04:34:48.101032Z","value":"active"}},"identifiers":{{"as_of":"2026-11-22T04:34:48.101032Z","value":[{{"key":"01020304","mac":"%s"}}]}},"passkeys":{{"seen":[]}},"security_keys":{{"seen":[]}}}}', md5('i' || n)::uuid, encode(sha256(n::text::bytea), 'hex'))::jsonb
           FROM generate_series(1, {records}) n;
           INSERT INTO events (id, dedupe, record, at, actor, cause, kind, detail, version, stage_to)
           SELECT md5('e' || id)::uuid, sha256(id::text::bytea), id, now(), 'kratos', 'hook.registration', 'registered',
                  '{{"event":{{"registered":{{"method":"password"}}}}}}'::jsonb, 1, 'waiting' FROM records;
           INSERT INTO identifiers (mac, key, record) SELECT sha256(('m' || id)::bytea), '\x01020304', id FROM records;
           ALTER TABLE records ADD PRIMARY KEY (id);
           ALTER TABLE records ADD CONSTRAINT records_identity_key UNIQUE (identity);
           ALTER TABLE events ADD PRIMARY KEY (record, dedupe);
           ALTER TABLE identifiers ADD PRIMARY KEY (mac, key, record)"#
    );
    connection.execute(AssertSqlSafe(filled)).await.expect("filled");
    connection.execute("VACUUM ANALYZE").await.expect("analysed");
    connection.execute("CHECKPOINT").await.expect("a checkpoint");
}
