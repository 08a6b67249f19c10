//! What long work, operators and the funnel need of a backend.

use std::time::Duration;

use futures_util::StreamExt as _;
use uuid::Uuid;

use super::{Fresh, at, person, quarantined, registered, store_on};
use crate::onboarding::*;
use crate::store::*;

pub(in crate::store) async fn everybody_comes_in_turn_but_who_is_gone<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    for n in [3, 1, 4, 2] {
        store.apply(registered(n, 1, 1)).await.unwrap();
    }
    let gone = Event { kind: EventKind::IdentityGone, at: at(1), ..registered(2, 2, 1) };
    store.apply(gone).await.unwrap();
    let first = store.identities_after(None, 2).await.unwrap();
    assert_eq!(first, [person(1), person(3)]);
    assert_eq!(store.identities_after(first.last().copied(), 2).await.unwrap(), [person(4)]);
    assert!(store.identities_after(Some(person(4)), 2).await.unwrap().is_empty());
    let mut records = store.records(&[person(4), person(9), person(2)]).await.unwrap();
    records.sort_by_key(|record| record.identity);
    let told: Vec<_> =
        records.iter().map(|record| (record.identity, record.version, record.stage())).collect();
    assert_eq!(told, [(person(2), 2, Stage::Gone), (person(4), 1, Stage::Waiting)]);
}

pub(in crate::store) async fn a_role_is_one_process_s_at_a_time<Home>(fresh: Fresh<Home>) {
    let here = store_on(fresh.backend.clone()).await;
    let there = store_on(fresh.elsewhere.clone()).await;
    let long = Duration::from_secs(600);
    assert!(here.lease("sweeper", 1, long).await.unwrap());
    assert!(!there.lease("sweeper", 2, long).await.unwrap());
    assert!(there.lease("another", 2, long).await.unwrap(), "each role is on its own");
    assert!(here.lease("sweeper", 1, Duration::from_millis(50)).await.unwrap(), "kept, for less");
    there.release("sweeper", 2).await.unwrap();
    while !there.lease("sweeper", 2, long).await.unwrap() {}
    assert!(!here.lease("sweeper", 1, long).await.unwrap(), "it was not kept in time");
    there.release("sweeper", 2).await.unwrap();
    assert!(here.lease("sweeper", 1, long).await.unwrap());
}

pub(in crate::store) async fn long_work_goes_on_where_it_was_left<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    assert_eq!(store.checkpoint("sweep").await.unwrap(), None);
    for place in ["first", "second"] {
        store.set_checkpoint("sweep", Some(place)).await.unwrap();
    }
    let again = store_on(fresh.elsewhere.clone()).await;
    assert_eq!(again.checkpoint("sweep").await.unwrap().as_deref(), Some("second"));
    again.set_checkpoint("sweep", None).await.unwrap();
    assert_eq!(store.checkpoint("sweep").await.unwrap(), None);
}

pub(in crate::store) async fn records_come_page_by_page_in_the_order_they_came<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    for n in [3, 1, 2] {
        store.apply(registered(n, 1, 1)).await.unwrap();
    }
    store.apply(Event { kind: EventKind::Dismissed, at: at(9), ..registered(1, 2, 1) }).await.unwrap();
    let listed = async |filter: &RecordFilter, limit| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(filter, after, limit).await.unwrap();
            assert!(page.records.len() <= usize::try_from(limit).unwrap());
            all.extend(page.records.iter().map(|record| record.identity));
            after = page.next.map(|token| token.to_string().parse().unwrap());
            if after.is_none() {
                return all;
            }
        }
    };
    let everybody = RecordFilter::default();
    assert_eq!(listed(&everybody, 2).await, [person(3), person(1), person(2)]);
    assert_eq!(listed(&everybody, 3).await.len(), 3);
    let dismissed = RecordFilter { stage: Some(Stage::Dismissed), ..everybody.clone() };
    assert_eq!(listed(&dismissed, 1).await, [person(1)]);
    let late = RecordFilter { changed_from: Some(at(5)), ..everybody.clone() };
    assert_eq!(listed(&late, 9).await, [person(1)]);
    let early = RecordFilter { changed_before: Some(at(5)), ..everybody.clone() };
    assert_eq!(listed(&early, 9).await, [person(3), person(2)]);
    let method = |method| RecordFilter { registration_method: Some(method), ..everybody.clone() };
    assert_eq!(listed(&method(Method::Password), 9).await.len(), 3);
    assert!(listed(&method(Method::Oidc), 9).await.is_empty());
    let schema = RecordFilter { schema_id: Some("staff".parse().unwrap()), ..everybody };
    assert!(listed(&schema, 9).await.is_empty());
    assert!("p00000000000000zz".parse::<PageToken>().is_err() && "".parse::<PageToken>().is_err());
}

