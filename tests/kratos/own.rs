//! Our own ceremony against a real Kratos: what is handed in is there, signs its person in, and nothing else moved.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::person::Person;
use crate::reconcile::{admin, done, err, identity};
use crate::world::{Setup, World};

const OWN: [(&str, &str); 2] = [("WEBAUTHN__RP_ID", "localhost"), ("WEBAUTHN__RP_NAME", "Example")];

/// Of Kratos's own directory.
const FILE: &str = "kratos.sqlite";
const ON_FILE: &str = "sqlite://kratos.sqlite?_fk=true";

/// A database, with what it keeps beside itself, in the place of another. Nobody has it open.
fn copied(directory: &Path, from: &str, to: &str) {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let (from, to) = [from, to].map(|name| directory.join(format!("{name}{beside}"))).into();
        let _ = std::fs::remove_file(&to);
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

async fn world(kratos: &[(&str, &str)], service: &[(&str, &str)]) -> World {
    let service = [&OWN, service].concat();
    World::of(Setup { kratos, service: &service, ..Setup::default() }).await
}

/// Registered, with the id Kratos gave.
async fn registered<'w>(world: &'w World, email: &str) -> (Person<'w>, String) {
    let mut person = Person::new(world, email);
    let answer = person.register().await;
    // Its hook first: it tells of an identity without passkeys.
    crate::stored(world, 1).await;
    (person, answer["identity"]["id"].as_str().unwrap().to_owned())
}

fn held(identity: &Value) -> Vec<Value> {
    let keys = &identity["credentials"]["passkey"]["config"]["credentials"];
    keys.as_array().cloned().unwrap_or_default()
}

async fn patched(world: &World, id: &str, patch: Value) {
    admin(world, Method::PATCH, &format!("/admin/identities/{id}"), Some(patch)).await;
}

/// All but passkeys and the dates of changes.
fn rest(mut identity: Value) -> Value {
    identity.as_object_mut().unwrap().remove("updated_at");
    let credentials = identity["credentials"].as_object_mut().unwrap();
    credentials.remove("passkey");
    for credential in credentials.values_mut() {
        credential.as_object_mut().unwrap().remove("updated_at");
    }
    identity
}

#[tokio::test]
async fn what_is_handed_in_signs_its_person_in_and_nothing_else_moves() {
    let world = world(&[], &[]).await;
    let (ada, id) = registered(&world, "ada@example.org").await;
    assert_eq!(ada.decision().await["ceremony"], "own");
    let before = identity(&world, &id).await;

    let mut devices = Vec::new();
    for count in 1..=2 {
        let (device, status, answer) = ada.makes_passkey().await;
        assert_eq!(status, 201, "{answer}\n{}", world.logs());
        assert_eq!(answer["passkey_count"], count, "{answer}");
        assert_eq!(held(&identity(&world, &id).await).len(), count);
        devices.push(device);
    }

    let after = identity(&world, &id).await;
    assert_eq!(rest(after.clone()), rest(before));
    let encoded =
        |bytes: &[u8]| json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes));
    let handle = after["credentials"]["passkey"]["identifiers"].clone();
    for (device, key) in devices.iter().zip(held(&after)) {
        assert_eq!((&key["id"], &key["public_key"]), (&encoded(&device.id), &encoded(&device.public_key())));
        assert_eq!(handle, json!([String::from_utf8(device.user_handle.clone()).unwrap()]));
        assert_eq!(ada.signs_in_with(device).await.unwrap()["email"], "ada@example.org");
    }
    // The service compared as well, and had no doubts.
    assert!(world.metrics().await.contains("onboarding_passkey_import 1"));
    assert!(!world.logs().contains("did not take a passkey as recorded"), "{}", world.logs());
}

