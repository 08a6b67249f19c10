//! The same delivery again changes nothing.

use futures_util::future::join_all;

use super::{REGISTRATION, put_aside, registered};
use crate::database::Database;
use crate::double::ago;
use crate::recordings::json;
use crate::service::{Plan, Service, delivered};

const TRIGGER: (&str, &str) = ("Ory-Webhook-Trigger-Id", "bfaed591-5985-4211-b4bd-948e9496cc78");
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[tokio::test]
async fn a_signed_delivery_that_is_replayed_changes_nothing_wherever_it_is_sent() {
    let service = Plan::new().with("WEBHOOK__SIGNING_SECRETS", SECRET).start();
    let (at, body) = (ago(10).as_second(), registered(1));
    let signature = standardwebhooks::Webhook::new(SECRET).unwrap();
    let signature = signature.sign("msg_1", at, body.as_bytes()).unwrap();
    for address in
        [REGISTRATION, REGISTRATION, "/api/kratos/hooks/registration/passkey", "/api/kratos/hooks/login/code"]
    {
        let sent = service
            .post(address)
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", &signature)
            .body(body.clone());
        assert_eq!(delivered(sent).await.status(), 204, "{address}");
    }
    assert_eq!(Database::of(&service).events().await, 1);
}

#[tokio::test]
async fn a_retry_is_known_by_its_trigger_id() {
    let service = Service::start();
    let database = Database::of(&service);
    for request in ["b6de0b08-3d5b-4130-be25-8482de1c2b92", "4d748bf4-c155-49be-ac8d-168904cf9a29"] {
        let sent = service
            .hook(REGISTRATION, registered(1))
            .header(TRIGGER.0, TRIGGER.1)
            .header("Ory-Webhook-Request-Id", request);
        assert_eq!(delivered(sent).await.status(), 204);
    }
    assert_eq!(database.events().await, 1);
    let another =
        service.hook(REGISTRATION, registered(1)).header(TRIGGER.0, "c1f2a3b4-5985-4211-b4bd-948e9496cc78");
    assert_eq!(delivered(another).await.status(), 204);
    assert_eq!(database.events().await, 2, "another trigger is another delivery");
}

#[tokio::test]
async fn without_a_trigger_id_a_retry_is_known_by_its_content() {
    let service = Service::start();
    let database = Database::of(&service);
    for (body, events) in [(registered(1), 1), (registered(1), 1), (registered(2), 2), (registered(1), 2)] {
        assert_eq!(delivered(service.hook(REGISTRATION, body)).await.status(), 204);
        assert_eq!(database.events().await, events);
    }
    let elsewhere = service.hook("/api/kratos/hooks/registration/passkey", registered(1));
    assert_eq!(delivered(elsewhere).await.status(), 204);
    assert_eq!(database.events().await, 3, "another hook is another delivery");
}

#[tokio::test]
async fn the_three_attempts_that_kratos_was_seen_to_make_are_one_event() {
    let service = Service::start();
    let attempts = json("v26.2.0/hooks/retries.ctx.json");
    let attempts = attempts.as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    for attempt in attempts {
        let mut sent = service.hook(REGISTRATION, attempt["body"].as_str().unwrap().to_owned());
        for (name, value) in attempt["headers"].as_object().unwrap() {
            if name.starts_with("ory-") {
                sent = sent.header(name, value.as_str().unwrap());
            }
        }
        assert_eq!(delivered(sent).await.status(), 204);
    }
    let database = Database::of(&service);
    assert_eq!((database.events().await, database.records().await), (1, 1));
    let duplicates = "onboarding_webhooks_total{hook=\"registration\",outcome=\"duplicate\"}";
    assert!(service.metric(duplicates).await >= 2.0);
}

#[tokio::test]
async fn the_same_delivery_many_times_at_once_is_one_event() {
    let service = Service::start();
    let sent = (0..40).map(|_| service.hook(REGISTRATION, registered(1)).header(TRIGGER.0, TRIGGER.1));
    for answer in join_all(sent.map(delivered)).await {
        assert_eq!(answer.status(), 204);
    }
    assert_eq!(Database::of(&service).events().await, 1);
}

#[tokio::test]
async fn a_retry_of_what_was_not_understood_is_put_aside_once() {
    let service = Service::start();
    let database = Database::of(&service);
    for (rows, body) in (1..).zip(["{\"broken", "[]", ""]) {
        for _ in 0..3 {
            put_aside(delivered(service.hook(REGISTRATION, body)).await).await;
            assert_eq!(database.put_aside().await.len(), rows, "{body:?}");
        }
    }
}
