//! One key taken away from a Kratos that patches as the real ones do, while others change the same identity.

use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, ResponseTemplate};

use super::identities_tests::identities;
use super::patched_identity::World;
use super::{RevokeError, recordings};
use crate::onboarding::CredentialId;

fn key(nth: u8) -> Value {
    json!({ "id": base64(nth), "display_name": format!("key {nth}"), "is_passwordless": true })
}

fn base64(nth: u8) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 16])
}

fn id(nth: u8) -> CredentialId {
    CredentialId::of_bytes(vec![nth; 16]).unwrap()
}

/// A recorded identity with a password, and these passkeys instead of its own.
async fn holding(passkeys: &[u8], inside: bool) -> World {
    let body = recordings::body("v26.2.0", "admin/identity-password-passkey.json");
    let mut identity: Value = serde_json::from_slice(&body).unwrap();
    let config = &mut identity["credentials"]["passkey"]["config"];
    config["credentials"] = passkeys.iter().map(|nth| key(*nth)).collect();
    World::with(identity, inside).await
}

fn meanwhile(world: &World, change: impl FnMut(&mut Vec<Value>) + Send + 'static) {
    let mut change = change;
    world.meanwhile(move |identity| change(list(identity)));
}

async fn revoke(world: &World, nth: u8) -> Result<(Vec<u8>, Vec<CredentialId>), RevokeError> {
    let revoked = identities(&world.server).revoke(world.id, &id(nth)).await?;
    let left = revoked.left.held.keys.iter().map(|key| key.id[0]).collect();
    assert_eq!(left, held(world), "what it says is left is left");
    Ok((left, revoked.gone_too))
}

fn held(world: &World) -> Vec<u8> {
    let nth = |key: &Value| (0..=9).find(|nth| key["id"] == base64(*nth)).unwrap();
    list(&mut world.identity()).iter().map(nth).collect()
}

fn list(identity: &mut Value) -> &mut Vec<Value> {
    identity["credentials"]["passkey"]["config"]["credentials"].as_array_mut().unwrap()
}

#[tokio::test]
async fn one_of_several_goes_and_nothing_else_changes() {
    for inside in [true, false] {
        let world = holding(&[1, 2, 3], inside).await;
        let before = world.kratos.identity.lock().unwrap().clone();
        assert_eq!(revoke(&world, 2).await.unwrap(), (vec![1, 3], vec![]), "inside: {inside}");
        let mut after = world.kratos.identity.lock().unwrap().clone();
        list(&mut after).insert(1, key(2));
        let but_dates = |mut identity: Value| {
            let passkey = identity["credentials"]["passkey"].as_object_mut().unwrap();
            passkey.retain(|name, _| !name.ends_with("_at"));
            identity
        };
        assert_eq!(but_dates(after), but_dates(before), "inside: {inside}");
    }
}

#[tokio::test]
async fn the_last_one_goes_and_its_method_stays_with_none() {
    for inside in [true, false] {
        let world = holding(&[1], inside).await;
        assert_eq!(revoke(&world, 1).await.unwrap(), (vec![], vec![]));
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_taken_away() {
    let world = holding(&[1], true).await;
    assert_eq!(revoke(&world, 2).await.unwrap_err(), RevokeError::NoSuchKey);
    assert_eq!(held(&world), [1]);
}

#[tokio::test]
async fn one_that_is_added_meanwhile_stays() {
    let world = holding(&[1, 2], true).await;
    meanwhile(&world, |list| list.push(key(3)));
    assert_eq!(revoke(&world, 1).await.unwrap(), (vec![2, 3], vec![]));
}

#[tokio::test]
async fn one_that_is_removed_meanwhile_moves_no_other_into_its_place() {
    let world = holding(&[1, 2, 3], true).await;
    meanwhile(&world, |list| drop(list.remove(0)));
    assert_eq!(revoke(&world, 2).await.unwrap().0, [3], "and not the third, which took its place");
}

#[tokio::test]
async fn one_that_the_person_removed_meanwhile_is_gone_all_the_same() {
    let world = holding(&[1, 2, 3], true).await;
    meanwhile(&world, |list| drop(list.remove(1)));
    assert_eq!(revoke(&world, 2).await.unwrap(), (vec![1, 3], vec![]));
}

#[tokio::test]
async fn another_that_was_taken_away_by_mistake_is_named() {
    // As long as before, with another in the place: what no patch can notice.
    let world = holding(&[1, 2, 3], true).await;
    meanwhile(&world, |list| {
        list.remove(0);
        list.push(key(4));
    });
    let error = revoke(&world, 2).await.unwrap_err();
    assert_eq!(error, RevokeError::AnotherIsGone(vec![id(1), id(3)]));
    assert!(error.to_string().contains(&id(3).to_string()), "{error}");
}

#[tokio::test]
async fn a_change_that_kratos_lost_is_asked_for_again() {
    let world = holding(&[1, 2], true).await;
    *world.kratos.lost.lock().unwrap() = 2;
    assert_eq!(revoke(&world, 1).await.unwrap().0, [2]);
    let world = holding(&[1, 2], true).await;
    *world.kratos.lost.lock().unwrap() = 100;
    assert_eq!(revoke(&world, 1).await.unwrap_err(), RevokeError::Stays);
}

#[tokio::test]
async fn a_refusal_is_told_and_trouble_is_waited_out() {
    let world = holding(&[1], true).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(403))
        .with_priority(1)
        .mount(&world.server)
        .await;
    assert_eq!(revoke(&world, 1).await.unwrap_err(), RevokeError::Refused(403));
    let world = holding(&[1], true).await;
    let busy = ResponseTemplate::new(503);
    Mock::given(method("PATCH"))
        .respond_with(busy)
        .up_to_n_times(2)
        .with_priority(1)
        .mount(&world.server)
        .await;
    assert!(revoke(&world, 1).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_deleted_identity_is_gone() {
    let world = holding(&[1], true).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404))
        .with_priority(1)
        .mount(&world.server)
        .await;
    assert_eq!(revoke(&world, 1).await.unwrap_err(), RevokeError::Gone);
}
