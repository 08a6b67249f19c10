//! What is a difference, and that an answer which was overtaken sets nobody back.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::difference::{Difference, Found};
use crate::clock::Clock;
use crate::kratos::Told;
use crate::kratos::recordings;
use crate::onboarding::{
    Actor, Cause, DedupeKey, Event, EventId, EventKind, HookKind, IdentityId, Observation, Observed, Profile,
    Reading, Record, Source,
};

fn identity() -> IdentityId {
    "5eddbeec-b3d3-4769-ad6d-07e5374f94b7".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + second).unwrap()
}

fn clock() -> Clock {
    Clock::of(|| at(1_000_000))
}

fn told(second: i64, passkeys: u8) -> Told {
    told_with(second, passkeys, json!({}))
}

fn told_with(second: i64, passkeys: u8, more: serde_json::Value) -> Told {
    let keys: Vec<_> = (0..passkeys).map(|nth| json!({ "id": format!("AAA{nth}") })).collect();
    let mut body = json!({
        "id": identity(),
        "schema_id": "person",
        "updated_at": at(second),
        "credentials": { "passkey": { "updated_at": at(second), "config": { "credentials": keys } } },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Told::parse(body.to_string().as_bytes(), &recordings::keys()).unwrap()
}

/// A settings hook of v25.4 or later, dated by `identity.updated_at`.
fn hook(second: i64, passkeys: u32) -> Event {
    let observation = |count| Some(Observation { at: at(second), source: Source::Hook, count });
    Event {
        id: EventId(uuid::Uuid::nil()),
        identity: identity(),
        at: at(second + 1),
        dedupe: DedupeKey([0; 32]),
        actor: Actor::Kratos,
        cause: Cause::Hook(HookKind::Settings),
        profile: Profile {
            as_of: Some(at(second)),
            schema_id: Some("person".parse().unwrap()),
            ..Profile::default()
        },
        observed: Observed {
            passkeys: observation(passkeys),
            security_keys: observation(0),
            ..Observed::default()
        },
        kind: EventKind::SettingsChanged { method: None },
    }
}

fn difference(record: Option<&Record>, told: &Told) -> Option<Difference> {
    Found::compare(record, told, &clock()).map(|found| found.difference)
}

#[test]
fn what_is_known_by_another_way_is_no_difference() {
    let (record, _) = Record::begin(&hook(10, 1));
    for second in [5, 10, 20] {
        assert_eq!(difference(Some(&record), &told(second, 1)), None, "{second}");
    }
}

#[test]
fn counts_go_both_ways_and_what_was_not_known_is_learned() {
    let (record, _) = Record::begin(&hook(10, 1));
    assert_eq!(difference(Some(&record), &told(20, 2)), Some(Difference::Up));
    assert_eq!(difference(Some(&record), &told(20, 0)), Some(Difference::Down));
    assert_eq!(difference(None, &told(20, 0)), Some(Difference::Created));
    let mut unknown = hook(10, 0);
    unknown.observed = Observed::default();
    assert_eq!(difference(Some(&Record::begin(&unknown).0), &told(20, 0)), Some(Difference::Learned));
    let mut used = Record::begin(&hook(10, 0)).0;
    let mut use_of_one = hook(15, 0);
    use_of_one.observed = Observed { passkey_used_at: Some(at(15)), ..Observed::default() };
    used.apply(&use_of_one);
    assert_eq!(used.passkeys.reading(), Reading::AtLeastOne);
    assert_eq!(difference(Some(&used), &told(20, 1)), Some(Difference::Learned));
    assert_eq!(difference(Some(&used), &told(20, 0)), Some(Difference::Down));
}

#[test]
fn an_answer_that_is_dated_before_the_record_says_what_is_true_now() {
    // v1.3.1 leaves `updated_at` as it is when credentials change, and a removed one takes its date with it.
    let (record, _) = Record::begin(&hook(10, 1));
    assert_eq!(difference(Some(&record), &told(5, 0)), Some(Difference::Down));
}

#[test]
fn a_profile_that_changed_is_a_difference_and_its_date_alone_is_none() {
    let (record, _) = Record::begin(&hook(10, 1));
    assert_eq!(
        difference(Some(&record), &told_with(20, 1, json!({ "schema_id": "staff" }))),
        Some(Difference::Profile)
    );
    let address = json!({ "traits": { "email": "ada@example.org" } });
    let found = Found::compare(Some(&record), &told_with(20, 1, address.clone()), &clock()).unwrap();
    assert_eq!(found.difference, Difference::Profile);
    // A hash may be spelt with a name of three letters.
    assert!(!format!("{found:?} {}", found.in_words()).contains("ada@"), "no trait is in it");
    let mut record = record;
    record.apply(&found.event);
    assert_eq!(difference(Some(&record), &told_with(30, 1, address)), None);
}

#[test]
fn who_was_gone_returns() {
    let (mut record, _) = Record::begin(&hook(10, 1));
    let gone = Found::gone(&record, &Clock::of(|| at(20)));
    record.apply(&gone.event);
    let found = Found::compare(Some(&record), &told(5, 1), &clock()).unwrap();
    assert_eq!(found.difference, Difference::Returned);
    record.apply(&found.event);
    assert_eq!(difference(Some(&record), &told(5, 1)), None);
}

#[test]
fn the_same_words_after_something_else_happened_are_another_event() {
    let (mut record, _) = Record::begin(&hook(10, 1));
    let first = Found::compare(Some(&record), &told(20, 2), &clock()).unwrap();
    assert_eq!(
        first.event.dedupe,
        Found::compare(Some(&record), &told(20, 2), &clock()).unwrap().event.dedupe
    );
    record.apply(&first.event);
    record.apply(&Found::gone(&record.clone(), &Clock::of(|| at(20))).event);
    let again = Found::compare(Some(&record), &told(20, 2), &clock()).unwrap();
    assert_ne!(first.event.dedupe, again.event.dedupe);
}

#[test]
fn each_difference_is_told_in_words() {
    let (record, _) = Record::begin(&hook(10, 1));
    let words =
        |record: Option<&Record>, told: &Told| Found::compare(record, told, &clock()).unwrap().in_words();
    assert_eq!(
        words(Some(&record), &told(20, 2)),
        "Kratos 2 passkeys, here 1 passkey: a hook was missed; `reconcile` corrects it"
    );
    assert_eq!(
        words(None, &told(20, 0)),
        "Kratos no passkey, here nothing is known: no hook came; `reconcile` creates the record"
    );
}

/// What happens at Kratos, in order: how many passkeys there are from then on, and whether its hook arrives (each so many
/// steps later) or is dropped.
fn history() -> impl Strategy<Value = Vec<(u8, Option<usize>)>> {
    prop::collection::vec((0_u8..4, prop::option::of(0_usize..4)), 1..12)
}

proptest! {
    /// Records are read, then Kratos is asked, then the answer is applied; hooks of any age arrive in between. Whatever the
    /// order, the record never says less than the newest of what arrived and what was answered.
    #[test]
    fn nothing_newer_is_set_back(
        history in history(),
        read in 0_usize..16,
        asked_after in 0_usize..6,
        applied_after in 0_usize..6,
    ) {
        let steps = history.len() + 8;
        let (asked, applied) = (read + asked_after, read + asked_after + applied_after);
        let state = |step: usize| history[..=step.min(history.len() - 1)].last().unwrap().0;
        let changed = |step: usize| i64::try_from(step.min(history.len() - 1)).unwrap();
        // The registration.
        let (mut record, _) = Record::begin(&hook(-1, 0));
        let (mut newest, mut before, mut answer) = ((-1, 0), None, None);
        for step in 0..steps.max(applied + 1) {
            for (nth, (passkeys, delay)) in history.iter().enumerate() {
                if delay.is_some_and(|delay| nth + delay == step) {
                    let second = i64::try_from(nth).unwrap();
                    record.apply(&hook(second, u32::from(*passkeys)));
                    newest = newest.max((second, u32::from(*passkeys)));
                }
            }
            if step == read {
                before = Some(record.clone());
            }
            if step == asked {
                answer = Some((changed(step), state(step)));
            }
            if step == applied
                && let Some((second, passkeys)) = answer
                && let Some(found) = Found::compare(before.as_ref(), &told(second, passkeys), &clock())
            {
                record.apply(&found.event);
                newest = newest.max((second, u32::from(passkeys)));
            }
            prop_assert_eq!(record.passkeys.reading(), Reading::Exactly(newest.1), "step {}", step);
        }
    }
}

#[test]
fn an_answer_that_is_held_against_a_later_record_would_set_it_back() {
    // Why the record is read first: this is what the test above would find.
    let (before, _) = Record::begin(&hook(0, 0));
    let overtaken = told(10, 2);
    let mut record = before.clone();
    record.apply(&hook(20, 1));
    let mut wrongly = record.clone();
    wrongly.apply(&Found::compare(Some(&record), &overtaken, &clock()).unwrap().event);
    assert_eq!(wrongly.passkeys.reading(), Reading::Exactly(2));
    record.apply(&Found::compare(Some(&before), &overtaken, &clock()).unwrap().event);
    assert_eq!(record.passkeys.reading(), Reading::Exactly(1));
}
