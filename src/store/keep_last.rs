//! How long events are kept at least.

use jiff::{SignedDuration, Timestamp};

/// What is younger stays. A day at least: a delivery that comes again is told by the event of the first, and Kratos tries
/// again for seconds, a relay for hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepLast(SignedDuration);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is less than a day")]
pub struct KeptTooShort;

impl TryFrom<SignedDuration> for KeepLast {
    type Error = KeptTooShort;

    fn try_from(kept: SignedDuration) -> Result<KeepLast, KeptTooShort> {
        if kept < SignedDuration::from_hours(24) { Err(KeptTooShort) } else { Ok(KeepLast(kept)) }
    }
}

impl KeepLast {
    /// Nothing is older than all time.
    pub fn before(self, now: Timestamp) -> Before {
        Before(now.saturating_sub(self.0).unwrap_or(Timestamp::MIN))
    }
}

/// What is older than this goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before(pub(super) Timestamp);

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
