//! What cannot be understood is put aside, says why, and is never lost.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{REGISTRATION, person, put_aside, registered};
use crate::database::Database;
use crate::recordings::hooks;
use crate::service::{KEY, Service, delivered};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn nested(depth: usize) -> String {
    format!("{{\"identity_id\":\"{}\",\"x\":{}{}}}", person(1), "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn each_kind_of_body_that_is_not_understood_has_its_reason() {
    let service = Service::start();
    let database = Database::of(&service);
    let id = person(1);
    let text = |value: Value| value.to_string().into_bytes();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "empty"),
        (b" ".to_vec(), "not_json"),
        (b"identity_id=5eddbeec".to_vec(), "not_json"),
        (b"{\"identity_id\":".to_vec(), "not_json"),
        (registered(1).into_bytes().repeat(2), "not_json"),
        (b"{\"identity_id\": \"\xff\xfe\"}".to_vec(), "not_json"),
        (b"\xef\xbb\xbf{}".to_vec(), "not_json"),
        (b"\0".to_vec(), "not_json"),
        (nested(200).into_bytes(), "not_json"),
        (nested(30_000).into_bytes(), "not_json"),
        (text(json!(null)), "not_an_object"),
        (text(json!([{ "identity_id": id }])), "not_an_object"),
        (text(json!(id)), "not_an_object"),
        (text(json!(7)), "not_an_object"),
        (text(json!(true)), "not_an_object"),
        (text(json!({})), "no_identity"),
        (text(json!({ "identity": {}, "email": "ada@example.org" })), "no_identity"),
        (text(json!({ "identity": null, "identity_id": null })), "no_identity"),
        (text(json!({ "flow": { "id": id } })), "no_identity"),
        (text(json!({ "identity_id": 7 })), "wrong_type"),
        (text(json!({ "identity": { "id": [id] } })), "wrong_type"),
        (text(json!({ "identity": { "id": {} } })), "wrong_type"),
        (text(json!({ "identity": id })), "wrong_type"),
        (text(json!({ "userId": true })), "wrong_type"),
        (text(json!({ "identity": { "id": ZERO } })), "zero_identity"),
        (text(json!({ "user_id": ZERO })), "zero_identity"),
        (text(json!({ "identity_id": "" })), "bad_value"),
        (text(json!({ "identity_id": "ada@example.org" })), "bad_value"),
        (text(json!({ "identity_id": format!("{id}\0") })), "bad_value"),
        (text(json!({ "identity_id": format!("\0{}", &id[1..]) })), "bad_value"),
        (text(json!({ "identity_id": "x".repeat(60_000) })), "bad_value"),
    ];
    for (n, (body, reason)) in cases.iter().enumerate() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        let answer = delivered(service.hook(REGISTRATION, body.clone())).await;
        assert_eq!(put_aside(answer).await, *reason, "{shown}");
        let rows = database.put_aside().await;
        assert_eq!(rows.len(), n + 1, "{shown}");
        let row = rows.last().unwrap();
        assert_eq!((row.reason.as_str(), row.size), (*reason, i64::try_from(body.len()).unwrap()), "{shown}");
        assert_eq!(row.hook, "registration/password", "{shown}");
    }
    assert_eq!((database.events().await, database.records().await), (0, 0));
    let counted = service.metric("onboarding_quarantined_total{reason=\"zero_identity\"}").await;
    assert_eq!(counted, 2.0);
    assert!(service.log().contains("\"reason\":\"zero_identity\""), "{}", service.log());
}

