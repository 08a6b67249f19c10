//! The document the page is answered with.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::links::PageLinks;
use crate::onboarding::{Reason, Verdict};

/// What to do for this person now. Every field is always there, null where unknown. Enums may grow: treat a `decision`
/// that is not known as `later`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Document {
    /// Opaque; another person or another session has another one. For `If-Subject`.
    pub subject: String,
    /// Counts the changes of the record behind the answer.
    pub version: u64,
    pub decision: Verdict,
    /// Which rule decided.
    pub reason: Reason,
    /// Also after a cancelled try of this session, while the offer is still on the screen.
    pub may_skip: bool,
    /// "Don't ask again" can be shown.
    pub may_dismiss: bool,
    pub offers_left: u32,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub next_offer_at: Option<Timestamp>,
    /// Until then it can still be skipped.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub required_by: Option<Timestamp>,
    #[schema(required)]
    pub passkey_count: Option<u32>,
    pub session: SessionTimes,
    pub ceremony: Ceremony,
    /// Seconds left in which a passkey may be made without asking (`page.conditional_create`), the last one begun too; 0: not, or
    /// not any more.
    pub conditional_create_for_s: u64,
    pub kratos: KratosAddress,
    pub links: PageLinks,
    /// The answer changes then without anybody doing anything. Null: only when something happens.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub valid_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub server_time: Timestamp,
    /// False: the database could not be written, and the answer was worked out in memory.
    pub recorded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionTimes {
    /// Kratos lets a privileged session change credentials.
    pub privileged: bool,
    /// Whole seconds left; 0 when it is not.
    pub privileged_for_s: u64,
    /// Whole seconds left; null when Kratos does not say.
    #[schema(required)]
    pub expires_in_s: Option<u64>,
}

/// How a passkey is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ceremony {
    /// In Kratos's own settings flow.
    Settings,
    /// By `POST /api/onboarding/passkeys/options` and `POST /api/onboarding/passkeys`; where that is refused with
    /// `settings_flow_required`, in the settings flow.
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KratosAddress {
    /// Kratos's public API as a browser reaches it.
    #[schema(format = "uri")]
    pub browser_url: String,
}

/// The answer to a report: the decision that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Completed {
    #[serde(flatten)]
    pub document: Document,
    /// Only after `completed`: whether Kratos's admin API confirms that there is a passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}
