//! The rules that decide, in their order: the first that has something to say is the answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::{Reason, SessionFacts, Verdict};
use super::{CohortName, EnrolMethod, IdentityState, Lots, Policy, Reading, Record, SchemaId};

/// A rule, by what it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    IdentityGone,
    Enrolled,
    IdentityInactive,
    DenyList,
    Schema,
    RegistrationMethod,
    KillSwitch,
    PasskeysUnknown,
    Snoozed,
    RequiredByOperator,
    RequiredOfCohort,
    HoldOut,
    Rollout,
    Dismissed,
    Pause,
    MaxOffers,
    NextSignIn,
}

impl Rule {
    /// In the order in which they are asked.
    pub const ALL: [Rule; 17] = [
        Rule::IdentityGone,
        Rule::Enrolled,
        Rule::IdentityInactive,
        Rule::DenyList,
        Rule::Schema,
        Rule::RegistrationMethod,
        Rule::KillSwitch,
        Rule::PasskeysUnknown,
        Rule::Snoozed,
        Rule::RequiredByOperator,
        Rule::RequiredOfCohort,
        Rule::HoldOut,
        Rule::Rollout,
        Rule::Dismissed,
        Rule::Pause,
        Rule::MaxOffers,
        Rule::NextSignIn,
    ];

    /// `None`: it has nothing to say, the next one is asked.
    pub(super) fn ask(self, case: &Case<'_>) -> Option<Outcome> {
        match self {
            Rule::IdentityGone => case.gone(),
            Rule::Enrolled => case.enrolled(),
            Rule::IdentityInactive => case.inactive(),
            Rule::DenyList => case.denied(),
            Rule::Schema => case.schema_not_eligible(),
            Rule::RegistrationMethod => case.method_not_eligible(),
            Rule::KillSwitch => case.paused(),
            Rule::PasskeysUnknown => case.unknown(),
            Rule::Snoozed => case.snoozed(),
            Rule::RequiredByOperator => case.required_by_operator(),
            Rule::RequiredOfCohort => case.required_of_cohort(),
            Rule::HoldOut => case.held_out(),
            Rule::Rollout => case.not_rolled_out(),
            Rule::Dismissed => case.dismissed(),
            Rule::Pause => case.pausing(),
            Rule::MaxOffers => case.exhausted(),
            Rule::NextSignIn => case.answered_in_this_session(),
        }
    }
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub verdict: Verdict,
    pub reason: Reason,
    /// The clock ends it.
    pub until: Option<Timestamp>,
}

impl Outcome {
    /// Nothing speaks against it.
    pub const OFFER: Outcome = Outcome { verdict: Verdict::Offer, reason: Reason::NoPasskey, until: None };

    fn of(verdict: Verdict, reason: Reason) -> Outcome {
        Outcome { verdict, reason, until: None }
    }
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub record: &'a Record,
    pub session: &'a SessionFacts,
    pub policy: &'a Policy,
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    fn gone(&self) -> Option<Outcome> {
        self.record.gone_at?;
        Some(Outcome::of(Verdict::Never, Reason::IdentityGone))
    }

    fn enrolled(&self) -> Option<Outcome> {
        let holds = |reading: Reading, as_of: Option<Timestamp>, used_at: Option<Timestamp>| {
            let used_since = used_at.is_some() && used_at > as_of;
            used_since || matches!(reading, Reading::AtLeastOne | Reading::Exactly(1..))
        };
        let passkeys = &self.record.passkeys;
        if holds(passkeys.reading(), passkeys.as_of(), self.session.passkey_used_at) {
            return Some(Outcome::of(Verdict::Done, Reason::PasskeyEnrolled));
        }
        let keys = &self.record.security_keys;
        (self.policy.enrol.contains(&EnrolMethod::Webauthn)
            && holds(keys.passwordless_reading(), keys.as_of(), self.session.security_key_used_at))
        .then_some(Outcome::of(Verdict::Done, Reason::SecurityKeyEnrolled))
    }

    fn inactive(&self) -> Option<Outcome> {
        let state = self.session.state.or(self.record.state.as_ref().map(|state| state.value));
        (state == Some(IdentityState::Inactive))
            .then_some(Outcome::of(Verdict::Never, Reason::IdentityInactive))
    }

    fn denied(&self) -> Option<Outcome> {
        let denied = self.policy.denied.contains(&self.record.identity);
        denied.then_some(Outcome::of(Verdict::Never, Reason::DenyListed))
    }

    fn schema_not_eligible(&self) -> Option<Outcome> {
        let (allowed, schema) = (self.policy.schemas.as_ref()?, self.schema()?);
        (!allowed.contains(schema) && self.operators_deadline().is_none())
            .then_some(Outcome::of(Verdict::Never, Reason::SchemaNotEligible))
    }

    fn method_not_eligible(&self) -> Option<Outcome> {
        let allowed = self.policy.registration_methods.as_ref()?;
        let method = self.record.registration.as_ref()?.method?;
        (!allowed.contains(&method) && self.operators_deadline().is_none())
            .then_some(Outcome::of(Verdict::Never, Reason::MethodNotEligible))
    }

    fn paused(&self) -> Option<Outcome> {
        (!self.policy.enabled).then_some(Outcome::of(Verdict::Later, Reason::OffersPaused))
    }

