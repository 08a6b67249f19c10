//! A passkey handed in to a Kratos that patches as the real ones do, while others change the same identity.

use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::method;
use wiremock::{Mock, ResponseTemplate};

use super::identities_tests::identities;
use super::patched_identity::World;
use super::recordings::{self, VERSIONS};
use super::{HandInError, HandedIn, Outlook};
use crate::ceremony::{Flags, Made, Passkey, UserHandle};
use crate::onboarding::CredentialId;

const HANDLE: &str = "TmIELKPRna3dy5rNot8XydbnEKAFU7h3n3fNZi9A01325VM8S1Sjujld3BtUkIDK";

fn passkey(nth: u8, handle: &str) -> Passkey {
    Passkey {
        made: Made {
            id: CredentialId::of_bytes(vec![nth; 16]).unwrap(),
            public_key: vec![0xa5, 1, 2],
            aaguid: Uuid::from_bytes([0xaa; 16]),
            sign_count: 0,
            flags: Flags {
                user_present: true,
                user_verified: true,
                backup_eligible: true,
                backup_state: false,
            },
            transports: vec![],
        },
        handle: handle.parse().unwrap(),
        name: "Laptop".to_owned(),
        made_at: "2026-11-22T05:13:25.404Z".parse().unwrap(),
    }
}

fn recorded(version: &str, name: &str) -> Value {
    serde_json::from_slice(&recordings::body(version, &format!("admin/identity-{name}.json"))).unwrap()
}

/// v1.3.1 patches nothing inside of credentials.
fn patches_inside(version: &str) -> bool {
    version != "v1.3.1"
}

async fn hand_in(world: &World, passkey: &Passkey) -> Result<HandedIn, HandInError> {
    identities(&world.server).hand_in(world.id, passkey, &|_| true).await
}

fn ids(identity: &Value) -> Vec<Value> {
    let list = identity["credentials"]["passkey"]["config"]["credentials"].as_array();
    list.into_iter().flatten().map(|key| key["id"].clone()).collect()
}

fn base64(nth: u8) -> Value {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 16]).into()
}

/// But for its passkeys.
fn rest(mut identity: Value) -> Value {
    identity["credentials"].as_object_mut().unwrap().remove("passkey");
    identity
}

#[tokio::test]
async fn the_first_one_is_handed_in_as_it_was_recorded_and_changes_nothing_else() {
    for version in VERSIONS {
        let before = recorded(version, "created");
        let world = World::with(before.clone(), patches_inside(version)).await;
        let done = hand_in(&world, &passkey(1, HANDLE)).await.unwrap();
        assert_eq!((done.now.held.passkeys, done.rest_changed), (1, false), "{version}");
        assert_eq!(rest(world.identity()), rest(before), "{version}");
        let patches = world.kratos.patches.lock().unwrap();
        let [patch] = patches.as_slice() else { panic!("{version}: {patches:?}") };
        assert_eq!(
            shape(patch),
            shape(&recordings::recording(version, "import/patch-import-request.json")),
            "{version}"
        );
        let value = &patch[0]["value"];
        assert_eq!(value["identifiers"], json!([HANDLE]));
        assert_eq!(value["config"]["credentials"][0]["added_at"], "2026-11-22T05:13:25.404Z");
    }
}

/// Names and kinds of everything in it.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text)
            if text.starts_with('/') || text == "add" || text == "none" || text == "passkey" =>
        {
            value.clone()
        }
        Value::String(_) => "text".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::Null => Value::Null,
    }
}

#[tokio::test]
async fn one_more_is_put_beside_those_there_are() {
    for version in VERSIONS {
        let before = recorded(version, "password-passkey");
        let world = World::with(before.clone(), patches_inside(version)).await;
        let handle =
            identities(&world.server).standing(world.id).await.unwrap().user_handle().unwrap().unwrap();
        let done = hand_in(&world, &passkey(1, handle.as_str())).await.unwrap();
        assert_eq!((done.now.held.passkeys, done.rest_changed), (2, false), "{version}");
        let expected = [ids(&before), vec![base64(1)]].concat();
        assert_eq!(ids(&world.identity()), expected, "{version}");
        assert_eq!(rest(world.identity()), rest(before), "{version}");
        let paths: Vec<Value> =
            world.kratos.patches.lock().unwrap().iter().map(|patch| patch[0]["path"].clone()).collect();
        let inside = json!("/credentials/passkey/config/credentials/-");
        let whole = json!("/credentials/passkey");
        let expected = if patches_inside(version) { vec![inside] } else { vec![inside, whole] };
        assert_eq!(paths, expected, "{version}");
    }
}

#[tokio::test]
async fn handed_in_again_it_stays_once() {
    for inside in [true, false] {
        let world = World::with(recorded("v26.2.0", "created"), inside).await;
        for nth in 0..3 {
            let done = hand_in(&world, &passkey(1, HANDLE)).await.unwrap();
            assert_eq!((done.now.held.passkeys, done.patched), (1, nth == 0));
        }
        assert_eq!(world.kratos.patches.lock().unwrap().len(), 1);
        assert_eq!(hand_in(&world, &passkey(2, HANDLE)).await.unwrap().now.held.passkeys, 2);
    }
}

