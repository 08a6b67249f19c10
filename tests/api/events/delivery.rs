//! Events that come, sooner or later.

use std::time::Duration;

use standardwebhooks::Webhook;

use super::receiver::{Delivery, Receiver, Reply, SECRET, taken};
use super::{change, register, telling, until_done};
use crate::cli::{call, err};
use crate::database::Database;
use crate::service::{Plan, Service};
use crate::webhook::person;

#[tokio::test]
async fn a_transition_is_told_as_a_standard_webhook() {
    let receiver = Receiver::start().await;
    let service = telling(&[("crm", &receiver.url())]).start();
    register(&service, 1).await;
    let told = receiver.until_came(1).await;
    let Delivery { id, headers, body, .. } = &told[0];
    assert_eq!(body["type"], "onboarding.waiting");
    let data = &body["data"];
    assert_eq!((data["identity_id"].as_str(), data["from"].is_null()), (Some(person(1).as_str()), true));
    assert_eq!((&data["to"], &data["event"]), (&"waiting".into(), &"registered".into()));
    assert_eq!((&data["cause"], &data["version"]), (&"hook.registration".into(), &1.into()));
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
    assert!(uuid::Uuid::parse_str(id).is_ok());
    assert_eq!(headers["content-type"], "application/json");
    assert!(headers["user-agent"].starts_with("kratos-onboarding/"));
    until_done(&service, 0).await;
    let delivered = "onboarding_outbox_deliveries_total{receiver=\"crm\",result=\"delivered\"}";
    assert_eq!(service.metric(delivered).await, 1.0);
}

#[tokio::test]
async fn every_secret_signs_so_that_one_can_be_replaced() {
    const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let receiver = Receiver::start().await;
    let plan = telling(&[("crm", &receiver.url())]);
    let service = plan.with("EVENTS__RECEIVERS__CRM__SECRETS", format!("{NEW},{SECRET}")).start();
    register(&service, 1).await;
    let told = receiver.until_came(1).await;
    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, told[0].headers[name].parse().unwrap());
    }
    // The receiver itself knows the old one.
    Webhook::new(NEW).unwrap().verify(&told[0].raw, &headers).unwrap();
}