    fn unknown(&self) -> Option<Outcome> {
        let unknown = self.policy.enrol.iter().any(|method| {
            let reading = match method {
                EnrolMethod::Passkey => self.record.passkeys.reading(),
                EnrolMethod::Webauthn => self.record.security_keys.passwordless_reading(),
            };
            matches!(reading, Reading::Unknown | Reading::Disputed)
        });
        unknown.then_some(Outcome::of(Verdict::Later, Reason::PasskeysUnknown))
    }

    fn snoozed(&self) -> Option<Outcome> {
        let until = self.snoozed_until().filter(|until| *until > self.now)?;
        Some(Outcome { verdict: Verdict::Later, reason: Reason::Snoozed, until: Some(until) })
    }

    fn required_by_operator(&self) -> Option<Outcome> {
        self.operators_deadline()?;
        Some(Outcome::of(Verdict::Required, Reason::RequiredByOperator))
    }

    fn required_of_cohort(&self) -> Option<Outcome> {
        self.cohorts_deadline()?;
        Some(Outcome::of(Verdict::Required, Reason::RequiredByPolicy))
    }

    fn held_out(&self) -> Option<Outcome> {
        let held_out = self.policy.hold_out.holds(Lots::HoldOut, self.record.identity);
        held_out.then_some(Outcome::of(Verdict::Later, Reason::HeldOut))
    }

    fn not_rolled_out(&self) -> Option<Outcome> {
        let rolled_out = self.policy.rollout.holds(Lots::Rollout, self.record.identity);
        (!rolled_out).then_some(Outcome::of(Verdict::Later, Reason::NotRolledOut))
    }

    fn dismissed(&self) -> Option<Outcome> {
        self.record.offers.dismissed_at?;
        Some(Outcome::of(Verdict::Never, Reason::Dismissed))
    }

    /// The latest end of all pauses that were begun.
    fn pausing(&self) -> Option<Outcome> {
        let (offers, policy) = (&self.record.offers, self.policy);
        let removed_at = self.removed_at();
        if removed_at.is_some() && policy.removed_pause.is_none() {
            return Some(Outcome::of(Verdict::Never, Reason::Removed));
        }
        let pauses = [
            (offers.skipped_at, Some(policy.skip_pause(offers.skips)), Reason::Skipped),
            (offers.cancelled_at, Some(policy.cancelled_pause), Reason::Cancelled),
            (offers.failed_at, policy.failed_pause, Reason::Failed),
            (removed_at, policy.removed_pause, Reason::Removed),
        ];
        let ends = pauses.into_iter().filter_map(|(from, pause, reason)| {
            let (from, pause) = from.zip(pause)?;
            Some((from.checked_add(pause).unwrap_or(Timestamp::MAX), reason))
        });
        let (until, reason) = ends.max_by_key(|(until, _)| *until)?;
        (until > self.now).then_some(Outcome { verdict: Verdict::Later, reason, until: Some(until) })
    }

    fn exhausted(&self) -> Option<Outcome> {
        let offers = &self.record.offers;
        let shown_now = offers.shown_in(self.session.digest) && self.answered_at() < offers.last_at;
        (offers.count >= self.policy.max_offers && !shown_now)
            .then_some(Outcome::of(Verdict::Never, Reason::OffersExhausted))
    }

    fn answered_in_this_session(&self) -> Option<Outcome> {
        let answered = self.answered_at().is_some_and(|at| self.session.authenticated_at <= at);
        answered.then_some(Outcome::of(Verdict::Later, Reason::NextSignIn))
    }

    fn answered_at(&self) -> Option<Timestamp> {
        self.record.offers.skipped_at.max(self.record.offers.cancelled_at)
    }

    fn schema(&self) -> Option<&'a SchemaId> {
        self.session.schema_id.as_ref().or(self.record.schema_id.as_ref().map(|schema| &schema.value))
    }

    fn removed_at(&self) -> Option<Timestamp> {
        let removed = self.policy.enrol.iter().map(|method| match method {
            EnrolMethod::Passkey => self.record.passkeys.removed_at(),
            EnrolMethod::Webauthn => self.record.security_keys.passwordless_removed_at(),
        });
        removed.max().flatten()
    }

    /// Of an operator's "leave alone" and "require" the later word holds.
    fn snoozed_until(&self) -> Option<Timestamp> {
        let snoozed = self.record.snoozed.as_ref()?;
        let overruled = self.record.required.as_ref().is_some_and(|required| required.as_of > snoozed.as_of);
        (!overruled).then_some(snoozed.value)
    }

    pub fn operators_deadline(&self) -> Option<Timestamp> {
        self.record.required.as_ref().map(|required| required.value)
    }

    /// The first deadline of those that are announced.
    pub fn cohorts_deadline(&self) -> Option<(&'a CohortName, Timestamp)> {
        let announced = self.cohorts().filter(|(_, from, _)| *from <= self.now);
        announced.min_by_key(|(_, _, by)| *by).map(|(name, _, by)| (name, by))
    }

    /// When the next requirement of this person is announced.
    pub fn next_announcement(&self) -> Option<Timestamp> {
        self.cohorts().map(|(_, from, _)| from).filter(|from| *from > self.now).min()
    }

    fn cohorts(&self) -> impl Iterator<Item = (&'a CohortName, Timestamp, Timestamp)> {
        let (record, schema) = (self.record, self.schema());
        let own =
            self.policy.required.iter().filter(move |(_, required)| required.cohort.holds(record, schema));
        own.map(move |(name, required)| (name, required.from, required.deadline(record)))
    }
}
