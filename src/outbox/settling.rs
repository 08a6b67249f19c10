//! Writes down what became of tries: those of all receivers that come in while one commit runs are the next one. One at a
//! time, so that no more than one connection is taken from hooks.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::trouble::Trouble;
use crate::clock::Clock;
use crate::store::{CommitError, Settled, Store};

/// In one transaction; hooks wait for no longer than it takes.
const AT_ONCE: usize = 64;
const TRY_AGAIN: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub type Job = (Settled, oneshot::Sender<()>);

/// The way to whoever writes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settling(mpsc::Sender<Job>);

impl Settling {
    pub fn new() -> (Settling, mpsc::Receiver<Job>) {
        let (sender, jobs) = mpsc::channel(AT_ONCE);
        (Settling(sender), jobs)
    }

    /// Whether it is written down. It is not where the service stops and the database cannot be written: then it is told
    /// again.
    pub async fn settle(&self, settled: Settled) -> bool {
        let (done, answer) = oneshot::channel();
        self.0.send((settled, done)).await.is_ok() && answer.await.is_ok()
    }
}

/// Until nobody can send any more.
pub async fn run(mut jobs: mpsc::Receiver<Job>, store: Store, clock: Clock, stop: CancellationToken) {
    let mut writing = Writing { store, clock, stop, waiting: Vec::new(), away: Trouble::default() };
    let stop = writing.stop.clone();
    let mut new = Vec::with_capacity(AT_ONCE);
    loop {
        let next = writing.next();
        tokio::select! {
            came = jobs.recv_many(&mut new, AT_ONCE) => match came {
                0 => return,
                _ => writing.write(Group::of(std::mem::take(&mut new))).await,
            },
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => writing.again().await,
            () = stop.cancelled(), if next.is_some() => writing.again().await,
        }
    }
}

/// What is written in one transaction.
struct Group {
    jobs: Vec<Job>,
    /// Of the last time that it waited.
    pause: Option<Duration>,
    /// That it is refused on its own.
    told: bool,
}

impl Group {
    fn of(jobs: Vec<Job>) -> Group {
        Group { jobs, pause: None, told: false }
    }
}

struct Writing {
    store: Store,
    clock: Clock,
    stop: CancellationToken,
    waiting: Vec<(Instant, Group)>,
    /// The database is.
    away: Trouble,
}

impl Writing {
    /// When something that waits is to be tried again.
    fn next(&self) -> Option<Instant> {
        self.waiting.iter().map(|(due, _)| *due).min()
    }

    /// What waits longest.
    async fn again(&mut self) {
        let longest = self.waiting.iter().enumerate().min_by_key(|(_, (due, _))| *due);
        if let Some((index, _)) = longest {
            let (_, group) = self.waiting.swap_remove(index);
            self.write(group).await;
        }
    }

    /// A group that is refused is halved until those are alone that are to blame: a record that somebody holds, or a row that
    /// cannot be written, is nobody else's trouble.
    async fn write(&mut self, group: Group) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            let settled: Vec<Settled> = group.jobs.iter().map(|(settled, _)| settled.clone()).collect();
            let Err(error) = self.store.outbox_settle(&settled, self.clock.now()).await else {
                self.written(group);
                continue;
            };
            if self.is_away(&error).await {
                if self.away.begins() {
                    tracing::warn!(error = %error, "what receivers were told cannot be written down yet");
                }
                self.wait(group);
            } else if group.jobs.len() > 1 {
                let second = group.jobs.split_off(group.jobs.len() / 2);
                groups.extend([Group::of(second), Group::of(group.jobs)]);
            } else {
                if let Some((settled, _)) = group.jobs.first().filter(|_| !group.told) {
                    tracing::warn!(
                        receiver = %settled.receiver, letter = settled.id.0, error = %error,
                        "what became of an event cannot be written down yet; others go on"
                    );
                }
                group.told = true;
                self.wait(group);
            }
        }
    }

    fn written(&mut self, group: Group) {
        if self.away.ends() {
            tracing::info!("what receivers were told can be written down again");
        }
        for (_, answer) in group.jobs {
            // A lane that was ended hears nothing; what it told is written down all the same.
            let _ = answer.send(());
        }
    }

    /// Where not even nothing can be written it is not for what was to be written.
    async fn is_away(&self, error: &CommitError) -> bool {
        matches!(error, CommitError::Unavailable(_))
            && self.store.outbox_settle(&[], self.clock.now()).await.is_err()
    }

    /// Not when the service stops: who waits for it hears that it is not written.
    fn wait(&mut self, group: Group) {
        if self.stop.is_cancelled() {
            return;
        }
        let pause = group.pause.map_or(TRY_AGAIN, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.waiting.push((Instant::now() + pause, Group { pause: Some(pause), ..group }));
    }
}
