//! `cleanup sql`, beside the running service.

use sqlx::Connection as _;

use crate::cli::out;
use crate::database::Database;
use crate::service::{Plan, Service, delivered};
use crate::webhook::{REGISTRATION, registered};

/// Passkeys of our own ceremony: made so many days ago, and what became of them.
const MADE: &str = "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags,
         transports, handle, name, made_at, imported_at, removed_at, absence, absent_since, gone_at)
     SELECT randomblob(16), randomblob(16), randomblob(16), 'asked', x'a0', randomblob(16), 0, 5, '', 'h', 'n',
         (unixepoch() - 86400 * ?1) * 1000000,
         CASE WHEN ?2 <> 'in_vain' THEN (unixepoch() - 86400 * ?1) * 1000000 END,
         CASE WHEN ?2 = 'removed' THEN (unixepoch() - 86400 * ?1) * 1000000 END,
         CASE WHEN ?2 IN ('lost', 'in_doubt') THEN ?2 END,
         CASE WHEN ?2 IN ('lost', 'in_doubt') THEN (unixepoch() - 86400 * ?1) * 1000000 END,
         CASE WHEN ?2 = 'gone' THEN (unixepoch() - 86400 * ?1) * 1000000 END
     FROM json_each('[' || rtrim(replace(hex(zeroblob(?3)), '00', '0,'), ',') || ']')";

#[tokio::test]
async fn passkeys_that_are_of_no_more_use_here_are_forgotten() {
    let service = Service::start();
    let database = Database::of(&service);
    let mut writing = database.writing().await;
    for (days, what, many) in [
        (2, "in_vain", 2500),
        (0, "in_vain", 1),
        (91, "removed", 3),
        (89, "removed", 1),
        (91, "in_doubt", 2),
        (91, "gone", 1),
        (91, "lost", 1),
        (91, "held", 1),
    ] {
        sqlx::query(MADE).bind(days).bind(what).bind(many).execute(&mut writing).await.unwrap();
    }
    writing.close().await.unwrap();
    let told = out(&service.cli(&["cleanup", "sql", "--keep-last", "90d"]));
    assert!(told.contains(", 2506 passkeys of no more use"), "{told}");
    database.until("SELECT count(*) FROM made_passkeys", 4).await;
}

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
