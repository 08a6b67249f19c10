//! How fast Kratos is asked by those who have time.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// An answer that took longer than this says that Kratos has enough to do.
const SLOW: Duration = Duration::from_millis(500);

/// At most so many questions a second, and a rest after each slow answer that is as long as the answer took.
#[derive(Debug)]
pub struct Pace {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub fn of(a_second: NonZeroU32) -> Pace {
        Pace { apart: Duration::from_secs(1) / a_second.get(), next: Mutex::new(None) }
    }

    /// Until the next question may be asked.
    pub(super) async fn wait(&self) {
        let mut next = self.next.lock().await;
        let begin = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
        *next = Some(begin + self.apart);
        drop(next);
        sleep_until(begin).await;
    }

    /// A question that was asked at `asked` is answered, or is not going to be.
    pub(super) async fn answered(&self, asked: Instant) {
        let took = asked.elapsed();
        if took > SLOW {
            let rested = Instant::now() + took;
            let mut next = self.next.lock().await;
            *next = next.max(Some(rested));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

    #[tokio::test(start_paused = true)]
    async fn questions_are_apart() {
        let (pace, begun) = (Pace::of(TEN), Instant::now());
        for _ in 0..21 {
            pace.wait().await;
        }
        assert_eq!(begun.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_asked_is_not_caught_up_on() {
        let pace = Pace::of(TEN);
        pace.wait().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begun = Instant::now();
        for _ in 0..11 {
            pace.wait().await;
        }
        assert_eq!(begun.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_kratos_is_left_alone_as_long_as_it_took() {
        let pace = Pace::of(TEN);
        pace.wait().await;
        let asked = Instant::now();
        tokio::time::sleep(Duration::from_secs(3)).await;
        pace.answered(asked).await;
        let begun = Instant::now();
        pace.wait().await;
        assert_eq!(begun.elapsed().as_secs(), 3);
    }
}
