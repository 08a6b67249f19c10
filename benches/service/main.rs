//! What the service costs and gains: ratios of one interleaved run, see benches/README.md.
//!
//! `ROUNDS` and `SECONDS` bound each line: 5 rounds of 2 s otherwise. `LINES=postgres,peers` measures only those.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../tests/postgres/cluster.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod cluster;
mod durable;
mod growth;
mod idle;
mod latency;
mod load;
mod peers;
mod postgres;
mod ratio;
mod receiver;
mod servers;
mod sqlite;
mod started;
mod waiting;

use std::time::Duration;

use load::Request;

pub const KEY: &str = "a-key-of-the-benchmark";
pub const PII: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const CONNECTIONS: usize = 128;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    if std::env::var_os("BENCH_SERVERS").is_some() {
        return servers::run();
    }
    let rounds = number("ROUNDS", 5);
    let time = Duration::from_secs(number("SECONDS", 2));
    let lines = std::env::var("LINES").unwrap_or_default();
    let wanted = |name: &str| lines.is_empty() || lines.split(',').any(|line| line.trim() == name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        if wanted("sqlite") {
            sqlite::measure(rounds, time).await;
        }
        if wanted("postgres") {
            postgres::measure(rounds, time).await;
        }
        if wanted("peers") {
            peers::measure(rounds, time).await;
        }
        if wanted("receiver") {
            receiver::measure(rounds, time).await;
        }
        if wanted("latency") {
            latency::measure(rounds, time).await;
        }
        if wanted("waiting") {
            waiting::measure().await;
        }
        if wanted("growth") {
            growth::measure(rounds, time).await;
        }
        if wanted("idle") {
            idle::measure().await;
        }
    });
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A registration as the template of `kratos-config/` sends it.
fn hook() -> Request {
    let body = r#"{"version":1,"hook":"registration","method":null,"flow":{"id":"4d748bf4-c155-49be-ac8d-168904cf9a29","type":"browser","issued_at":"2026-11-22T04:34:47.959727284Z"},"identity":{"id":"IDENTITY","schema_id":"person","state":"active","created_at":"2026-11-22T04:34:48.101032Z","updated_at":"2026-11-22T04:34:48.101032Z","identifiers":[{"via":"email","value":"IDENTITY@example.org"}]}}"#;
    let body = body.replacen("\"IDENTITY@", "\"a-IDENTITY@", 1);
    let headers = format!("X-Onboarding-Key: {KEY}\r\nOry-Webhook-Trigger-Id: TRIGGER\r\n");
    let padding = body.matches("IDENTITY").count();
    assert_eq!(padding, 2, "the length is worked out for two");
    Request::post("/api/kratos/hooks/registration/password", &headers, &body, 204)
}
