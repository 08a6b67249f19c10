//! The domain's promises, for any history.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn event(id: u128, kind: EventKind, second: i64) -> Event {
    Event {
        id: EventId(Uuid::from_u128(id)),
        identity: Uuid::from_u128(7).try_into().unwrap(),
        at: at(second),
        dedupe: DedupeKey([0; 32]),
        actor: Actor::Kratos,
        cause: Cause::Hook(HookKind::Settings),
        profile: Profile::default(),
        observed: Observed::default(),
        kind,
    }
}

fn seconds() -> impl Strategy<Value = Timestamp> {
    // Few instants, so that equal ones meet.
    (0..12i64).prop_map(at)
}

fn observation() -> impl Strategy<Value = Observation> {
    let source = prop_oneof![Just(Source::Registration), Just(Source::Hook), Just(Source::Hook)];
    (seconds(), source, 0..3u32).prop_map(|(at, source, count)| Observation { at, source, count })
}

fn told() -> impl Strategy<Value = Event> {
    let observed = (
        proptest::option::of(observation()),
        proptest::option::of(observation()),
        proptest::option::of(seconds()),
    );
    let profile = (
        proptest::option::of(seconds()),
        proptest::option::of(prop_oneof![Just(IdentityState::Active), Just(IdentityState::Inactive)]),
        proptest::option::of(0..4u8),
    );
    let kind = prop_oneof![
        Just(EventKind::Registered { method: None }),
        Just(EventKind::Registered { method: Some(Method::Password) }),
        Just(EventKind::SignedIn { method: Some(Method::Passkey) }),
        Just(EventKind::SettingsChanged { method: None }),
        Just(EventKind::Seen),
    ];
    (observed, profile, kind, 0..20i64, any::<u128>()).prop_map(
        |((passkeys, security_keys, used), (as_of, state, mac), kind, second, id)| {
            let digest = mac.map(|mac| IdentifierDigest { key: [0; 4], mac: [mac; 32] });
            Event {
                profile: Profile {
                    as_of,
                    state,
                    identifiers: digest.map(|digest| BTreeSet::from([digest])),
                    ..Profile::default()
                },
                observed: Observed { passkeys, security_keys, passkey_used_at: used, ..Observed::default() },
                ..event(id, kind, second)
            }
        },
    )
}

fn answered() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        (0..4u8).prop_map(|session| EventKind::Offered { session: SessionDigest([session; 16]) }),
        Just(EventKind::Started(Attempt::default())),
        Just(EventKind::Skipped),
        Just(EventKind::Dismissed),
        Just(EventKind::Cancelled(Attempt::default())),
        Just(EventKind::Failed { kind: FailureKind::Timeout, exception: None, attempt: Attempt::default() }),
        Just(EventKind::Unavailable {
            kind: FailureKind::Unsupported,
            exception: None,
            attempt: Attempt::default()
        }),
        Just(EventKind::Completed(Attempt::default())),
        Just(EventKind::Reset),
        prop_oneof![Just(CeremonyKind::Asked), Just(CeremonyKind::Conditional)].prop_map(|ceremony| {
            EventKind::PasskeyMade {
                credential: CredentialId::of_bytes(vec![7]).unwrap(),
                session: SessionDigest([1; 16]),
                ceremony,
            }
        }),
        seconds().prop_map(|until| EventKind::Snoozed { until }),
        Just(EventKind::IdentityGone),
    ];
    (kind, 0..40i64).prop_map(|(kind, second)| event(1, kind, second))
}

fn required(from: i64, by: i64) -> Requirement {
    Requirement { cohort: Cohort::default(), from: at(from), by: at(by), grace: SignedDuration::ZERO }
}

fn record_of(events: &[Event]) -> Record {
    let (mut record, _) = Record::begin(&events[0]);
    for event in &events[1..] {
        record.apply(event);
    }
    record
}

/// The record but for the number of changes, which depends on what was news.
fn facts(record: &Record) -> Record {
    Record { version: 0, ..record.clone() }
}

