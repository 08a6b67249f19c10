//! The funnel as it is counted: by day, by the way people registered, by step or outcome.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::onboarding::{Count, Event, EventKind, Record, Transition, method_name};

/// What a commit adds.
pub(super) type Counts = BTreeMap<(i32, &'static str, Count), i64>;

/// One number of the funnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelRow {
    /// UTC.
    pub day: Date,
    /// How the people registered: a method of Kratos, or `unknown`.
    pub method: String,
    pub count: Count,
    pub n: u64,
}

/// What an event adds: the steps it is the first to take, and a try that came to nothing.
pub(super) fn counted(event: &Event, transition: Transition) -> Vec<Count> {
    let outcome = match event.kind {
        EventKind::Cancelled(_) => Some(Count::Cancelled),
        EventKind::Failed { kind, .. } => Some(Count::Failed(kind)),
        EventKind::Unavailable { kind, .. } => Some(Count::Unavailable(kind)),
        _ => None,
    };
    let steps = match transition {
        Transition::Changed { steps, .. } => Some(steps),
        Transition::Unchanged => None,
    };
    steps.into_iter().flat_map(|steps| steps.iter().map(Count::Step)).chain(outcome).collect()
}

pub(super) fn add(counts: &mut Counts, event: &Event, record: &Record, counted: &[Count]) {
    for count in counted {
        *counts.entry((day_of(event.at), method_of(record), *count)).or_default() += 1;
    }
}

pub(super) fn method_of(record: &Record) -> &'static str {
    method_name(record.registration.as_ref().and_then(|registration| registration.method))
}

/// Days since 1970-01-01, UTC.
fn day_of(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(86_400)).unwrap_or_default()
}

pub(super) fn number_of(day: Date) -> i32 {
    day.to_zoned(TimeZone::UTC).map_or(i32::MAX, |midnight| day_of(midnight.timestamp()))
}

/// `None`: a count or day that this version does not know.
pub(super) fn row(day: i64, method: String, outcome: &str, kind: &str, n: i64) -> Option<FunnelRow> {
    let day = Date::constant(1970, 1, 1).checked_add(day.days()).ok()?;
    Some(FunnelRow {
        day,
        method,
        count: Count::from_names(outcome, kind)?,
        n: u64::try_from(n).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_numbered_from_1970_and_back() {
        let day: Date = "2026-11-25".parse().unwrap();
        assert_eq!(number_of(day), 20_782);
        assert_eq!(day_of("2026-11-25T23:59:59Z".parse().unwrap()), 20_782);
        assert_eq!(row(20_782, "code".into(), "offered", "", 3).unwrap().day, day);
        assert_eq!(row(20_782, "code".into(), "nonsense", "", 3), None);
    }
}
