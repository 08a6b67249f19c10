//! The present, and how Go writes it.

use jiff::{SignedDuration, Timestamp, Unit};

pub fn now() -> Timestamp {
    // The double plays the part of Kratos, whose clock is the machine's.
    #[expect(clippy::disallowed_methods)]
    Timestamp::now()
}

/// As a database column keeps it: microseconds.
pub fn stored() -> String {
    now().round(Unit::Microsecond).unwrap().to_string()
}

pub fn seconds() -> Timestamp {
    now().round(Unit::Second).unwrap()
}

pub fn after(start: Timestamp, span: SignedDuration) -> Timestamp {
    start + span
}
