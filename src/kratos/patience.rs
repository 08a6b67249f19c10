//! Asking again: who has time does not give up at the first trouble.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

use super::CallError;
use super::client::Answer;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
/// A `Retry-After` that is longer is taken for this.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(60);

/// How long to wait for Kratos.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For one answer, from connecting to the last byte.
    pub answer_within: Duration,
    /// Nothing is asked again later than this after the first try.
    pub tries_for: Duration,
}

/// The waits between the tries of one question.
#[derive(Debug)]
pub(super) struct Tries {
    until: Instant,
    next: Duration,
}

impl Tries {
    pub fn of(patience: &Patience) -> Tries {
        Tries { until: Instant::now() + patience.tries_for, next: FIRST }
    }

    /// How long to wait before the question is asked again; `None`: not again.
    pub fn again(&mut self, answered: &Result<Answer, CallError>) -> Option<Duration> {
        let asked_for = match answered {
            Ok(answer) if is_passing(answer.status) => asked_for(&answer.headers),
            Err(CallError::Slow | CallError::Down) => None,
            _ => return None,
        };
        let wait = self.after_trouble().max(asked_for.unwrap_or_default());
        (Instant::now() + wait < self.until).then_some(wait)
    }

    /// For who counts the tries.
    pub fn after_trouble(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(LONGEST);
        wait
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// In seconds (RFC 9110, section 10.2.3). A date is not read: Kratos and the proxies before it send seconds.
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ASKED_FOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { answer_within: Duration::from_secs(1), tries_for: Duration::from_secs(10) };

    fn answer(status: u16, retry_after: Option<&'static str>) -> Result<Answer, CallError> {
        let mut headers = HeaderMap::new();
        if let Some(told) = retry_after {
            headers.insert(RETRY_AFTER, told.parse().unwrap());
        }
        Ok(Answer { status, headers, body: Vec::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_is_longer_until_there_is_no_more() {
        let (mut tries, mut waits) = (Tries::of(&PATIENCE), Vec::new());
        while let Some(wait) = tries.again(&answer(503, None)) {
            tokio::time::sleep(wait).await;
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [250, 500, 1000, 2000, 4000]);
    }

    #[tokio::test(start_paused = true)]
    async fn kratos_says_when() {
        assert_eq!(
            Tries::of(&PATIENCE).again(&answer(429, Some("7"))),
            Some(Duration::from_secs(7)),
            "what was asked for"
        );
        assert_eq!(Tries::of(&PATIENCE).again(&answer(429, Some("3600"))), None, "longer than we have");
        let dated = answer(503, Some("Wed, 25 Nov 2026 07:28:00 GMT"));
        assert_eq!(Tries::of(&PATIENCE).again(&dated), Some(FIRST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_asked_again() {
        for refused in [answer(400, None), answer(401, None), answer(404, None), answer(200, None)] {
            assert_eq!(Tries::of(&PATIENCE).again(&refused), None);
        }
        assert_eq!(Tries::of(&PATIENCE).again(&Err(CallError::TooLarge(1))), None);
        assert_eq!(Tries::of(&PATIENCE).again(&Err(CallError::Down)), Some(FIRST));
    }
}
