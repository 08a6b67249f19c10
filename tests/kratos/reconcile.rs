//! What no hook tells of, found by asking a real Kratos; and passkeys taken away there.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster;
use crate::person::Person;
use crate::world::{self, Setup, World};

/// A passkey made elsewhere: what a patch takes.
fn key(nth: u8) -> Value {
    let id = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 32]);
    json!({
        "id": id,
        "public_key": "pQECAyYgASFYIHNjXsznDmx/Mmek402wk471JqUPa+GKTTbqYmAcifUcIlggWRD4TzP332KyNNyedIRJ7Pzq1fNnyBrLxlgIw4Sle7c=",
        "attestation_type": "none",
        "display_name": format!("key {nth}"),
        "added_at": "2026-11-22T05:15:53.225Z",
        "is_passwordless": true,
        "authenticator": { "aaguid": "AQIDBAUGBwgBAgMEBQYHCA==", "sign_count": 1, "clone_warning": false },
        "flags": { "user_present": true, "user_verified": true, "backup_eligible": false, "backup_state": false },
    })
}

pub async fn admin(world: &World, method: Method, path: &str, body: Option<Value>) -> Value {
    let mut request = world.http.request(method, world.kratos_admin(path));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Made by an administrator, with a password and so many passkeys and security keys: no hook fires.
pub async fn made(world: &World, email: &str, passkeys: u8, security_keys: u8) -> String {
    let body = json!({
        "schema_id": "person",
        "traits": { "email": email },
        "credentials": { "password": { "config": { "password": Person::PASSWORD } } },
        "metadata_public": { "plan": "gold" },
        "metadata_admin": { "note": "vip" },
    });
    let made = admin(world, Method::POST, "/admin/identities", Some(body)).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let handle = id.replace('-', "").repeat(2);
    let mut patch = Vec::new();
    if passkeys > 0 {
        let user_handle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &handle);
        let config =
            json!({ "user_handle": user_handle, "credentials": (1..=passkeys).map(key).collect::<Vec<_>>() });
        let passkey = json!({ "type": "passkey", "identifiers": [handle], "version": 1, "config": config });
        patch.push(json!({ "op": "add", "path": "/credentials/passkey", "value": passkey }));
    }
    if security_keys > 0 {
        let keys: Vec<_> = (101..=100 + security_keys).map(key).collect();
        let config = json!({ "user_handle": "gpylmH9fQiuFB+8FDtYRFA==", "credentials": keys });
        let webauthn = json!({ "type": "webauthn", "identifiers": [email], "version": 1, "config": config });
        patch.push(json!({ "op": "add", "path": "/credentials/webauthn", "value": webauthn }));
    }
    if !patch.is_empty() {
        admin(world, Method::PATCH, &format!("/admin/identities/{id}"), Some(json!(patch))).await;
    }
    id
}