#[tokio::test]
async fn a_receiver_hears_of_the_stages_it_wants() {
    let (all, some) = (Receiver::start().await, Receiver::start().await);
    let plan = telling(&[("all", &all.url()), ("some", &some.url())]);
    let service = plan.with("EVENTS__RECEIVERS__SOME__STAGES", "enrolled,gone").start();
    register(&service, 1).await;
    for nth in 1..=3 {
        change(&service, 1, nth).await;
    }
    until_done(&service, 0).await;
    let stages = |receiver: &Receiver| -> Vec<String> {
        receiver
            .deliveries()
            .iter()
            .map(|told| told.body["data"]["to"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(stages(&some), ["enrolled", "enrolled"]);
    let heard = stages(&all);
    assert_eq!((heard.len(), heard[0].as_str(), heard[1].as_str()), (4, "waiting", "enrolled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_s_events_come_in_order_whatever_fails() {
    const PEOPLE: u32 = 6;
    const CHANGES: u32 = 12;
    let statuses = [500, 204, 302, 400, 204, 503, 204, 404];
    let receiver = Receiver::answering(move |told, nth| {
        let mixed = nth.wrapping_mul(7) + usize::try_from(told.version()).unwrap();
        Reply::of(statuses[mixed % statuses.len()])
    })
    .await;
    let service = telling(&[("crm", &receiver.url())]).start();
    for n in 1..=PEOPLE {
        register(&service, n).await;
    }
    for nth in 1..=CHANGES {
        futures_util::future::join_all((1..=PEOPLE).map(|n| change(&service, n, nth))).await;
    }
    until_done(&service, 0).await;
    let taken = taken(&receiver.deliveries());
    assert_eq!(taken.len(), PEOPLE as usize);
    for (identity, versions) in taken {
        let expected: Vec<u64> = (1..=u64::from(CHANGES) + 1).collect();
        assert_eq!(versions, expected, "{identity}");
    }
}

#[tokio::test]
async fn a_person_s_next_event_waits_and_other_people_s_do_not() {
    let receiver =
        Receiver::answering(|told, _| Reply::of(if told.identity() == person(1) { 500 } else { 204 })).await;
    let service = telling(&[("crm", &receiver.url())]).with("EVENTS__RETRY_PAUSES", "50ms,1h").start();
    register(&service, 1).await;
    receiver.until_came(2).await;
    change(&service, 1, 1).await;
    for n in 2..=20 {
        register(&service, n).await;
    }
    let came = receiver.until(|came| taken(came).len() == 19).await;
    let of_first: Vec<_> = came.iter().filter(|told| told.identity() == person(1)).collect();
    assert_eq!(of_first.iter().map(|told| told.version()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(of_first[0].id, of_first[1].id, "a retry has the same id");
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let receiver = Receiver::answering(|_, nth| match nth {
        0 => Reply::of(429).header("Retry-After", "1"),
        1 => Reply::of(503).header("Retry-After", "1"),
        _ => Reply::of(200),
    })
    .await;
    let service = telling(&[("crm", &receiver.url())]).start();
    register(&service, 1).await;
    let came = receiver.until_came(3).await;
    for pair in came.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(950), "{:?}", pair[1].at - pair[0].at);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start().await;
    let to = elsewhere.url();
    let receiver = Receiver::answering(move |_, nth| match nth {
        0..3 => Reply::of(307).header("Location", to.as_str()),
        _ => Reply::of(200),
    })
    .await;
    let service = telling(&[("crm", &receiver.url())]).start();
    register(&service, 1).await;
    receiver.until_came(4).await;
    until_done(&service, 0).await;
    assert_eq!(elsewhere.deliveries().len(), 0);
}

#[tokio::test]
async fn a_long_answer_is_not_read() {
    let receiver = Receiver::answering(|_, _| Reply::of(200).body(vec![b'x'; 30_000_000])).await;
    let service = telling(&[("crm", &receiver.url())]).start();
    let before = service.memory("VmRSS");
    for n in 1..=10 {
        register(&service, n).await;
    }
    until_done(&service, 0).await;
    let more = service.memory("VmHWM").saturating_sub(before);
    assert!(more < 25_000, "{more} KB more than before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_but_not_written_down_is_told_again_after_a_kill() {
    let receiver = Receiver::answering(|_, _| Reply::of(200).after(Duration::from_millis(200))).await;
    let plan = || telling(&[("crm", &receiver.url())]);
    let service = plan().start();
    register(&service, 1).await;
    receiver.until_came(1).await;
    // The receiver has it; from here on nothing can be written.
    let mut lock = Database::of(&service).writing().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while !service.log().contains("cannot be written down yet") {
        assert!(std::time::Instant::now() < deadline, "{}", service.log());
    }
    service.signal("KILL");
    let (_, directory, _) = service.ended();
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    let service = plan().on(directory).start();
    let came = receiver.until_came(2).await;
    assert_eq!((&came[0].id, &came[0].body), (&came[1].id, &came[1].body));
    until_done(&service, 0).await;
    change(&service, 1, 1).await;
    let came = receiver.until_came(3).await;
    assert_eq!(came[2].version(), 2);
}

#[tokio::test]
async fn what_cannot_be_written_down_of_one_person_holds_up_nobody_else() {
    let receiver = Receiver::start().await;
    let service = telling(&[("crm", &receiver.url())]).start();
    let database = Database::of(&service);
    let held = "CREATE TRIGGER held BEFORE DELETE ON outbox WHEN hex(OLD.identity) LIKE '%0000000007'
                BEGIN SELECT RAISE(ABORT, 'held'); END";
    database.execute(held).await;
    for n in 1..=20 {
        register(&service, n).await;
    }
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while database.outbox().await != (1, 0) {
        assert!(std::time::Instant::now() < deadline, "{:?}\n{}", database.outbox().await, service.log());
    }
    database.execute("DROP TRIGGER held").await;
    until_done(&service, 0).await;
    assert_eq!(receiver.deliveries().len(), 20, "each told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing_and_keep_the_order() {
    const PEOPLE: u32 = 8;
    let receiver = Receiver::start().await;
    let mut directory = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let service = telling(&[("crm", &receiver.url())]).on(directory).start();
        let before = receiver.deliveries().len();
        let stored = async {
            for nth in 0..8 {
                let one = |n| {
                    let service = &service;
                    async move {
                        if round == 0 && nth == 0 {
                            register(service, n).await
                        } else {
                            change(service, n, round * 8 + nth).await
                        }
                    }
                };
                futures_util::future::join_all((1..=PEOPLE).map(one)).await;
            }
        };
        stored.await;
        receiver.until_came(before + 1 + round as usize * 3).await;
        service.signal("KILL");
        directory = service.ended().1;
    }
    let service = telling(&[("crm", &receiver.url())]).on(directory).start();
    until_done(&service, 0).await;
    let taken = taken(&receiver.deliveries());
    assert_eq!(taken.len(), PEOPLE as usize);
    for (identity, versions) in taken {
        let mut once = versions.clone();
        once.dedup();
        assert_eq!(once, (1..=48).collect::<Vec<u64>>(), "{identity}: {versions:?}");
    }
}

#[tokio::test]
async fn without_receivers_nothing_is_kept_for_them() {
    let service = Service::start();
    register(&service, 1).await;
    assert_eq!(Database::of(&service).outbox().await, (0, 0));
}

#[tokio::test]
async fn an_address_inside_is_refused_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [
        ("EVENTS__RECEIVERS__CRM__URL", "https://169.254.169.254/latest?token=hidden"),
        ("EVENTS__RECEIVERS__CRM__SECRETS", SECRET),
    ];
    let output = call(directory.path(), &["config", "validate"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let told = err(&output);
    assert!(told.contains("events.receivers.crm.url: names an address that is not public"), "{told}");
    assert!(!told.contains("hidden"), "{told}");
}

#[tokio::test]
async fn a_receiver_that_fails_shows_in_metrics_and_not_in_the_log_what_is_secret() {
    let receiver = Receiver::answering(|_, _| Reply::of(500)).await;
    let plan: Plan = telling(&[("crm", &receiver.url())]);
    let service =
        plan.with("EVENTS__RETRY_PAUSES", "1ms,1h").with("LOG__LEVEL", "debug,hyper_util=info").start();
    register(&service, 1).await;
    receiver.until_came(2).await;
    let deadline = std::time::Instant::now() + super::PATIENCE;
    let waiting = "onboarding_outbox_waiting{receiver=\"crm\"}";
    while service.metric(waiting).await != 1.0 {
        assert!(std::time::Instant::now() < deadline, "{}", service.log());
    }
    let failed = "onboarding_outbox_deliveries_total{receiver=\"crm\",result=\"failed\"}";
    assert_eq!(service.metric(failed).await, 2.0);
    let log = service.log();
    assert!(log.contains("a receiver did not take an event") && log.contains("status 500"), "{log}");
    for secret in ["of-the-receiver", &SECRET[6..], "v1,"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
