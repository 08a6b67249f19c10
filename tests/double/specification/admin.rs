//! A passkey made outside Kratos and handed in by JSON Patch.

use serde_json::{Value, json};

use super::super::double::config::Version;
use super::super::double::random;
use super::authenticator::Authenticator;
use super::browser::{World, options, world};
use super::shape::{is_like, recorded};

/// The recorded request, with a key that can sign.
fn imported(device: &mut Authenticator, request: &str) -> Value {
    let mut patch = recorded(request);
    let value = &mut patch[0]["value"];
    if let Some(handle) = value["config"]["user_handle"].as_str() {
        device.user_handle = random::from_base64(handle).unwrap();
    }
    let key = if value["config"].is_object() { &mut value["config"]["credentials"][0] } else { value };
    key["id"] = json!(random::base64(&device.id));
    key["public_key"] = json!(random::base64(&device.public_key()));
    key["authenticator"]["sign_count"] = json!(0);
    patch
}

async fn signs_in(world: &World, device: &Authenticator) {
    let mut browser = world.browser("");
    let flow = browser.begin("login", "").await;
    let used = device.get(&options(&flow, "passkey_challenge")["publicKey"]);
    let done = browser.submit(&flow, json!({ "passkey_login": used })).await.is(200);
    assert_eq!(done["session"]["identity"]["traits"]["email"], "ada@example.org");
}

#[actix_web::test]
async fn a_passkey_that_was_handed_in_signs_its_owner_in() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let id = person.id().await;
    let mut first = Authenticator::new();
    let patch = imported(&mut first, "v26.2.0/import/patch-import-request.json");
    let done = person.patch(&id, patch).await;
    is_like("v26.2.0/import/patch-import-response.json", done.status, &without_metadata_of(done.body));
    is_like("v26.2.0/import/get-after-patch.json", 200, &without_metadata_of(person.identity().await));
    signs_in(&world, &first).await;

    let mut second = Authenticator::new();
    second.user_handle.clone_from(&first.user_handle);
    let patch = imported(&mut second, "v26.2.0/import/patch-append-request.json");
    person.patch(&id, patch).await.is(200);
    signs_in(&world, &first).await;
    signs_in(&world, &second).await;
    let flow = person.begin("settings", "").await;
    assert_eq!(super::browser::nodes(&flow, "passkey_remove").len(), 2);
    // What people sign in with otherwise, and who they are, stays.
    person.sign_out().await;
    person.sign_in("").await.is(200);
}

/// The recorded person had metadata.
fn without_metadata_of(mut identity: Value) -> Value {
    identity["metadata_public"] = json!({ "plan": "gold" });
    identity["metadata_admin"] = json!({ "note": "vip" });
    identity
}

#[actix_web::test]
async fn v1_3_1_takes_a_whole_credential_and_no_addition_to_one() {
    let world = world(|config| config.kratos = Version::V1_3_1);
    let mut person = world.person("ada@example.org").await;
    let id = person.id().await;
    let mut device = Authenticator::new();
    person.patch(&id, imported(&mut device, "v1.3.1/import/patch-import-request.json")).await.is(200);
    signs_in(&world, &device).await;
    let refused = person.patch(&id, recorded("v1.3.1/import/patch-append-request.json")).await;
    is_like("v1.3.1/import/patch-append-response.json", refused.status, &refused.body);
}

#[actix_web::test]
async fn a_patch_has_no_test_operation_and_leaves_the_id_alone() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let id = person.id().await;
    let state = json!([{ "op": "test", "path": "/state", "value": "active" }]);
    person.patch(&id, state).await.is(400);
    person.patch(&id, json!([{ "op": "replace", "path": "/id", "value": "x" }])).await.is(400);
    let inactive = json!([{ "op": "replace", "path": "/state", "value": "inactive" }]);
    person.patch(&id, inactive).await.is(200);
    person.whoami().await.is(401);
}