/// Twenty minutes cannot be waited for; with an age of next to nothing every session is as old.
#[tokio::test]
async fn where_the_operator_allows_a_longer_age_the_first_passkey_needs_no_second_sign_in() {
    let kratos = [("SELFSERVICE_FLOWS_SETTINGS_PRIVILEGED_SESSION_MAX_AGE", "1ms")];
    let service = [("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "1ms"), ("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")];
    let world = world(&kratos, &service).await;
    let (mut ada, id) = registered(&world, "ada@example.org").await;
    let (status, answer) = ada.adds_passkey_at_kratos().await;
    assert_eq!((status, &answer["error"]["id"]), (403, &json!("session_refresh_required")), "{answer}");

    let (device, status, answer) = ada.makes_passkey().await;
    assert_eq!(status, 201, "{answer}\n{}", world.logs());
    assert!(ada.signs_in_with(&device).await.is_ok());
    // For the first one alone.
    let (_, status, answer) = ada.makes_passkey().await;
    assert_eq!((status, &answer["error"]["id"]), (403, &json!("session_refresh_required")), "{answer}");
    assert_eq!(held(&identity(&world, &id).await).len(), 1);
}

#[tokio::test]
async fn a_second_factor_is_not_gone_around() {
    for (required, status, error) in
        [("highest_available", 403, "session_aal2_required"), ("aal1", 409, "settings_flow_required")]
    {
        let world = world(&[("SESSION_WHOAMI_REQUIRED_AAL", required)], &[]).await;
        let (mut ada, id) = registered(&world, "ada@example.org").await;
        ada.adds_app().await;
        let mut elsewhere = Person::new(&world, "ada@example.org");
        elsewhere.sign_in_halfway().await;
        let (_, answered, answer) = elsewhere.makes_passkey().await;
        assert_eq!((answered, answer["error"]["id"].as_str().unwrap()), (status, error), "{answer}");
        assert!(held(&identity(&world, &id).await).is_empty());
        // The session that has used it may.
        let (_, answered, answer) = ada.makes_passkey().await;
        assert_eq!(answered, 201, "{answer}");
    }
}

#[tokio::test]
async fn whoever_is_not_active_adds_nothing() {
    let world = world(&[], &[]).await;
    let (ada, id) = registered(&world, "ada@example.org").await;
    let (status, asked) = ada.post("passkeys/options", &json!({})).await;
    assert_eq!(status, 200, "{asked}");
    patched(&world, &id, json!([{ "op": "replace", "path": "/state", "value": "inactive" }])).await;
    let mut device = crate::device::Authenticator::at(&world.service(""));
    let made: Value = serde_json::from_str(&device.create(&asked["options"])).unwrap();
    for (path, body) in [("passkeys", json!({ "credential": made })), ("passkeys/options", json!({}))] {
        let (status, answer) = ada.post(path, &body).await;
        // Kratos ends their sessions.
        assert_eq!((status, &answer["error"]["id"]), (401, &json!("session_inactive")), "{path}: {answer}");
    }
    assert!(held(&identity(&world, &id).await).is_empty());
}

#[tokio::test]
async fn what_kratos_lost_is_put_back_and_what_was_taken_away_is_not() {
    // Else each start ends every session.
    let secret = ("SECRETS_DEFAULT", "a-secret-of-this-test-0123456789");
    let world = world(&[("DSN", ON_FILE), secret], &[]).await;
    let (ada, id) = registered(&world, "ada@example.org").await;
    world.kratos_restarted(|directory| copied(directory, FILE, "of-none")).await;
    let (kept, status, answer) = ada.makes_passkey().await;
    assert_eq!(status, 201, "{answer}");
    world.kratos_restarted(|directory| copied(directory, FILE, "of-one")).await;
    let (revoked, status, answer) = ada.makes_passkey().await;
    assert_eq!(status, 201, "{answer}");
    let (lost, status, answer) = ada.makes_passkey().await;
    assert_eq!(status, 201, "{answer}");

    let credential = hex::encode(&revoked.id);
    let output = done(&world, &["passkeys", "revoke", "--id", &id, "--credential", &credential, "--yes"]);
    assert!(output.status.success(), "{}", err(&output));
    let restored = || {
        let output = done(&world, &["passkeys", "restore", "--id", &id]);
        assert!(output.status.success(), "{}", err(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = restored();
    assert!(said.contains("0 put back, 2 are there, 0 could not be"), "{said}");
    assert!(ada.signs_in_with(&revoked).await.is_err());

    for (backup, back) in [("of-one", 1), ("of-none", 2)] {
        world.kratos_restarted(|directory| copied(directory, backup, FILE)).await;
        assert!(ada.signs_in_with(&lost).await.is_err());
        let said = restored();
        assert!(said.contains(&format!("{back} put back")), "{said}");
        for device in [&kept, &lost] {
            assert_eq!(ada.signs_in_with(device).await.unwrap()["email"], "ada@example.org");
        }
        assert!(ada.signs_in_with(&revoked).await.is_err(), "taken away, and it stays away");
    }
    assert_eq!(held(&identity(&world, &id).await).len(), 2);

    // Nobody told of it.
    patched(&world, &id, json!([{ "op": "remove", "path": "/credentials/passkey" }])).await;
    let said = restored();
    assert!(said.contains("0 put back") && said.contains("2 in doubt"), "{said}");
}
