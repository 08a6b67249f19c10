//! Group commit: a task takes what has queued in its lane and commits it in one transaction.
//!
//! No timer: a batch is whatever arrived while the last one was committed, so a lone request waits for nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::backend::{BoxedError, CommitError};
use super::batch::{Outcome, Work};
use super::outbox::Receiver;
use super::quarantine::NewQuarantined;
use super::{Shared, WriteError};

/// Bounds of the write path.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Requests that may wait, in all lanes together; one more is refused.
    pub queue: usize,
    /// Events in one transaction.
    pub batch: usize,
    /// A caller that waited this long is told that nothing is certain.
    pub answer_within: Duration,
    /// Who is told of transitions. Nobody: nothing is written for them.
    pub receivers: Arc<[Receiver]>,
}

impl Default for WriterSettings {
    fn default() -> WriterSettings {
        WriterSettings {
            queue: 4096,
            batch: 256,
            answer_within: Duration::from_millis(900),
            receivers: Arc::default(),
        }
    }
}

pub(super) type Answer = Result<Outcome, WriteError>;

#[derive(Debug)]
pub(super) struct Job {
    pub work: Work,
    pub answer: oneshot::Sender<Answer>,
}

pub(super) async fn run(mut queue: mpsc::Receiver<Job>, shared: Arc<Shared>, batch: usize) {
    let mut jobs = Vec::with_capacity(batch);
    let mut trouble = Trouble::default();
    while queue.recv_many(&mut jobs, batch).await > 0 {
        let (work, answers): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.work, job.answer)).unzip();
        let begun = shared.memory.begin();
        let outcomes = commit(&shared, &mut trouble, work).await;
        shared.committed(begun, &outcomes);
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A caller that gave up hears nothing; what it sent is stored all the same.
            let _ = answer.send(outcome);
        }
    }
}

/// What the log says of a database that cannot be written: under load every batch fails.
#[derive(Debug, Default)]
struct Trouble {
    told: Option<Instant>,
    /// Events since then.
    refused: usize,
}

impl Trouble {
    const TOLD_EVERY: Duration = Duration::from_secs(5);

    fn goes_on(&mut self, error: &BoxedError, events: usize) {
        self.refused += events;
        if self.told.is_none_or(|told| told.elapsed() >= Trouble::TOLD_EVERY) {
            tracing::error!(error = %error, events = self.refused, "the database cannot be written");
            *self = Trouble { told: Some(Instant::now()), refused: 0 };
        }
    }

    fn is_over(&mut self) {
        if std::mem::take(self).told.is_some() {
            tracing::info!("the database can be written again");
        }
    }
}

/// Commits the batch; where its data is refused, halves it until the poison is alone, and puts that aside.
async fn commit(shared: &Shared, trouble: &mut Trouble, work: Vec<Work>) -> Vec<Answer> {
    let (backend, metrics) = (shared.backend.as_ref(), shared.metrics.as_ref());
    let mut answers = Vec::with_capacity(work.len());
    // Parts still to do, the next one last, so that answers come in order.
    let mut parts = vec![work];
    while let Some(mut part) = parts.pop() {
        let begun = Instant::now();
        match backend.commit(&part, &shared.receivers).await {
            Ok(outcomes) => {
                metrics.committed(part.len(), begun.elapsed().as_secs_f64());
                trouble.is_over();
                answers.extend(outcomes.into_iter().map(Ok));
            }
            Err(CommitError::Unavailable(error)) => {
                metrics.commit_failed();
                shared.uncertain(&part);
                let refused = part.len() + parts.iter().map(Vec::len).sum::<usize>();
                trouble.goes_on(&error, refused);
                answers.extend((0..refused).map(|_| Err(WriteError::Unavailable)));
                parts.clear();
            }
            Err(CommitError::Data(error)) if part.len() > 1 => {
                tracing::warn!(error = %error, events = part.len(), "a batch was refused; halving it");
                let second = part.split_off(part.len() / 2);
                parts.push(second);
                parts.push(part);
            }
            Err(CommitError::Data(error)) => {
                metrics.commit_failed();
                match part.pop() {
                    Some(Work::Event(event)) => {
                        tracing::error!(error = %error, "the database refuses an event; it goes to quarantine");
                        parts.push(vec![Work::Quarantine(Box::new(NewQuarantined::refused(&event)))]);
                    }
                    Some(Work::Quarantine(_)) => {
                        tracing::error!(error = %error, "the database refuses a quarantine entry");
                        answers.push(Err(WriteError::Unavailable));
                    }
                    None => {}
                }
            }
        }
    }
    answers
}
