//! Durations as Kratos takes them: numbers with units, such as `1h30m` (`^([0-9]+(ns|us|ms|s|m|h))+$`, v1.3 to v26.2).

use std::time::Duration;

/// `None`: Kratos refuses it.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
        let (number, after) = rest.split_at(digits);
        let units =
            [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];
        let units = units.into_iter().chain([("h", 3_600_000_000_000)]);
        let (unit, nanoseconds) = units.clone().find(|(unit, _)| after.starts_with(unit))?;
        total = total.saturating_add(number.parse::<u128>().ok()?.saturating_mul(nanoseconds));
        rest = after.strip_prefix(unit)?;
    }
    Some(Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX)))
}

/// `1h 30m`, `15m`, `10s`.
pub fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    match parts.is_empty() {
        true if duration.is_zero() => "0s".to_owned(),
        true => format!("{duration:?}"),
        false => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in
            [("0s", 0.0), ("15m", 900.0), ("1h30m", 5400.0), ("100ms", 0.1), ("1m1s", 61.0)]
        {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "86400", "1d", "-1h", "1.5h", "h", "1h ", "1 h", "1H"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_shown_as_people_write_them() {
        for (text, shown_as) in [("5400s", "1h 30m"), ("900s", "15m"), ("0m", "0s"), ("100ms", "100ms")] {
            assert_eq!(shown(parse(text).unwrap()), shown_as);
        }
    }
}
