//! What an operator is shown of a record, and of a decision.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::onboarding::{
    Explanation, FailureKind, IdentityState, Knowledge, Lots, Method, Policy, Reading, Reason, Record, Rule,
    Ruling, Said, SessionDigest, SessionFacts, Stage, Step, Verdict, explain,
};

/// Everything kept about one identity, but for the hashes by which it is found. Every field is always there, null where
/// unknown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordDocument {
    #[schema(value_type = String, format = "uuid")]
    identity_id: String,
    /// Counts the changes.
    version: u64,
    stage: Stage,
    #[schema(value_type = String, format = DateTime)]
    first_heard_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    registered_at: Option<Timestamp>,
    #[schema(required)]
    registration_method: Option<Method>,
    #[schema(required)]
    schema_id: Option<String>,
    #[schema(required)]
    state: Option<IdentityState>,
    passkeys: KnowledgeDocument,
    security_keys: KnowledgeDocument,
    offers: OffersDocument,
    /// An operator's word.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    snoozed_until: Option<Timestamp>,
    /// An operator's word.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    required_by: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    reset_at: Option<Timestamp>,
    /// Since then Kratos knows no such identity.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    gone_at: Option<Timestamp>,
    /// Of the funnel, those that were taken.
    steps: Vec<Step>,
}

/// What is known of how many there are.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct KnowledgeDocument {
    known: Known,
    /// With `exactly`.
    #[schema(required)]
    count: Option<u32>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    as_of: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    used_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Known {
    Nothing,
    /// Two answers of one instant; Kratos's admin API settles it.
    Disputed,
    AtLeastOne,
    Exactly,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct OffersDocument {
    /// Sessions in which it was shown.
    count: u32,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    started_at: Option<Timestamp>,
    skips: u32,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    skipped_at: Option<Timestamp>,
    cancels: u32,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    cancelled_at: Option<Timestamp>,
    failures: u32,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    failed_at: Option<Timestamp>,
    #[schema(required)]
    last_failure: Option<FailureKind>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    dismissed_at: Option<Timestamp>,
}

impl From<&Record> for RecordDocument {
    fn from(record: &Record) -> RecordDocument {
        let offers = &record.offers;
        RecordDocument {
            identity_id: record.identity.to_string(),
            version: record.version,
            stage: record.stage(),
            first_heard_at: record.first_heard_at,
            registered_at: record.registration.as_ref().map(|registration| registration.at),
            registration_method: record.registration.as_ref().and_then(|registration| registration.method),
            schema_id: record.schema_id.as_ref().map(|schema| schema.value.to_string()),
            state: record.state.as_ref().map(|state| state.value),
            passkeys: (&record.passkeys, record.passkeys.reading()).into(),
            security_keys: (&record.security_keys, record.security_keys.passwordless_reading()).into(),
            offers: OffersDocument {
                count: offers.count,
                last_at: offers.last_at,
                started_at: offers.started_at,
                skips: offers.skips,
                skipped_at: offers.skipped_at,
                cancels: offers.cancels,
                cancelled_at: offers.cancelled_at,
                failures: offers.failures,
                failed_at: offers.failed_at,
                last_failure: offers.last_failure,
                dismissed_at: offers.dismissed_at,
            },
            snoozed_until: record.snoozed.as_ref().map(|snoozed| snoozed.value),
            required_by: record.required.as_ref().map(|required| required.value),
            reset_at: record.reset_at,
            gone_at: record.gone_at,
            steps: record.steps.iter().collect(),
        }
    }
}

impl From<(&Knowledge, Reading)> for KnowledgeDocument {
    fn from((knowledge, reading): (&Knowledge, Reading)) -> KnowledgeDocument {
        let (known, count) = match reading {
            Reading::Unknown => (Known::Nothing, None),
            Reading::Disputed => (Known::Disputed, None),
            Reading::AtLeastOne => (Known::AtLeastOne, None),
            Reading::Exactly(count) => (Known::Exactly, Some(count)),
        };
        KnowledgeDocument { known, count, as_of: knowledge.as_of(), used_at: knowledge.used_at() }
    }
}

/// What a person who signs in now, without a passkey, is answered, and the way to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplanationDocument {
    #[schema(value_type = String, format = "uuid")]
    pub identity_id: String,
    pub version: u64,
    pub stage: Stage,
    pub decision: Verdict,
    pub reason: Reason,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub next_offer_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub required_by: Option<Timestamp>,
    /// The first rule that spoke; null: none did, which is an offer.
    #[schema(required)]
    pub decided_by: Option<Rule>,
    /// What would change it.
    pub changed_by: &'static str,
    /// Whether the person is in `policy.rollout`.
    pub in_rollout: bool,
    /// Whether the person is in `policy.hold_out`.
    pub in_hold_out: bool,
    /// In the order in which they are asked; all of them.
    pub rules: Vec<RuleDocument>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleDocument {
    pub rule: Rule,
    pub ruling: RulingName,
    #[schema(required)]
    pub says: Option<Said>,
    /// The settings it follows; null: facts alone.
    #[schema(required)]
    pub setting: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulingName {
    /// It has nothing to say here.
    Silent,
    Decides,
    /// It was not reached, and would have decided.
    WouldDecide,
}

impl ExplanationDocument {
    /// As if the person had signed in just now, in a session that nobody has seen.
    pub fn of(record: &Record, policy: &Policy, now: Timestamp) -> ExplanationDocument {
        let session = SessionFacts {
            digest: SessionDigest([0; 16]),
            authenticated_at: now,
            expires_at: None,
            state: None,
            schema_id: None,
            passkey_used_at: None,
            security_key_used_at: None,
        };
        let explanation: Explanation = explain(record, &session, policy, now);
        let rules = explanation.rules.iter().map(|ruled| {
            let (ruling, says) = match ruled.ruling {
                Ruling::Silent => (RulingName::Silent, None),
                Ruling::Decides(said) => (RulingName::Decides, Some(said)),
                Ruling::WouldDecide(said) => (RulingName::WouldDecide, Some(said)),
            };
            RuleDocument { rule: ruled.rule, ruling, says, setting: ruled.rule.setting() }
        });
        let decision = &explanation.decision;
        ExplanationDocument {
            identity_id: record.identity.to_string(),
            version: record.version,
            stage: record.stage(),
            decision: decision.verdict,
            reason: decision.reason,
            next_offer_at: decision.next_offer_at,
            required_by: decision.required_by,
            decided_by: explanation.decided_by(),
            changed_by: explanation.decided_by().map_or(
                "Nothing stands against an offer. A passkey, a pause or a rule of the policy would.",
                Rule::ended_by,
            ),
            in_rollout: policy.rollout.holds(Lots::Rollout, record.identity),
            in_hold_out: policy.hold_out.holds(Lots::HoldOut, record.identity),
            rules: rules.collect(),
        }
    }
}
