//! Who may deliver.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;

use super::{REGISTRATION, registered};
use crate::database::Database;
use crate::double::ago;
use crate::service::{KEY, Plan, Service, delivered, refusal};
use crate::wire::{Wire, chunked, head_with};

const NEXT_KEY: &str = "the-next-webhook-key-of-the-tests";
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const NEXT_SECRET: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const UNAUTHORIZED: &str = "onboarding_webhooks_total{hook=\"registration\",outcome=\"unauthorized\"}";

/// Every kind of credential, two of each.
fn all_kinds() -> Service {
    Plan::new()
        .with("WEBHOOK__API_KEYS", format!("{KEY},{NEXT_KEY}"))
        .with("WEBHOOK__BASIC_AUTH", "kratos:first-password,relay:second:password")
        .with("WEBHOOK__SIGNING_SECRETS", format!("{SECRET},{NEXT_SECRET}"))
        .start()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn signature(secret: &str, id: &str, at: i64, body: &str) -> String {
    standardwebhooks::Webhook::new(secret).unwrap().sign(id, at, body.as_bytes()).unwrap()
}

/// Signed so many seconds ago.
fn signed(request: RequestBuilder, secret: &str, id: &str, seconds: i64, body: &str) -> RequestBuilder {
    let at = ago(seconds).as_second();
    request
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signature(secret, id, at, body))
        .body(body.to_owned())
}

#[tokio::test]
async fn every_accepted_credential_of_every_kind_opens() {
    let service = all_kinds();
    let database = Database::of(&service);
    let post = |n| service.post(REGISTRATION).body(registered(n));
    let plain = || service.post(REGISTRATION);
    let at = ago(0).as_second();
    let both = format!("v1,{} {}", STANDARD.encode([7; 32]), signature(SECRET, "msg_e", at, &registered(13)));
    let cases = [
        post(1).header("X-Onboarding-Key", KEY),
        post(2).header("X-Onboarding-Key", NEXT_KEY),
        post(3).header("x-onboarding-key", KEY),
        post(4).header("Cookie", format!("X-Onboarding-Key={KEY}")),
        post(5).header("Cookie", format!("theme=dark; X-Onboarding-Key={NEXT_KEY}; other=1")),
        post(6).header("Authorization", basic("kratos:first-password")),
        post(7).header("Authorization", basic("relay:second:password")),
        post(8).header("Authorization", basic("kratos:first-password").replace("Basic", "basic")),
        signed(plain(), SECRET, "msg_a", 0, &registered(9)),
        signed(plain(), NEXT_SECRET, "msg_b", 0, &registered(10)),
        signed(plain(), SECRET, "msg_c", 290, &registered(11)),
        signed(plain(), SECRET, "msg_d", -290, &registered(12)),
        // Two signatures while the relay's secret is replaced: one right one is enough.
        post(13)
            .header("webhook-id", "msg_e")
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", both),
        post(14).header("X-Onboarding-Key", "wrong").header("Authorization", basic("kratos:first-password")),
    ];
    for (n, request) in (1..).zip(cases) {
        assert_eq!(delivered(request).await.status(), 204, "case {n}");
        assert_eq!(database.records().await, n, "case {n}");
    }
}