fn session() -> SessionFacts {
    SessionFacts {
        digest: SessionDigest([1; 16]),
        authenticated_at: at(0),
        expires_at: Some(at(86_400)),
        state: Some(IdentityState::Active),
        schema_id: None,
        passkey_used_at: None,
        security_key_used_at: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_order_and_any_doubling_end_in_the_same_record(
        (told, shuffled) in proptest::collection::vec(told(), 1..8).prop_flat_map(|told| {
            let twice: Vec<Event> = told.iter().chain(&told).cloned().collect();
            (Just(told), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(facts(&record_of(&told)), facts(&record_of(&shuffled)));
    }

    #[test]
    fn an_older_observation_never_wins(newest in observation(), older in proptest::collection::vec(observation(), 0..20)) {
        let mut knowledge = Knowledge::default();
        knowledge.observe(newest);
        let before = knowledge.reading();
        for observation in older.iter().filter(|older| older.at < newest.at) {
            knowledge.observe(*observation);
        }
        prop_assert_eq!(knowledge.reading(), before);
    }

    #[test]
    fn the_admin_api_settles_whatever_was_told(told in proptest::collection::vec(observation(), 0..8), count in 0..3u32) {
        let mut knowledge = Knowledge::default();
        told.iter().for_each(|observation| knowledge.observe(*observation));
        let answer = knowledge.settlement().observation(at(3), count);
        knowledge.observe(answer);
        prop_assert_eq!(knowledge.reading(), Reading::Exactly(count));
        // Attempt again afterwards, it stays settled.
        told.iter().for_each(|observation| knowledge.observe(*observation));
        prop_assert_eq!(knowledge.reading(), Reading::Exactly(count));
    }

    #[test]
    fn no_sequence_reaches_an_impossible_state(
        events in proptest::collection::vec(prop_oneof![told(), answered()], 1..30),
        second in 0..200_000_000i64,
    ) {
        let record = record_of(&events);
        let policy = Policy::default();
        let now = at(second);
        let decision = decide(&record, &session(), &policy, now);
        let enrolled = matches!(record.passkeys.reading(), Reading::AtLeastOne | Reading::Exactly(1..));
        let gone = record.gone_at.is_some();
        prop_assert_eq!(record.stage() == Stage::Gone, gone);
        prop_assert_eq!(record.stage() == Stage::Enrolled, enrolled && !gone);
        prop_assert_eq!(decision.verdict == Verdict::Done, enrolled && !gone);
        if decision.verdict == Verdict::Offer {
            prop_assert_eq!(record.passkeys.reading(), Reading::Exactly(0), "unknown is never offer");
            prop_assert!(record.offers.dismissed_at.is_none());
            prop_assert!(decision.may_skip);
        }
        prop_assert!(decision.verdict == Verdict::Later || decision.next_offer_at.is_none());
        prop_assert!(decision.valid_until.is_none_or(|until| until > now));
        prop_assert!(decision.next_offer_at.is_none_or(|next| next > now));
    }

    #[test]
    fn the_answer_holds_until_it_says(
        events in proptest::collection::vec(prop_oneof![told(), answered()], 1..12),
        second in 0..20_000_000i64,
        later in 0..20_000_000i64,
    ) {
        let record = record_of(&events);
        let policy = Policy {
            required: [("all".parse().unwrap(), required(5_000_000, 9_000_000))].into(),
            ..Policy::default()
        };
        let answer = decide(&record, &session(), &policy, at(second));
        let then = at(second) + SignedDuration::from_secs(later);
        if answer.valid_until.is_none_or(|until| then < until) {
            prop_assert_eq!(decide(&record, &session(), &policy, then), answer);
        }
    }

    #[test]
    fn the_explanation_explains_the_decision(
        events in proptest::collection::vec(prop_oneof![told(), answered()], 1..12),
        second in 0..20_000_000i64,
    ) {
        let record = record_of(&events);
        let policy = Policy { required: [("all".parse().unwrap(), required(9_000_000, 9_000_001))].into(), ..Policy::default() };
        let decision = decide(&record, &session(), &policy, at(second));
        let explanation = explain(&record, &session(), &policy, at(second));
        prop_assert_eq!(&explanation.decision, &decision);
        prop_assert_eq!(explanation.decided_by().is_none(), decision.verdict == Verdict::Offer);
        let decides = explanation.rules.iter().filter_map(|ruled| match ruled.ruling {
            Ruling::Decides(said) => Some(said),
            _ => None,
        });
        prop_assert!(decides.clone().count() <= 1);
        prop_assert!(decides.into_iter().all(|said| (said.verdict, said.reason) == (decision.verdict, decision.reason)));
    }

    #[test]
    fn a_step_of_the_funnel_is_taken_once(events in proptest::collection::vec(prop_oneof![told(), answered()], 1..30)) {
        let (mut record, first) = Record::begin(&events[0]);
        let mut taken = Vec::new();
        let mut count = |transition| {
            if let Transition::Changed { steps, .. } = transition {
                taken.extend(steps.iter());
            }
        };
        count(first);
        events[1..].iter().for_each(|event| count(record.apply(event)));
        taken.sort();
        prop_assert_eq!(taken, record.steps.iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_is_kept_reads_back_the_same(events in proptest::collection::vec(prop_oneof![told(), answered()], 1..20)) {
        let record = record_of(&events);
        let json = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), facts(&record));
    }

    #[test]
    fn a_reset_forgets_every_answer_and_no_fact(events in proptest::collection::vec(prop_oneof![told(), answered()], 1..20)) {
        let mut record = record_of(&events);
        let before = record.clone();
        record.apply(&event(2, EventKind::Reset, 100));
        prop_assert_eq!(&record.offers, &Offers::default());
        prop_assert_eq!((&record.passkeys, &record.state), (&before.passkeys, &before.state));
    }
}

#[test]
fn the_defaults_leave_people_alone_for_longer_each_time() {
    let told = Event {
        observed: Observed {
            passkeys: Some(Observation { at: at(0), source: Source::Registration, count: 0 }),
            ..Observed::default()
        },
        ..event(1, EventKind::Registered { method: Some(Method::Password) }, 0)
    };
    let (mut record, _) = Record::begin(&told);
    let policy = Policy::default();
    let day = 86_400;
    let mut now = 10;
    for (nth, pause) in [(1u8, 14), (2, 30), (3, 90), (4, 0)] {
        let session =
            SessionFacts { digest: SessionDigest([nth; 16]), authenticated_at: at(now), ..session() };
        let decision = decide(&record, &session, &policy, at(now));
        assert_eq!((decision.verdict, decision.reason), (Verdict::Offer, Reason::NoPasskey), "offer {nth}");
        assert_eq!(decision.may_dismiss, nth >= 2);
        assert_eq!(decision.offers_left, u32::from(5 - nth));
        record.apply(&event(1, EventKind::Offered { session: session.digest }, now + 1));
        let shown = decide(&record, &session, &policy, at(now + 2));
        assert_eq!(shown.verdict, Verdict::Offer, "still offered on reload");
        record.apply(&event(1, EventKind::Skipped, now + 3));
        let skipped = decide(&record, &session, &policy, at(now + 4));
        if pause > 0 {
            assert_eq!(skipped.next_offer_at, Some(at(now + 3 + pause * day)));
            let same_session = decide(&record, &session, &policy, at(now + 3 + pause * day));
            assert_eq!(same_session.reason, Reason::NextSignIn);
        } else {
            assert_eq!(skipped.reason, Reason::Skipped);
            let after = decide(&record, &session, &policy, at(now + 3 + 90 * day));
            assert_eq!((after.verdict, after.reason), (Verdict::Never, Reason::OffersExhausted));
        }
        now += 3 + pause * day;
        now += 1;
    }
}

#[test]
fn two_devices_in_turn_are_two_offers() {
    let (mut record, _) = Record::begin(&event(1, EventKind::Seen, 0));
    for second in 1..=10 {
        let session = SessionDigest([u8::try_from(second % 2).unwrap(); 16]);
        record.apply(&event(1, EventKind::Offered { session }, second));
    }
    assert_eq!(record.offers.count, 2);
}

#[test]
fn removing_the_only_security_key_is_a_removal_where_people_enrol_with_them() {
    let told = |count, second| Event {
        observed: Observed {
            security_keys: Some(Observation {
                at: at(second),
                source: Source::Admin { about: None, settles: 0 },
                count,
            }),
            ..Observed::default()
        },
        ..event(1, EventKind::PasskeysObserved, second)
    };
    let record = record_of(&[told(1, 1), told(0, 2)]);
    let policy = Policy { enrol: [EnrolMethod::Webauthn].into(), ..Policy::default() };
    let decision = decide(&record, &session(), &policy, at(3));
    assert_eq!((decision.verdict, decision.reason), (Verdict::Later, Reason::Removed));
}

#[test]
fn what_two_hooks_name_of_one_time_both_find_the_person() {
    let named = |mac: u8| {
        let digest = IdentifierDigest { key: [0; 4], mac: [mac; 32] };
        let profile = Profile { identifiers: Some([digest].into()), ..Profile::default() };
        Event { profile, ..event(1, EventKind::Seen, 0) }
    };
    for order in [[1, 2], [2, 1]] {
        let record = record_of(&order.map(named));
        assert_eq!(record.identifiers.unwrap().value.len(), 2);
    }
}
