//! An authenticator app as the second factor.

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::browser::{Browser, messages, world};
use super::shape::is_like;

fn secret(flow: &Value) -> String {
    let all = flow["ui"]["nodes"].as_array().unwrap();
    let node = all.iter().find(|node| node["attributes"]["id"] == "totp_secret_key").unwrap();
    node["attributes"]["text"]["text"].as_str().unwrap().to_owned()
}

fn code(secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp =
        Builder::new().with_secret(secret).with_account_name("a").with_issuer(Some("b")).build().unwrap();
    totp.generate_current().to_string()
}

async fn adds_app(person: &mut Browser) -> String {
    let flow = person.begin("settings", "").await;
    let secret = secret(&flow);
    let wrong = person.submit(&flow, json!({ "method": "totp", "totp_code": "000000" })).await;
    assert_eq!((wrong.status, messages(&wrong.body)), (400, vec![4_000_008]));
    person.submit(&flow, json!({ "method": "totp", "totp_code": code(&secret) })).await.is(200);
    secret
}

#[actix_web::test]
async fn where_there_is_a_second_factor_it_has_to_be_used() {
    let world = world(|_| ());
    let mut person = world.person("ada@example.org").await;
    let secret = adds_app(&mut person).await;
    assert_eq!(person.whoami().await.is(200)["authenticator_assurance_level"], "aal2");
    person.sign_out().await;

    let first = person.sign_in("").await;
    is_like("v26.2.0/public/login-then-aal2-response.json", first.status, &first.body);
    let whoami = person.whoami().await;
    is_like("v26.2.0/public/error-session_aal2_required-whoami.json", whoami.status, &whoami.body);
    let settings = person.fetch("/self-service/settings/browser").await;
    is_like("v26.2.0/public/error-session_aal2_required-settings.json", settings.status, &settings.body);

    let flow = person.begin("login", "?aal=aal2&return_to=http%3A%2F%2Flocalhost%3A5050%2Fpasskeys").await;
    assert_eq!(messages(&flow), [1_010_004]);
    let wrong = person.submit(&flow, json!({ "method": "totp", "totp_code": "000000" })).await;
    assert_eq!((wrong.status, messages(&wrong.body)), (400, vec![4_000_008]));
    let done = person.submit(&flow, json!({ "method": "totp", "totp_code": code(&secret) })).await.is(200);
    assert_eq!(done["continue_with"][0]["redirect_browser_to"], "http://localhost:5050/passkeys");
    assert_eq!(person.whoami().await.is(200)["authenticator_assurance_level"], "aal2");
    person.begin("settings", "").await;
}

#[actix_web::test]
async fn nobody_is_asked_for_a_second_factor_before_the_first() {
    let world = world(|_| ());
    world
        .browser("")
        .fetch("/self-service/login/browser?aal=aal2")
        .await
        .is_refused(401, "session_aal1_required");
}