#[tokio::test]
async fn another_handle_than_the_identitys_is_refused_before_anything_is_changed() {
    let before = recorded("v26.2.0", "password-passkey");
    let world = World::with(before.clone(), true).await;
    let other = UserHandle::random().unwrap();
    let error = hand_in(&world, &passkey(1, other.as_str())).await.unwrap_err();
    assert_eq!((&error, error.outlook()), (&HandInError::OtherHandle, Outlook::OfThePerson));
    assert_eq!(world.identity(), before);
    assert!(world.kratos.patches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn trouble_is_waited_out_and_an_answer_that_got_lost_does_no_harm() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&world.server)
        .await;
    assert_eq!(hand_in(&world, &passkey(1, HANDLE)).await.unwrap().now.held.passkeys, 1);
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(500))
        .with_priority(1)
        .mount(&world.server)
        .await;
    let error = hand_in(&world, &passkey(1, HANDLE)).await.unwrap_err();
    assert!(matches!(error, HandInError::Unreachable(_)) && error.outlook() == Outlook::Passing, "{error}");
}

#[tokio::test]
async fn what_no_recording_shows_is_told_apart_from_trouble() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    *world.kratos.lost.lock().unwrap() = 100;
    let lost = hand_in(&world, &passkey(1, HANDLE)).await.unwrap_err();
    assert_eq!((&lost, lost.outlook()), (&HandInError::Lost, Outlook::Unheard));
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(403))
        .with_priority(1)
        .mount(&world.server)
        .await;
    let refused = hand_in(&world, &passkey(1, HANDLE)).await.unwrap_err();
    assert_eq!((&refused, refused.outlook()), (&HandInError::Refused(403), Outlook::Unheard));
}

async fn answers(world: &World, statuses: &[u16]) {
    for status in statuses {
        let answer = Mock::given(method("PATCH")).respond_with(ResponseTemplate::new(*status));
        answer.up_to_n_times(1).with_priority(1).mount(&world.server).await;
    }
}

#[tokio::test]
async fn the_last_try_is_looked_at_too() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    answers(&world, &[503, 503, 503]).await;
    assert_eq!(hand_in(&world, &passkey(1, HANDLE)).await.unwrap().now.held.passkeys, 1);
}

#[tokio::test]
async fn a_refusal_that_passes_is_tried_again_and_one_that_stays_is_of_this_identity() {
    for status in [400, 409] {
        let world = World::with(recorded("v26.2.0", "created"), true).await;
        answers(&world, &[status]).await;
        assert_eq!(hand_in(&world, &passkey(1, HANDLE)).await.unwrap().now.held.passkeys, 1);
        let world = World::with(recorded("v26.2.0", "created"), true).await;
        answers(&world, &[status, status]).await;
        let refused = hand_in(&world, &passkey(1, HANDLE)).await.unwrap_err();
        assert_eq!((&refused, refused.outlook()), (&HandInError::Refused(status), Outlook::OfThisIdentity));
    }
}

#[tokio::test]
async fn another_that_went_meanwhile_is_named_and_ours_is_there_all_the_same() {
    let before = recorded("v26.2.0", "password-passkey");
    let world = World::with(before, true).await;
    let handle = identities(&world.server).standing(world.id).await.unwrap().user_handle().unwrap().unwrap();
    world.meanwhile(|identity| {
        identity["credentials"]["passkey"]["config"]["credentials"].as_array_mut().unwrap().clear();
    });
    let done = hand_in(&world, &passkey(1, handle.as_str())).await.unwrap();
    assert_eq!((done.now.held.passkeys, done.missing.len()), (1, 1));
}

#[tokio::test]
async fn it_is_asked_right_before_each_patch_whether_it_still_may_be() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    let refused = identities(&world.server).hand_in(world.id, &passkey(1, HANDLE), &|_| false).await;
    assert_eq!(refused.unwrap_err(), HandInError::NotAllowed);
    assert!(world.kratos.patches.lock().unwrap().is_empty());
    hand_in(&world, &passkey(1, HANDLE)).await.unwrap();
    let there = identities(&world.server).hand_in(world.id, &passkey(1, HANDLE), &|_| false).await;
    assert_eq!(there.unwrap().now.held.passkeys, 1, "what is there needs no leave");
}

#[tokio::test]
async fn another_key_under_the_same_id_is_not_ours() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    hand_in(&world, &passkey(1, HANDLE)).await.unwrap();
    let mut other = passkey(1, HANDLE);
    other.made.public_key = vec![0xa5, 9, 9];
    let error = hand_in(&world, &other).await.unwrap_err();
    assert_eq!((&error, error.outlook()), (&HandInError::OtherKey, Outlook::OfThePerson));
}

#[tokio::test]
async fn a_change_of_something_else_meanwhile_is_noticed_and_stays() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    world.meanwhile(|identity| {
        // As Kratos itself does when it has sent a mail.
        identity["verifiable_addresses"][0]["status"] = "sent".into();
    });
    assert!(!hand_in(&world, &passkey(1, HANDLE)).await.unwrap().rest_changed);
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    world.meanwhile(|identity| identity["traits"]["name"]["first"] = "Grace".into());
    let done = hand_in(&world, &passkey(1, HANDLE)).await.unwrap();
    assert!(done.rest_changed);
    assert_eq!(world.identity()["traits"]["name"]["first"], "Grace");
}

#[tokio::test]
async fn a_deleted_identity_is_gone() {
    let world = World::with(recorded("v26.2.0", "created"), true).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404))
        .with_priority(1)
        .mount(&world.server)
        .await;
    assert_eq!(hand_in(&world, &passkey(1, HANDLE)).await.unwrap_err(), HandInError::Gone);
}
