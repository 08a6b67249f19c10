//! The tag stands still while only the clock's running times move, and turns exactly when the answer does.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::answer::Answer;
use super::document::Ceremony;
use super::links::Links;
use crate::kratos::{Session, recordings};
use crate::onboarding::{
    Actor, Attempt, Cause, Cohort, DedupeKey, EnrolMethod, Event, EventId, EventKind, Observation, Observed,
    PageAction, Policy, Record, Requirement, Source, decide,
};

/// The recorded session begins then.
const START: i64 = 1_795_322_088;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn session() -> Arc<Session> {
    Arc::new(recordings::session("whoami-fresh"))
}

fn links() -> Links {
    Links::new(
        &"https://id.example.org".parse().unwrap(),
        &"https://id.example.org/kratos".parse().unwrap(),
        &"https://id.example.org/welcome".parse().unwrap(),
        &[],
    )
}

fn event(second: i64, kind: EventKind, observed: Observed) -> Event {
    Event {
        id: EventId(uuid::Uuid::nil()),
        identity: session().identity,
        at: at(second),
        dedupe: DedupeKey([0; 32]),
        actor: Actor::Person,
        cause: Cause::Page(PageAction::Offered),
        profile: session().profile.clone(),
        observed,
        kind,
    }
}

#[derive(Debug, Clone)]
struct Story {
    record: Record,
    policy: Policy,
    conditional_until: Option<Timestamp>,
}

fn stories() -> impl Strategy<Value = Story> {
    let steps = prop::collection::vec((0_i64..4_000, 0_u8..6), 0..6);
    let required = prop::option::of((0_i64..100_000, 0_i64..100_000));
    // Of nanoseconds too, as Kratos's dates are.
    let conditional = prop::option::of((0_i64..90_000, 0_i32..1_000_000_000));
    (prop::option::of(0_u32..2), steps, required, 0_i64..90_000, conditional).prop_map(
        |(count, steps, required, pause, conditional)| {
            let count = count.map(|count| Observation { at: at(0), source: Source::Hook, count });
            let seen = Observed { passkeys: count, ..Observed::default() };
            let (mut record, _) = Record::begin(&event(0, EventKind::Seen, seen));
            for (second, step) in steps {
                let kind = match step {
                    0 => EventKind::Offered { session: session().facts.digest },
                    1 => EventKind::Skipped,
                    2 => EventKind::Cancelled(Attempt::default()),
                    3 => EventKind::Dismissed,
                    4 => EventKind::Started(Attempt::default()),
                    _ => EventKind::Reset,
                };
                record.apply(&event(second, kind, Observed::default()));
            }
            let policy = Policy {
                enrol: BTreeSet::from([EnrolMethod::Passkey]),
                skip_pauses: vec![SignedDuration::from_secs(pause)],
                required: required
                    .map(|(from, length)| {
                        let (from, by) = (at(from), at(from + length));
                        let all =
                            Requirement { cohort: Cohort::default(), from, by, grace: SignedDuration::ZERO };
                        ("all".parse().unwrap(), all)
                    })
                    .into_iter()
                    .collect(),
                ..Policy::default()
            };
            let conditional_until =
                conditional.map(|(second, nanosecond)| Timestamp::new(START + second, nanosecond).unwrap());
            Story { record, policy, conditional_until }
        },
    )
}

fn answer(story: &Story, now: Timestamp) -> Answer {
    let session = session();
    let decision = decide(&story.record, &session.facts, &story.policy, now);
    Answer {
        version: story.record.version,
        recorded: true,
        decision,
        links: None,
        ceremony: Ceremony::Settings,
        conditional_until: story.conditional_until.filter(|until| now < *until),
        now,
        session,
    }
}

fn lasting(answer: &Answer) -> serde_json::Value {
    let mut document = serde_json::to_value(answer.document(&links())).unwrap();
    document["server_time"] = serde_json::Value::Null;
    document["session"]["privileged_for_s"] = serde_json::Value::Null;
    document["session"]["expires_in_s"] = serde_json::Value::Null;
    let left = document["conditional_create_for_s"].as_u64().unwrap();
    document["conditional_create_for_s"] = (left > 0).into();
    document
}

proptest! {
    #[test]
    fn the_tag_is_the_same_exactly_when_all_but_the_running_times_is(
        story in stories(), first in 0_i64..90_000, second in 0_i64..90_000,
    ) {
        let (first, second) = (answer(&story, at(first)), answer(&story, at(second)));
        let same_tag = first.tag(&links()) == second.tag(&links());
        prop_assert_eq!(same_tag, lasting(&first) == lasting(&second));
    }

    #[test]
    fn it_holds_until_valid_until_and_turns_then(story in stories(), second in 0_i64..80_000, part in 0_i64..1_000) {
        let before = answer(&story, at(second));
        let Some(until) = before.valid_until() else { return Ok(()) };
        let nanos = until.as_nanosecond() - before.now.as_nanosecond();
        let between = Timestamp::from_nanosecond(before.now.as_nanosecond() + (nanos - 1) * i128::from(part) / 1_000);
        prop_assert_eq!(answer(&story, between.unwrap()).tag(&links()), before.tag(&links()));
        prop_assert_ne!(answer(&story, until).tag(&links()), before.tag(&links()));
    }
}

#[test]
fn another_destination_is_another_answer() {
    let story = Story {
        record: Record::begin(&event(0, EventKind::Seen, Observed::default())).0,
        policy: Policy::default(),
        conditional_until: None,
    };
    let plain = answer(&story, at(1));
    let carrying = Answer { links: links().carrying("/somewhere"), ..plain.clone() };
    assert_ne!(plain.tag(&links()), carrying.tag(&links()));
    let unrecorded = Answer { recorded: false, ..plain.clone() };
    assert_ne!(plain.tag(&links()), unrecorded.tag(&links()));
}