#[tokio::test]
async fn whoever_is_not_known_is_refused_and_leaves_nothing() {
    let service = all_kinds();
    let body = registered(1);
    let post = || service.post(REGISTRATION).body(body.clone());
    let plain = || service.post(REGISTRATION);
    let now = ago(0).as_second();
    let parts = |id: &str, at: i64, signature: String| {
        post()
            .header("webhook-id", id.to_owned())
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
    };
    let right = signature(SECRET, "msg_1", now, &body);
    let cases = [
        post(),
        post().header("X-Onboarding-Key", ""),
        post().header("X-Onboarding-Key", "another-key-of-this-length"),
        post().header("X-Onboarding-Key", &KEY[1..]),
        post().header("X-Onboarding-Key", format!("{KEY}x")),
        post().header("X-Onboarding-Key", KEY.to_uppercase()),
        post().header("X-Onboarding-Key", format!("{KEY},{NEXT_KEY}")),
        post().header("X-Api-Key", KEY),
        post().header("Authorization", format!("Bearer {KEY}")),
        service.post(&format!("{REGISTRATION}?X-Onboarding-Key={KEY}")).body(body.clone()),
        post().header("Cookie", "X-Onboarding-Key=another-key-of-this-length"),
        post().header("Cookie", format!("Another-Key={KEY}")),
        post().header("Authorization", basic("kratos:second:password")),
        post().header("Authorization", basic("kratos")),
        post().header("Authorization", basic(":")),
        post().header("Authorization", "Basic %%%"),
        post().header("Authorization", "Basic"),
        parts("msg_1", now, signature("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "msg_1", now, &body)),
        parts("msg_1", now, signature(SECRET, "msg_1", now, "{}")),
        parts("msg_2", now, right.clone()),
        parts("msg_1", now - 1, right.clone()),
        parts("msg_1", now, right.replace("v1,", "v2,")),
        parts("msg_1", now, String::new()),
        post().header("webhook-id", "msg_1").header("webhook-signature", &right),
        post().header("webhook-id", "msg_1").header("webhook-timestamp", now.to_string()),
        signed(plain(), SECRET, "msg_1", 301, &body),
        signed(plain(), SECRET, "msg_1", -320, &body),
        service.post(REGISTRATION).body("not json"),
        service.post("/api/kratos/post-registration-webauthn").body(body.clone()),
    ];
    let mut refused = 0.0;
    for request in cases {
        let answer = refusal(request.send().await.unwrap(), 401).await;
        refused += 1.0;
        assert_eq!(answer["error"]["id"], "webhook_unauthorized", "case {refused}");
        assert!(!answer.to_string().contains("password"), "{answer}");
    }
    assert!(Database::of(&service).is_empty().await);
    assert_eq!(service.metric(UNAUTHORIZED).await, refused);
    for secret in [KEY, NEXT_KEY, "first-password", "another-key", &right, "person-1"] {
        assert!(!service.log().contains(secret), "{secret} in {}", service.log());
    }
}

#[tokio::test]
async fn the_name_of_the_key_is_a_setting() {
    let service = Plan::new().with("WEBHOOK__API_KEY_NAME", "X-Kratos-Says").start();
    let post = |n| service.post(REGISTRATION).body(registered(n));
    let answer = post(1).header("X-Onboarding-Key", KEY).send().await.unwrap();
    assert_eq!(refusal(answer, 401).await["error"]["id"], "webhook_unauthorized");
    assert_eq!(delivered(post(1).header("X-Kratos-Says", KEY)).await.status(), 204);
    assert_eq!(delivered(post(2).header("Cookie", format!("X-Kratos-Says={KEY}"))).await.status(), 204);
    assert_eq!(Database::of(&service).records().await, 2);
}

#[tokio::test]
async fn a_kind_of_credential_that_is_not_set_opens_nothing() {
    let service =
        Plan::new().without("WEBHOOK__API_KEYS").with("WEBHOOK__BASIC_AUTH", "kratos:first-password").start();
    let post = || service.post(REGISTRATION).body(registered(1));
    for stranger in [
        post().header("X-Onboarding-Key", ""),
        post().header("X-Onboarding-Key", KEY),
        signed(service.post(REGISTRATION), SECRET, "msg_1", 0, &registered(1)),
    ] {
        refusal(stranger.send().await.unwrap(), 401).await;
    }
    let known = post().header("Authorization", basic("kratos:first-password"));
    assert_eq!(delivered(known).await.status(), 204);
}

#[tokio::test]
async fn a_stranger_is_answered_before_the_body_arrives() {
    let service = Service::start();
    for (framing, begun) in [
        ("Content-Length: 1000\r\n", String::new()),
        ("Content-Length: 1000\r\n", "{\"identity_id\": ".to_owned()),
        ("Content-Length: 900000000\r\n", String::new()),
        ("Transfer-Encoding: chunked\r\n", chunked(&["{\"identity_id\": "])),
    ] {
        let mut wire = Wire::to(&service).await;
        let asked = Instant::now();
        wire.send(&(head_with("another-key-of-this-length", framing) + &begun)).await;
        assert_eq!(wire.answer().await.refusal(401), "webhook_unauthorized", "{framing}");
        // A body is waited for 5 s.
        assert!(asked.elapsed() < Duration::from_secs(3), "{framing}");
    }
    assert!(Database::of(&service).is_empty().await);
}
