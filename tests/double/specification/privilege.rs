//! A submission that came too late is kept, and goes on after signing in again.

use jiff::SignedDuration;
use serde_json::json;

use super::authenticator::Authenticator;
use super::browser::{Browser, World, options, world};

/// Everybody's last sign-in is longer ago than settings may be changed after it.
fn grows_old(world: &World) {
    world.running.kratos.change(|state| {
        for session in state.sessions.values_mut() {
            session.authenticated_at -= SignedDuration::from_hours(2);
        }
    });
}

/// A passkey made in time for the form and too late for the session. Gives back Kratos's way on.
async fn too_late(world: &World, person: &mut Browser, query: &str) -> String {
    let flow = person.begin("settings", query).await;
    grows_old(world);
    let made = Authenticator::new().create(&options(&flow, "passkey_create_data")["publicKey"]);
    let refused = person.submit(&flow, json!({ "passkey_settings_register": made })).await;
    let body = refused.is_refused(403, "session_refresh_required");
    body["redirect_browser_to"].as_str().unwrap().to_owned()
}

/// Goes there, signs in as `person.email`, and gives back where that leads.
async fn signs_in_at(person: &mut Browser, url: &str) -> String {
    let login = person.go(url).await;
    assert_eq!(login.status, 303);
    let id = login.location().split_once("/login?flow=").unwrap().1.to_owned();
    let flow = person.fetch(&format!("/self-service/login/flows?id={id}")).await.is(200);
    assert_eq!(flow["refresh"], true);
    let body =
        json!({ "method": "password", "identifier": person.email, "password": super::browser::PASSWORD });
    let done = person.submit(&flow, body).await.is(200);
    done["continue_with"][0]["redirect_browser_to"].as_str().unwrap().to_owned()
}

async fn passkeys(person: &mut Browser) -> usize {
    person.identity().await["credentials"]["passkey"]["config"]["credentials"].as_array().map_or(0, Vec::len)
}

#[actix_web::test]
async fn a_parked_passkey_is_added_without_a_second_ceremony() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let to = too_late(&world, &mut person, "?return_to=http%3A%2F%2Flocalhost%3A5050%2Fpasskeys").await;
    assert_eq!(passkeys(&mut person).await, 0);
    let on = signs_in_at(&mut person, &to).await;
    assert!(on.contains("/self-service/settings?flow="), "{on}");
    let done = person.go(&on).await;
    assert_eq!((done.status, done.location()), (303, "http://localhost:5050/passkeys"));
    assert_eq!(passkeys(&mut person).await, 1);
    // It is gone on with once.
    let again = person.go(&on).await;
    assert!(again.location().starts_with("http://localhost:4455/settings?flow="), "{}", again.location());
    assert_eq!(passkeys(&mut person).await, 1);
}

#[actix_web::test]
async fn without_a_destination_it_ends_at_the_settings_page() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let to = too_late(&world, &mut person, "").await;
    let on = signs_in_at(&mut person, &to).await;
    let done = person.go(&on).await;
    assert!(done.location().starts_with("http://localhost:4455/settings?flow="), "{}", done.location());
    assert_eq!(passkeys(&mut person).await, 1);
}

#[actix_web::test]
async fn a_page_that_fetches_does_not_go_on_with_it() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let to = too_late(&world, &mut person, "").await;
    let on = signs_in_at(&mut person, &to).await;
    person.fetch(&on).await.is(400);
    assert_eq!(passkeys(&mut person).await, 0);
}

#[actix_web::test]
async fn whoever_signs_in_instead_gets_nothing_of_it() {
    let world = world(|_| ());
    world.person("grace@example.org").await;
    let mut person = world.person("ada@example.org").await;
    let to = too_late(&world, &mut person, "").await;
    person.email = "grace@example.org".into();
    let on = signs_in_at(&mut person, &to).await;
    assert_eq!(person.whoami().await.is(200)["identity"]["traits"]["email"], "grace@example.org");
    let refused = person.go(&on).await;
    assert!(refused.location().starts_with("http://localhost:4455/error?id="), "{}", refused.location());
    assert_eq!(passkeys(&mut person).await, 0);
    let id = refused.location().split_once("id=").unwrap().1.to_owned();
    let told = person.fetch(&format!("/self-service/errors?id={id}")).await.is(200);
    assert_eq!(told["error"]["id"], "security_identity_mismatch");
}

#[actix_web::test]
async fn a_new_settings_flow_forgets_it() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let to = too_late(&world, &mut person, "").await;
    person.begin("settings", "").await;
    let on = signs_in_at(&mut person, &to).await;
    person.go(&on).await;
    assert_eq!(passkeys(&mut person).await, 0);
}

#[actix_web::test]
async fn a_name_may_change_at_any_time_an_address_may_not() {
    let world = world(|config| config.privileged_session_max_age = SignedDuration::ZERO);
    let mut person = world.person("ada@example.org").await;
    let flow = person.begin("settings", "").await;
    let named = json!({ "email": "ada@example.org", "name": { "first": "Augusta" } });
    person.submit(&flow, json!({ "method": "profile", "traits": named })).await.is(200);
    let moved = json!({ "email": "augusta@example.org" });
    let refused = person.submit(&flow, json!({ "method": "profile", "traits": moved })).await;
    refused.is_refused(403, "session_refresh_required");
}
