//! A person registers with a real Kratos, through `kratos-config/`, beside the real binary.
//!
//! Not part of the ordinary tests: it needs a Kratos, named by `KRATOS_BIN`. `make test-kratos` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../postgres/cluster.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cluster;
mod dates;
#[path = "../webauthn/device.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod device;
mod doctor;
mod own;
mod person;
mod process;
mod reconcile;
mod world;

use std::time::Duration;

use serde_json::{Value, json};

use person::Person;
use world::{Setup, World, eventually};

/// Kratos tries an asynchronous hook at once; what takes longer than this does not come.
const SOON: Duration = Duration::from_secs(15);

/// The hooks of this outcome so far. What the labels are beside the outcome does not matter here.
async fn webhooks(world: &World, outcome: &str) -> u64 {
    let label = format!("outcome=\"{outcome}\"");
    let metrics = world.metrics().await;
    let lines = metrics.lines().filter(|line| line.starts_with("onboarding_webhooks_total{"));
    lines
        .filter(|line| line.contains(&label))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

async fn stored(world: &World, at_least: u64) {
    eventually(SOON, &format!("{at_least} stored hooks"), async || {
        let count = webhooks(world, "stored").await;
        if count >= at_least { Ok(()) } else { Err(format!("{count} stored\n{}", world.logs())) }
    })
    .await;
}

#[tokio::test]
async fn a_registration_by_password_becomes_an_offer() {
    becomes_an_offer(World::start(world::KEY).await).await;
}

#[tokio::test]
async fn a_registration_by_password_becomes_an_offer_on_postgres_too() {
    let database = cluster::Database::new().await;
    becomes_an_offer(World::of(Setup { dsn: Some(&database.url), ..Setup::default() }).await).await;
}

async fn becomes_an_offer(world: World) {
    let mut ada = Person::new(&world, "Ada@Example.org");

    let answer = ada.register().await;
    assert_eq!(answer["identity"]["traits"]["email"], "Ada@Example.org", "{answer}");
    assert_eq!(
        answer["continue_with"],
        json!([{ "action": "redirect_browser_to", "redirect_browser_to": world.service("/post-registration") }])
    );

    // The hook first: a question before it would make the record from the session instead.
    stored(&world, 1).await;
    let decision = ada.decision().await;
    assert_eq!(decision["decision"], "offer", "{decision}");
    assert_eq!(decision["passkey_count"], json!(0), "{decision}");
    assert_eq!(decision["session"]["privileged"], json!(true), "{decision}");

    // The other two templates: a change of the profile, and another sign-in.
    ada.change_name("Ada").await;
    stored(&world, 2).await;
    let mut elsewhere = Person::new(&world, "ada@example.org");
    elsewhere.sign_in().await;
    stored(&world, 3).await;
    assert_eq!(elsewhere.decision().await["decision"], "offer");
    assert_eq!(webhooks(&world, "quarantined").await, 0, "{}", world.logs());
}

#[tokio::test]
async fn a_hook_with_a_wrong_key_stores_nothing_and_the_person_is_still_found() {
    let world = World::start("not-the-key-of-the-service").await;
    let mut eve = Person::new(&world, "eve@example.org");

    let answer = eve.register().await;
    assert!(answer["session"].is_object(), "the hook is not waited for: {answer}");

    eventually(SOON, "a refused hook", async || {
        let count = webhooks(&world, "unauthorized").await;
        if count == 1 { Ok(()) } else { Err(format!("{count} refused\n{}", world.logs())) }
    })
    .await;
    assert_eq!(webhooks(&world, "stored").await, 0);

    let decision = eve.decision().await;
    assert_eq!(decision["decision"], "offer", "{decision}");
    assert_eq!(decision["passkey_count"], json!(0), "looked up in Kratos: {decision}");
}

#[tokio::test]
async fn nobody_is_told_anything_without_a_session() {
    let world = World::start(world::KEY).await;
    let stranger = Person::new(&world, "nobody@example.org");
    let (status, body) = stranger.ask().await;
    assert_eq!(status, 401, "{body}");
    assert_eq!(body["error"]["id"], Value::from("session_inactive"), "{body}");
}
