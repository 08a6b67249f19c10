//! What a real Kratos dates, and what it does not: a backup is told from a removal by that.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::person::Person;
use crate::reconcile::{admin, identity, made};
use crate::world::{self, World};

/// Of the identity and all its credentials.
fn newest(identity: &Value) -> Timestamp {
    let credentials = identity["credentials"].as_object().unwrap().values();
    let dates = credentials.chain([identity]).filter_map(|dated| dated["updated_at"].as_str()?.parse().ok());
    dates.max().unwrap()
}

#[tokio::test]
async fn a_passkey_that_comes_or_goes_makes_an_identity_newer_and_a_sign_in_does_not() {
    let world = World::start(world::KEY).await;
    let id = made(&world, "ada@example.org", 0, 0).await;
    let path = format!("/admin/identities/{id}");
    let signed_in = async || {
        let mut ada = Person::new(&world, "ada@example.org");
        ada.sign_in().await;
        ada.decision().await;
    };
    let before = newest(&identity(&world, &id).await);
    signed_in().await;
    assert_eq!(newest(&identity(&world, &id).await), before, "neither a sign-in nor a whoami");

    let other = made(&world, "eve@example.org", 2, 0).await;
    let passkey = identity(&world, &other).await["credentials"]["passkey"].clone();
    admin(&world, Method::DELETE, &format!("/admin/identities/{other}"), None).await;
    let passkey = json!({
        "type": "passkey", "version": 1,
        "identifiers": passkey["identifiers"], "config": passkey["config"],
    });
    let add = json!([{ "op": "add", "path": "/credentials/passkey", "value": passkey }]);
    admin(&world, Method::PATCH, &path, Some(add)).await;
    let handed_in = newest(&identity(&world, &id).await);
    assert!(handed_in > before, "{handed_in} {before}");
    signed_in().await;
    assert_eq!(newest(&identity(&world, &id).await), handed_in);

    let one = json!([{ "op": "remove", "path": "/credentials/passkey/config/credentials/0" }]);
    admin(&world, Method::PATCH, &path, Some(one)).await;
    let removed = newest(&identity(&world, &id).await);
    assert!(removed > handed_in, "{removed} {handed_in}");
    let last = json!([{ "op": "remove", "path": "/credentials/passkey" }]);
    admin(&world, Method::PATCH, &path, Some(last)).await;
    let without = identity(&world, &id).await;
    assert!(newest(&without) > removed && without["credentials"].get("passkey").is_none(), "{without}");
}
