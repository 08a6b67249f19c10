//! What the operator's receivers are told: signed, at least once, in order for each person, whatever goes wrong.

mod dead_letters;
mod delivery;
mod hanging;
mod instances;
pub mod receiver;

use std::time::{Duration, Instant};

use serde_json::json;

use crate::database::Database;
use crate::service::{Plan, Service, delivered};
use crate::webhook::{person, registered};
use receiver::SECRET;

const PATIENCE: Duration = Duration::from_secs(30);

/// A service with these receivers, which tries again after milliseconds, as often as it takes.
pub fn telling(receivers: &[(&str, &str)]) -> Plan {
    let mut plan = Plan::new()
        .with("EVENTS__ALLOW_PRIVATE_ADDRESSES", "true")
        .with("EVENTS__TIMEOUT", "500ms")
        .with("EVENTS__RETRY_PAUSES", ["5ms"; 30].join(","));
    for (name, url) in receivers {
        plan = plan
            .with(&format!("EVENTS__RECEIVERS__{}__URL", name.to_uppercase()), *url)
            .with(&format!("EVENTS__RECEIVERS__{}__SECRETS", name.to_uppercase()), SECRET);
    }
    plan
}

pub async fn register(service: &Service, n: u32) {
    let hook = service.hook("/api/kratos/hooks/registration/password", registered(n));
    assert_eq!(delivered(hook).await.status(), 204, "{}", service.log());
}

/// The `nth` change, from 1 on: a passkey comes, and goes again with the next. Each is another stage.
async fn change(service: &Service, n: u32, nth: u32) {
    let at = format!("2027-01-01T{:02}:{:02}:00Z", nth / 60, nth % 60);
    let passkeys: &[&str] = if nth % 2 == 1 { &["0a"] } else { &[] };
    let body = json!({
        "version": 1, "hook": "settings", "method": "passkey",
        "flow": { "id": "4d748bf4-c155-49be-ac8d-168904cf9a29", "type": "browser", "issued_at": at },
        "identity": { "id": person(n), "updated_at": at },
        "passkeys": passkeys,
        "security_keys": null,
    });
    let hook = service.hook("/api/kratos/hooks/settings/passkey", body.to_string());
    assert_eq!(delivered(hook).await.status(), 204, "{}", service.log());
}

/// Everything was told or given up, and so many are dead letters.
async fn until_done(service: &Service, dead: i64) {
    let (database, deadline) = (Database::of(service), Instant::now() + PATIENCE);
    while database.outbox().await != (0, dead) {
        assert!(Instant::now() < deadline, "{:?}\n{}", database.outbox().await, service.log());
    }
}
