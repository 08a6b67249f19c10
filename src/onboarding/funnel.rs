//! How far people come, counted once a person: eligible → offered → started → completed → signed in with it. Beside it, for
//! passkeys that were made without asking: eligible → upgraded → signed in with it.

use serde::{Deserialize, Serialize};

use super::{FailureKind, Method};

/// A step of the funnel. A person takes each once, in whatever order Kratos's word arrives. Order matters in one place: a hook,
/// a look or a sign-in that tells of a passkey made in the background before our own event does (it comes right after Kratos's
/// patch) has the person counted as `completed`, and not as `upgraded`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Kratos says that there is no passkey. Who registers with one never is.
    Eligible,
    Offered,
    /// A ceremony was begun.
    Started,
    /// Kratos says that there is a passkey, where there was none.
    Completed,
    /// The first sign-in with it.
    SignedIn,
    /// Kratos has one that was made in the background, where there was none. These people are counted here, and not among those
    /// who completed.
    Upgraded,
    /// The first sign-in of somebody who was upgraded.
    UpgradeSignedIn,
}

impl Step {
    pub const ALL: [Step; 7] = [
        Step::Eligible,
        Step::Offered,
        Step::Started,
        Step::Completed,
        Step::SignedIn,
        Step::Upgraded,
        Step::UpgradeSignedIn,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::Eligible => "eligible",
            Step::Offered => "offered",
            Step::Started => "started",
            Step::Completed => "completed",
            Step::SignedIn => "signed_in",
            Step::Upgraded => "upgraded",
            Step::UpgradeSignedIn => "upgrade_signed_in",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Steps that were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Step>", into = "Vec<Step>")]
pub struct Steps(u8);

impl Steps {
    pub fn holds(self, step: Step) -> bool {
        self.0 & step.bit() != 0
    }

    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Step> {
        Step::ALL.into_iter().filter(move |step| self.holds(*step))
    }

    #[must_use]
    pub fn but(self, others: Steps) -> Steps {
        Steps(self.0 & !others.0)
    }

    pub(super) fn take(&mut self, step: Step) {
        self.0 |= step.bit();
    }
}

impl From<Vec<Step>> for Steps {
    fn from(steps: Vec<Step>) -> Steps {
        steps.into_iter().fold(Steps::default(), |mut all, step| {
            all.take(step);
            all
        })
    }
}

impl From<Steps> for Vec<Step> {
    fn from(steps: Steps) -> Vec<Step> {
        steps.iter().collect()
    }
}

/// What one event adds to the funnel of its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    Step(Step),
    Cancelled,
    Failed(FailureKind),
    Unavailable(FailureKind),
}

impl Count {
    /// Of the step, or of the outcome and its kind: a bounded set.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Count::Step(step) => (step.as_str(), ""),
            Count::Cancelled => ("cancelled", ""),
            Count::Failed(kind) => ("failed", kind.as_str()),
            Count::Unavailable(kind) => ("unavailable", kind.as_str()),
        }
    }

    pub fn all() -> impl Iterator<Item = Count> {
        let steps = Step::ALL.into_iter().map(Count::Step);
        let failed =
            FailureKind::ALL.into_iter().flat_map(|kind| [Count::Failed(kind), Count::Unavailable(kind)]);
        steps.chain([Count::Cancelled]).chain(failed)
    }

    pub fn from_names(outcome: &str, kind: &str) -> Option<Count> {
        Count::all().find(|count| count.names() == (outcome, kind))
    }
}

/// As the funnel names the way somebody registered.
pub fn method_name(method: Option<Method>) -> &'static str {
    method.map_or("unknown", Method::as_str)
}
