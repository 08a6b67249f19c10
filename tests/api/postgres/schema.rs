//! Reaching a server, and bringing its schema up.

use std::process::Stdio;

use serde_json::Value;
use sqlx::Row;
use sqlx::types::Json;

use super::{call, on};
use crate::cli::{err, out};
use crate::cluster::Database;
use crate::recordings;
use crate::service::{Plan, Service};

#[tokio::test]
async fn a_schema_that_is_behind_is_refused_with_what_brings_it_up() {
    let database = Database::new().await;
    let refused = call(&database, &["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("is behind (it lacks migrations 1, 2, "), "{}", err(&refused));
    assert!(err(&refused).trim_end().ends_with("kratos-onboarding migrate sql"), "{}", err(&refused));
    let made = call(&database, &["migrate", "sql"]);
    assert!(made.status.success(), "{}", err(&made));
    let again = call(&database, &["migrate", "sql"]);
    assert!(out(&again).contains("is up to date"), "{} {}", out(&again), err(&again));
}

#[tokio::test]
async fn several_instances_may_bring_it_up_at_once() {
    let database = Database::new().await;
    let plan = on(&database);
    let migrating: Vec<_> = (0..6)
        .map(|_| {
            let mut command = plan.command(std::path::Path::new("."), &["migrate", "sql"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for migrated in migrating {
        let migrated = migrated.wait_with_output().unwrap();
        assert!(migrated.status.success(), "{}", err(&migrated));
    }
    on(&database).start_as_it_is();
}

#[tokio::test]
async fn development_mode_brings_it_up_by_itself_and_leaves_production_alone() {
    let database = Database::new().await;
    let directory = tempfile::tempdir().unwrap();
    let dev = |arguments: &[&str]| {
        let ports =
            [("SERVE__PUBLIC__PORT", "0"), ("SERVE__ADMIN__PORT", "0"), ("DSN", database.url.as_str())];
        crate::cli::command(directory.path(), arguments, &ports)
    };
    let started = crate::cli::Dev::run(dev(&["serve", "--dev"]));
    assert_eq!(started.after("database     "), shown(&database));
    drop(started);
    assert!(directory.path().join("kratos-onboarding.dev-keys.json").exists());
    let made = call(&database, &["migrate", "sql"]);
    assert!(made.status.success(), "{}", err(&made));
    let refused = dev(&["serve", "--dev"]).output().unwrap();
    assert!(err(&refused).contains("was made outside development mode"), "{}", err(&refused));
}

/// As messages name it.
fn shown(database: &Database) -> String {
    let url = url::Url::parse(&database.url).unwrap();
    let socket = url.query_pairs().find(|(name, _)| name == "host").map(|(_, host)| host.into_owned());
    let host = socket.or(url.host_str().map(str::to_owned)).unwrap_or_default();
    let port = url.query_pairs().find(|(name, _)| name == "port").map(|(_, port)| port.into_owned());
    let port = port.or(url.port().map(|port| port.to_string()));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{host}{port}/{}", database.name())
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_the_password() {
    let database = Database::new().await;
    let mut wrong = url::Url::parse(&database.url).unwrap();
    wrong.set_path("nobody_made_this");
    wrong.query_pairs_mut().append_pair("password", "not-for-the-log");
    let refused =
        Plan::new().with("DSN", wrong).command(std::path::Path::new("."), &["serve"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = err(&refused);
    assert!(text.contains("nobody_made_this cannot be opened"), "{text}");
    assert!(text.contains("does not exist") && !text.contains("not-for-the-log"), "{text}");
}

#[tokio::test]
async fn what_is_recorded_of_a_real_kratos_is_kept_as_on_sqlite() {
    let database = Database::new().await;
    let (here, there) = (on(&database).start(), Service::start());
    for hook in recordings::hooks() {
        let (one, other) = (here.send(&hook).await, there.send(&hook).await);
        assert_eq!(one.status(), other.status(), "{}", hook.path());
    }
    let mut connection = database.connect().await;
    let rows = sqlx::query(
        "SELECT replace(identity::text, '-', '') AS identity, version, stage, facts FROM records",
    );
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    let mut kept: Vec<_> = rows
        .iter()
        .map(|row| {
            let Json(facts) = row.get::<Json<Value>, _>("facts");
            (row.get::<String, _>("identity"), row.get::<i64, _>("version"), row.get("stage"), undated(facts))
        })
        .collect();
    kept.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let expected: Vec<_> = crate::database::Database::of(&there)
        .facts()
        .await
        .into_iter()
        .map(|(identity, version, stage, facts)| (identity, version, stage, undated(facts)))
        .collect();
    assert!(expected.len() > 10);
    assert_eq!(kept, expected);
}

/// Without the times of hearing.
fn undated(mut facts: Value) -> Value {
    facts.as_object_mut().unwrap().remove("first_heard_at");
    facts
}

#[tokio::test]
async fn what_is_not_understood_can_be_looked_at_replayed_and_forgotten() {
    let database = Database::new().await;
    let service = on(&database).start();
    let broken = service.hook("/api/kratos/hooks/registration/password", "{\"broken").send().await.unwrap();
    assert_eq!(broken.status(), 202);
    let list = || -> Vec<Value> {
        serde_json::from_slice(&call(&database, &["quarantine", "list", "--format", "json"]).stdout).unwrap()
    };
    assert_eq!(list().len(), 1);
    assert_eq!(list()[0]["reason"], "not_json");
    let stays = call(&database, &["quarantine", "replay", "--all"]);
    assert!(out(&stays).contains("0 understood and stored, 1 left"), "{}", err(&stays));
    let dropped = call(&database, &["quarantine", "drop", "--all"]);
    assert!(out(&dropped).contains("1 dropped"), "{}", err(&dropped));
    assert!(list().is_empty());
}
