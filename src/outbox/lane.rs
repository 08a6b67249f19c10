//! What one receiver is told. It waits for nobody else's, and nobody for it.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::SignedDuration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::courier::{Answer, Courier, Refused};
use super::pace::Pace;
use super::pauses::Pauses;
use super::settling::Settling;
use super::turn::Turn;
use crate::clock::Clock;
use crate::onboarding::ReceiverName;
use crate::store::{Fate, Letter, Line, Settled, Store};
use crate::telemetry::Metrics;

/// For what is due only now, and for what others brought back.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Not more often, however many commits there are.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(10);

/// What all lanes share.
#[derive(Debug)]
pub struct Common {
    pub store: Store,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub settling: Settling,
    pub pauses: Pauses,
    /// Where requests run.
    pub outside: Handle,
}

#[derive(Debug)]
pub struct Lane {
    pub name: ReceiverName,
    pub courier: Courier,
    pub common: Arc<Common>,
}

/// A try that is over.
struct Tried {
    line: Line,
    begun: Instant,
    answer: Answer,
    written: bool,
}

type Trying<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Tried> + Send + 'a>>>;

impl Lane {
    /// After `stop` it begins nothing more, and ends when what is under way is written down.
    pub async fn run(self, mut turn: Turn, stop: CancellationToken) {
        let mut grew = self.common.store.outbox_grew();
        let (mut trying, mut under_way) = (Trying::new(), HashSet::new());
        let mut pace = Pace::default();
        loop {
            if !stop.is_cancelled() {
                self.begin(&mut trying, &mut under_way, &pace, &mut turn).await;
            } else if trying.is_empty() {
                return turn.give_back().await;
            }
            let next_look = Instant::now() + LOOK_AT_MOST_EVERY;
            tokio::select! {
                Some(tried) = trying.next(), if !trying.is_empty() => {
                    self.end(tried, &mut under_way, &mut pace);
                }
                Ok(()) = grew.changed(), if !stop.is_cancelled() => {}
                () = sleep(LOOK_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
            sleep_until(next_look).await;
            while let Some(Some(tried)) = trying.next().now_or_never() {
                self.end(tried, &mut under_way, &mut pace);
            }
        }
    }

    /// Begins as many tries as there is room for.
    async fn begin<'a>(
        &'a self,
        trying: &mut Trying<'a>,
        under_way: &mut HashSet<Line>,
        pace: &Pace,
        turn: &mut Turn,
    ) {
        let room = pace.room(Instant::now(), under_way.len());
        // What cannot be told is not read either.
        if room == 0 || turn.is_anothers() {
            return;
        }
        let limit = u32::try_from(room + under_way.len()).unwrap_or(u32::MAX);
        let Common { store, clock, .. } = self.common.as_ref();
        let heads = match store.outbox_heads(&self.name, clock.now(), limit).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::debug!(receiver = %self.name, error = %error, "the outbox cannot be read");
                return;
            }
        };
        for letter in heads
            .into_iter()
            .filter(|letter| !under_way.contains(&letter.line))
            .take(room)
            .collect::<Vec<_>>()
        {
            let Some(until) = turn.hold().await else { return };
            under_way.insert(letter.line);
            trying.push(Box::pin(self.try_letter(letter, until)));
        }
    }

    async fn try_letter(&self, letter: Letter, until: Instant) -> Tried {
        let Letter { id, line, event, body, attempts } = letter;
        let begun = Instant::now();
        let courier = self.courier.clone();
        let bringing = self.common.outside.spawn(async move { courier.bring(event, body, until).await });
        // The thread is gone only when the service is.
        let answer = bringing.await.unwrap_or(Answer::Refused { why: Refused::Late, asked: None });
        if matches!(answer, Answer::Refused { why: Refused::Late, .. }) {
            return Tried { line, begun, answer, written: true };
        }
        let fate = self.fate(&answer, attempts.saturating_add(1));
        match &fate {
            Fate::Told => {}
            Fate::Failed { due_at, error } => {
                tracing::info!(receiver = %self.name, event = %event.0, error, again = %due_at, "a receiver did not take an event");
            }
            Fate::Dead { error } => {
                tracing::warn!(receiver = %self.name, event = %event.0, error, "an event is a dead letter");
            }
        }
        let result = match &fate {
            Fate::Told => "delivered",
            Fate::Failed { .. } => "failed",
            Fate::Dead { .. } => "dead",
        };
        let settled = Settled { id, line, receiver: self.name.clone(), fate };
        let written = self.common.settling.settle(settled).await;
        self.common.metrics.outbox_delivery(self.name.as_str(), result);
        Tried { line, begun, answer, written }
    }

    /// `failed`: tries, this one among them, if it did.
    fn fate(&self, answer: &Answer, failed: u32) -> Fate {
        match answer {
            Answer::Taken => Fate::Told,
            Answer::Gone => Fate::Dead { error: "status 410".to_owned() },
            Answer::Refused { why, asked } => {
                match self.common.pauses.next(failed, self.common.clock.now(), lot(), *asked) {
                    Some(due_at) => Fate::Failed { due_at, error: why.to_string() },
                    None => Fate::Dead { error: why.to_string() },
                }
            }
        }
    }

    fn end(&self, tried: Tried, under_way: &mut HashSet<Line>, pace: &mut Pace) {
        under_way.remove(&tried.line);
        let asked = |asked: SignedDuration| Duration::try_from(asked).unwrap_or_default();
        match tried.answer {
            Answer::Refused { why: Refused::Late, .. } => {}
            Answer::Refused { asked: pause, .. } => {
                pace.failed(tried.begun, Instant::now(), pause.map(asked));
            }
            Answer::Taken | Answer::Gone if tried.written => pace.told(),
            Answer::Taken | Answer::Gone => {}
        }
    }
}

/// From 0 to 1.
fn lot() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness all pauses are the shortest.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
