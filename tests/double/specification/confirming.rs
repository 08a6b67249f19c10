//! Signing in once more, without and with `refresh=true`.

use serde_json::json;

use super::browser::{PASSWORD, nodes, world};

#[actix_web::test]
async fn a_confirmed_session_keeps_its_id_and_when_it_was_issued() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let before = person.whoami().await.is(200);
    person.sign_in("?refresh=true").await.is(200);
    let after = person.whoami().await.is(200);
    for same in ["id", "issued_at"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert!(after["authenticated_at"].as_str() > before["authenticated_at"].as_str());
    assert_eq!(after["authentication_methods"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn without_refresh_a_signed_in_person_goes_straight_on() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let on =
        person.go("/self-service/login/browser?return_to=http%3A%2F%2Flocalhost%3A5050%2Fpasskeys").await;
    assert_eq!((on.status, on.location()), (303, "http://localhost:5050/passkeys"));
    person.fetch("/self-service/login/browser").await.is_refused(400, "session_already_available");
    let asked = person.go("/self-service/login/browser?refresh=true").await;
    assert!(asked.location().starts_with("http://localhost:4455/login?flow="), "{}", asked.location());
}

#[actix_web::test]
async fn who_confirms_as_somebody_else_gets_a_session_of_their_own() {
    let world = world(|_| ());
    world.person("grace@example.org").await;
    let mut person = world.person("ada@example.org").await;
    let before = person.whoami().await.is(200);
    let form = person.begin("settings", "").await;
    let flow = person.begin("login", "?refresh=true").await;
    let body = json!({ "method": "password", "identifier": "grace@example.org", "password": PASSWORD });
    person.submit(&flow, body).await.is(200);
    let after = person.whoami().await.is(200);
    assert_ne!(before["id"], after["id"]);
    assert_eq!(after["identity"]["traits"]["email"], "grace@example.org");
    assert_eq!(after["authentication_methods"].as_array().unwrap().len(), 1);
    person
        .submit(&form, json!({ "passkey_remove": "00" }))
        .await
        .is_refused(403, "security_identity_mismatch");
}

#[actix_web::test]
async fn the_form_that_confirms_shows_only_what_the_person_has() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let flow = person.begin("login", "?refresh=true").await;
    assert_eq!(nodes(&flow, "password").len(), 1);
    assert_eq!(nodes(&flow, "passkey_challenge").len() + nodes(&flow, "webauthn_login_trigger").len(), 0);
}
