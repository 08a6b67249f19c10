//! What every backend has to do. One suite; each test on its own database.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::onboarding::*;

mod ceremonies;
mod long_work;
mod made_passkeys;
mod outbox;

pub(super) use ceremonies::*;
pub(super) use long_work::*;
pub(super) use made_passkeys::*;
pub(super) use outbox::*;

/// A database made for one test, gone after it.
pub(super) struct Fresh<Home> {
    pub backend: Arc<dyn Backend>,
    /// The same database, opened by another process.
    pub elsewhere: Arc<dyn Backend>,
    /// What is gone with it.
    pub home: Home,
}

pub(super) async fn store_on(backend: Arc<dyn Backend>) -> Store {
    Store::start(backend, WriterSettings::default(), Clock::of(|| at(0)), Arc::new(Metrics::default()))
        .await
        .unwrap()
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(super) fn person(n: u128) -> IdentityId {
    Uuid::from_u128(0x5eddbeec_b3d3_4769_ad6d_000000000000 + n).try_into().unwrap()
}

pub(super) fn registered(n: u128, dedupe: u8, digest: u8) -> Event {
    let mut key = [dedupe; 32];
    key[..16].copy_from_slice(person(n).as_bytes());
    Event {
        id: EventId(Uuid::from_u128(n)),
        identity: person(n),
        at: at(0),
        dedupe: DedupeKey(key),
        actor: Actor::Kratos,
        cause: Cause::Hook(HookKind::Registration),
        profile: Profile {
            as_of: Some(at(i64::from(dedupe))),
            identifiers: Some([IdentifierDigest { key: [1; 4], mac: [digest; 32] }].into()),
            ..Profile::default()
        },
        observed: Observed::default(),
        kind: EventKind::Registered { method: Some(Method::Password) },
    }
}

pub(super) fn quarantined(n: u8, second: i64) -> NewQuarantined {
    NewQuarantined {
        id: EventId(Uuid::from_u128(u128::from(n))),
        at: at(second),
        hook: "registration/password".into(),
        reason: QuarantineReason::NotJson,
        dedupe: DedupeKey([n; 32]),
        body_sha256: [n; 32],
        size: 7,
        body: Kept::Sealed(vec![n]),
    }
}

/// A migration that was merged late has a number among those of others.
pub(super) async fn each_migration_is_looked_for(
    execute: impl AsyncFn(&'static str),
    open: impl AsyncFn(Opening) -> Result<(), OpenError>,
) {
    let current = Opening::Current(MadeBy::Production);
    open(Opening::Migrate(MadeBy::Production)).await.unwrap();
    open(current).await.unwrap();
    execute("DROP TABLE leases").await;
    execute("DELETE FROM _sqlx_migrations WHERE version = 2").await;
    let refused = open(current).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Behind { lacks, .. } if lacks == &[2]), "{refused}");
    open(Opening::Migrate(MadeBy::Production)).await.unwrap();
    open(current).await.unwrap();
    execute("UPDATE _sqlx_migrations SET version = 3 WHERE version = 2").await;
    for opening in [current, Opening::Migrate(MadeBy::Production)] {
        let refused = open(opening).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Ahead { unknown, .. } if unknown == &[3]), "{refused}");
    }
}

pub(super) async fn an_event_is_a_record_and_an_audit_row<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let stored = store.apply(registered(1, 1, 1)).await.unwrap();
    assert!(matches!(stored, Stored::Applied { transition: Transition::Changed { from: None, .. }, .. }));
    let again = store_on(fresh.backend.clone()).await;
    let record = again.record(person(1)).await.unwrap().unwrap();
    assert_eq!((record.version, record.stage()), (1, Stage::Waiting));
    let audit = again.audit(person(1), 10).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(
        (audit[0].actor.as_str(), audit[0].cause.as_str(), audit[0].at, audit[0].version),
        ("kratos", "hook.registration", at(0), Some(1))
    );
    assert_eq!(again.record(person(2)).await.unwrap(), None);
}

pub(super) async fn the_same_delivery_twice_changes_nothing<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let key = registered(1, 1, 1).dedupe;
    assert!(!store.is_known(person(1), key).await.unwrap());
    store.apply(registered(1, 1, 1)).await.unwrap();
    assert!(store.is_known(person(1), key).await.unwrap());
    let mut retry = registered(1, 1, 2);
    retry.kind = EventKind::Skipped;
    let stored = store.apply(retry).await.unwrap();
    assert!(matches!(&stored, Stored::Duplicate { record } if record.version == 1));
    assert_eq!(store.audit(person(1), 10).await.unwrap().len(), 1);
}

