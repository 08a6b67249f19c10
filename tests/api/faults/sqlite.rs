//! A disk that is full, and a file that may only be read.

use std::collections::HashSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use sqlx::{Connection, Row, SqliteConnection};
use uuid::Uuid;

use super::Load;
use crate::service::{Plan, Service};

async fn nothing_is_lost(load: Load) {
    let (acknowledged, service) = load.stopped().await;
    let file = service.directory().join("test.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query("SELECT r.identity FROM records r JOIN events e ON e.record = r.id");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    let stored: HashSet<Uuid> = rows.iter().map(|row| Uuid::from_slice(row.get(0)).unwrap()).collect();
    assert_eq!(stored.len(), rows.len(), "nobody twice");
    let lost = acknowledged.difference(&stored).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
}

/// No file of the service may grow beyond so many bytes; to a program that is as if the disk were full.
fn largest_file(service: &Service, size: &str) {
    let limit = format!("--fsize={size}:unlimited");
    let set = Command::new("prlimit").args(["--pid", &service.pid().to_string(), &limit]).status().unwrap();
    assert!(set.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_and_has_room_again() {
    // The limit's signal would end the process before it hears of the error.
    let load = Load::on(Plan::new().under(&["env", "--ignore-signal=XFSZ"]).start());
    load.is_taken().await;
    largest_file(&load.service, "4096");
    load.is_refused().await;
    largest_file(&load.service, "unlimited");
    load.is_healed().await;
    nothing_is_lost(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_only_be_read_and_may_be_written_again() {
    let before = Load::on(Service::start());
    before.is_taken().await;
    let (_, service) = before.stopped().await;
    service.signal("TERM");
    let (_, directory, _) = service.ended();
    let path = directory.path().to_owned();
    // SQLite gives the companions of a file (`-wal`, `-shm`) its mode.
    let mode = |mode| {
        let files = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|file| file.to_str().unwrap().contains("test.db")) {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o400);
    // Root may write anything, unless that is taken away.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let plan = Plan::new().on(directory);
    let plan = if is_root {
        plan.under(&["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"])
    } else {
        plan
    };
    let load = Load::on(plan.start_as_it_is());
    load.is_refused().await;
    mode(0o600);
    load.is_healed().await;
    nothing_is_lost(load).await;
}