#[tokio::test]
async fn depth_within_reason_is_understood_and_ignored() {
    let service = Service::start();
    let answer = delivered(service.hook(REGISTRATION, nested(100))).await;
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_put_aside_for_that() {
    let service = Service::start();
    let post = |n| service.post(REGISTRATION).header("X-Onboarding-Key", KEY).body(registered(n));
    for (n, kind) in
        (1..).zip(["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"])
    {
        let answer = delivered(post(n).header("Content-Type", kind)).await;
        assert_eq!(put_aside(answer).await, "content_type", "{kind}");
    }
    let zipped = post(4).header("Content-Type", "application/json").header("Content-Encoding", "gzip");
    assert_eq!(put_aside(delivered(zipped).await).await, "content_type");
    for (n, kind) in (5..).zip(["application/json; charset=utf-8", "Application/JSON"]) {
        assert_eq!(delivered(post(n).header("Content-Type", kind)).await.status(), 204, "{kind}");
    }
    assert_eq!(delivered(post(7)).await.status(), 204, "none is declared");
    assert_eq!(Database::of(&service).records().await, 3);
}

#[tokio::test]
async fn fields_nobody_needs_may_be_anything() {
    let service = Service::start();
    let database = Database::of(&service);
    for (n, odd) in
        (1..).zip([json!(null), json!(7), json!("\0"), json!([[]]), json!({ "a": {} }), json!(false)])
    {
        let body = json!({
            "identity": { "id": person(n), "schema_id": odd, "state": odd, "updated_at": odd, "traits": odd },
            "flow": odd, "session": odd, "version": odd, "hook": odd, "method": odd, "passkeys": odd,
            "traits": odd, "email": odd, "request_cookies": odd, "unheard-of": odd,
        });
        let answer = delivered(service.hook(REGISTRATION, body.to_string())).await;
        assert_eq!(answer.status(), 204, "{odd}");
        assert!(database.record(&person(n)).await.is_some(), "{odd}");
    }
}

#[tokio::test]
async fn a_recorded_hook_that_was_cut_is_put_aside_at_every_length() {
    let service = Service::start();
    let mut sent = 0;
    for hook in hooks().iter().filter(|hook| hook.name.starts_with("v26.2.0") && !hook.name.contains("parse"))
    {
        let end = hook.body.trim_end().len();
        for length in [1, end / 3, end / 2, end - 1] {
            let answer = delivered(service.hook(&hook.path(), hook.body.as_bytes()[..length].to_vec())).await;
            assert_eq!(put_aside(answer).await, "not_json", "{} cut at {length}", hook.name);
            sent += 1;
        }
    }
    let database = Database::of(&service);
    assert!(sent > 80 && database.records().await == 0, "{sent}");
    // One byte of one hook is the same delivery however many recordings begin with it.
    assert!(database.put_aside().await.iter().all(|row| row.kept == "sealed" && row.reason == "not_json"));
}

/// Bytes; text that is nearly JSON; a recording with some of its bytes changed.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let recorded: Vec<String> = hooks().into_iter().map(|hook| hook.body).collect();
    let changed = (
        proptest::sample::select(recorded),
        proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    );
    let changed = changed.prop_map(|(body, changes)| {
        let mut body = body.into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..500),
        "[\\[\\]{}\",:a-f0-9\\\\ ]{0,200}".prop_map(String::into_bytes),
        changed,
    ]
}

#[test]
fn whatever_bytes_arrive_are_an_event_or_a_reason_and_never_lost() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(async { Service::start() });
    let database = Database::of(&service);
    let places = ["registration/password", "settings/passkey", "login/code", "settings/profile"];
    let sent = std::cell::Cell::new(0_u128);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let input = (proptest::sample::select(places.to_vec()), bodies());
    let kept =
        || async { database.events().await + i64::try_from(database.put_aside().await.len()).unwrap() };
    TestRunner::new(config)
        .run(&input, |(place, body)| {
            let n = sent.get() + 1;
            sent.set(n);
            let answer = runtime.block_on(async {
                let hook = service.hook(&format!("/api/kratos/hooks/{place}"), body);
                delivered(hook.header("Ory-Webhook-Trigger-Id", Uuid::from_u128(n).to_string())).await
            });
            prop_assert!([202, 204].contains(&answer.status().as_u16()), "{}", answer.status());
            prop_assert_eq!(u128::try_from(runtime.block_on(kept())).unwrap(), n);
            Ok(())
        })
        .unwrap();
    assert!(sent.get() >= 64);
    assert!(!service.log().contains("panicked"), "{}", service.log());
}
