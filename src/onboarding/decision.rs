//! One clear answer for the page: offer, later, done, never or required.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnrolMethod, IdentityState, Policy, Reading, Record, SchemaId, SessionDigest};

/// What Kratos's session says. Never what the browser claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    pub digest: SessionDigest,
    /// Moves with a refresh login; `issued_at` does not.
    pub authenticated_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// `None` where Kratos does not say; treated as active.
    pub state: Option<IdentityState>,
    pub schema_id: Option<SchemaId>,
    /// The newest use of a passkey in this session.
    pub passkey_used_at: Option<Timestamp>,
    pub security_key_used_at: Option<Timestamp>,
}

/// A client treats a value it does not know as `later`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Offer,
    Later,
    Done,
    Never,
    Required,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Offer => "offer",
            Verdict::Later => "later",
            Verdict::Done => "done",
            Verdict::Never => "never",
            Verdict::Required => "required",
        }
    }
}

/// Which rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Offer: nothing speaks against it.
    NoPasskey,
    /// Required: the operator demands it.
    RequiredByPolicy,
    /// Done: Kratos holds a passkey.
    PasskeyEnrolled,
    /// Done: Kratos holds a security key that signs in on its own, and the deployment enrols with them.
    SecurityKeyEnrolled,
    /// Later: nobody has said yet, and it could not be looked up.
    PasskeysUnknown,
    /// Later: the operator paused all offers.
    OffersPaused,
    /// Later, until `next_offer_at`.
    Skipped,
    Cancelled,
    Removed,
    /// Later: the pause is over; the next sign-in brings the offer.
    NextSignIn,
    /// Never: the person said so.
    Dismissed,
    OffersExhausted,
    IdentityInactive,
    MethodNotEligible,
    SchemaNotEligible,
}

/// The answer, and until when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub reason: Reason,
    /// The offer can be put off: one that is made, or one of this session that was cancelled just now.
    pub may_skip: bool,
    pub may_dismiss: bool,
    pub offers_left: u32,
    pub next_offer_at: Option<Timestamp>,
    pub required_by: Option<Timestamp>,
    /// `None`: unknown.
    pub passkey_count: Option<u32>,
    pub privileged_until: Timestamp,
    pub privileged: bool,
    /// The clock alone changes the answer at this instant.
    pub valid_until: Option<Timestamp>,
}

/// What to do for this person, now.
pub fn decide(record: &Record, session: &SessionFacts, policy: &Policy, now: Timestamp) -> Decision {
    let outcome = rule(record, session, policy, now);
    let offers = &record.offers;
    let counted = offers.shown_in(session.digest);
    let offers_left = policy.max_offers.saturating_sub(offers.count);
    let nth = if counted { offers.count } else { offers.count.saturating_add(1) };
    let asks = matches!(outcome.verdict, Verdict::Offer | Verdict::Required);
    // A cancelled try begins a pause, but the offer it belongs to is still on the screen.
    let stands = asks || (outcome.reason == Reason::Cancelled && counted);
    let required_by =
        policy.required.filter(|_| outcome.verdict == Verdict::Required).map(|required| required.by);
    let privileged_until =
        session.authenticated_at.checked_add(policy.privileged_session_max_age).unwrap_or(Timestamp::MAX);
    let privileged = privileged_until > now;
    let changes = [
        outcome.until,
        required_by,
        policy.required.map(|required| required.from),
        Some(privileged_until),
        session.expires_at,
    ];
    Decision {
        verdict: outcome.verdict,
        reason: outcome.reason,
        may_skip: stands && required_by.is_none_or(|by| now < by),
        may_dismiss: stands
            && outcome.verdict != Verdict::Required
            && policy.dismiss_from_offer.is_some_and(|from| nth >= from),
        offers_left,
        next_offer_at: outcome.until.filter(|_| outcome.verdict == Verdict::Later),
        required_by,
        passkey_count: match record.passkeys.reading() {
            Reading::Exactly(count) => Some(count),
            Reading::Unknown | Reading::Disputed | Reading::AtLeastOne => None,
        },
        privileged_until,
        privileged,
        valid_until: changes.into_iter().flatten().filter(|at| *at > now).min(),
    }
}

struct Outcome {
    verdict: Verdict,
    reason: Reason,
    until: Option<Timestamp>,
}

impl From<(Verdict, Reason)> for Outcome {
    fn from((verdict, reason): (Verdict, Reason)) -> Outcome {
        Outcome { verdict, reason, until: None }
    }
}

