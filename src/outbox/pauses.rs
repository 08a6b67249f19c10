//! When a letter is tried again.

use jiff::{SignedDuration, Timestamp};

/// Longer than a receiver may ask for.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);

/// Between the tries of one letter.
#[derive(Debug, Clone)]
pub struct Pauses(Vec<SignedDuration>);

impl Pauses {
    pub fn new(pauses: Vec<SignedDuration>) -> Pauses {
        Pauses(pauses)
    }

    /// After `failed` tries, the one at `now` among them; `None`: that was the last. `lot`, from 0 to 1, makes the pause up to
    /// a fifth shorter or longer, so that what failed together does not come back together. `asked`: the receiver's
    /// `Retry-After`.
    pub fn next(
        &self,
        failed: u32,
        now: Timestamp,
        lot: f64,
        asked: Option<SignedDuration>,
    ) -> Option<Timestamp> {
        let index = usize::try_from(failed).ok()?.checked_sub(1)?;
        let pause = self.0.get(index)?;
        let pause =
            SignedDuration::try_from_secs_f64(pause.as_secs_f64() * (0.8 + 0.4 * lot)).unwrap_or(*pause);
        let pause = asked.map_or(pause, |asked| pause.max(asked.min(LONGEST_ASKED)));
        Some(now.checked_add(pause).unwrap_or(Timestamp::MAX))
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    let asked = match value.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => {
            let date = Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
            date.duration_since(now)
        }
    };
    Some(asked.max(SignedDuration::ZERO).min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(784_111_777 + second).unwrap()
    }

    fn pauses() -> Pauses {
        Pauses::new([5, 30, 300].map(SignedDuration::from_secs).into())
    }

    #[test]
    fn pauses_follow_the_schedule_and_then_there_is_no_more_try() {
        let next = |failed| pauses().next(failed, at(0), 0.5, None);
        assert_eq!([1, 2, 3].map(next), [Some(at(5)), Some(at(30)), Some(at(300))]);
        assert_eq!(next(4), None);
    }

    #[test]
    fn a_lot_makes_a_pause_a_fifth_shorter_or_longer() {
        let next = |lot| pauses().next(3, at(0), lot, None).unwrap();
        assert_eq!((next(0.0), next(1.0)), (at(240), at(360)));
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_but_not_for_a_shorter_one_or_for_ever() {
        let next = |asked| pauses().next(2, at(0), 0.5, Some(SignedDuration::from_secs(asked))).unwrap();
        assert_eq!((next(10), next(90), next(1_000_000)), (at(30), at(90), at(86_400)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = |value| retry_after(value, at(0)).map(|asked| asked.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("999999999"), Some(86_400));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }
}
