//! How hard a receiver is tried that does not take what it is told.

use std::time::Duration;

use tokio::time::Instant;

/// Tries at once.
pub const WIDTH: usize = 32;
/// So many in a row, of whatever letters, and the receiver is down: then it is tried with one letter at a time.
const DOWN_AFTER: u32 = 32;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Of what a receiver asks for. The letter that was answered so keeps to more than this; the others are for finding out
/// whether it is there again.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// Of one receiver. What many letters have in common is not found out by each of them anew.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
    /// When the last pause began: what was under way then says nothing that was not known.
    paused_at: Option<Instant>,
    down_until: Option<Instant>,
    /// Not over sooner for what is taken meanwhile.
    asked_until: Option<Instant>,
}

impl Pace {
    pub fn told(&mut self) {
        (self.failures, self.down_until) = (0, None);
    }

    /// `begun`: the try that failed. `asked`: what the receiver asked for.
    pub fn failed(&mut self, begun: Instant, now: Instant, asked: Option<Duration>) {
        if self.paused_at.is_none_or(|paused| begun >= paused) {
            self.failures = self.failures.saturating_add(1);
            if let Some(more) = self.failures.checked_sub(DOWN_AFTER) {
                let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX));
                self.down_until = self.down_until.max(Some(now + doubled.min(LONGEST_PAUSE)));
                self.paused_at = Some(now);
            }
        }
        if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
            self.asked_until = self.asked_until.max(Some(now + asked.min(LONGEST_ASKED)));
            self.paused_at = Some(now);
        }
    }

    /// How many may be under way, besides those that are.
    pub fn room(&self, now: Instant, under_way: usize) -> usize {
        if self.down_until.max(self.asked_until).is_some_and(|until| now < until) {
            return 0;
        }
        let width = if self.failures >= DOWN_AFTER { 1 } else { WIDTH };
        width.saturating_sub(under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn who_is_down_is_tried_with_one_letter_and_less_and_less_often() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 1..DOWN_AFTER {
            pace.failed(now, now, None);
        }
        assert_eq!(pace.room(now, 0), WIDTH);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            pace.failed(now, now, None);
            assert_eq!(pace.room(now + seconds(pause) - Duration::from_millis(1), 0), 0);
            now += seconds(pause);
            assert_eq!((pace.room(now, 0), pace.room(now, 1)), (1, 0));
        }
        (0..100).for_each(|_| pace.failed(now, now, None));
        pace.told();
        assert_eq!((pace.room(now, 0), pace.room(now, WIDTH)), (WIDTH, 0));
    }

    #[test]
    fn tries_that_were_under_way_when_it_went_down_do_not_make_it_wait_longer() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        // Twice as many as it takes, all begun before anything was known; the last of them fail after the pause.
        for _ in 0..DOWN_AFTER {
            pace.failed(begun, begun + seconds(1), None);
        }
        for late in [1, 2, 15] {
            pace.failed(begun, begun + seconds(late), None);
        }
        assert_eq!(pace.room(begun + seconds(2), 0), 1);
        pace.failed(begun + seconds(2), begun + seconds(3), None);
        assert_eq!(pace.room(begun + seconds(4), 0), 0);
        assert_eq!(pace.room(begun + seconds(5), 0), 1, "the second pause, and not a later one");
    }

    #[test]
    fn a_pause_is_not_cut_short_by_one_that_begins_later() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.failed(now, now, Some(seconds(600)));
        pace.failed(now, now + seconds(1), Some(seconds(5)));
        (0..DOWN_AFTER).for_each(|_| pace.failed(now + seconds(2), now + seconds(2), None));
        assert_eq!(pace.room(now + seconds(599), 0), 0);
        assert_eq!(pace.room(now + seconds(600), 0), 1);
    }

    #[test]
    fn what_was_under_way_and_is_taken_does_not_end_a_pause_that_was_asked_for() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.failed(now, now, Some(seconds(30)));
        pace.told();
        assert_eq!(pace.room(now + seconds(29), 0), 0);
        assert_eq!(pace.room(now + seconds(30), 0), WIDTH);
    }

    #[test]
    fn who_asks_for_a_pause_gets_one_that_ends() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.failed(now, now, Some(seconds(86_400)));
        assert_eq!(pace.room(now + seconds(3599), 0), 0);
        assert_eq!(pace.room(now + seconds(3600), 0), WIDTH);
    }

    #[test]
    fn who_asks_for_no_time_at_all_is_down_in_the_end_like_anybody() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        (0..DOWN_AFTER).for_each(|_| pace.failed(now, now, Some(Duration::ZERO)));
        assert_eq!(pace.room(now, 0), 0);
    }
}
