//! When the database cannot take it, the sender is told at once and tries again.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::Connection;

use super::{REGISTRATION, person, put_aside, registered};
use crate::database::Database;
use crate::service::{Service, delivered, refusal};

/// Kratos waits longer, and a person at its browser should not wait much longer.
const SOON: Duration = Duration::from_millis(1500);

async fn ready(service: &Service) -> u16 {
    service.get("/health/ready").send().await.unwrap().status().as_u16()
}

async fn refused_while_locked(lock: &'static str) {
    let service = Service::start();
    let database = Database::of(&service);
    let mut other = database.writing().await;
    sqlx::query(lock).execute(&mut other).await.unwrap();

    let first = || service.hook(REGISTRATION, registered(1));
    for (request, what) in [(first(), "an event"), (service.hook(REGISTRATION, "{\"broken"), "a broken one")]
    {
        let asked = Instant::now();
        let answer = request.send().await.unwrap();
        assert!(asked.elapsed() < SOON, "{what} took {:?}", asked.elapsed());
        assert_eq!(answer.headers()["retry-after"], "1", "{what}");
        assert_eq!(refusal(answer, 503).await["error"]["id"], "store_unavailable", "{what}");
    }
    assert_eq!(refusal(service.get("/health/ready").send().await.unwrap(), 503).await["error"]["code"], 503);
    assert_eq!(service.get("/health/alive").send().await.unwrap().status(), 200);
    let unavailable = "onboarding_webhooks_total{hook=\"registration\",outcome=\"unavailable\"}";
    assert_eq!(service.metric(unavailable).await, 2.0);

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    while ready(&service).await != 200 {}
    assert_eq!(delivered(first()).await.status(), 204, "it heals without a restart");
    assert!(database.record(&person(1)).await.is_some());
    assert_eq!(database.events().await, 1);
}

#[tokio::test]
async fn while_another_process_writes_hooks_are_refused_and_afterwards_taken() {
    refused_while_locked("BEGIN IMMEDIATE").await;
}

#[tokio::test]
async fn while_another_process_holds_the_whole_file_hooks_are_refused_and_afterwards_taken() {
    refused_while_locked("BEGIN EXCLUSIVE").await;
}

#[tokio::test]
async fn strangers_and_senseless_requests_are_refused_as_ever_while_it_is_locked() {
    let service = Service::start();
    let mut other = Database::of(&service).writing().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    refusal(service.post(REGISTRATION).body(registered(1)).send().await.unwrap(), 401).await;
    let over = service.hook(REGISTRATION, " ".repeat(65_537)).send().await.unwrap();
    refusal(over, 413).await;
    refusal(service.get(REGISTRATION).send().await.unwrap(), 405).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
}

#[tokio::test]
async fn an_event_that_the_database_refuses_costs_the_others_nothing() {
    let service = Service::start();
    let database = Database::of(&service);
    database
        .execute(
            "CREATE TRIGGER poison BEFORE INSERT ON events
             WHEN (SELECT hex(identity) FROM records WHERE id = NEW.record) = '5EDDBEECB3D34769AD6D000000000040'
             BEGIN SELECT RAISE(ABORT, 'poison'); END",
        )
        .await;
    let sent = (0..128).map(|n| service.hook(REGISTRATION, registered(n)));
    for (n, answer) in join_all(sent.map(delivered)).await.into_iter().enumerate() {
        if n == 0x40 {
            assert_eq!(put_aside(answer).await, "poison");
        } else {
            assert_eq!(answer.status(), 204, "delivery {n}");
        }
    }
    assert_eq!((database.events().await, database.records().await), (127, 127));
    let rows = database.put_aside().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].reason, "poison");
    assert_eq!(service.metric("onboarding_quarantined_total{reason=\"poison\"}").await, 1.0);
}
