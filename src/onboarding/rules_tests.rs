//! One rule after the other, as an operator would read them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;

const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn event(kind: EventKind, second: i64) -> Event {
    Event {
        id: EventId(Uuid::from_u128(1)),
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

fn observed(count: u32, second: i64) -> Event {
    let told = Observation { at: at(second), source: Source::Hook, count };
    let observed = Observed { passkeys: Some(told), ..Observed::default() };
    Event { observed, ..event(EventKind::SettingsChanged { method: None }, second) }
}

/// Registered with a password and of the schema `person`.
fn person() -> Record {
    let told = Observation { at: at(0), source: Source::Registration, count: 0 };
    let registered = Event {
        observed: Observed { passkeys: Some(told), ..Observed::default() },
        profile: Profile { schema_id: Some("person".parse().unwrap()), ..Profile::default() },
        ..event(EventKind::Registered { method: Some(Method::Password) }, 0)
    };
    Record::begin(&registered).0
}

fn told(events: &[Event]) -> Record {
    let mut record = person();
    events.iter().for_each(|event| {
        record.apply(event);
    });
    record
}

fn signed_in(second: i64) -> SessionFacts {
    SessionFacts {
        digest: SessionDigest([9; 16]),
        authenticated_at: at(second),
        expires_at: None,
        state: None,
        schema_id: None,
        passkey_used_at: None,
        security_key_used_at: None,
    }
}

fn answer(record: &Record, policy: &Policy, second: i64) -> (Verdict, Reason) {
    let decision = decide(record, &signed_in(second), policy, at(second));
    (decision.verdict, decision.reason)
}

fn requiring(name: &str, requirement: Requirement) -> Policy {
    Policy { required: [(name.parse().unwrap(), requirement)].into(), ..Policy::default() }
}

fn everybody(from: i64, by: i64) -> Requirement {
    Requirement { cohort: Cohort::default(), from: at(from), by: at(by), grace: SignedDuration::ZERO }
}

const OFFER: (Verdict, Reason) = (Verdict::Offer, Reason::NoPasskey);

#[test]
fn who_is_on_the_deny_list_is_never_asked_even_where_it_is_required() {
    let record = person();
    let denied = BTreeSet::from([record.identity]);
    let policy = Policy { denied, ..requiring("all", everybody(0, 10)) };
    assert_eq!(answer(&record, &policy, 5), (Verdict::Never, Reason::DenyListed));
}

#[test]
fn the_kill_switch_ends_offers_and_requirements() {
    let policy = Policy { enabled: false, ..requiring("all", everybody(0, 10)) };
    assert_eq!(answer(&person(), &policy, 5), (Verdict::Later, Reason::OffersPaused));
}

#[test]
fn a_rollout_of_none_asks_nobody_but_of_whom_it_is_required() {
    let policy = Policy { rollout: Share::NONE, ..Policy::default() };
    assert_eq!(answer(&person(), &policy, 5), (Verdict::Later, Reason::NotRolledOut));
    let policy = Policy { rollout: Share::NONE, ..requiring("all", everybody(0, 10)) };
    assert_eq!(answer(&person(), &policy, 5), (Verdict::Required, Reason::RequiredByPolicy));
}

#[test]
fn who_is_held_out_is_not_asked() {
    let policy = Policy { hold_out: Share::ALL, ..Policy::default() };
    assert_eq!(answer(&person(), &policy, 5), (Verdict::Later, Reason::HeldOut));
}

#[test]
fn a_failed_try_says_nothing_against_the_account_unless_the_policy_does() {
    let failed =
        EventKind::Failed { kind: FailureKind::Network, exception: None, attempt: Attempt::default() };
    let record = told(&[event(failed, 1)]);
    assert_eq!(answer(&record, &Policy::default(), 2), OFFER);
    let policy = Policy { failed_pause: Some(SignedDuration::from_secs(60)), ..Policy::default() };
    assert_eq!(answer(&record, &policy, 2), (Verdict::Later, Reason::Failed));
    assert_eq!(answer(&record, &policy, 61), OFFER);
}

#[test]
fn who_removed_the_last_passkey_is_asked_again_after_a_pause_or_never() {
    let record = told(&[observed(1, 10), observed(0, 20)]);
    assert_eq!(answer(&record, &Policy::default(), 21), (Verdict::Later, Reason::Removed));
    assert_eq!(answer(&record, &Policy::default(), 20 + 90 * DAY), OFFER);
    let policy = Policy { removed_pause: None, ..Policy::default() };
    assert_eq!(answer(&record, &policy, 20 + 900 * DAY), (Verdict::Never, Reason::Removed));
}

#[test]
fn a_cohort_is_by_schema_method_and_date_of_registration() {
    let cohort =
        |cohort: Cohort| answer(&person(), &requiring("some", Requirement { cohort, ..everybody(0, 10) }), 5);
    let required = (Verdict::Required, Reason::RequiredByPolicy);
    assert_eq!(cohort(Cohort::default()), required);
    let schemas = |name: &str| Some(BTreeSet::from([name.parse().unwrap()]));
    assert_eq!(cohort(Cohort { schemas: schemas("person"), ..Cohort::default() }), required);
    assert_eq!(cohort(Cohort { schemas: schemas("staff"), ..Cohort::default() }), OFFER);
    let methods = |method| Some(BTreeSet::from([method]));
    assert_eq!(
        cohort(Cohort { registration_methods: methods(Method::Password), ..Cohort::default() }),
        required
    );
    assert_eq!(cohort(Cohort { registration_methods: methods(Method::Oidc), ..Cohort::default() }), OFFER);
    assert_eq!(cohort(Cohort { registered_from: Some(at(0)), ..Cohort::default() }), required);
    assert_eq!(cohort(Cohort { registered_from: Some(at(1)), ..Cohort::default() }), OFFER);
    assert_eq!(cohort(Cohort { registered_before: Some(at(1)), ..Cohort::default() }), required);
    assert_eq!(cohort(Cohort { registered_before: Some(at(0)), ..Cohort::default() }), OFFER);
}

#[test]
fn nobodys_deadline_comes_sooner_than_their_grace_ends() {
    let policy =
        requiring("all", Requirement { grace: SignedDuration::from_secs(100), ..everybody(-50, -10) });
    let before = decide(&person(), &signed_in(1), &policy, at(99));
    assert_eq!((before.required_by, before.may_skip), (Some(at(100)), true));
    assert_eq!(before.valid_until, Some(at(100)));
    let after = decide(&person(), &signed_in(1), &policy, at(100));
    assert_eq!((after.verdict, after.may_skip, after.may_dismiss), (Verdict::Required, false, false));
}

#[test]
fn of_two_requirements_the_first_deadline_counts_and_what_is_announced_later_ends_the_answer() {
    let mut policy = requiring("late", everybody(0, 500));
    policy.required.insert("soon".parse().unwrap(), everybody(200, 300));
    let first = decide(&person(), &signed_in(1), &policy, at(100));
    assert_eq!((first.required_by, first.valid_until), (Some(at(500)), Some(at(200))));
    assert_eq!(decide(&person(), &signed_in(1), &policy, at(200)).required_by, Some(at(300)));
}

#[test]
fn an_operator_leaves_somebody_alone_for_a_while() {
    let record = told(&[event(EventKind::Snoozed { until: at(50) }, 1)]);
    let policy = requiring("all", everybody(0, 500));
    let decision = decide(&record, &signed_in(2), &policy, at(2));
    assert_eq!((decision.verdict, decision.reason), (Verdict::Later, Reason::Snoozed));
    assert_eq!(decision.next_offer_at, Some(at(50)));
    assert_eq!(answer(&record, &policy, 50), (Verdict::Required, Reason::RequiredByPolicy));
}

#[test]
fn an_operator_requires_a_passkey_of_somebody_whatever_the_lists_and_the_person_say() {
    let record = told(&[event(EventKind::Dismissed, 1), event(EventKind::Required { by: at(50) }, 2)]);
    let policy = Policy {
        schemas: Some(BTreeSet::from(["staff".parse().unwrap()])),
        registration_methods: Some(BTreeSet::from([Method::Oidc])),
        rollout: Share::NONE,
        ..Policy::default()
    };
    let decision = decide(&record, &signed_in(3), &policy, at(3));
    assert_eq!((decision.verdict, decision.reason), (Verdict::Required, Reason::RequiredByOperator));
    assert_eq!((decision.required_by, decision.may_skip), (Some(at(50)), true));
}

#[test]
fn of_leave_alone_and_require_the_later_word_holds() {
    let snoozed = event(EventKind::Snoozed { until: at(900) }, 1);
    let required = |second| event(EventKind::Required { by: at(50) }, second);
    let now_required = told(&[snoozed.clone(), required(2)]);
    assert_eq!(answer(&now_required, &Policy::default(), 3).0, Verdict::Required);
    let now_snoozed = told(&[required(0), snoozed]);
    assert_eq!(answer(&now_snoozed, &Policy::default(), 3), (Verdict::Later, Reason::Snoozed));
}

#[test]
fn a_reset_forgets_what_operators_said_too() {
    let record = told(&[
        event(EventKind::Snoozed { until: at(900) }, 1),
        event(EventKind::Required { by: at(50) }, 2),
        event(EventKind::Reset, 3),
    ]);
    assert_eq!(answer(&record, &Policy::default(), 4), OFFER);
}

#[test]
fn an_identity_that_kratos_does_not_know_is_asked_nothing_and_found_by_no_address() {
    let digest = IdentifierDigest { key: [0; 4], mac: [1; 32] };
    let named = Event {
        profile: Profile { identifiers: Some([digest].into()), ..Profile::default() },
        ..event(EventKind::Seen, 1)
    };
    let mut record = told(&[named.clone(), event(EventKind::IdentityGone, 2)]);
    assert_eq!((record.stage(), &record.identifiers), (Stage::Gone, &None));
    assert_eq!(answer(&record, &Policy::default(), 3), (Verdict::Never, Reason::IdentityGone));
    // A hook that was on its way says nothing of now; a later one does.
    record.apply(&Event { at: at(1), ..named.clone() });
    assert_eq!(record.stage(), Stage::Gone);
    record.apply(&Event { at: at(4), ..named });
    assert_eq!(record.stage(), Stage::Waiting);
}

#[test]
fn what_is_explained_names_the_rule_and_those_that_would_have_decided_after_it() {
    let record = told(&[event(EventKind::Dismissed, 1)]);
    let policy = Policy { rollout: Share::NONE, ..Policy::default() };
    let explanation = explain(&record, &signed_in(2), &policy, at(2));
    assert_eq!(explanation.decided_by(), Some(Rule::Rollout));
    let of = |rule| explanation.rules.iter().find(|ruled| ruled.rule == rule).unwrap().ruling;
    assert_eq!(of(Rule::HoldOut), Ruling::Silent);
    assert!(matches!(of(Rule::Dismissed), Ruling::WouldDecide(said) if said.reason == Reason::Dismissed));
    assert_eq!(Rule::ALL.map(Rule::as_str).iter().collect::<BTreeSet<_>>().len(), Rule::ALL.len());
}

#[test]
fn the_funnel_counts_who_had_none_and_made_one() {
    let steps = |record: &Record| record.steps.iter().map(Step::as_str).collect::<Vec<_>>();
    let mut record = told(&[]);
    assert_eq!(steps(&record), ["eligible"]);
    record.apply(&event(EventKind::Offered { session: SessionDigest([1; 16]) }, 1));
    record.apply(&event(EventKind::Started(Attempt::default()), 2));
    record.apply(&observed(1, 3));
    assert_eq!(steps(&record), ["eligible", "offered", "started", "completed"]);
    let used = Observed { passkey_used_at: Some(at(9)), ..Observed::default() };
    record
        .apply(&Event { observed: used, ..event(EventKind::SignedIn { method: Some(Method::Passkey) }, 9) });
    assert_eq!(steps(&record).last(), Some(&"signed_in"));

    let with_one = Observation { at: at(0), source: Source::Registration, count: 1 };
    let registered = Event {
        observed: Observed { passkeys: Some(with_one), ..Observed::default() },
        ..event(EventKind::Registered { method: Some(Method::Passkey) }, 0)
    };
    assert_eq!(steps(&Record::begin(&registered).0), [""; 0], "who registers with one is in no funnel");
}

#[test]
fn whoever_was_upgraded_is_counted_apart() {
    let steps = |record: &Record| record.steps.iter().map(Step::as_str).collect::<Vec<_>>();
    let upgrade = |ceremony, count, second| {
        let kind = EventKind::PasskeyMade {
            credential: CredentialId::of_bytes(vec![7]).unwrap(),
            session: SessionDigest([1; 16]),
            ceremony,
        };
        Event { kind, ..observed(count, second) }
    };
    let used = Event {
        observed: Observed { passkey_used_at: Some(at(9)), ..Observed::default() },
        ..event(EventKind::SignedIn { method: Some(Method::Passkey) }, 9)
    };
    let upgraded = told(&[upgrade(CeremonyKind::Conditional, 1, 1)]);
    assert_eq!(steps(&upgraded), ["eligible", "upgraded"]);
    let again =
        told(&[upgrade(CeremonyKind::Conditional, 1, 1), upgrade(CeremonyKind::Asked, 2, 2), used.clone()]);
    assert_eq!(steps(&again), ["eligible", "upgraded", "upgrade_signed_in"], "once, and in one place");
    let completed =
        told(&[upgrade(CeremonyKind::Asked, 1, 1), upgrade(CeremonyKind::Conditional, 2, 2), used.clone()]);
    assert_eq!(steps(&completed), ["eligible", "completed", "signed_in"]);
    let seen = told(&[observed(1, 1), upgrade(CeremonyKind::Conditional, 1, 2), used]);
    assert_eq!(
        steps(&seen),
        ["eligible", "completed", "signed_in"],
        "seen before it was said how it was made"
    );
}