pub(super) async fn a_fact_that_is_known_is_audited_but_changes_nothing<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    store.apply(registered(1, 1, 1)).await.unwrap();
    let mut same = registered(1, 1, 1);
    same.dedupe = DedupeKey([9; 32]);
    let stored = store.apply(same).await.unwrap();
    assert!(matches!(stored, Stored::Applied { transition: Transition::Unchanged, .. }));
    let audit = store.audit(person(1), 10).await.unwrap();
    assert_eq!(audit.iter().map(|entry| entry.version).collect::<Vec<_>>(), [None, Some(1)]);
}

pub(super) async fn many_at_once_are_each_applied_once<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let events = (0..200).map(|n| registered(n % 50, u8::try_from(n / 50).unwrap(), 1));
    let stored = futures_util::future::join_all(events.map(|event| store.apply(event))).await;
    assert!(stored.iter().all(|stored| matches!(stored, Ok(Stored::Applied { .. }))));
    for n in 0..50 {
        assert_eq!(store.audit(person(n), 10).await.unwrap().len(), 4);
        let kept = fresh.backend.record(person(n)).await.unwrap().unwrap();
        assert_eq!(Some(Arc::new(kept)), store.record(person(n)).await.unwrap(), "memory is what is on disk");
    }
}

pub(super) async fn a_person_is_found_by_any_identifier_until_it_changes<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let digest = |n: u8| IdentifierDigest { key: [1; 4], mac: [n; 32] };
    store.apply(registered(1, 1, 1)).await.unwrap();
    store.apply(registered(2, 1, 1)).await.unwrap();
    assert_eq!(store.find(&[digest(1)]).await.unwrap(), [person(1), person(2)]);
    store.apply(registered(1, 2, 7)).await.unwrap();
    assert_eq!(store.find(&[digest(1)]).await.unwrap(), [person(2)]);
    assert_eq!(store.find(&[digest(7), digest(8)]).await.unwrap(), [person(1)]);
    let other_key = IdentifierDigest { key: [2; 4], mac: [7; 32] };
    assert_eq!(store.find(&[other_key]).await.unwrap(), []);
}

pub(super) async fn who_waits_is_woken_by_this_process_and_by_another<Home>(fresh: Fresh<Home>) {
    let (here, elsewhere) = (store_on(fresh.backend.clone()).await, store_on(fresh.elsewhere.clone()).await);
    let mut watch = here.watch(person(1));
    here.apply(registered(1, 1, 1)).await.unwrap();
    watch.changed().await;
    assert_eq!(here.record(person(1)).await.unwrap().unwrap().version, 1);
    elsewhere.apply(registered(1, 2, 2)).await.unwrap();
    watch.changed().await;
    assert_eq!(here.record(person(1)).await.unwrap().unwrap().version, 2, "memory is not older than the log");
    elsewhere.apply(registered(2, 1, 1)).await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(50), watch.changed()).await;
    assert!(quiet.is_err(), "another person's news wakes nobody");
}

pub(super) async fn quarantine_keeps_the_newest_bodies<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    for n in 0..=110 {
        store.quarantine(quarantined(n, i64::from(n))).await.unwrap();
    }
    store.quarantine(quarantined(110, 500)).await.unwrap();
    let kept = store.quarantined(&QuarantineFilter { limit: 1000, ..Default::default() }).await.unwrap();
    assert_eq!(kept.len(), 111, "a retry is the same entry");
    assert_eq!(kept.iter().filter(|entry| entry.body != Kept::None).count(), 100);
    assert_eq!(kept[0].body, Kept::Sealed(vec![110]));
    assert_eq!((kept[110].at, &kept[110].body), (at(0), &Kept::None), "time and hash are left");
    let other = QuarantineFilter { reason: Some(QuarantineReason::NoIdentity), ..Default::default() };
    assert!(store.quarantined(&other).await.unwrap().is_empty());
}

pub(super) async fn quarantine_forgets_and_drops<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    store.quarantine(quarantined(1, 0)).await.unwrap();
    store.quarantine(quarantined(2, 100)).await.unwrap();
    assert_eq!(fresh.backend.expire_sealed(at(50)).await.unwrap(), 1);
    let id = |n: u128| EventId(Uuid::from_u128(n));
    assert_eq!(store.quarantined_one(id(1)).await.unwrap().unwrap().body, Kept::None);
    assert_eq!(store.quarantined_one(id(2)).await.unwrap().unwrap().body, Kept::Sealed(vec![2]));
    assert!(store.drop_quarantined(id(2)).await.unwrap());
    assert!(!store.drop_quarantined(id(2)).await.unwrap());
    assert!(store.quarantined_one(id(2)).await.unwrap().is_none());
}

