//! Starting, being watched, being stopped.

use serde_json::{Value, json};

use crate::recordings;
use crate::service::{KEY, Plan, Service, refusal};
use crate::wire::{Wire, head};

#[tokio::test]
async fn a_running_service_says_so() {
    let service = Service::start();
    for path in ["/health/alive", "/health/ready"] {
        let answer = service.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "ok");
    }
    let version: Value = service.get("/version").send().await.unwrap().json().await.unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let document: Value = service.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    assert!(document["paths"]["/api/kratos/hooks/{hook}/{method}"]["post"].is_object());
    assert!(document["paths"]["/api/onboarding"]["get"].is_object());
}

#[tokio::test]
async fn the_openapi_document_changes_only_on_purpose() {
    let printed = Plan::new().command(std::path::Path::new("."), &["openapi"]).output().unwrap();
    insta::assert_snapshot!("openapi", String::from_utf8(printed.stdout).unwrap());
}

#[tokio::test]
async fn the_openapi_document_for_operators_changes_only_on_purpose() {
    let printed = Plan::new().command(std::path::Path::new("."), &["openapi", "--admin"]).output().unwrap();
    insta::assert_snapshot!("openapi_admin", String::from_utf8(printed.stdout).unwrap());
}

#[tokio::test]
async fn metrics_are_on_the_admin_listener_only() {
    let service = Service::start();
    refusal(service.get("/metrics/prometheus").send().await.unwrap(), 404).await;
    let admin = service.http.get(format!("{}/metrics/prometheus", service.admin)).send().await.unwrap();
    let content_type = admin.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(content_type.starts_with("application/openmetrics-text"), "{content_type}");
    assert!(admin.text().await.unwrap().ends_with("# EOF\n"));
    let hook = service.http.post(format!("{}/api/kratos/hooks/registration/password", service.admin));
    refusal(hook.send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_taken_are_told_in_the_envelope() {
    let service = Service::start();
    let missing =
        refusal(service.get("/nothing/here?email=ada@example.org").send().await.unwrap(), 404).await;
    assert_eq!(missing["error"]["id"], "not_found");
    for (path, allow) in [
        ("/api/kratos/post-registration-webauthn", "POST"),
        ("/api/kratos/hooks/registration/password", "POST"),
        ("/api/onboarding/skip", "POST"),
    ] {
        let answer = service.get(path).send().await.unwrap();
        assert_eq!(answer.headers()["allow"], allow, "{path}");
        assert_eq!(refusal(answer, 405).await["error"]["id"], "method_not_allowed");
    }
    for path in ["/api/onboarding", "/api/onboarding/events"] {
        let answer = service.post(path).send().await.unwrap();
        assert_eq!(answer.headers()["allow"], "GET");
        refusal(answer, 405).await;
    }
}

#[tokio::test]
async fn under_a_base_path_every_path_moves() {
    let service = Plan::new().with("SERVE__PUBLIC__BASE_PATH", "/onboarding").start();
    let root = service.public.strip_suffix("/onboarding").unwrap().to_owned();
    let alive = |base: &str| service.http.get(format!("{base}/health/alive")).send();
    assert_eq!(alive(&service.public).await.unwrap().status(), 200);
    assert_eq!(alive(&root).await.unwrap().status(), 404);
    let answer = service.get("/api/onboarding/skip").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "POST"));
}

#[tokio::test]
async fn sigterm_stops_it_cleanly_and_keeps_what_was_acknowledged() {
    let service = Service::start();
    let hook = recordings::hook("v26.2.0/hooks/registration-password.ctx.json");
    assert_eq!(service.send(&hook).await.status(), 204);
    service.signal("TERM");
    let (status, directory, log) = service.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    let again = Plan::new().on(directory).start();
    assert_eq!(again.send(&hook).await.status(), 204);
    assert_eq!(
        again.metric("onboarding_webhooks_total{hook=\"registration\",outcome=\"duplicate\"}").await,
        1.0
    );
}

#[tokio::test]
async fn sigterm_waits_for_a_request_that_is_on_its_way() {
    let service = Service::start();
    let body = json!({ "identity_id": "5eddbeec-b3d3-4769-ad6d-07e5374f94b7" }).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut wire = Wire::to(&service).await;
    wire.send(&(head(&format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len())))).await;
    assert_eq!(wire.answer().await.status, 100, "it has begun with the request");
    wire.send(first).await;
    service.signal("TERM");
    // Nobody new is let in from here on.
    while Wire::try_to(&service).await.is_some() {}
    wire.send(rest).await;
    assert_eq!(wire.answer().await.status, 204);
    let (status, _, log) = service.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn a_request_line_that_is_none_is_a_bare_400_and_ends_its_connection_only() {
    // The framework answers before anything of ours sees a request: no envelope and no request id.
    let service = Service::start();
    for broken in ["nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"] {
        let mut wire = Wire::to(&service).await;
        wire.send(broken).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.header("x-request-id")), (400, None), "{broken:?}");
        assert_eq!(answer.header("content-length"), Some("0"), "{broken:?}");
        assert!(wire.is_closed().await, "{broken:?}");
    }
    assert_eq!(service.get("/health/alive").send().await.unwrap().status(), 200);
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

#[tokio::test]
async fn a_log_for_people_is_not_json() {
    let service = Plan::new().with("LOG__FORMAT", "pretty").start();
    assert_eq!(service.get("/health/alive").send().await.unwrap().status(), 200);
    service.signal("TERM");
    let (status, _, log) = service.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("INFO") && log.contains("request"), "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_err(), "{line}");
    }
}

#[tokio::test]
async fn the_log_names_requests_and_nobody() {
    let service = Service::start();
    let hook = recordings::hook("v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json");
    assert_eq!(service.send(&hook).await.status(), 204);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer = service
        .get("/api/onboarding?return_to=https://secret.example/ada@example.org")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("cookie", "ory_kratos_session=a-cookie-nobody-may-see-0123456789")
        .send()
        .await
        .unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    service.signal("TERM");
    let (_, _, log) = service.ended();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request: Vec<_> = lines.iter().filter(|line| line.to_string().contains(&id)).collect();
    assert_eq!(of_request.iter().filter(|line| line["message"] == "request").count(), 1, "{log}");
    assert!(of_request[0].to_string().contains(trace), "{log}");
    for secret in [
        KEY,
        "example.org",
        "secret.example",
        "a-cookie",
        "ory_kratos_session",
        "5eddbeec",
        "127.0.0.1:50052",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