pub(in crate::store) async fn a_filter_that_few_fit_answers_page_by_page<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let many = u128::from(listing::LOOKED_AT) + 5;
    let told = (1..=many).map(|n| store.apply(registered(n, 1, 1)));
    let mut told = std::pin::pin!(futures_util::stream::iter(told).buffer_unordered(512));
    while let Some(stored) = told.next().await {
        stored.unwrap();
    }
    store.apply(Event { kind: EventKind::Dismissed, at: at(9), ..registered(many + 1, 2, 1) }).await.unwrap();
    let dismissed = RecordFilter { stage: Some(Stage::Dismissed), ..RecordFilter::default() };
    let first = store.page(&dismissed, None, 10).await.unwrap();
    assert!(first.records.is_empty() && first.next.is_some(), "nobody among those that were looked at");
    let second = store.page(&dismissed, first.next, 10).await.unwrap();
    assert_eq!((second.records.len(), second.next), (1, None));
}

pub(in crate::store) async fn who_is_erased_is_forgotten_by_every_process<Home>(fresh: Fresh<Home>) {
    let here = store_on(fresh.backend.clone()).await;
    let there = store_on(fresh.elsewhere.clone()).await;
    here.apply(registered(1, 1, 7)).await.unwrap();
    here.apply(registered(2, 1, 8)).await.unwrap();
    there.record(person(1)).await.unwrap().unwrap();
    let mut watch = there.watch(person(1));
    let erased = here.erase(person(1)).await.unwrap();
    assert_eq!(erased, Erased { record: true, events: 1, identifiers: 1, ..Erased::default() });
    assert_eq!(here.record(person(1)).await.unwrap(), None);
    watch.changed().await;
    assert_eq!(there.record(person(1)).await.unwrap(), None);
    assert!(here.find(&[IdentifierDigest { key: [1; 4], mac: [7; 32] }]).await.unwrap().is_empty());
    assert!(here.audit(person(1), 9).await.unwrap().is_empty());
    assert!(here.record(person(2)).await.unwrap().is_some(), "and nobody else");
    assert_eq!(here.erase(person(1)).await.unwrap(), Erased::default());
    let stored = here.apply(registered(1, 1, 7)).await.unwrap();
    assert!(matches!(stored, Stored::Applied { .. }), "told of again they begin anew");
}