pub(super) async fn what_was_queued_is_committed_before_it_closes<Home>(fresh: Fresh<Home>) {
    let store = store_on(fresh.backend.clone()).await;
    let queued: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.apply(registered(n, 1, 1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    for answer in queued {
        // Refused or stored; never lost in between.
        let _ = answer.await.unwrap();
    }
    assert!(matches!(store.apply(registered(1, 2, 1)).await, Err(WriteError::Unavailable)));
}

/// Halving finds it: the other 127 are stored, it is in quarantine.
pub(super) async fn one_poison_of_128<Home>(fresh: &Fresh<Home>, spoil: impl AsyncFnOnce()) {
    let store = store_on(fresh.backend.clone()).await;
    store.apply(registered(64, 0, 1)).await.unwrap();
    spoil().await;
    let events = (0..128).map(|n| registered(n, 1, 1));
    let answers = futures_util::future::join_all(events.map(|event| store.apply(event))).await;
    for (n, answer) in answers.iter().enumerate() {
        let poisoned = matches!(answer, Ok(Stored::Quarantined));
        assert_eq!(poisoned, n == 64, "event {n}: {answer:?}");
    }
    let kept = store.quarantined(&QuarantineFilter::default()).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].reason, QuarantineReason::Poison);
    let Kept::Json(body) = &kept[0].body else { panic!("kept as {:?}", kept[0].body) };
    assert_eq!(body["identity_id"], person(64).to_string());
    assert_eq!(kept[0].refused_event(), Some(registered(64, 1, 1)), "it is kept whole");
}

/// One test a name, on a fresh database of the backend `$fresh` makes.
macro_rules! suite {
    ($fresh:path: $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                super::contract::$name($fresh().await).await;
            }
        )+
    };
}

macro_rules! contract {
    ($fresh:path) => {
        super::contract::suite!(
            $fresh: an_event_is_a_record_and_an_audit_row,
            the_same_delivery_twice_changes_nothing,
            a_fact_that_is_known_is_audited_but_changes_nothing,
            many_at_once_are_each_applied_once,
            a_person_is_found_by_any_identifier_until_it_changes,
            who_waits_is_woken_by_this_process_and_by_another,
            quarantine_keeps_the_newest_bodies,
            quarantine_forgets_and_drops,
            what_was_queued_is_committed_before_it_closes,
            everybody_comes_in_turn_but_who_is_gone,
            a_role_is_one_process_s_at_a_time,
            long_work_goes_on_where_it_was_left,
            records_come_page_by_page_in_the_order_they_came,
            a_filter_that_few_fit_answers_page_by_page,
            who_is_erased_is_forgotten_by_every_process,
            what_operators_did_is_kept_newest_first,
            the_funnel_counts_each_person_once_a_step,
            what_is_old_goes_in_batches_and_what_is_known_stays,
            a_transition_is_a_letter_to_each_who_wants_it,
            what_changes_no_stage_is_told_to_nobody,
            one_more_passkey_is_told_too,
            without_receivers_nothing_is_kept_for_them,
            a_line_goes_on_when_its_oldest_letter_is_told,
            letters_of_one_batch_are_told_in_their_order,
            a_letter_that_failed_holds_its_line_until_it_is_due,
            a_dead_letter_lets_its_line_go_on_and_can_come_back,
            who_is_erased_is_told_of_to_nobody,
            a_letter_told_twice_is_told_and_does_no_harm,
            dead_letters_are_listed_in_parts_and_dropped,
            whoever_has_letters_is_known_by_name,
            letters_added_while_others_are_told_are_never_left_behind,
            a_challenge_is_its_sessions_for_five_minutes,
            a_person_has_one_handle_however_many_begin,
            a_challenge_is_used_once,
            challenges_are_few,
            what_came_of_it_is_kept,
            what_a_hook_does_not_list_is_asked_about,
            what_kratos_lacks_is_lost_or_in_doubt,
            who_decided_on_what_was_before_changes_nothing,
            passkeys_of_a_deleted_identity_wait_for_it,
            passkeys_of_no_more_use_are_forgotten,
            a_credential_is_one_persons,
            who_is_erased_has_made_none,
        );
    };
}

pub(super) use {contract, suite};
