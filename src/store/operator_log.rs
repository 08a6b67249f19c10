//! What operators did that is no event of one identity: looking people up, listing them, erasing them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::onboarding::{EventId, IdentityId, OperatorName};

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// UUID v7: the order of ids is that of time.
    pub id: EventId,
    pub at: Timestamp,
    pub operator: OperatorName,
    pub action: OperatorAction,
    /// Whom it was about, where it was one and is not erased.
    pub subject: Option<IdentityId>,
    /// Neither an address nor a token.
    pub detail: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorAction {
    /// By id or by what somebody signs in with.
    LookUp,
    /// The record, the decision or the trail of one identity.
    Show,
    List,
    /// Which passkeys somebody holds at Kratos.
    ShowPasskeys,
    Erase,
    /// Of the log itself.
    ReadLog,
    /// Dead letters sent again, or dropped.
    Replay,
    Drop,
}

impl OperatorAction {
    pub const ALL: [OperatorAction; 8] = [
        OperatorAction::LookUp,
        OperatorAction::Show,
        OperatorAction::List,
        OperatorAction::ShowPasskeys,
        OperatorAction::Erase,
        OperatorAction::ReadLog,
        OperatorAction::Replay,
        OperatorAction::Drop,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            OperatorAction::LookUp => "look_up",
            OperatorAction::Show => "show",
            OperatorAction::List => "list",
            OperatorAction::ShowPasskeys => "show_passkeys",
            OperatorAction::Erase => "erase",
            OperatorAction::ReadLog => "read_log",
            OperatorAction::Replay => "replay",
            OperatorAction::Drop => "drop",
        }
    }

    pub fn parse(text: &str) -> Option<OperatorAction> {
        OperatorAction::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Which lines, newest first.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    pub operator: Option<OperatorName>,
    pub action: Option<OperatorAction>,
    pub subject: Option<IdentityId>,
    /// Older than this one.
    pub before: Option<EventId>,
    pub limit: u32,
}
