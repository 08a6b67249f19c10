//! `cleanup sql`, beside the running service.

use sqlx::Connection as _;

use crate::cli::out;
use crate::database::Database;
use crate::service::{Plan, Service, delivered};
use crate::webhook::{REGISTRATION, registered};

/// Enough that hooks meet many of its transactions.
const OLD: &str = "INSERT INTO events (id, dedupe, record, at, actor, cause, kind, detail, instance)
     SELECT randomblob(16), randomblob(32), 1, 0, 'kratos', 'hook.login', 'signed_in', hex(randomblob(200)), 1
     FROM json_each('[' || rtrim(replace(hex(zeroblob(?1)), '00', '0,'), ',') || ']')";
const MANY: u32 = 200_000;

#[tokio::test]
async fn hooks_are_answered_while_it_runs() {
    let service = Service::start();
    assert_eq!(delivered(service.hook(REGISTRATION, registered(0))).await.status(), 204);
    let database = Database::of(&service);
    let mut writing = database.writing().await;
    sqlx::query(OLD).bind(MANY).execute(&mut writing).await.unwrap();
    writing.close().await.unwrap();
    let sql = ["cleanup", "sql", "--keep-last", "90d"];
    let mut cleanup = Plan::new().command(service.directory(), &sql);
    let mut running = cleanup.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut answered = 0;
    while running.try_wait().unwrap().is_none() {
        answered += 1;
        let hook = service.hook(REGISTRATION, registered(answered)).send().await.unwrap();
        assert_eq!(hook.status(), 204, "the {answered}th");
    }
    assert!(answered > 5, "only {answered} beside it");
    let told = out(&running.wait_with_output().unwrap());
    assert!(told.contains(&format!(" {MANY} events")), "{told}");
    assert_eq!(database.events().await, i64::from(answered) + 1);
}
