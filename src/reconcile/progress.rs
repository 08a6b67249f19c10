//! How far a pass is, what it did, and where the next one goes on.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::difference::{Difference, Found};
use crate::kratos::PageToken;
use crate::onboarding::IdentityId;

/// What was seen longer ago says little about now: a pass begins anew then.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What a pass did, or would do. Counts identities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// That Kratos told of.
    pub seen: u64,
    pub created: u64,
    pub returned: u64,
    pub up: u64,
    pub down: u64,
    pub learned: u64,
    pub profile: u64,
    pub gone: u64,
    /// Of ours, looked for in Kratos.
    pub looked_for: u64,
    /// Of those, not found at first.
    pub missing: u64,
    /// That could not be understood; left as they are.
    pub unreadable: u64,
    /// That the database refused; put in quarantine.
    pub refused: u64,
}

impl Summary {
    pub(super) fn count(&mut self, difference: Difference) {
        let count = match difference {
            Difference::Created => &mut self.created,
            Difference::Returned => &mut self.returned,
            Difference::Up => &mut self.up,
            Difference::Down => &mut self.down,
            Difference::Learned => &mut self.learned,
            Difference::Profile => &mut self.profile,
            Difference::Gone => &mut self.gone,
        };
        *count += 1;
    }

    /// Those that were not as Kratos says.
    pub fn differed(&self) -> u64 {
        self.created + self.returned + self.up + self.down + self.learned + self.profile + self.gone
    }
}

/// Which of the two a pass is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// What Kratos tells, from this page on.
    Kratos { from: Option<PageToken> },
    /// Ours, after this one.
    Ours { after: Option<IdentityId> },
}

/// Where a pass is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub begun: Timestamp,
    pub phase: Phase,
    pub summary: Summary,
    /// The last identity that was looked at. Ids are random and asked for in their order, so it tells how far it is.
    pub at: Option<IdentityId>,
}

impl Progress {
    pub(super) fn begin(now: Timestamp) -> Progress {
        Progress { begun: now, phase: Phase::Kratos { from: None }, summary: Summary::default(), at: None }
    }

    /// `None`: there is nothing to go on with.
    pub(super) fn resume(kept: &str, now: Timestamp) -> Option<Progress> {
        let progress: Progress = serde_json::from_str(kept).ok()?;
        (now.duration_since(progress.begun) < RESUMED_WITHIN).then_some(progress)
    }

    pub(super) fn to_keep(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// 0 to 1, each phase half of it.
    pub fn fraction(&self) -> f64 {
        let within = self.at.map_or(0.0, |identity| {
            let [a, b, c, d, ..] = *identity.as_bytes();
            f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
        });
        match self.phase {
            Phase::Kratos { .. } => within / 2.0,
            Phase::Ours { .. } => 0.5 + within / 2.0,
        }
    }
}

/// Who is told while a pass runs.
pub trait Audience: Send {
    fn found(&mut self, found: &Found);

    fn progressed(&mut self, progress: &Progress);
}

/// Nobody listens.
#[derive(Debug)]
pub struct Nobody;

impl Audience for Nobody {
    fn found(&mut self, _: &Found) {}

    fn progressed(&mut self, _: &Progress) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_kept_is_gone_on_with_for_a_day() {
        let mut progress = Progress::begin(at(0));
        progress.phase = Phase::Ours { after: Some("5eddbeec-b3d3-4769-ad6d-07e5374f94b7".parse().unwrap()) };
        progress.summary.count(Difference::Up);
        let kept = progress.to_keep();
        assert_eq!(Progress::resume(&kept, at(3600)), Some(progress));
        assert_eq!(Progress::resume(&kept, at(24 * 3600)), None);
        assert_eq!(Progress::resume("of another version", at(0)), None);
    }

    #[test]
    fn the_last_identity_tells_how_far_it_is() {
        let mut progress = Progress::begin(at(0));
        assert_eq!(progress.fraction(), 0.0);
        progress.at = Some("80000000-0000-4000-8000-000000000000".parse().unwrap());
        assert!((progress.fraction() - 0.25).abs() < 0.001);
        progress.phase = Phase::Ours { after: None };
        assert!((progress.fraction() - 0.75).abs() < 0.001);
    }
}
