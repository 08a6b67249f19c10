//! Forms of another browser, of another time, and where people may not be sent.

use jiff::SignedDuration;
use serde_json::json;

use super::browser::{messages, value, world};

#[actix_web::test]
async fn a_form_from_before_the_sign_in_is_no_longer_good() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let form = person.begin("settings", "").await;
    person.sign_out().await;
    person.sign_in("").await.is(200);
    person.submit(&form, json!({ "method": "profile" })).await.is_refused(403, "security_csrf_violation");
}

#[actix_web::test]
async fn a_flow_is_read_by_the_browser_it_was_made_for() {
    let world = world(|_| ());
    let (mut one, mut other) = (world.browser("a@example.org"), world.browser("b@example.org"));
    for kind in ["login", "registration"] {
        let flow = one.begin(kind, "").await;
        let address = format!("/self-service/{kind}/flows?id={}", flow["id"].as_str().unwrap());
        one.fetch(&address).await.is(200);
        other.fetch(&address).await.is_refused(403, "security_csrf_violation");
    }
}

#[actix_web::test]
async fn an_expired_flow_is_gone_and_submitting_it_names_a_new_one() {
    let world = world(|config| config.flow_lifespan = SignedDuration::from_millis(-1));
    let mut person = world.browser("ada@example.org");
    let flow = person.begin("login", "").await;
    let gone = person.fetch(&format!("/self-service/login/flows?id={}", flow["id"].as_str().unwrap())).await;
    let body = gone.is_refused(410, "self_service_flow_expired");
    assert!(
        body["error"]["details"]["redirect_to"].as_str().unwrap().ends_with("/self-service/login/browser")
    );
    let replaced = person.submit(&flow, json!({ "method": "password" })).await;
    let body = replaced.is_refused(410, "self_service_flow_expired");
    assert_ne!(body["use_flow_id"], flow["id"]);
}

#[actix_web::test]
async fn only_where_it_is_allowed_people_are_sent() {
    let world = world(|_| ());
    let mut person = world.browser("ada@example.org");
    for wrong in [
        "http://evil.example/",
        "//evil.example/",
        "http://localhost:50501/",
        "javascript:alert(1)",
        "https://localhost:5050/",
    ] {
        let query: String = url::form_urlencoded::byte_serialize(wrong.as_bytes()).collect();
        for kind in ["login", "registration"] {
            let refused = person.fetch(&format!("/self-service/{kind}/browser?return_to={query}")).await;
            refused.is_refused(400, "self_service_flow_return_to_forbidden");
        }
    }
    // Not an address at all, so without the id.
    person.fetch("/self-service/login/browser?return_to=http://localhost:5050.evil.example/").await.is(400);
    let own = format!("{}/self-service/settings?flow=x", world.running.public);
    let query: String = url::form_urlencoded::byte_serialize(own.as_bytes()).collect();
    person.begin("login", &format!("?return_to={query}")).await;
}

#[actix_web::test]
async fn what_is_wrong_is_told_beside_the_field() {
    let world = world(|_| ());
    let mut person = world.browser("ada@example.org");
    let flow = person.begin("registration", "").await;
    let traits = json!({ "email": "ada@example.org" });
    let second = person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.body;
    let short =
        person.submit(&second, json!({ "method": "password", "password": "short", "traits": traits })).await;
    assert_eq!((short.status, messages(&short.body)), (400, vec![4_000_032]));
    let nobody = person.submit(&flow, json!({ "method": "profile", "traits": { "email": "" } })).await;
    assert_eq!((nobody.status, messages(&nobody.body)), (400, vec![4_000_003]));
    let login = person.begin("login", "").await;
    let body = json!({ "method": "password", "identifier": "ada@example.org", "password": "wrong-password" });
    let wrong = person.submit(&login, body).await;
    assert_eq!((wrong.status, messages(&wrong.body)), (400, vec![4_000_006]));
    assert_ne!(value(&wrong.body, "csrf_token"), value(&login, "csrf_token"));
}
