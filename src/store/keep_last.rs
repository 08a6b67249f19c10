//! How long events are kept at least.

use jiff::{SignedDuration, Timestamp};

/// A passkey is handed in within minutes, or not at all; a pass of reconciliation that finds it at Kratos comes within hours.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(24);

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
        let ago = |kept| now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        Before { old: ago(self.0), in_vain: ago(ON_ITS_WAY) }
    }
}

/// What is older than this goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    pub(super) old: Timestamp,
    /// Of passkeys that never reached Kratos.
    pub(super) in_vain: Timestamp,
}

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.old.fmt(f)
    }
}
