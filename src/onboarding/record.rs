//! The record of one identity, and the only place where it changes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    CeremonyKind, Event, EventKind, FailureKind, IdentifierDigest, IdentityId, IdentityState, Knowledge,
    Method, Observed, Profile, Reading, SchemaId, SessionDigest, Stage, Step, Steps, Transition,
};

/// A value with the time it was true. The later one wins; of one time the greater, so that order cannot matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dated<T> {
    /// `None`: the time was not told; sorts before everything.
    pub as_of: Option<Timestamp>,
    pub value: T,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub at: Timestamp,
    pub method: Option<Method>,
}

/// What the person was shown and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Offers {
    /// Sessions in which the offer was shown.
    pub count: u32,
    pub last_at: Option<Timestamp>,
    /// The newest last, at most [`Offers::SESSIONS`].
    pub sessions: Vec<SessionDigest>,
    pub started_at: Option<Timestamp>,
    pub skips: u32,
    pub skipped_at: Option<Timestamp>,
    pub cancels: u32,
    pub cancelled_at: Option<Timestamp>,
    pub failures: u32,
    pub failed_at: Option<Timestamp>,
    pub last_failure: Option<FailureKind>,
    pub unavailable_at: Option<Timestamp>,
    pub dismissed_at: Option<Timestamp>,
    /// The page's claim; never decides.
    pub claimed_at: Option<Timestamp>,
}

impl Offers {
    /// Devices a person goes back and forth between without being counted twice.
    pub const SESSIONS: usize = 8;

    pub fn shown_in(&self, session: SessionDigest) -> bool {
        self.sessions.contains(&session)
    }

    fn is_untouched(&self) -> bool {
        *self == Offers::default()
    }
}

/// Everything kept about one identity. No traits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub identity: IdentityId,
    /// Counts the changes; 1 is the first.
    #[serde(skip)]
    pub version: u64,
    /// When this service first heard of the identity.
    pub first_heard_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<Dated<SchemaId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Dated<IdentityState>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiers: Option<Dated<BTreeSet<IdentifierDigest>>>,
    #[serde(default)]
    pub passkeys: Knowledge,
    #[serde(default)]
    pub security_keys: Knowledge,
    #[serde(default, skip_serializing_if = "Offers::is_untouched")]
    pub offers: Offers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<Timestamp>,
    /// An operator's word: left alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<Dated<Timestamp>>,
    /// An operator's word: required by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Dated<Timestamp>>,
    /// Since then Kratos knows no such identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// When a passkey was first made for them in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgraded_at: Option<Timestamp>,
    /// Of the funnel. A reset leaves them: nobody is counted twice.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub steps: Steps,
}

impl Record {
    /// The record the first event of an identity makes.
    pub fn begin(event: &Event) -> (Record, Transition) {
        let mut record = Record {
            identity: event.identity,
            version: 0,
            first_heard_at: event.at,
            registration: None,
            schema_id: None,
            state: None,
            identifiers: None,
            passkeys: Knowledge::default(),
            security_keys: Knowledge::default(),
            offers: Offers::default(),
            reset_at: None,
            snoozed: None,
            required: None,
            gone_at: None,
            upgraded_at: None,
            steps: Steps::default(),
        };
        record.take(event);
        record.version = 1;
        let (to, steps) = (record.stage(), record.steps);
        (record, Transition::Changed { from: None, to, steps })
    }

    /// The only way a record changes. An event that says what is already known answers `Unchanged`.
    pub fn apply(&mut self, event: &Event) -> Transition {
        let before = self.clone();
        self.take(event);
        if *self == before {
            return Transition::Unchanged;
        }
        self.version = before.version.saturating_add(1);
        let steps = self.steps.but(before.steps);
        Transition::Changed { from: Some(before.stage()), to: self.stage(), steps }
    }

    /// As Kratos says, else when this service first heard of the identity.
    pub fn registered_at(&self) -> Timestamp {
        self.registration.as_ref().map_or(self.first_heard_at, |registration| registration.at)
    }

    pub fn stage(&self) -> Stage {
        let offers = &self.offers;
        if self.gone_at.is_some() {
            return Stage::Gone;
        }
        if matches!(self.passkeys.reading(), Reading::AtLeastOne | Reading::Exactly(1..)) {
            return Stage::Enrolled;
        }
        if offers.dismissed_at.is_some() {
            return Stage::Dismissed;
        }
        let steps = [
            (offers.last_at, Stage::Offered),
            (offers.started_at, Stage::Started),
            (offers.skipped_at.max(offers.cancelled_at), Stage::Postponed),
        ];
        let newest = steps.into_iter().filter_map(|(at, stage)| at.map(|at| (at, stage))).max();
        newest.map_or(Stage::Waiting, |(_, stage)| stage)
    }

    fn take(&mut self, event: &Event) {
        self.first_heard_at = self.first_heard_at.min(event.at);
        self.learn_profile(&event.profile);
        self.learn_credentials(&event.observed);
        self.learn_existence(event);
        if !self.is_answer_before_reset(event) {
            self.take_kind(event);
        }
        self.advance();
    }

