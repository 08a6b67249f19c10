//! Registrations on PostgreSQL, against pgbench running the same statements on the same server.

use std::process::Command;
use std::time::Duration;

use super::cluster::{Cluster, Database};
use super::load;
use super::ratio::{Aim, median, ratio};
use super::started::Started;

/// As a server of this size is set up; what makes a commit durable is left as it is.
pub const SETTINGS: &[(&str, &str)] =
    &[("max_connections", "200"), ("shared_buffers", "1GB"), ("max_wal_size", "8GB")];

pub async fn measure(rounds: u64, time: Duration) {
    let cluster = Cluster::start(SETTINGS);
    let directory = tempfile::tempdir().expect("directory");
    let (told, quiet, raw) = (cluster.database().await, cluster.database().await, cluster.database().await);
    let hook = super::hook();
    let service = Started::service(directory.path(), &told.url, None);
    let silent = Started::service(directory.path(), &format!("{}&notify=off", quiet.url), None);
    // For the tables only.
    drop(Started::service(directory.path(), &raw.url, None));
    let (mut stored, mut unhinted) = (Vec::new(), Vec::new());
    let (mut one, mut bound) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let s = load::run(service.address, &hook, super::CONNECTIONS, time).await;
        let u = load::run(silent.address, &hook, super::CONNECTIONS, time).await;
        let o = pgbench(&cluster, &raw, super::CONNECTIONS, 1, time);
        let b = pgbench(&cluster, &raw, 1, 128, time);
        // The first round warms up.
        if round > 0 {
            stored.push(s);
            unhinted.push(u);
            one.push(o);
            bound.push(b);
        }
    }
    ratio("PostgreSQL: durable ÷ pgbench, one row each", &stored, &one, Aim::AtLeast(2.5));
    ratio("PostgreSQL: durable ÷ pgbench, 128 rows each", &stored, &bound, Aim::AtLeast(0.75));
    ratio("PostgreSQL: with notifications ÷ without", &stored, &unhinted, Aim::AtLeast(0.9));
    println!(
        "per second, medians of this machine: PostgreSQL durable {:.0}, without notifications {:.0}, pgbench {:.0}, by 128 {:.0}",
        median(&stored),
        median(&unhinted),
        median(&one),
        median(&bound)
    );
}

/// Rows committed per second.
fn pgbench(cluster: &Cluster, database: &Database, clients: usize, rows: usize, time: Duration) -> f64 {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pgbench/registration.sql");
    let output = Command::new(cluster.binary("pgbench"))
        .args(["-n", "-M", "prepared", "-U", "postgres", "-f", script])
        .arg("-h")
        .arg(cluster.directory())
        .args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()])
        .args(["-T", &time.as_secs().max(1).to_string(), "-D", &format!("rows={rows}")])
        .arg(database.name())
        .output()
        .expect("pgbench");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let tps =
        text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    tps.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))) * rows as f64
}