pub(in crate::store) async fn what_operators_did_is_kept_newest_first<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let entry = |n: u128, operator: &str, action, subject| LogEntry {
        id: EventId(Uuid::from_u128(n)),
        at: at(i64::try_from(n).unwrap()),
        operator: operator.parse().unwrap(),
        action,
        subject,
        detail: serde_json::json!({ "n": u64::try_from(n).unwrap() }),
    };
    let entries = [
        entry(1, "alice", OperatorAction::LookUp, Some(person(1))),
        entry(2, "bob", OperatorAction::List, None),
        entry(3, "alice", OperatorAction::Erase, Some(person(1))),
    ];
    for entry in &entries {
        store.log_operator(entry).await.unwrap();
    }
    let read = async |filter: LogFilter| store.operator_log(&LogFilter { limit: 9, ..filter }).await.unwrap();
    let all = read(LogFilter::default()).await;
    assert_eq!(all.iter().rev().collect::<Vec<_>>(), entries.iter().collect::<Vec<_>>());
    assert_eq!(read(LogFilter { before: Some(entries[2].id), ..LogFilter::default() }).await.len(), 2);
    assert_eq!(
        read(LogFilter { operator: Some("bob".parse().unwrap()), ..LogFilter::default() }).await,
        entries[1..2]
    );
    assert_eq!(
        read(LogFilter { action: Some(OperatorAction::Erase), ..LogFilter::default() }).await,
        entries[2..]
    );
    assert_eq!(read(LogFilter { subject: Some(person(1)), ..LogFilter::default() }).await.len(), 2);
    store.erase(person(1)).await.unwrap();
    assert!(read(LogFilter { subject: Some(person(1)), ..LogFilter::default() }).await.is_empty());
    assert_eq!(read(LogFilter::default()).await.len(), 3, "what was done stays; to whom does not");
}

pub(in crate::store) async fn the_funnel_counts_each_person_once_a_step<Home>(fresh: Fresh<Home>) {
    let here = store_on(fresh.backend.clone()).await;
    let there = store_on(fresh.elsewhere.clone()).await;
    let none = Observation { at: at(0), source: Source::Registration, count: 0 };
    let with_none = |n| Event {
        observed: Observed { passkeys: Some(none), ..Observed::default() },
        ..registered(n, 1, 1)
    };
    for n in 1..=3 {
        here.apply(with_none(n)).await.unwrap();
        there.apply(with_none(n)).await.unwrap();
    }
    let session = SessionDigest([1; 16]);
    let later = |n, dedupe, kind| Event {
        kind,
        at: at(86_400),
        profile: Profile::default(),
        ..registered(n, dedupe, 1)
    };
    for (store, n) in [(&here, 1), (&there, 2), (&there, 1)] {
        store.apply(later(n, 2, EventKind::Offered { session })).await.unwrap();
    }
    let failed =
        EventKind::Failed { kind: FailureKind::Network, exception: None, attempt: Attempt::default() };
    for dedupe in [3, 4, 4] {
        here.apply(later(1, dedupe, failed.clone())).await.unwrap();
    }
    let day = |second| at(second).to_zoned(jiff::tz::TimeZone::UTC).date();
    let rows = here.funnel(day(0), day(86_400)).await.unwrap();
    let row = |second, count, n| FunnelRow { day: day(second), method: "password".into(), count, n };
    let expected = [
        row(0, Count::Step(Step::Eligible), 3),
        row(86_400, Count::Failed(FailureKind::Network), 2),
        row(86_400, Count::Step(Step::Offered), 2),
    ];
    assert_eq!(rows, expected);
    assert_eq!(there.funnel(day(86_400), day(86_400)).await.unwrap(), expected[1..]);
}

pub(in crate::store) async fn what_is_old_goes_in_batches_and_what_is_known_stays<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    for n in 1..=5 {
        store.apply(registered(n, 1, 1)).await.unwrap();
    }
    store.apply(Event { at: at(100), kind: EventKind::Skipped, ..registered(1, 2, 1) }).await.unwrap();
    store.quarantine(quarantined(1, 0)).await.unwrap();
    store.quarantine(quarantined(2, 100)).await.unwrap();
    let mut all = Cleaned::default();
    loop {
        let batch = fresh.backend.clean(at(50), at(0), 2).await.unwrap();
        assert!(batch.events <= 2);
        if batch.is_nothing() {
            break;
        }
        all = all.and(batch);
    }
    assert_eq!(all, Cleaned { events: 5, quarantine: 1, ..Cleaned::default() });
    assert_eq!(store.audit(person(1), 9).await.unwrap().len(), 1);
    assert_eq!(store.records(&[person(1), person(2)]).await.unwrap().len(), 2);
}
