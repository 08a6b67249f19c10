//! What is told to the service: the paths of `kratos.yml`, bodies of our templates, three attempts.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::super::double::config::{Hooks, Version};
use super::authenticator::Authenticator;
use super::browser::{World, options, value, world};

async fn service() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    server
}

fn told_to(service: &MockServer, kratos: Version) -> World {
    let hooks = Hooks { service: service.uri(), key: "the-key".into(), delay: jiff::SignedDuration::ZERO };
    world(|config| (config.hooks, config.kratos) = (Some(hooks), kratos))
}

async fn received(service: &MockServer, count: usize) -> Vec<Request> {
    loop {
        let all = service.received_requests().await.unwrap();
        if all.len() >= count {
            return all;
        }
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[actix_web::test]
async fn every_step_is_told_with_what_is_left() {
    let service = service().await;
    let world = told_to(&service, Version::V26_2_0);
    let mut person = world.person("ada@example.org").await;
    let registered = received(&service, 1).await.remove(0);
    assert_eq!(registered.url.path(), "/api/kratos/hooks/registration/password");
    assert_eq!(registered.headers["x-onboarding-key"], "the-key");
    assert!(registered.headers.contains_key("ory-webhook-request-id"));
    assert!(registered.headers.contains_key("ory-webhook-trigger-id"));
    let told = body(&registered);
    assert_eq!((&told["version"], &told["hook"]), (&json!(1), &json!("registration")));
    assert_eq!(told["identity"]["id"], json!(person.id().await));
    assert_eq!(told["identity"]["identifiers"], json!([{ "via": "email", "value": "ada@example.org" }]));

    let flow = person.begin("settings", "").await;
    let mut device = Authenticator::new();
    let made = device.create(&options(&flow, "passkey_create_data")["publicKey"]);
    let added = person.submit(&flow, json!({ "passkey_settings_register": made })).await.is(200);
    let told = received(&service, 2).await.remove(1);
    assert_eq!(told.url.path(), "/api/kratos/hooks/settings/passkey");
    assert_eq!(body(&told)["passkeys"], json!([hex::encode(&device.id)]));
    assert_eq!(body(&told)["security_keys"], json!([]));
    assert!(body(&told)["session"]["authenticated_at"].is_string());

    let gone = json!({ "passkey_remove": value(&added, "passkey_remove") });
    person.submit(&added, gone).await.is(200);
    assert_eq!(body(&received(&service, 3).await[2])["passkeys"], json!([]));

    person.sign_in("?refresh=true").await.is(200);
    let told = received(&service, 4).await.remove(3);
    assert_eq!(told.url.path(), "/api/kratos/hooks/login/password");
    assert_eq!((&body(&told)["method"], &body(&told)["flow"]["refresh"]), (&json!("password"), &json!(true)));
}

#[actix_web::test]
async fn a_hook_that_is_not_taken_is_tried_three_times_under_one_trigger() {
    let service = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "0");
    Mock::given(any()).respond_with(busy).mount(&service).await;
    let world = told_to(&service, Version::V26_2_0);
    world.person("ada@example.org").await;
    let all = received(&service, 3).await;
    let of = |name: &str| {
        all.iter().map(|request| request.headers[name].clone()).collect::<std::collections::HashSet<_>>()
    };
    assert_eq!((of("ory-webhook-trigger-id").len(), of("ory-webhook-request-id").len()), (1, 3));
    assert!(all.iter().all(|request| request.body == all[0].body));
}

#[actix_web::test]
async fn v1_3_1_names_no_trigger_and_leaves_the_session_out_of_settings() {
    let service = service().await;
    let world = told_to(&service, Version::V1_3_1);
    let mut person = world.person("ada@example.org").await;
    let flow = person.begin("settings", "").await;
    let traits = json!({ "email": "ada@example.org" });
    person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.is(200);
    let all = received(&service, 2).await;
    assert!(all.iter().all(|request| !request.headers.contains_key("ory-webhook-trigger-id")));
    let settings = all.iter().find(|request| request.url.path().contains("/settings/profile")).unwrap();
    assert_eq!(body(settings)["session"], Value::Null);
}