    fn take_kind(&mut self, event: &Event) {
        let at = Some(event.at);
        let offers = &mut self.offers;
        match &event.kind {
            EventKind::Registered { method } => {
                self.learn_registration(event.profile.created_at.unwrap_or(event.at), *method);
            }
            EventKind::SignedIn { .. }
            | EventKind::SettingsChanged { .. }
            | EventKind::Seen
            | EventKind::PasskeysObserved
            | EventKind::IdentityGone
            | EventKind::PasskeyMade { ceremony: CeremonyKind::Asked, .. }
            | EventKind::PasskeyRestored { .. }
            | EventKind::PasskeyRevoked { .. } => {}
            EventKind::PasskeyMade { ceremony: CeremonyKind::Conditional, .. } => {
                self.upgraded_at = self.upgraded_at.or(at).min(at);
            }
            EventKind::Offered { session } => {
                if !offers.shown_in(*session) {
                    offers.count = offers.count.saturating_add(1);
                    let too_many = offers.sessions.len().saturating_sub(Offers::SESSIONS - 1);
                    offers.sessions.drain(..too_many);
                    offers.sessions.push(*session);
                    offers.last_at = offers.last_at.max(at);
                }
            }
            EventKind::Started(_) => offers.started_at = offers.started_at.max(at),
            EventKind::Skipped => {
                offers.skips = offers.skips.saturating_add(1);
                offers.skipped_at = offers.skipped_at.max(at);
            }
            EventKind::Dismissed => offers.dismissed_at = offers.dismissed_at.or(at),
            EventKind::Cancelled(_) => {
                offers.cancels = offers.cancels.saturating_add(1);
                offers.cancelled_at = offers.cancelled_at.max(at);
            }
            EventKind::Failed { kind, .. } => {
                offers.failures = offers.failures.saturating_add(1);
                offers.failed_at = offers.failed_at.max(at);
                offers.last_failure = Some(*kind);
            }
            EventKind::Unavailable { .. } => offers.unavailable_at = offers.unavailable_at.max(at),
            EventKind::Completed(_) => offers.claimed_at = offers.claimed_at.max(at),
            EventKind::Snoozed { until } => learn(&mut self.snoozed, at, Some(until)),
            EventKind::Required { by } => learn(&mut self.required, at, Some(by)),
            EventKind::Reset => {
                self.offers = Offers::default();
                self.snoozed = None;
                self.required = None;
                self.reset_at = self.reset_at.max(at);
            }
        }
    }

    fn is_answer_before_reset(&self, event: &Event) -> bool {
        !event.kind.is_told_by_kratos() && self.reset_at.is_some_and(|reset| event.at <= reset)
    }

    /// Gone is who Kratos says is gone, until it tells of them again.
    fn learn_existence(&mut self, event: &Event) {
        if event.kind == EventKind::IdentityGone {
            self.gone_at = self.gone_at.max(Some(event.at));
            // Nobody is to be found by an address that may be somebody else's by now.
            self.identifiers = None;
        } else if event.kind.is_told_by_kratos() && self.gone_at.is_some_and(|gone| gone < event.at) {
            self.gone_at = None;
        }
    }

    /// Takes the steps of the funnel that the record now shows. Each follows from all that was told, in whatever order, but for
    /// one: what is told between Kratos's patch and the event of our own ceremony shows a passkey and not how it was made, so
    /// whoever is upgraded and told of in between has completed, and stays so.
    fn advance(&mut self) {
        let none_at = self.passkeys.none_at();
        if none_at.is_some() {
            self.steps.take(Step::Eligible);
        }
        if self.offers.count > 0 {
            self.steps.take(Step::Offered);
        }
        if self.offers.started_at.is_some() {
            self.steps.take(Step::Started);
        }
        let since = none_at.unwrap_or(Timestamp::MIN);
        let (has, signed_in) = match self.is_upgraded() {
            true => (Step::Upgraded, Step::UpgradeSignedIn),
            false => (Step::Completed, Step::SignedIn),
        };
        if self.steps.holds(Step::Eligible) && self.passkeys.held_after(since) {
            self.steps.take(has);
        }
        if self.steps.holds(has) && self.passkeys.used_at().is_some_and(|used| used > since) {
            self.steps.take(signed_in);
        }
    }

    /// The first passkey that anybody saw was made in the background, and nobody saw it before we were told so.
    fn is_upgraded(&self) -> bool {
        self.upgraded_at.is_some() && !self.steps.holds(Step::Completed)
    }

    fn learn_registration(&mut self, at: Timestamp, method: Option<Method>) {
        match &mut self.registration {
            Some(known) => {
                known.at = known.at.min(at);
                known.method = known.method.max(method);
            }
            None => self.registration = Some(Registration { at, method }),
        }
    }

    fn learn_profile(&mut self, told: &Profile) {
        learn(&mut self.schema_id, told.as_of, told.schema_id.as_ref());
        learn(&mut self.state, told.as_of, told.state.as_ref());
        match (&mut self.identifiers, &told.identifiers) {
            // Of one time, or of none: a hook may name what another leaves out, so all of them hold.
            (Some(known), Some(told_too)) if known.as_of == told.as_of => known.value.extend(told_too),
            (known, told_now) => learn(known, told.as_of, told_now.as_ref()),
        }
    }

    fn learn_credentials(&mut self, told: &Observed) {
        for (knowledge, observation, used_at) in [
            (&mut self.passkeys, told.passkeys, told.passkey_used_at),
            (&mut self.security_keys, told.security_keys, told.security_key_used_at),
        ] {
            if let Some(observation) = observation {
                knowledge.observe(observation);
            }
            if let Some(at) = used_at {
                knowledge.used(at);
            }
        }
    }
}

fn learn<T: Clone + Ord>(known: &mut Option<Dated<T>>, as_of: Option<Timestamp>, told: Option<&T>) {
    if let Some(value) = told {
        let told = Some(Dated { as_of, value: value.clone() });
        if told > *known {
            *known = told;
        }
    }
}