pub async fn identity(world: &World, id: &str) -> Value {
    let every =
        ["password", "passkey", "webauthn", "code"].map(|method| format!("include_credential={method}"));
    admin(world, Method::GET, &format!("/admin/identities/{id}?{}", every.join("&")), None).await
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn done(world: &World, verb: &[&str]) -> Output {
    world.verb(verb).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", err(output));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn reconciled(world: &World) -> Value {
    lines(&done(world, &["reconcile", "--format", "json"]))[0]["summary"].clone()
}

fn shown(world: &World, id: &str) -> Value {
    lines(&done(world, &["passkeys", "--id", id, "--format", "json"]))[0].clone()
}

fn revoked(world: &World, id: &str, nth: u8, further: &[&str]) -> Output {
    let credential = hex::encode([nth; 32]);
    let arguments = ["passkeys", "revoke", "--id", id, "--credential", &credential, "--yes"];
    done(world, &[&arguments, further].concat())
}

#[tokio::test]
async fn what_no_hook_told_of_is_found() {
    finds(World::start(world::KEY).await).await;
}

#[tokio::test]
async fn what_no_hook_told_of_is_found_on_postgres_too() {
    let database = cluster::Database::new().await;
    finds(World::of(Setup { dsn: Some(&database.url), ..Setup::default() }).await).await;
}

async fn finds(world: World) {
    let ada = made(&world, "ada@example.org", 2, 0).await;
    let eve = made(&world, "eve@example.org", 0, 0).await;
    let summary = reconciled(&world);
    assert_eq!((&summary["seen"], &summary["created"]), (&json!(2), &json!(2)), "{summary}");
    assert_eq!(shown(&world, &ada)["here"]["stage"], "enrolled");
    assert_eq!(shown(&world, &eve)["here"]["stage"], "waiting");

    let gone = json!([{ "op": "remove", "path": "/credentials/passkey" }]);
    admin(&world, Method::PATCH, &format!("/admin/identities/{ada}"), Some(gone)).await;
    let difference = shown(&world, &ada)["difference"].clone();
    assert!(difference.as_str().unwrap().starts_with("Kratos no passkey, here 2 passkeys"), "{difference}");
    admin(&world, Method::DELETE, &format!("/admin/identities/{eve}"), None).await;
    let summary = reconciled(&world);
    assert_eq!((&summary["down"], &summary["gone"]), (&json!(1), &json!(1)), "{summary}");
    assert_eq!(shown(&world, &ada)["here"]["stage"], "waiting");
    assert_eq!(shown(&world, &ada)["difference"], Value::Null);
    let said = err(&done(&world, &["passkeys", "--id", &eve]));
    assert!(said.contains("here gone"), "{said}");
    let summary = reconciled(&world);
    assert_eq!((&summary["seen"], &summary["looked_for"]), (&json!(1), &json!(1)), "{summary}");
}

#[tokio::test]
async fn pages_and_tokens_are_those_of_kratos() {
    let world = World::start(world::KEY).await;
    for nth in 0..7 {
        made(&world, &format!("person-{nth}@example.org"), 0, 0).await;
    }
    let mut ids = Vec::new();
    for line in lines(&done(&world, &["passkeys", "--all", "--format", "json"])) {
        ids.push(line["identity_id"].as_str().unwrap().to_owned());
    }
    assert!(ids.len() == 7 && ids.is_sorted(), "in the order of their ids: {ids:?}");
    let dry = lines(&done(&world, &["reconcile", "--dry-run", "--format", "json"]));
    assert_eq!(dry.len(), 8);
    let [one] = <[Value; 1]>::try_from(lines(&done(
        &world,
        &["passkeys", "--email", " Person-3@Example.org", "--format", "json"],
    )))
    .unwrap();
    assert!(ids.contains(&one["identity_id"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn one_key_is_taken_away_and_everything_else_stays() {
    let world = World::start(world::KEY).await;
    let id = made(&world, "ada@example.org", 3, 2).await;
    let before = identity(&world, &id).await;

    let output = revoked(&world, &id, 2, &[]);
    assert!(output.status.success(), "{}", err(&output));
    let after = identity(&world, &id).await;
    let listed = |identity: &Value, method: &str| {
        identity["credentials"][method]["config"]["credentials"].as_array().cloned().unwrap_or_default()
    };
    let [one, _, three] = <[Value; 3]>::try_from(listed(&before, "passkey")).unwrap();
    assert_eq!(listed(&after, "passkey"), [one, three]);
    for kept in ["traits", "metadata_public", "metadata_admin", "schema_id", "state", "verifiable_addresses"]
    {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    for method in ["password", "code", "webauthn"] {
        assert_eq!(after["credentials"][method], before["credentials"][method], "{method}");
    }

    assert!(revoked(&world, &id, 101, &[]).status.success());
    let after = identity(&world, &id).await;
    assert_eq!(listed(&after, "webauthn"), listed(&before, "webauthn")[1..]);

    // All that are left, and the very last by force only: whether the password is one cannot be known.
    for nth in [1, 102] {
        assert!(revoked(&world, &id, nth, &[]).status.success());
    }
    let refused = revoked(&world, &id, 3, &[]);
    assert!(!refused.status.success() && err(&refused).contains("--force"), "{}", err(&refused));
    assert!(revoked(&world, &id, 3, &["--force"]).status.success());
    let last = shown(&world, &id);
    assert_eq!((&last["kratos"]["passkeys"], &last["kratos"]["security_keys"]), (&json!(0), &json!(0)));
    assert_eq!((&last["here"]["stage"], &last["difference"]), (&json!("waiting"), &Value::Null), "{last}");

    let mut ada = Person::new(&world, "ada@example.org");
    ada.sign_in().await;
    assert_eq!(ada.decision().await["reason"], "removed", "and signs in as before");
}
