//! `quarantine list | show | replay | drop`, beside the running service.

use std::process::Output;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::{err, out};
use crate::database::Database;
use crate::double::{Kratos, Session};
use crate::recordings::hook;
use crate::service::{KEY, Plan, Service, delivered};
use crate::webhook::{REGISTRATION, person, put_aside, registered};

const EVERY_PERSON: &str =
    "CREATE TRIGGER poison BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'poison'); END";

fn verb(service: &Service, arguments: &[&str]) -> Output {
    service.cli(&[&["quarantine"], arguments].concat())
}

fn done(service: &Service, arguments: &[&str]) -> String {
    let output = verb(service, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", err(&output));
    out(&output)
}

/// Exit status 1; what is said on standard error, in one line.
fn refused(service: &Service, arguments: &[&str]) -> String {
    let output = verb(service, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert_eq!(out(&output), "", "{arguments:?}");
    let said = err(&output);
    assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{said}");
    said
}

fn listed(service: &Service, further: &[&str]) -> Vec<Value> {
    let list = done(service, &[&["list", "--format", "json"], further].concat());
    serde_json::from_str(&list).unwrap()
}

fn shown(service: &Service, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(service, &[&["show"], arguments].concat())).unwrap()
}

fn id(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

/// As if a template were served without its type.
async fn as_text(service: &Service, path: &str, body: impl Into<reqwest::Body>) -> String {
    let request = service.post(path).header("X-Onboarding-Key", KEY).header("Content-Type", "text/plain");
    put_aside(delivered(request.body(body)).await).await
}

async fn aside(service: &Service, path: &str, body: impl Into<reqwest::Body>) -> String {
    put_aside(delivered(service.hook(path, body)).await).await
}

/// The whole `ctx` of somebody who is signed in, small enough that its cookie stands in the first 4 KiB; cut behind it.
fn broken_ctx() -> (String, [String; 2]) {
    let recorded = hook("v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json");
    let mut ctx: Value = serde_json::from_str(&recorded.body).unwrap();
    let cookie = ctx["request_cookies"]["ory_kratos_session"].as_str().unwrap().to_owned();
    let email = ctx["identity"]["traits"]["email"].as_str().unwrap().to_owned();
    ctx["flow"] = json!({ "id": ctx["flow"]["id"] });
    ctx["identity"] = json!({ "id": ctx["identity"]["id"], "traits": ctx["identity"]["traits"] });
    let text = ctx.to_string();
    let end = text.find(&cookie).unwrap() + cookie.len() + 10;
    assert!(end < 4096, "the cookie ends at {end}");
    (text[..end].to_owned(), [cookie, email])
}

#[tokio::test]
async fn list_shows_what_there_is_newest_first() {
    let service = Service::start();
    assert_eq!(listed(&service, &[]), Vec::<Value>::new());
    aside(&service, REGISTRATION, "{}").await;
    aside(&service, "/api/kratos/hooks/login/code", "{\"broken").await;
    aside(&service, "/api/kratos/post-registration-webauthn", "").await;

    let list = listed(&service, &[]);
    let told: Vec<_> =
        list.iter().map(|one| ["hook", "reason", "kept"].map(|f| one[f].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ["post-registration-webauthn", "empty", "none"],
            ["login/code", "not_json", "sealed"],
            ["registration/password", "no_identity", "json"],
        ]
    );
    for entry in &list {
        assert!(
            Uuid::parse_str(&id(entry)).is_ok() && entry["at"].as_str().unwrap().ends_with('Z'),
            "{entry}"
        );
        assert_eq!(entry["sha256"].as_str().unwrap().len(), 64, "{entry}");
        assert!(entry.get("body").is_none(), "{entry}");
    }
    assert_eq!(list[1]["size"], 8);

    let table = done(&service, &["list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ID "), "{table}");
    for (line, entry) in lines[1..].iter().zip(&list) {
        assert!(line.starts_with(&id(entry)) && line.contains(entry["hook"].as_str().unwrap()), "{table}");
    }
    let one = |further: &[&str]| listed(&service, further).iter().map(id).collect::<Vec<_>>();
    assert_eq!(one(&["--hook", "login/code"]), [id(&list[1])]);
    assert_eq!(one(&["--reason", "no_identity"]), [id(&list[2])]);
    assert_eq!(one(&["--limit", "2"]), [id(&list[0]), id(&list[1])]);
    assert_eq!(verb(&service, &["list", "--reason", "nonsense"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_broken_body_with_a_session_cookie_is_kept_encrypted() {
    let service = Service::start();
    let (body, secrets) = broken_ctx();
    assert_eq!(aside(&service, "/api/kratos/hooks/settings/passkey", body.clone()).await, "not_json");
    let rows = Database::of(&service).put_aside().await;
    assert_eq!(rows.len(), 1);
    let id = rows[0].id.to_string();

    let closed = shown(&service, &[&id]);
    assert_eq!((&closed["kept"], &closed["reason"]), (&json!("sealed"), &json!("not_json")));
    assert!(closed["body"].as_str().unwrap().contains("--unseal"), "{closed}");
    let said =
        [closed.to_string(), done(&service, &["list"]), listed(&service, &[])[0].to_string(), service.log()];
    let database = Database::of(&service);
    for secret in &secrets {
        assert!(!database.holds(secret.as_bytes()), "{secret} is in the database");
        for said in &said {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
    let opened = shown(&service, &[&id, "--unseal"]);
    assert_eq!(opened["body"], json!(body));

    let rotated = |keys: &str| {
        let plan = Plan::new().with("SECRETS__PII", keys);
        plan.command(service.directory(), &["quarantine", "show", &id, "--unseal"]).output().unwrap()
    };
    let (old, new) = (format!("{}=", "A".repeat(43)), format!("{}=", "B".repeat(42) + "A"));
    assert!(out(&rotated(&format!("{new},{old}"))).contains(&secrets[0]), "an older key still opens it");
    let lost = rotated(&new);
    assert_eq!((lost.status.code(), out(&lost)), (Some(1), String::new()));
    assert!(err(&lost).contains("none of the keys in secrets.pii sealed it"), "{}", err(&lost));
}

#[tokio::test]
async fn json_is_kept_by_allow_list() {
    let service = Service::start();
    let recorded = hook("v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json");
    assert_eq!(as_text(&service, &recorded.path(), recorded.body.clone()).await, "content_type");
    let sent: Value = serde_json::from_str(&recorded.body).unwrap();
    let kept = shown(&service, &[&id(&listed(&service, &[])[0])]);
    assert_eq!(kept["kept"], "json");
    let body = &kept["body"];
    assert_eq!(body["identity"]["id"], sent["identity"]["id"]);
    assert_eq!((&body["flow"]["id"], &body["flow"]["type"]), (&sent["flow"]["id"], &json!("browser")));
    assert_eq!(body["passkeys"].as_array().unwrap().len(), 1, "{body}");

    let database = Database::of(&service);
    for secret in [
        &sent["request_cookies"]["ory_kratos_session"],
        &sent["identity"]["traits"]["email"],
        &sent["session"]["id"],
        &sent["request_headers"]["User-Agent"][0],
    ] {
        let secret = secret.as_str().unwrap();
        assert!(!kept.to_string().contains(secret), "{secret} in {kept}");
        assert!(!database.holds(secret.as_bytes()), "{secret} is in the database");
    }
    // People put an address where an id belongs.
    aside(
        &service,
        REGISTRATION,
        json!({ "user_id": "ada@example.org", "traits": { "phone": "+4915" } }).to_string(),
    )
    .await;
    assert!(!database.holds(b"ada@example.org") && !database.holds(b"+4915"));
}

#[tokio::test]
async fn what_is_understood_now_is_replayed_and_leaves() {
    let kratos = Kratos::start().await;
    let service = kratos.plan_without_admin().start();
    let database = Database::of(&service);
    assert_eq!(
        as_text(&service, "/api/kratos/hooks/registration/passkey", registered(1)).await,
        "content_type"
    );
    assert_eq!(database.records().await, 0);

    let entry = id(&listed(&service, &[])[0]);
    assert!(done(&service, &["replay", &entry]).contains("1 understood and stored, 0 left"));
    assert!(database.put_aside().await.is_empty());
    assert_eq!(database.events().await, 1);
    let session = Session::fresh().of(&person(1));
    kratos.signed_in(&session);
    let answer = service.get("/api/onboarding").header("cookie", session.cookies()).send().await.unwrap();
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document["decision"], "done", "the running service sees it: {document}");
    assert!(refused(&service, &["replay", &entry]).contains("there is no"), "it is gone");
}

#[tokio::test]
async fn what_the_database_refused_is_replayed_whole_once_it_takes_it() {
    let service = Service::start();
    let database = Database::of(&service);
    let recorded = hook("v26.2.0/hooks/registration-passkey.ctx.json");
    let person = recorded.identity();
    let elsewhere = Service::start();
    assert_eq!(elsewhere.send(&recorded).await.status(), 204);
    let mut expected = Database::of(&elsewhere).record(&person).await.unwrap();

    database.execute(EVERY_PERSON).await;
    assert_eq!(put_aside(service.send(&recorded).await).await, "poison");
    assert_eq!(put_aside(service.send(&recorded).await).await, "poison", "a retry fares no better");
    let list = listed(&service, &[]);
    assert_eq!(list.len(), 1, "{list:?}");
    let entry = id(&list[0]);
    assert!(refused(&service, &["replay", &entry]).contains("stays in quarantine"));
    assert_eq!(database.put_aside().await.len(), 1, "it stays");

    database.execute("DROP TRIGGER poison").await;
    assert!(done(&service, &["replay", &entry]).contains("1 understood and stored"));
    assert!(database.put_aside().await.is_empty());
    let mut record = database.record(&person).await.unwrap();
    // When each service heard of it.
    for heard in [&mut expected, &mut record] {
        assert!(heard["first_heard_at"].is_string() && heard["registration"]["at"].is_string(), "{heard}");
        heard["first_heard_at"] = Value::Null;
        heard["registration"]["at"] = Value::Null;
    }
    assert_eq!(record, expected, "as if nothing had been");
    assert_eq!(service.send(&recorded).await.status(), 204);
    assert_eq!(database.events().await, 1, "the late retry is known");
}

#[tokio::test]
async fn replay_of_all_takes_what_it_can_and_says_what_stays() {
    let service = Service::start();
    let database = Database::of(&service);
    as_text(&service, REGISTRATION, registered(1)).await;
    aside(&service, REGISTRATION, "{}").await;
    aside(&service, REGISTRATION, "").await;
    aside(&service, REGISTRATION, "{".repeat(5000)).await;
    as_text(&service, REGISTRATION, registered(2)).await;
    let said = done(&service, &["replay", "--all"]);
    assert!(said.contains("2 understood and stored, 3 left in quarantine"), "{said}");
    for why in
        ["The body holds no identity id", "only its time and hash are left", "only its first 4096 bytes"]
    {
        assert!(said.contains(why), "{said}");
    }
    let mut left: Vec<_> = database.put_aside().await.into_iter().map(|row| row.reason).collect();
    left.sort();
    assert_eq!(left, ["empty", "no_identity", "not_json"]);
    assert_eq!((database.records().await, database.events().await), (2, 2));
}

#[tokio::test]
async fn drop_forgets_one_or_all() {
    let service = Service::start();
    for body in ["{}", "[]", "7"] {
        aside(&service, REGISTRATION, body).await;
    }
    let list = listed(&service, &[]);
    assert!(done(&service, &["drop", &id(&list[1])]).contains("1 dropped"));
    assert_eq!(listed(&service, &[]), [list[0].clone(), list[2].clone()]);
    assert!(done(&service, &["drop", "--all"]).contains("2 dropped"));
    assert!(Database::of(&service).put_aside().await.is_empty());
}

#[tokio::test]
async fn an_id_that_is_not_there_is_said_so() {
    let service = Service::start();
    aside(&service, REGISTRATION, "{}").await;
    let nowhere = Uuid::from_u128(7).to_string();
    for action in ["show", "replay", "drop"] {
        let said = refused(&service, &[action, &nowhere]);
        assert_eq!(said.trim_end(), format!("error: there is no {nowhere} in quarantine"));
        let output = verb(&service, &[action, "not-an-id"]);
        assert_eq!(output.status.code(), Some(2), "{action}");
    }
    assert_eq!(Database::of(&service).put_aside().await.len(), 1);
}

#[tokio::test]
async fn of_each_hook_and_reason_the_newest_100_bodies_are_kept() {
    let service = Service::start();
    for n in 0..105 {
        aside(&service, REGISTRATION, json!({ "flow": { "id": person(n) } }).to_string()).await;
    }
    aside(&service, "/api/kratos/hooks/login/code", "{}").await;
    aside(&service, REGISTRATION, "{\"broken").await;

    let rows = Database::of(&service).put_aside().await;
    let of_one = rows.iter().filter(|row| row.hook == "registration/password" && row.reason == "no_identity");
    let bodies: Vec<_> = of_one.map(|row| (row.kept.as_str(), row.body.is_some())).collect();
    assert_eq!(bodies.len(), 105, "time and hash stay");
    assert_eq!(bodies[..5], [("none", false); 5]);
    assert_eq!(bodies[5..], [("json", true); 100]);
    assert_eq!(rows.iter().filter(|row| row.body.is_some()).count(), 102, "others have their own bounds");
    let oldest = shown(&service, &[&rows[0].id.to_string()]);
    assert_eq!((&oldest["kept"], &oldest["body"]), (&json!("none"), &Value::Null));
    assert_eq!(listed(&service, &["--limit", "1000"]).len(), 107);
}
