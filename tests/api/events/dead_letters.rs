//! Events that were given up: `events list | replay | drop`.

use std::time::Instant;

use serde_json::Value;

use super::receiver::{Receiver, Reply, taken};
use super::{PATIENCE, change, register, telling, until_done};
use crate::cli::{err, out};
use crate::database::Database;
use crate::service::Service;
use crate::webhook::person;

fn done(service: &Service, arguments: &[&str]) -> String {
    let output = service.cli(&[&["events"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", err(&output));
    out(&output)
}

fn listed(service: &Service, further: &[&str]) -> Vec<Value> {
    serde_json::from_str(&done(service, &[&["list", "--format", "json"], further].concat())).unwrap()
}

#[tokio::test]
async fn who_is_gone_is_not_tried_again_and_the_person_s_next_event_comes() {
    let receiver =
        Receiver::answering(|told, _| Reply::of(if told.version() == 1 { 410 } else { 204 })).await;
    let service = telling(&[("crm", &receiver.url())]).start();
    register(&service, 1).await;
    change(&service, 1, 1).await;
    until_done(&service, 1).await;
    let came = receiver.deliveries();
    assert_eq!(came.iter().map(|told| told.version()).collect::<Vec<_>>(), [1, 2]);

    let letters = listed(&service, &[]);
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((&letter["id"], &letter["receiver"]), (&came[0].id.as_str().into(), &"crm".into()));
    assert_eq!((&letter["error"], &letter["attempts"]), (&"status 410".into(), &1.into()));
    assert_eq!((&letter["identity_id"], &letter["body"]), (&person(1).into(), &came[0].body));
    let table = done(&service, &["list"]);
    assert!(
        table.starts_with("ID ") && table.contains(&came[0].id) && table.contains("status 410"),
        "{table}"
    );
    let dead = "onboarding_outbox_deliveries_total{receiver=\"crm\",result=\"dead\"}";
    assert_eq!(service.metric(dead).await, 1.0);
}

#[tokio::test]
async fn after_the_last_try_it_is_a_dead_letter_and_a_replay_begins_anew() {
    let receiver = Receiver::answering(|_, _| Reply::of(500)).await;
    let service = telling(&[("crm", &receiver.url())]).with("EVENTS__RETRY_PAUSES", "1ms,2ms").start();
    for n in 1..=3 {
        register(&service, n).await;
    }
    change(&service, 1, 1).await;
    until_done(&service, 4).await;
    assert_eq!(receiver.deliveries().len(), 12, "three tries each");
    assert_eq!(taken(&receiver.deliveries()).len(), 0);

    receiver.answers(|_, _| Reply::of(200));
    let one = listed(&service, &["--receiver", "crm", "--limit", "1"]);
    let id = one[0]["id"].as_str().unwrap();
    assert!(done(&service, &["replay", id]).starts_with("1 wait to be told again"));
    until_done(&service, 3).await;
    assert!(done(&service, &["replay", "--all", "--receiver", "crm"]).starts_with("3 wait"));
    until_done(&service, 0).await;
    let taken = taken(&receiver.deliveries());
    assert_eq!(taken[&person(1)], [1, 2], "in order");
    assert_eq!(taken.len(), 3);
    assert_eq!(listed(&service, &[]), Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_dropped_is_forgotten() {
    let receiver = Receiver::answering(|_, _| Reply::of(410)).await;
    let service = telling(&[("crm", &receiver.url())]).start();
    for n in 1..=3 {
        register(&service, n).await;
    }
    until_done(&service, 3).await;
    let id = listed(&service, &[])[0]["id"].as_str().unwrap().to_owned();
    assert!(done(&service, &["drop", &id]).starts_with("1 dropped"));
    let again = service.cli(&["events", "drop", &id]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("there is no such dead letter"), "{}", err(&again));
    assert!(done(&service, &["drop", "--all"]).starts_with("2 dropped"));
    until_done(&service, 0).await;
    assert!(done(&service, &["replay", "--all"]).starts_with("0 wait"));
}

#[tokio::test]
async fn what_is_for_a_receiver_that_was_removed_is_told_of_and_can_be_forgotten() {
    let (gone, crm) = (Receiver::start().await, Receiver::answering(|_, _| Reply::of(410)).await);
    gone.answers(|told, _| match told.identity() == person(3) {
        true => Reply::of(500),
        false => Reply::of(410),
    });
    let service = telling(&[("gone", &gone.url()), ("crm", &crm.url())]);
    let service = service.with("EVENTS__RETRY_PAUSES", "1h").start();
    for n in 1..=3 {
        register(&service, n).await;
    }
    change(&service, 3, 1).await;
    let database = Database::of(&service);
    let deadline = Instant::now() + PATIENCE;
    while database.outbox().await != (2, 6) {
        assert!(Instant::now() < deadline, "{:?}\n{}", database.outbox().await, service.log());
    }
    let dead = listed(&service, &["--receiver", "gone"]);
    let id = dead[0]["id"].as_str().unwrap().to_owned();
    assert!(!service.log().contains("not configured"), "{}", service.log());
    service.signal("TERM");
    let directory = service.ended().1;

    let service = telling(&[("crm", &crm.url())]).with("EVENTS__RETRY_PAUSES", "1h").on(directory).start();
    let log = service.log();
    assert_eq!(log.matches("a receiver that is not configured").count(), 1, "{log}");
    let known = "gone is not configured: 2 wait and 2 are dead";
    assert!(done(&service, &["list"]).contains(known));
    assert!(!done(&service, &["list", "--receiver", "crm"]).contains(known));
    assert_eq!(listed(&service, &["--receiver", "gone"]).len(), 2, "and nothing else in JSON");
    // One is named, and would wait for nobody.
    let named = service.cli(&["events", "replay", &id, "--receiver", "gone"]);
    assert_eq!(named.status.code(), Some(1));
    assert!(err(&named).contains("gone, which is not configured"), "{}", err(&named));

    crm.answers(|_, _| Reply::of(204));
    let replayed = done(&service, &["replay", "--all"]);
    assert!(
        replayed.starts_with("4 wait to be told again\n2 stay dead: gone is not configured"),
        "{replayed}"
    );
    let dropped = done(&service, &["drop", "--all", "--receiver", "gone"]);
    assert!(dropped.starts_with("4 dropped, 2 of them waited: gone is not configured"), "{dropped}");
    until_done(&service, 0).await;
    assert!(!done(&service, &["list"]).contains("not configured"));
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_configured_is_not_dropped() {
    let crm = Receiver::answering(|_, _| Reply::of(500)).await;
    let service = telling(&[("crm", &crm.url())]).with("EVENTS__RETRY_PAUSES", "1h").start();
    register(&service, 1).await;
    crm.until_came(1).await;
    let dropped = done(&service, &["drop", "--all", "--receiver", "crm"]);
    assert!(dropped.starts_with("0 dropped\n"), "{dropped}");
    assert_eq!(Database::of(&service).outbox().await, (1, 0));
}
