//! One clear answer for the page: offer, later, done, never or required.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rules::{Case, Outcome, Rule};
use super::{IdentityState, Policy, Reading, Record, SchemaId, SessionDigest};

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
    /// Required: of everybody in a cohort of the policy.
    RequiredByPolicy,
    /// Required: an operator said so of this person.
    RequiredByOperator,
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
    Failed,
    /// Never, where the policy says so.
    Removed,
    /// An operator leaves the person alone for a while.
    Snoozed,
    /// Later: of those who are not asked, so that there is something to compare with.
    HeldOut,
    /// Later: not yet among those who are asked.
    NotRolledOut,
    /// Later: the pause is over; the next sign-in brings the offer.
    NextSignIn,
    /// Never: the person said so.
    Dismissed,
    OffersExhausted,
    IdentityInactive,
    MethodNotEligible,
    SchemaNotEligible,
    DenyListed,
    IdentityGone,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NoPasskey => "no_passkey",
            Reason::RequiredByPolicy => "required_by_policy",
            Reason::RequiredByOperator => "required_by_operator",
            Reason::PasskeyEnrolled => "passkey_enrolled",
            Reason::SecurityKeyEnrolled => "security_key_enrolled",
            Reason::PasskeysUnknown => "passkeys_unknown",
            Reason::OffersPaused => "offers_paused",
            Reason::Skipped => "skipped",
            Reason::Cancelled => "cancelled",
            Reason::Failed => "failed",
            Reason::Removed => "removed",
            Reason::Snoozed => "snoozed",
            Reason::HeldOut => "held_out",
            Reason::NotRolledOut => "not_rolled_out",
            Reason::NextSignIn => "next_sign_in",
            Reason::Dismissed => "dismissed",
            Reason::OffersExhausted => "offers_exhausted",
            Reason::IdentityInactive => "identity_inactive",
            Reason::MethodNotEligible => "method_not_eligible",
            Reason::SchemaNotEligible => "schema_not_eligible",
            Reason::DenyListed => "deny_listed",
            Reason::IdentityGone => "identity_gone",
        }
    }
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
    let case = Case { record, session, policy, now };
    let outcome = Rule::ALL.into_iter().find_map(|rule| rule.ask(&case));
    spell_out(&case, outcome.unwrap_or(Outcome::OFFER))
}

/// Everything the page is told beside the verdict.
pub(super) fn spell_out(case: &Case<'_>, outcome: Outcome) -> Decision {
    let Case { record, session, policy, now } = *case;
    let offers = &record.offers;
    let counted = offers.shown_in(session.digest);
    let offers_left = policy.max_offers.saturating_sub(offers.count);
    let nth = if counted { offers.count } else { offers.count.saturating_add(1) };
    let asks = matches!(outcome.verdict, Verdict::Offer | Verdict::Required);
    // A try that came to nothing begins a pause, but the offer it belongs to is still on the screen.
    let stands = asks || (matches!(outcome.reason, Reason::Cancelled | Reason::Failed) && counted);
    let required_by = match outcome.reason {
        Reason::RequiredByOperator => case.operators_deadline(),
        Reason::RequiredByPolicy => case.cohorts_deadline().map(|(_, by)| by),
        _ => None,
    };
    let privileged_until =
        session.authenticated_at.checked_add(policy.privileged_session_max_age).unwrap_or(Timestamp::MAX);
    let privileged = privileged_until > now;
    let changes =
        [outcome.until, required_by, case.next_announcement(), Some(privileged_until), session.expires_at];
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
