//! How much, how long, how, and where.

use std::time::{Duration, Instant};

use reqwest::Method;

use super::{REGISTRATION, put_aside, registered};
use crate::database::Database;
use crate::service::{KEY, Service, delivered, refusal};
use crate::wire::{Wire, chunked, head};

const LIMIT: usize = 65_536;
const REFUSED: &str = "onboarding_webhooks_total{hook=\"registration\",outcome=\"refused\"}";

/// A body of so many bytes.
fn body_of(length: usize, n: u32) -> String {
    let body = registered(n);
    let filling = " ".repeat(length - body.len());
    body + &filling
}

#[tokio::test]
async fn exactly_64_kib_is_taken_and_one_byte_more_is_not() {
    let service = Service::start();
    let database = Database::of(&service);
    let whole = delivered(service.hook(REGISTRATION, body_of(LIMIT, 1))).await;
    assert_eq!(whole.status(), 204);
    let over = service.hook(REGISTRATION, body_of(LIMIT + 1, 2)).send().await.unwrap();
    assert_eq!(refusal(over, 413).await["error"]["id"], "payload_too_large");

    let framing = head("Transfer-Encoding: chunked\r\n");
    let body = body_of(LIMIT, 3);
    let (first, second) = body.split_at(LIMIT / 2);
    let whole = framing.clone() + &chunked(&[first, second]) + "0\r\n\r\n";
    assert_eq!(Wire::delivered(&service, &whole).await.status, 204);
    let over = framing + &chunked(&[&body, " "]) + "0\r\n\r\n";
    assert_eq!(Wire::delivered(&service, &over).await.refusal(413), "payload_too_large");

    assert_eq!((database.records().await, database.put_aside().await.len()), (2, 0));
    assert_eq!(service.metric(REFUSED).await, 2.0);
}

#[tokio::test]
async fn a_length_that_is_too_much_is_refused_before_the_body_arrives() {
    let service = Service::start();
    for length in ["65537", "900000000", "18446744073709551615"] {
        let mut wire = Wire::to(&service).await;
        let asked = Instant::now();
        wire.send(&head(&format!("Content-Length: {length}\r\n"))).await;
        assert_eq!(wire.answer().await.refusal(413), "payload_too_large", "{length}");
        assert!(asked.elapsed() < Duration::from_secs(3), "{length}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let service = Service::start();
    let (mut whole, mut parts) = (Wire::to(&service).await, Wire::to(&service).await);
    let asked = Instant::now();
    whole.send(&(head("Content-Length: 100\r\n") + "{\"identity_id\"")).await;
    parts.send(&(head("Transfer-Encoding: chunked\r\n") + &chunked(&["{\"identity_id\""]))).await;
    let meanwhile = delivered(service.hook(REGISTRATION, registered(1))).await;
    assert_eq!(meanwhile.status(), 204, "others need not wait");
    for wire in [&mut whole, &mut parts] {
        assert_eq!(wire.answer().await.refusal(408), "request_timeout");
    }
    let waited = asked.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
    let database = Database::of(&service);
    assert_eq!((database.events().await, database.put_aside().await.len()), (1, 0));
}

#[tokio::test]
async fn a_body_that_breaks_off_does_no_harm() {
    let service = Service::start();
    for framing in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut wire = Wire::to(&service).await;
        wire.send(&(head(framing) + "20\r\n{\"identity_id\"")).await;
        drop(wire);
    }
    let mut wire = Wire::to(&service).await;
    wire.send(&(head("Transfer-Encoding: chunked\r\n") + "no number\r\n{}\r\n0\r\n\r\n")).await;
    assert_eq!(wire.answer().await.refusal(400), "body_incomplete");
    while service.metric(REFUSED).await < 3.0 {}
    assert!(Database::of(&service).is_empty().await);
    let next = delivered(service.hook(REGISTRATION, registered(1))).await;
    assert_eq!(next.status(), 204);
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

#[tokio::test]
async fn a_hook_without_a_body_is_put_aside_as_empty() {
    // A Kratos v26.2 whose template yields more than 64 KiB sends just this.
    let service = Service::start();
    assert_eq!(Wire::delivered(&service, &head("Content-Length: 0\r\n")).await.status, 202);
    let plain =
        service.post(REGISTRATION).header("X-Onboarding-Key", KEY).header("Content-Type", "text/plain");
    assert_eq!(put_aside(delivered(plain).await).await, "empty", "whatever its type");
    let rows = Database::of(&service).put_aside().await;
    assert_eq!(rows.len(), 1, "told twice is told once: {rows:?}");
    assert_eq!((rows[0].reason.as_str(), rows[0].size, rows[0].kept.as_str()), ("empty", 0, "none"));
}

#[tokio::test]
async fn only_post_is_taken() {
    let service = Service::start();
    for path in [REGISTRATION, "/api/kratos/hooks/login/code", "/api/kratos/post-registration-webauthn"] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let request =
                service.http.request(method.clone(), service.url(path)).header("X-Onboarding-Key", KEY);
            let answer = request.body(registered(1)).send().await.unwrap();
            assert_eq!(answer.headers()["allow"], "POST", "{method} {path}");
            assert_eq!(refusal(answer, 405).await["error"]["id"], "method_not_allowed", "{method} {path}");
        }
        let answer = service.http.head(service.url(path)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "POST"));
    }
    assert!(Database::of(&service).is_empty().await);
}

#[tokio::test]
async fn what_is_no_hook_is_not_found() {
    let service = Service::start();
    let long = format!("registration/{}", "x".repeat(1000));
    for hook in [
        "recovery/code",
        "Registration/password",
        "registration",
        "registration/",
        "registration/password/more",
        "registration/pass%20word",
        "registration/%00",
        "registration/%ff",
        "registration/%2e%2e",
        &long,
    ] {
        let answer = service.hook(&format!("/api/kratos/hooks/{hook}"), registered(1)).send().await.unwrap();
        assert_eq!(refusal(answer, 404).await["error"]["id"], "not_found", "{hook}");
    }
    assert!(Database::of(&service).is_empty().await);
}

#[tokio::test]
async fn a_method_this_version_does_not_know_is_a_hook() {
    let service = Service::start();
    for kind in ["registration", "settings", "login"] {
        let address = format!("/api/kratos/hooks/{kind}/sorcery");
        assert_eq!(delivered(service.hook(&address, registered(1))).await.status(), 204, "{kind}");
    }
    assert_eq!(Database::of(&service).events().await, 3);
}
