//! What a report may hold, and what it is told when it holds something else.

use serde_json::json;

use super::{House, document};
use crate::service::refusal;
use crate::wire::Wire;

/// Status and reason of a report that is refused, and nothing is stored.
async fn refused(house: &House, action: &str, kind: Option<&str>, body: Vec<u8>, status: u16) -> String {
    let mut request = house.report(action).body(body);
    if let Some(kind) = kind {
        request = request.header("Content-Type", kind);
    }
    let said = refusal(request.send().await.unwrap(), status).await;
    let id = match status {
        400 => "bad_request",
        413 => "payload_too_large",
        _ => "unsupported_media_type",
    };
    assert_eq!(said["error"]["id"], id, "{said}");
    said["error"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_field_that_is_wrong_is_named_and_not_repeated() {
    let house = House::registered().await;
    let before = house.log().await;
    let long = "x".repeat(65);
    for (action, body, field) in [
        ("failed", json!({}), "kind"),
        ("failed", json!({"kind": null}), "kind"),
        ("failed", json!({"kind": "secret"}), "kind"),
        ("failed", json!({"kind": ["timeout"]}), "kind"),
        ("unavailable", json!({}), "kind"),
        ("failed", json!({"kind": "timeout", "exception": long}), "exception"),
        ("failed", json!({"kind": "timeout", "exception": "secret error"}), "exception"),
        ("started", json!({"attempt_id": "secret\u{0}"}), "attempt_id"),
        ("started", json!({"attempt_id": long}), "attempt_id"),
        ("started", json!({"attempt_id": ""}), "attempt_id"),
        ("started", json!({"attempt_id": 7}), "attempt_id"),
        ("started", json!({"device": "secret"}), "device"),
        ("started", json!({"device": {"platform": "secret"}}), "device.platform"),
        ("started", json!({"device": {"hybrid": 1}}), "device.hybrid"),
        ("started", json!({"duration_ms": -1}), "duration_ms"),
        ("started", json!({"duration_ms": 86_400_001}), "duration_ms"),
        ("started", json!({"duration_ms": "1000"}), "duration_ms"),
        ("started", json!([{"attempt_id": "one"}]), "body"),
        ("started", json!("secret"), "body"),
        ("started", json!(null), "body"),
    ] {
        let reason = refused(&house, action, Some("application/json"), body.to_string().into(), 400).await;
        assert!(reason.starts_with(&format!("{field}: ")), "{body}: {reason}");
        assert!(reason.contains("allowed: "), "{body}: {reason}");
        assert!(!reason.contains("secret") && !reason.contains("xxx"), "{reason}");
    }
    assert_eq!(house.log().await, before, "nothing is stored");
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let house = House::registered().await;
    let before = house.log().await;
    for body in ["{\"attempt_id\":", "secret", "{} {}", "{'a': 1}"] {
        let reason = refused(&house, "started", Some("application/json"), body.into(), 400).await;
        assert!(reason.contains("line 1, column") && !reason.contains("secret"), "{body}: {reason}");
    }
    refused(&house, "started", Some("application/json"), vec![0xff, 0xfe], 400).await;
    let deep = "[".repeat(2_000);
    refused(&house, "started", Some("application/json"), deep.into(), 400).await;
    for kind in
        [Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data"), None]
    {
        let reason = refused(&house, "started", kind, b"{}".to_vec(), 415).await;
        assert!(reason.contains("application/json"), "{kind:?}: {reason}");
    }
    assert_eq!(house.log().await, before, "nothing is stored");
}

#[tokio::test]
async fn more_than_four_kibibytes_are_not_taken() {
    let house = House::registered().await;
    let before = house.log().await;
    let body = |size: usize| json!({ "padding": "x".repeat(size) }).to_string();
    let reason = refused(&house, "started", Some("application/json"), body(5 * 1024).into(), 413).await;
    assert!(reason.contains("4096"), "{reason}");
    assert_eq!(house.log().await, before, "nothing is stored");
    let fits = house.report("started").header("Content-Type", "application/json").body(body(4_000));
    document(fits.send().await.unwrap()).await;
}

#[tokio::test]
async fn no_body_at_all_and_fields_of_a_newer_page_are_taken() {
    let house = House::registered().await;
    document(house.report("started").send().await.unwrap()).await;
    let newer = json!({"attempt_id": null, "device": null, "duration_ms": null, "exception": null,
        "kind": null, "weather": {"is": ["fine"]}});
    house.reported("started", newer).await;
    let charset = house.report("started").header("Content-Type", "application/json; charset=utf-8");
    document(charset.body("{}").send().await.unwrap()).await;
    assert_eq!(house.told_by(&house.person).await, ["started"; 3]);
}

#[tokio::test]
async fn each_kind_of_failure_is_understood() {
    let house = House::registered().await;
    let kinds = [
        "timeout",
        "no_gesture",
        "already_registered",
        "config",
        "network",
        "kratos",
        "privilege_not_gained",
        "unsupported",
        "unknown",
    ];
    for kind in kinds {
        for action in ["failed", "unavailable"] {
            house.reported(action, json!({"kind": kind, "exception": "NotAllowedError"})).await;
            let line = format!("onboarding_page_reports_total{{action=\"{action}\",kind=\"{kind}\"}}");
            assert!((house.service.metric(&line).await - 1.0).abs() < f64::EPSILON, "{line}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_not_allowed_is_named() {
    let house = House::registered().await;
    let before = house.log().await;
    let long = "k".repeat(129);
    for key in ["", "two words", long.as_str()] {
        let said = house.report("started").header("Idempotency-Key", key).send().await.unwrap();
        let said = refusal(said, 400).await;
        assert!(
            said["error"]["reason"].as_str().unwrap().starts_with("Idempotency-Key: "),
            "{key:?}: {said}"
        );
    }
    assert_eq!(house.log().await, before, "nothing is stored");
}

#[tokio::test]
async fn a_body_that_stalls_is_not_waited_for() {
    let house = House::registered().await;
    let before = house.log().await;
    let mut wire = Wire::to(&house.service).await;
    let (cookies, origin) = (house.person.cookies(), &house.service.public);
    wire.send(&format!(
        "POST /api/onboarding/skip HTTP/1.1\r\nHost: test\r\nCookie: {cookies}\r\nOrigin: {origin}\r\n\
         Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{{\"attempt_id\":"
    ))
    .await;
    assert_eq!(wire.answer().await.refusal(408), "request_timeout");
    assert_eq!(house.log().await, before, "nothing is stored");
}
