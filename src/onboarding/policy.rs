//! Whom to offer a passkey, and when again. The operator's choice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{CohortName, EnrolMethod, IdentityId, Method, Record, SchemaId, Share};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the decision depends on besides record, session and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The kill switch: `false` pauses every offer, and every requirement.
    pub enabled: bool,
    /// The credentials the deployment enrols with. Never empty.
    pub enrol: BTreeSet<EnrolMethod>,
    /// Registration methods that are offered a passkey; `None` is all.
    pub registration_methods: Option<BTreeSet<Method>>,
    /// Schemas that are offered a passkey; `None` is all.
    pub schemas: Option<BTreeSet<SchemaId>>,
    /// Never asked, whatever else is said: machines, shared accounts.
    pub denied: BTreeSet<IdentityId>,
    /// Only these are offered a passkey.
    pub rollout: Share,
    /// These are not, so that there is something to compare with.
    pub hold_out: Share,
    pub max_offers: u32,
    /// After the first, second, … skip; the last holds for all further ones.
    pub skip_pauses: Vec<SignedDuration>,
    pub cancelled_pause: SignedDuration,
    /// `None`: a failed try says nothing against the account.
    pub failed_pause: Option<SignedDuration>,
    /// `None`: whoever removed the last passkey is not asked again.
    pub removed_pause: Option<SignedDuration>,
    /// "Don't ask again" is there from this offer on, counted from 1; `None` is never.
    pub dismiss_from_offer: Option<u32>,
    pub required: BTreeMap<CohortName, Requirement>,
    /// `selfservice.flows.settings.privileged_session_max_age` of Kratos.
    pub privileged_session_max_age: SignedDuration,
}

/// A passkey is required of a cohort: from `from` on it is said, until the deadline it can still be skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub cohort: Cohort,
    pub from: Timestamp,
    pub by: Timestamp,
    /// Nobody's deadline comes sooner than this after they registered. Zero: `by` is everybody's.
    pub grace: SignedDuration,
}

impl Requirement {
    /// When this person cannot skip any more.
    pub fn deadline(&self, record: &Record) -> Timestamp {
        if self.grace.is_zero() {
            return self.by;
        }
        let grace_ends = record.registered_at().checked_add(self.grace).unwrap_or(Timestamp::MAX);
        self.by.max(grace_ends)
    }
}

/// Some of the people. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cohort {
    pub schemas: Option<BTreeSet<SchemaId>>,
    pub registration_methods: Option<BTreeSet<Method>>,
    /// Registered then or later.
    pub registered_from: Option<Timestamp>,
    /// Registered before then.
    pub registered_before: Option<Timestamp>,
}

impl Cohort {
    /// Whoever is not known to belong to a schema or method that is asked for does not.
    pub fn holds(&self, record: &Record, schema: Option<&SchemaId>) -> bool {
        let method = record.registration.as_ref().and_then(|registration| registration.method);
        let registered_at = record.registered_at();
        self.schemas.as_ref().is_none_or(|schemas| schema.is_some_and(|schema| schemas.contains(schema)))
            && self
                .registration_methods
                .as_ref()
                .is_none_or(|methods| method.is_some_and(|method| methods.contains(&method)))
            && self.registered_from.is_none_or(|from| from <= registered_at)
            && self.registered_before.is_none_or(|before| registered_at < before)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            enabled: true,
            enrol: BTreeSet::from([EnrolMethod::Passkey]),
            registration_methods: None,
            schemas: None,
            denied: BTreeSet::new(),
            rollout: Share::ALL,
            hold_out: Share::NONE,
            max_offers: 4,
            skip_pauses: vec![DAY * 14, DAY * 30, DAY * 90],
            cancelled_pause: DAY,
            failed_pause: None,
            removed_pause: Some(DAY * 90),
            dismiss_from_offer: Some(2),
            required: BTreeMap::new(),
            privileged_session_max_age: SignedDuration::from_hours(1),
        }
    }
}

impl Policy {
    /// How long to leave the person alone after the `skips`th skip.
    pub fn skip_pause(&self, skips: u32) -> SignedDuration {
        let nth = usize::try_from(skips.saturating_sub(1)).unwrap_or(usize::MAX);
        self.skip_pauses.get(nth).or(self.skip_pauses.last()).copied().unwrap_or_default()
    }
}
