//! What one receiver is told. It waits for nobody else's, and nobody for it.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::courier::{Answer, Courier, Refused};
use super::pace::Pace;
use super::pauses::Pauses;
use super::settling::Settling;
use super::trouble::Trouble;
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

/// A lane that runs.
struct Running<'a> {
    lane: &'a Lane,
    turn: Turn,
    trying: Trying<'a>,
    under_way: HashSet<Line>,
    pace: Pace,
    unreadable: Trouble,
    unwritten: Trouble,
    unwanted: Trouble,
}

impl Lane {
    /// After `stop` it begins nothing more, and ends when what is under way is written down.
    pub async fn run(self, turn: Turn, stop: CancellationToken) {
        let mut running = Running::new(&self, turn);
        let mut grew = self.common.store.outbox_grew();
        loop {
            if !stop.is_cancelled() {
                running.begin().await;
            } else if running.trying.is_empty() {
                return running.turn.give_back().await;
            }
            let next_look = Instant::now() + LOOK_AT_MOST_EVERY;
            tokio::select! {
                Some(tried) = running.trying.next(), if !running.trying.is_empty() => running.end(&tried),
                Ok(()) = grew.changed(), if !stop.is_cancelled() => {}
                () = sleep(LOOK_EVERY) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
            sleep_until(next_look).await;
            while let Some(Some(tried)) = running.trying.next().now_or_never() {
                running.end(&tried);
            }
        }
    }

    async fn try_letter(&self, letter: Letter, until: Instant) -> Tried {
        let Letter { id, line, event, body, attempts } = letter;
        let begun = Instant::now();
        let courier = self.courier.clone();
        let bringing = self.common.outside.spawn(async move { courier.bring(event, body, until).await });
        let answer = bringing.await.unwrap_or_else(|error| {
            // The thread is gone only when the service is.
            let why = if error.is_panic() { Refused::BrokeOff } else { Refused::Late };
            Answer::Refused { why, asked: None }
        });
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
}

impl<'a> Running<'a> {
    fn new(lane: &'a Lane, turn: Turn) -> Running<'a> {
        Running {
            lane,
            turn,
            trying: Trying::new(),
            under_way: HashSet::new(),
            pace: Pace::default(),
            unreadable: Trouble::default(),
            unwritten: Trouble::default(),
            unwanted: Trouble::default(),
        }
    }

    /// As many tries as there is room for.
    async fn begin(&mut self) {
        let room = self.pace.room(Instant::now(), self.under_way.len());
        // What cannot be told is not read either.
        if room == 0 || self.turn.is_anothers() {
            return;
        }
        for letter in self.due(room).await {
            let Some(until) = self.turn.hold().await else { return };
            self.under_way.insert(letter.line);
            self.trying.push(Box::pin(self.lane.try_letter(letter, until)));
        }
    }

    async fn due(&mut self, room: usize) -> Vec<Letter> {
        let limit = u32::try_from(room + self.under_way.len()).unwrap_or(u32::MAX);
        let Common { store, clock, .. } = self.lane.common.as_ref();
        match store.outbox_heads(&self.lane.name, clock.now(), limit).await {
            Ok(heads) => {
                if self.unreadable.ends() {
                    tracing::info!(receiver = %self.lane.name, "the outbox can be read again");
                }
                let free = heads.into_iter().filter(|letter| !self.under_way.contains(&letter.line));
                free.take(room).collect()
            }
            Err(error) => {
                if self.unreadable.begins() {
                    tracing::warn!(receiver = %self.lane.name, error = %error, "the outbox cannot be read: nothing is told");
                }
                Vec::new()
            }
        }
    }

    fn end(&mut self, tried: &Tried) {
        self.under_way.remove(&tried.line);
        self.tell(tried);
        let now = Instant::now();
        match tried.answer {
            Answer::Refused { why: Refused::Late, .. } => {}
            Answer::Refused { asked, .. } => {
                let asked = asked.map(|asked| Duration::try_from(asked).unwrap_or_default());
                self.pace.failed(tried.begun, now, asked);
            }
            Answer::Taken | Answer::Gone if tried.written => self.pace.told(),
            // It would come again and again, as fast as it can be sent.
            Answer::Taken | Answer::Gone => self.pace.failed(tried.begun, now, None),
        }
    }

    /// What the operator has to know, once while it goes on.
    fn tell(&mut self, tried: &Tried) {
        let receiver = &self.lane.name;
        if tried.written {
            self.unwritten.ends();
        } else if self.unwritten.begins() {
            tracing::warn!(%receiver, "what became of an event cannot be written down: the receiver will be told again");
        }
        match tried.answer {
            Answer::Gone if self.unwanted.begins() => {
                tracing::warn!(
                    %receiver,
                    "a receiver answers 410, which means that it wants nothing more of an event: each that it answers so \
                     is a dead letter at once; if nobody wants them, remove the receiver, else mend it and use `events replay`"
                );
            }
            Answer::Taken => _ = self.unwanted.ends(),
            Answer::Gone | Answer::Refused { .. } => {}
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::onboarding::EventId;
    use crate::outbox::connect::{Reach, client};
    use crate::outbox::pace::WIDTH;
    use crate::outbox::settling::Job;
    use crate::outbox::signature::Signer;
    use crate::outbox::tests::{Log, name, store};
    use crate::store::LetterId;

    type Jobs = tokio::sync::mpsc::Receiver<Job>;

    /// Its requests would go to `url` and read `clock`.
    async fn lane(url: &str, clock: Clock) -> (Lane, Turn, Jobs, tempfile::TempDir) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (store, home) = store().await;
        let (settling, jobs) = Settling::new();
        let pauses = Pauses::new(vec![jiff::SignedDuration::from_secs(1)]);
        let turn = Turn::new(store.clone(), &name("crm"), 1, Duration::from_secs(1));
        let common = Common {
            store,
            clock: Clock::system(),
            metrics: Arc::default(),
            settling,
            pauses,
            outside: Handle::current(),
        };
        let courier = Courier {
            client: client(Reach::Anywhere, false).unwrap(),
            reach: Reach::Anywhere,
            url: url.parse().unwrap(),
            signer: Signer::new(&[]),
            timeout: Duration::from_secs(1),
            clock,
        };
        (Lane { name: name("crm"), courier, common: Arc::new(common) }, turn, jobs, home)
    }

    fn letter() -> Letter {
        let event = EventId(Uuid::from_u128(1));
        Letter { id: LetterId(1), line: Line(1), event, body: "{}".to_owned(), attempts: 0 }
    }

    fn tried(answer: Answer, written: bool) -> Tried {
        Tried { line: Line(1), begun: Instant::now(), answer, written }
    }

    #[tokio::test]
    async fn what_is_taken_and_cannot_be_written_down_is_not_sent_as_fast_as_it_goes() {
        let (lane, turn, ..) = lane("http://127.0.0.1:9/", Clock::system()).await;
        let log = Log::begin();
        let mut running = Running::new(&lane, turn);
        for answer in [Answer::Taken, Answer::Gone].into_iter().cycle().take(WIDTH) {
            running.end(&tried(answer, false));
        }
        assert_eq!(running.pace.room(Instant::now(), 0), 0);
        assert_eq!(log.times("cannot be written down"), 1, "{log:?}");
        running.end(&tried(Answer::Taken, true));
        assert_eq!(running.pace.room(Instant::now(), 0), WIDTH);
        running.end(&tried(Answer::Taken, false));
        assert_eq!(log.times("cannot be written down"), 2, "{log:?}");
    }

    #[tokio::test]
    async fn a_try_that_breaks_off_is_one_that_failed() {
        let broken = Clock::of(|| -> Timestamp { panic!("as a courier may") });
        let (lane, turn, mut jobs, _home) = lane("http://127.0.0.1:9/", broken).await;
        let written = async {
            let (settled, done) = jobs.recv().await.unwrap();
            done.send(()).unwrap();
            settled
        };
        let until = Instant::now() + Duration::from_secs(60);
        let (over, settled) = tokio::join!(lane.try_letter(letter(), until), written);
        assert_eq!(over.answer, Answer::Refused { why: Refused::BrokeOff, asked: None });
        assert!(matches!(settled.fate, Fate::Failed { .. }), "{settled:?}");
        let mut running = Running::new(&lane, turn);
        (0..WIDTH).for_each(|_| running.end(&tried(over.answer, over.written)));
        assert_eq!(running.pace.room(Instant::now(), 0), 0);
    }

    #[tokio::test]
    async fn an_outbox_that_cannot_be_read_is_told_once_while_it_goes_on() {
        let (lane, turn, ..) = lane("http://127.0.0.1:9/", Clock::system()).await;
        let log = Log::begin();
        let mut running = Running::new(&lane, turn);
        running.begin().await;
        assert_eq!(log.times("the outbox"), 0, "{log:?}");
        lane.common.store.close().await;
        for _ in 0..5 {
            running.begin().await;
        }
        assert_eq!(log.times("WARN"), 1, "{log:?}");
        assert_eq!(log.times("the outbox cannot be read"), 1, "{log:?}");
    }

    #[tokio::test]
    async fn what_410_means_is_told_once_while_it_goes_on() {
        let (lane, turn, ..) = lane("http://127.0.0.1:9/", Clock::system()).await;
        let log = Log::begin();
        let mut running = Running::new(&lane, turn);
        let failed = Answer::Refused { why: Refused::Slow, asked: None };
        for answer in [Answer::Gone, failed, Answer::Gone] {
            running.end(&tried(answer, true));
        }
        assert_eq!(log.times("answers 410, which means"), 1, "{log:?}");
        for answer in [Answer::Taken, Answer::Gone] {
            running.end(&tried(answer, true));
        }
        assert_eq!(log.times("answers 410, which means"), 2, "{log:?}");
    }
}
