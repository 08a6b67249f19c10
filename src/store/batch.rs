//! What one commit does, worked out in memory: the same for every backend.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::funnel::{self, Counts};
use super::quarantine::NewQuarantined;
use crate::onboarding::{
    Count, DedupeKey, Event, EventKind, IdentifierDigest, IdentityId, Observed, Profile, Record, Transition,
};

/// A piece of work for the writer.
#[derive(Debug, Clone)]
pub enum Work {
    Event(Box<Event>),
    Quarantine(Box<NewQuarantined>),
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Outcome {
    Applied { record: Arc<Record>, transition: Transition, counted: Vec<Count> },
    Duplicate { record: Arc<Record> },
    Quarantined,
}

/// An event and the transition it caused.
#[derive(Debug)]
pub struct EventRow<'a> {
    pub event: &'a Event,
    pub detail: Box<RawValue>,
    pub version: u64,
    pub transition: Transition,
}

/// What has to be written, each list sorted so that two instances lock in one order.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    pub events: Vec<EventRow<'a>>,
    pub records: Vec<Record>,
    pub added: BTreeSet<(IdentityId, IdentifierDigest)>,
    pub removed: BTreeSet<(IdentityId, IdentifierDigest)>,
    pub counts: Counts,
    pub quarantine: Vec<&'a NewQuarantined>,
    pub outcomes: Vec<Outcome>,
}

/// Identities a batch touches, sorted.
pub fn identities(batch: &[Work]) -> BTreeSet<IdentityId> {
    events(batch).map(|event| event.identity).collect()
}

pub fn events(batch: &[Work]) -> impl Iterator<Item = &Event> {
    batch.iter().filter_map(|work| match work {
        Work::Event(event) => Some(event.as_ref()),
        Work::Quarantine(_) => None,
    })
}

/// `records`: those of [`identities`] that exist; `known`: the deliveries that are stored already.
pub fn plan<'a>(
    batch: &'a [Work],
    mut records: HashMap<IdentityId, Record>,
    mut known: HashSet<(IdentityId, DedupeKey)>,
) -> Result<Plan<'a>, serde_json::Error> {
    let mut plan = Plan::default();
    let mut changed = BTreeSet::new();
    for work in batch {
        let event = match work {
            Work::Quarantine(entry) => {
                plan.quarantine.push(entry);
                plan.outcomes.push(Outcome::Quarantined);
                continue;
            }
            Work::Event(event) => event,
        };
        if !known.insert((event.identity, event.dedupe))
            && let Some(record) = records.get(&event.identity)
        {
            plan.outcomes.push(Outcome::Duplicate { record: Arc::new(record.clone()) });
            continue;
        }
        let digests = |record: &Record| record.identifiers.as_ref().map(|dated| dated.value.clone());
        let (before, record, transition) = match records.entry(event.identity) {
            Entry::Occupied(entry) => {
                let record = entry.into_mut();
                let before = digests(record);
                let transition = record.apply(event);
                (before, record, transition)
            }
            Entry::Vacant(entry) => {
                let (record, transition) = Record::begin(event);
                (None, entry.insert(record), transition)
            }
        };
        let (before, after) = (before.unwrap_or_default(), digests(record).unwrap_or_default());
        for digest in before.difference(&after) {
            plan.added.remove(&(event.identity, *digest));
            plan.removed.insert((event.identity, *digest));
        }
        for digest in after.difference(&before) {
            plan.removed.remove(&(event.identity, *digest));
            plan.added.insert((event.identity, *digest));
        }
        if transition.is_change() {
            changed.insert(event.identity);
        }
        plan.events.push(EventRow { event, detail: detail(event)?, version: record.version, transition });
        let counted = funnel::counted(event, transition);
        funnel::add(&mut plan.counts, event, record, &counted);
        plan.outcomes.push(Outcome::Applied { record: Arc::new(record.clone()), transition, counted });
    }
    plan.records = changed.into_iter().filter_map(|identity| records.remove(&identity)).collect();
    Ok(plan)
}

/// The event's content, for the audit log.
fn detail(event: &Event) -> Result<Box<RawValue>, serde_json::Error> {
    #[derive(Serialize)]
    struct Detail<'a> {
        event: &'a EventKind,
        #[serde(skip_serializing_if = "is_default")]
        profile: &'a Profile,
        #[serde(skip_serializing_if = "is_default")]
        observed: &'a Observed,
    }
    to_raw_value(&Detail { event: &event.kind, profile: &event.profile, observed: &event.observed })
}

fn is_default<T: Default + PartialEq>(value: &&T) -> bool {
    **value == T::default()
}