fn rule(record: &Record, session: &SessionFacts, policy: &Policy, now: Timestamp) -> Outcome {
    let offers = &record.offers;
    if let Some(reason) = enrolled(record, session, policy) {
        return (Verdict::Done, reason).into();
    }
    if let Some(reason) = ineligible(record, session, policy) {
        return (Verdict::Never, reason).into();
    }
    if !policy.enabled {
        return (Verdict::Later, Reason::OffersPaused).into();
    }
    if unknown(record, policy) {
        return (Verdict::Later, Reason::PasskeysUnknown).into();
    }
    if policy.required.is_some_and(|required| required.from <= now) {
        return (Verdict::Required, Reason::RequiredByPolicy).into();
    }
    if offers.dismissed_at.is_some() {
        return (Verdict::Never, Reason::Dismissed).into();
    }
    if let Some((until, reason)) = pause(record, policy).filter(|(until, _)| *until > now) {
        return Outcome { verdict: Verdict::Later, reason, until: Some(until) };
    }
    let answered_at = offers.skipped_at.max(offers.cancelled_at);
    let shown_now = offers.shown_in(session.digest) && answered_at < offers.last_at;
    if offers.count >= policy.max_offers && !shown_now {
        return (Verdict::Never, Reason::OffersExhausted).into();
    }
    if answered_at.is_some_and(|at| session.authenticated_at <= at) {
        return (Verdict::Later, Reason::NextSignIn).into();
    }
    (Verdict::Offer, Reason::NoPasskey).into()
}

fn enrolled(record: &Record, session: &SessionFacts, policy: &Policy) -> Option<Reason> {
    let holds = |reading: Reading, as_of: Option<Timestamp>, used_at: Option<Timestamp>| {
        let used_since = used_at.is_some() && used_at > as_of;
        used_since || matches!(reading, Reading::AtLeastOne | Reading::Exactly(1..))
    };
    let passkeys = &record.passkeys;
    if holds(passkeys.reading(), passkeys.as_of(), session.passkey_used_at) {
        return Some(Reason::PasskeyEnrolled);
    }
    let keys = &record.security_keys;
    (policy.enrol.contains(&EnrolMethod::Webauthn)
        && holds(keys.passwordless_reading(), keys.as_of(), session.security_key_used_at))
    .then_some(Reason::SecurityKeyEnrolled)
}

fn unknown(record: &Record, policy: &Policy) -> bool {
    policy.enrol.iter().any(|method| {
        let reading = match method {
            EnrolMethod::Passkey => record.passkeys.reading(),
            EnrolMethod::Webauthn => record.security_keys.passwordless_reading(),
        };
        matches!(reading, Reading::Unknown | Reading::Disputed)
    })
}

fn ineligible(record: &Record, session: &SessionFacts, policy: &Policy) -> Option<Reason> {
    let state = session.state.or(record.state.as_ref().map(|state| state.value));
    if state == Some(IdentityState::Inactive) {
        return Some(Reason::IdentityInactive);
    }
    let schema = session.schema_id.as_ref().or(record.schema_id.as_ref().map(|schema| &schema.value));
    if let (Some(allowed), Some(schema)) = (&policy.schemas, schema)
        && !allowed.contains(schema)
    {
        return Some(Reason::SchemaNotEligible);
    }
    let method = record.registration.as_ref().and_then(|registration| registration.method);
    if let (Some(allowed), Some(method)) = (&policy.registration_methods, method)
        && !allowed.contains(&method)
    {
        return Some(Reason::MethodNotEligible);
    }
    None
}

fn removed_at(record: &Record, policy: &Policy) -> Option<Timestamp> {
    let removed = policy.enrol.iter().map(|method| match method {
        EnrolMethod::Passkey => record.passkeys.removed_at(),
        EnrolMethod::Webauthn => record.security_keys.passwordless_removed_at(),
    });
    removed.max().flatten()
}

/// The latest end of all pauses that were begun.
fn pause(record: &Record, policy: &Policy) -> Option<(Timestamp, Reason)> {
    let offers = &record.offers;
    let pauses = [
        (offers.skipped_at, policy.skip_pause(offers.skips), Reason::Skipped),
        (offers.cancelled_at, policy.cancelled_pause, Reason::Cancelled),
        (removed_at(record, policy), policy.removed_pause, Reason::Removed),
    ];
    let ends = pauses.into_iter().filter_map(|(from, pause, reason)| {
        from.map(|at| (at.checked_add(pause).unwrap_or(Timestamp::MAX), reason))
    });
    ends.max_by_key(|(until, _)| *until)
}
