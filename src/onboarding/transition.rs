//! What an event did to a record.

use serde::{Deserialize, Serialize};

use super::Steps;

/// Where a person stands on the way to a passkey. Derived from the record, never set.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Known to us; nothing was shown yet.
    Waiting,
    Offered,
    /// The ceremony was begun.
    Started,
    /// Skipped or cancelled: to be asked again later.
    Postponed,
    /// "Don't ask again."
    Dismissed,
    /// Kratos says a passkey exists.
    Enrolled,
    /// Kratos says the identity does not.
    Gone,
}

impl Stage {
    pub const ALL: [Stage; 7] = [
        Stage::Waiting,
        Stage::Offered,
        Stage::Started,
        Stage::Postponed,
        Stage::Dismissed,
        Stage::Enrolled,
        Stage::Gone,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Offered => "offered",
            Stage::Started => "started",
            Stage::Postponed => "postponed",
            Stage::Dismissed => "dismissed",
            Stage::Enrolled => "enrolled",
            Stage::Gone => "gone",
        }
    }
}

/// The result of [`Record::apply`](super::Record::apply).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The record already said so.
    Unchanged,
    /// `from` is `None` for the first event of an identity. `from == to` when only facts changed. `steps`: those of the
    /// funnel that this event was the first to take.
    Changed { from: Option<Stage>, to: Stage, steps: Steps },
}

impl Transition {
    pub fn is_change(self) -> bool {
        matches!(self, Transition::Changed { .. })
    }
}
