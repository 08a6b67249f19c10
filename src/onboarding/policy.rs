//! Whom to offer a passkey, and when again. The operator's choice.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{EnrolMethod, Method, SchemaId};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the decision depends on besides record, session and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `false` pauses every offer.
    pub enabled: bool,
    /// The credentials the deployment enrols with. Never empty.
    pub enrol: BTreeSet<EnrolMethod>,
    /// Registration methods that are offered a passkey; `None` is all.
    pub registration_methods: Option<BTreeSet<Method>>,
    /// Schemas that are offered a passkey; `None` is all.
    pub schemas: Option<BTreeSet<SchemaId>>,
    pub max_offers: u32,
    /// After the first, second, … skip; the last holds for all further ones.
    pub skip_pauses: Vec<SignedDuration>,
    pub cancelled_pause: SignedDuration,
    pub removed_pause: SignedDuration,
    /// "Don't ask again" is there from this offer on, counted from 1; `None` is never.
    pub dismiss_from_offer: Option<u32>,
    pub required: Option<Requirement>,
    /// `selfservice.flows.settings.privileged_session_max_age` of Kratos.
    pub privileged_session_max_age: SignedDuration,
}

/// A passkey is required: from `from` on it is said, until `by` it can still be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    pub from: Timestamp,
    pub by: Timestamp,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            enabled: true,
            enrol: BTreeSet::from([EnrolMethod::Passkey]),
            registration_methods: None,
            schemas: None,
            max_offers: 4,
            skip_pauses: vec![DAY * 14, DAY * 30, DAY * 90],
            cancelled_pause: DAY,
            removed_pause: DAY * 90,
            dismiss_from_offer: Some(2),
            required: None,
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
