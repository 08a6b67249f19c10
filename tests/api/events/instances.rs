//! Several instances on one PostgreSQL tell as one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::hanging::hanging;
use super::receiver::{Receiver, Reply, taken};
use super::{PATIENCE, change, register, telling};
use crate::cluster::Database;
use crate::service::Service;
use crate::webhook::person;

const PEOPLE: u32 = 10;

async fn waiting(database: &Database) -> i64 {
    let mut connection = database.connect().await;
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&mut connection).await.unwrap()
}

async fn until_done(database: &Database, services: &[&Service]) {
    let deadline = Instant::now() + PATIENCE;
    while waiting(database).await > 0 {
        let logs = || services.iter().map(|service| service.log()).collect::<String>();
        assert!(Instant::now() < deadline, "{} wait\n{}", waiting(database).await, logs());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_once_and_in_order_whichever_instance_heard_of_it() {
    const CHANGES: u32 = 10;
    let receiver = Receiver::answering(|_, nth| Reply::of(if nth % 5 == 3 { 500 } else { 204 })).await;
    let database = Database::new().await;
    let start = || telling(&[("crm", &receiver.url())]).with("DSN", database.url.as_str()).start();
    let services = [start(), start()];
    join_all((1..=PEOPLE).map(|n| register(&services[n as usize % 2], n))).await;
    for nth in 1..=CHANGES {
        join_all((1..=PEOPLE).map(|n| change(&services[(n + nth) as usize % 2], n, nth))).await;
    }
    until_done(&database, &[&services[0], &services[1]]).await;
    let taken = taken(&receiver.deliveries());
    assert_eq!(taken.len(), PEOPLE as usize);
    for (identity, versions) in taken {
        assert_eq!(versions, (1..=u64::from(CHANGES) + 1).collect::<Vec<_>>(), "{identity}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_one_that_tells_is_killed_another_goes_on() {
    let receiver = Receiver::answering(|_, _| Reply::of(204).after(Duration::from_millis(20))).await;
    let database = Database::new().await;
    let start = || telling(&[("crm", &receiver.url())]).with("DSN", database.url.as_str()).start();
    let (first, second) = (start(), start());
    join_all((1..=PEOPLE).map(|n| register(&first, n))).await;
    receiver.until_came(1).await;
    for nth in 1..=6 {
        join_all((1..=PEOPLE).map(|n| change(&first, n, nth))).await;
    }
    first.signal("KILL");
    join_all((1..=PEOPLE).map(|n| change(&second, n, 7))).await;
    until_done(&database, &[&first, &second]).await;
    for (identity, versions) in taken(&receiver.deliveries()) {
        let mut once = versions.clone();
        once.dedup();
        assert_eq!(once, (1..=8).collect::<Vec<u64>>(), "{identity}: {versions:?}");
    }
}

/// Another instance's turn it is.
const TAKEN: &str =
    "INSERT INTO leases (role, holder, until) VALUES ('outbox:crm', 0, now() + interval '1 hour')";

/// A try that takes longer than a test waits: so does whoever's turn it is.
const LONG: &str = "45s";

async fn until_held(held: &AtomicUsize, connections: usize) {
    let deadline = Instant::now() + PATIENCE;
    while held.load(Ordering::SeqCst) < connections {
        assert!(Instant::now() < deadline, "{held:?} connections");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_know_a_receiver_yet_does_not_keep_it_waiting() {
    let (new, (hung, held)) = (Receiver::start().await, hanging().await);
    let database = Database::new().await;
    let start = |receivers: &[(&str, &str)]| {
        telling(receivers).with("EVENTS__TIMEOUT", LONG).with("DSN", database.url.as_str()).start()
    };
    let old = start(&[("crm", &hung)]);
    register(&old, 1).await;
    until_held(&held, 1).await;
    let current = start(&[("crm", &hung), ("new", &new.url())]);
    register(&current, 2).await;
    new.until_came(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_when_an_instance_ends_holds_up_no_other_at_the_next() {
    let (quick, (hung, held)) = (Receiver::start().await, hanging().await);
    let database = Database::new().await;
    let start = || {
        let plan = telling(&[("hung", &hung), ("quick", &quick.url())]).with("EVENTS__TIMEOUT", LONG);
        plan.with("DSN", database.url.as_str()).start()
    };
    let (first, second) = (start(), start());
    register(&first, 1).await;
    until_held(&held, 1).await;
    quick.until_came(1).await;
    first.signal("TERM");
    assert_eq!(first.ended().0.code(), Some(0));
    register(&second, 2).await;
    quick.until_came(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_somebody_holds_holds_up_no_other_s_letters() {
    let receiver = Receiver::start().await;
    let database = Database::new().await;
    let service = telling(&[("crm", &receiver.url())]).with("DSN", database.url.as_str()).start();
    // Nothing is told before the record is held.
    database.execute(TAKEN).await;
    join_all((1..=PEOPLE).map(|n| register(&service, n))).await;
    let mut somebody = database.connect().await;
    sqlx::raw_sql("BEGIN").execute(&mut somebody).await.unwrap();
    let held = sqlx::query("SELECT FROM records WHERE identity::text = $1 FOR UPDATE").bind(person(1));
    held.fetch_one(&mut somebody).await.unwrap();
    database.execute("DELETE FROM leases").await;
    until_waiting(&database, 1, &service).await;
    for nth in 1..=3 {
        change(&service, 2, nth).await;
        until_waiting(&database, 1, &service).await;
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut somebody).await.unwrap();
    until_waiting(&database, 0, &service).await;
    let mut taken = taken(&receiver.deliveries());
    assert_eq!(taken.remove(&person(1)).unwrap(), [1], "told once");
    assert_eq!(taken.remove(&person(2)).unwrap(), [1, 2, 3, 4]);
}

async fn until_waiting(database: &Database, letters: i64, service: &Service) {
    let deadline = Instant::now() + PATIENCE;
    while waiting(database).await != letters {
        assert!(Instant::now() < deadline, "{} wait\n{}", waiting(database).await, service.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_the_turn_looks_only_now_and_then_for_what_it_could_not_tell() {
    const EVENTS: u32 = 300;
    let receiver = Receiver::start().await;
    let database = Database::new().await;
    let service = telling(&[("crm", &receiver.url())]).with("DSN", database.url.as_str()).start();
    database.execute(TAKEN).await;
    let begun = Instant::now();
    for n in 1..=EVENTS {
        register(&service, n).await;
    }
    service.signal("TERM");
    assert_eq!(service.ended().0.code(), Some(0));
    // Half a second after it was refused it looks, and asks, again; and it counts.
    let most = i64::try_from(begun.elapsed().as_millis() / 500).unwrap() + 20;
    let mut connection = database.connect().await;
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&mut connection).await.unwrap() > 1 {}
    let looks =
        "SELECT i.idx_scan + t.seq_scan FROM pg_stat_user_indexes i JOIN pg_stat_user_tables t USING (relid)
                 WHERE i.indexrelname = 'outbox_due'";
    let looked: i64 = sqlx::query_scalar(looks).fetch_one(&mut connection).await.unwrap();
    assert!((1..=most).contains(&looked), "{looked} looks, {most} at most");
    assert_eq!(receiver.deliveries().len(), 0);
}
