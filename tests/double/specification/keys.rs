//! WebAuthn is real: only what was made for this challenge, here, by this key is taken.

use serde_json::json;

use super::authenticator::{Authenticator, ORIGIN};
use super::browser::{Browser, messages, nodes, options, value, world};

async fn with_passkey(person: &mut Browser) -> Authenticator {
    let flow = person.begin("settings", "").await;
    let mut device = Authenticator::new();
    let made = device.create(&options(&flow, "passkey_create_data")["publicKey"]);
    person.submit(&flow, json!({ "passkey_settings_register": made })).await.is(200);
    device
}

#[actix_web::test]
async fn a_passkey_that_was_added_signs_its_owner_in() {
    let world = world(|_| ());
    let (mut ada, mut grace) =
        (world.person("ada@example.org").await, world.person("grace@example.org").await);
    let (of_ada, of_grace) = (with_passkey(&mut ada).await, with_passkey(&mut grace).await);
    for (device, email) in [(&of_ada, "ada@example.org"), (&of_grace, "grace@example.org")] {
        let mut browser = world.browser("");
        let flow = browser.begin("login", "").await;
        let used = device.get(&options(&flow, "passkey_challenge")["publicKey"]);
        let done = browser.submit(&flow, json!({ "method": "passkey", "passkey_login": used })).await.is(200);
        assert_eq!(done["session"]["identity"]["traits"]["email"], email);
        assert_eq!(browser.whoami().await.is(200)["authentication_methods"][0]["method"], "passkey");
    }
}

#[actix_web::test]
async fn every_flow_has_its_own_user_handle_and_challenge() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let (first, second) = (person.begin("settings", "").await, person.begin("settings", "").await);
    let of = |flow| options(flow, "passkey_create_data")["publicKey"].clone();
    assert_ne!(of(&first)["challenge"], of(&second)["challenge"]);
    assert_ne!(of(&first)["user"]["id"], of(&second)["user"]["id"]);
    // So one device can be added twice, and both sign in.
    for device in [with_passkey(&mut person).await, with_passkey(&mut person).await] {
        let mut browser = world.browser("");
        let flow = browser.begin("login", "").await;
        let used = device.get(&options(&flow, "passkey_challenge")["publicKey"]);
        browser.submit(&flow, json!({ "passkey_login": used })).await.is(200);
    }
    assert_eq!(person.identity().await["credentials"]["passkey"]["identifiers"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_sign_in_that_is_not_genuine_is_refused() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let device = with_passkey(&mut person).await;
    let mut elsewhere = with_passkey(&mut person).await;
    elsewhere.origin = "http://evil.example".into();
    let mut forged = Authenticator::new();
    forged.id.clone_from(&device.id);
    forged.user_handle.clone_from(&device.user_handle);
    let mut browser = world.browser("");
    let earlier = options(&browser.begin("login", "").await, "passkey_challenge")["publicKey"].clone();
    let flow = browser.begin("login", "").await;
    let asked = options(&flow, "passkey_challenge")["publicKey"].clone();
    for (what, used) in [
        ("another challenge", device.get(&earlier)),
        ("another origin", elsewhere.get(&asked)),
        ("another key", forged.get(&asked)),
    ] {
        let refused = browser.submit(&flow, json!({ "passkey_login": used })).await;
        assert_eq!((refused.status, messages(&refused.body)), (400, vec![4_000_008]), "{what}");
    }
    let nobody = Authenticator::new().get(&asked);
    let refused = browser.submit(&flow, json!({ "passkey_login": nobody })).await;
    assert_eq!((refused.status, messages(&refused.body)), (400, vec![4_000_015]));
    let refused = browser.submit(&flow, json!({ "passkey_login": "{}" })).await;
    assert_eq!((refused.status, messages(&refused.body)), (400, vec![4_000_001]));
    browser.whoami().await.is(401);
    // None of that uses the flow up.
    browser.submit(&flow, json!({ "passkey_login": device.get(&asked) })).await.is(200);
}

#[actix_web::test]
async fn a_passkey_that_is_not_genuine_is_not_added() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let earlier = options(&person.begin("settings", "").await, "passkey_create_data")["publicKey"].clone();
    let flow = person.begin("settings", "").await;
    let asked = options(&flow, "passkey_create_data")["publicKey"].clone();
    for made in
        [Authenticator::at("http://evil.example").create(&asked), Authenticator::new().create(&earlier)]
    {
        let refused = person.submit(&flow, json!({ "passkey_settings_register": made })).await;
        assert_eq!(refused.status, 500, "{}", refused.body);
    }
    // What is not asked for is taken all the same: another authenticator, another origin that is allowed.
    let made = Authenticator::at("http://localhost:5050").create(&asked);
    person.submit(&flow, json!({ "passkey_settings_register": made })).await.is(200);
    assert_eq!(ORIGIN, "http://localhost:4455");
}

#[actix_web::test]
async fn the_last_way_to_sign_in_stays() {
    let world = world(|_| ());
    let mut person = world.browser("ada@example.org");
    let flow = person.begin("registration", "").await;
    let traits = json!({ "email": "ada@example.org" });
    let second = person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.body;
    let made = Authenticator::new()
        .create(&options(&second, "passkey_create_data")["credentialOptions"]["publicKey"]);
    person.submit(&second, json!({ "traits": traits, "passkey_register": made })).await.is(200);

    let flow = person.begin("settings", "").await;
    let remove = nodes(&flow, "passkey_remove");
    assert_eq!((remove.len(), &remove[0]["attributes"]["disabled"]), (1, &json!(true)));
    let refused = person.submit(&flow, json!({ "passkey_remove": value(&flow, "passkey_remove") })).await;
    assert_eq!((refused.status, messages(&refused.body)), (400, vec![4_000_001]));

    with_passkey(&mut person).await;
    let flow = person.begin("settings", "").await;
    assert!(nodes(&flow, "passkey_remove").iter().all(|node| node["attributes"]["disabled"] == json!(false)));
    let done =
        person.submit(&flow, json!({ "passkey_remove": value(&flow, "passkey_remove") })).await.is(200);
    assert_eq!(nodes(&done, "passkey_remove").len(), 1, "the form in the answer is up to date");
    let unknown = person.submit(&flow, json!({ "passkey_remove": "00" })).await;
    assert_eq!((unknown.status, messages(&unknown.body)), (400, vec![4_000_001]));
}
