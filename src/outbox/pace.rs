//! How hard a receiver is tried that does not take what it is told.

use std::time::Duration;

use tokio::time::Instant;

/// Tries at once.
pub const WIDTH: usize = 32;
/// So many in a row, of whatever letters, and the receiver is down: then it is tried with one letter at a time.
const DOWN_AFTER: u32 = 32;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Of one receiver. What many letters have in common is not found out by each of them anew.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
    paused_until: Option<Instant>,
}

impl Pace {
    pub fn told(&mut self) {
        *self = Pace::default();
    }

    /// `asked`: what the receiver asked for.
    pub fn failed(&mut self, now: Instant, asked: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let doubled = self.failures.checked_sub(DOWN_AFTER).map(|more| {
            FIRST_PAUSE.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
        });
        let asked = asked.map(|asked| asked.min(LONGEST_PAUSE));
        if let Some(pause) = doubled.max(asked) {
            self.paused_until = Some(now + pause);
        }
    }

    /// How many may be under way, besides those that are.
    pub fn room(&self, now: Instant, under_way: usize) -> usize {
        if self.paused_until.is_some_and(|until| now < until) {
            return 0;
        }
        let width = if self.failures >= DOWN_AFTER { 1 } else { WIDTH };
        width.saturating_sub(under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_down_is_tried_with_one_letter_and_less_and_less_often() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 1..DOWN_AFTER {
            pace.failed(now, None);
        }
        assert_eq!(pace.room(now, 0), WIDTH);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            pace.failed(now, None);
            assert_eq!(pace.room(now + Duration::from_millis(pause * 1000 - 1), 0), 0);
            now += Duration::from_secs(pause);
            assert_eq!((pace.room(now, 0), pace.room(now, 1)), (1, 0));
        }
        (0..100).for_each(|_| pace.failed(now, None));
        pace.told();
        assert_eq!((pace.room(now, 0), pace.room(now, WIDTH)), (WIDTH, 0));
    }

    #[test]
    fn who_asks_for_a_pause_gets_one_that_ends() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.failed(now, Some(Duration::from_secs(86_400)));
        assert_eq!(pace.room(now, 0), 0);
        assert_eq!(pace.room(now + LONGEST_PAUSE, 0), WIDTH);
    }
}
