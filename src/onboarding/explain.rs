//! Which rule decided, what each other rule would have said, and what would change it.

use jiff::Timestamp;
use serde::Serialize;

use super::decision::spell_out;
use super::rules::{Case, Outcome};
use super::{Decision, Policy, Reason, Record, Rule, SessionFacts, Verdict};

/// A decision with the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub decision: Decision,
    /// In the order in which they are asked; all of them, also those after the one that decided.
    pub rules: Vec<Ruled>,
}

/// What one rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruled {
    pub rule: Rule,
    pub ruling: Ruling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It has nothing to say here.
    Silent,
    /// The first that spoke.
    Decides(Said),
    /// It was not reached; it would have decided if those before it were silent.
    WouldDecide(Said),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Said {
    pub verdict: Verdict,
    pub reason: Reason,
    /// The clock ends it then.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub until: Option<Timestamp>,
}

impl Explanation {
    /// The rule that decided; `None`: none spoke, which is an offer.
    pub fn decided_by(&self) -> Option<Rule> {
        let decides = self.rules.iter().find(|ruled| matches!(ruled.ruling, Ruling::Decides(_)));
        decides.map(|ruled| ruled.rule)
    }
}

/// As [`decide`](super::decide), by the same rules.
pub fn explain(record: &Record, session: &SessionFacts, policy: &Policy, now: Timestamp) -> Explanation {
    let case = Case { record, session, policy, now };
    let mut decided = None;
    let rules = Rule::ALL.map(|rule| {
        let ruling = match rule.ask(&case) {
            None => Ruling::Silent,
            Some(outcome) if decided.is_some() => Ruling::WouldDecide(Said::of(outcome)),
            Some(outcome) => {
                decided = Some(outcome);
                Ruling::Decides(Said::of(outcome))
            }
        };
        Ruled { rule, ruling }
    });
    Explanation { decision: spell_out(&case, decided.unwrap_or(Outcome::OFFER)), rules: rules.to_vec() }
}

impl Said {
    fn of(outcome: Outcome) -> Said {
        Said { verdict: outcome.verdict, reason: outcome.reason, until: outcome.until }
    }
}

impl Rule {
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::IdentityGone => "identity_gone",
            Rule::Enrolled => "enrolled",
            Rule::IdentityInactive => "identity_inactive",
            Rule::DenyList => "deny_list",
            Rule::Schema => "schema",
            Rule::RegistrationMethod => "registration_method",
            Rule::KillSwitch => "kill_switch",
            Rule::PasskeysUnknown => "passkeys_unknown",
            Rule::Snoozed => "snoozed",
            Rule::RequiredByOperator => "required_by_operator",
            Rule::RequiredOfCohort => "required_of_cohort",
            Rule::HoldOut => "hold_out",
            Rule::Rollout => "rollout",
            Rule::Dismissed => "dismissed",
            Rule::Pause => "pause",
            Rule::MaxOffers => "max_offers",
            Rule::NextSignIn => "next_sign_in",
        }
    }

    /// The setting it follows; `None`: facts alone.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Rule::DenyList => Some("policy.denied"),
            Rule::Schema => Some("policy.schemas"),
            Rule::RegistrationMethod => Some("policy.registration_methods"),
            Rule::KillSwitch => Some("policy.enabled"),
            Rule::RequiredOfCohort => Some("policy.required"),
            Rule::HoldOut => Some("policy.hold_out"),
            Rule::Rollout => Some("policy.rollout"),
            Rule::Pause => {
                Some("policy.skip_pauses, policy.cancelled_pause, policy.failed_pause, policy.removed_pause")
            }
            Rule::MaxOffers => Some("policy.max_offers"),
            Rule::Enrolled | Rule::PasskeysUnknown => Some("methods"),
            Rule::IdentityGone
            | Rule::IdentityInactive
            | Rule::Snoozed
            | Rule::RequiredByOperator
            | Rule::Dismissed
            | Rule::NextSignIn => None,
        }
    }

    /// What would make it silent.
    pub fn ended_by(self) -> &'static str {
        match self {
            Rule::IdentityGone => {
                "Nothing: Kratos knows no such identity. Erase the record if it is not needed."
            }
            Rule::Enrolled => "The person removes the passkey, or an operator revokes it.",
            Rule::IdentityInactive => "Set the identity's state to active at Kratos.",
            Rule::DenyList => "Take the identity off policy.denied.",
            Rule::Schema => {
                "Add the identity's schema to policy.schemas, or require a passkey of this person."
            }
            Rule::RegistrationMethod => {
                "Add the method to policy.registration_methods, or require a passkey of this person."
            }
            Rule::KillSwitch => "Set policy.enabled to true.",
            Rule::PasskeysUnknown => {
                "It is looked up at Kratos's admin API the next time the page asks; where kratos.admin_url is not set, \
                 the next settings hook says it."
            }
            Rule::Snoozed => "The time passes, an operator requires a passkey, or the person is reset.",
            Rule::RequiredByOperator => {
                "The person makes a passkey, an operator snoozes the offer, or the person is reset."
            }
            Rule::RequiredOfCohort => {
                "The person makes a passkey, or the cohort in policy.required leaves them out."
            }
            Rule::HoldOut => "A smaller policy.hold_out, or a requirement.",
            Rule::Rollout => "A larger policy.rollout, or a requirement.",
            Rule::Dismissed => "The person makes a passkey in the settings, or is reset.",
            Rule::Pause => "The pause ends and the person signs in again, or is reset.",
            Rule::MaxOffers => "A larger policy.max_offers, or the person is reset.",
            Rule::NextSignIn => "The person signs in again, without a passkey.",
        }
    }
}
