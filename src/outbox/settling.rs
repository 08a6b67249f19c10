//! Writes down what became of tries: those of all receivers that come in while one commit runs are the next one.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::{Settled, Store};

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
    let mut taken = Vec::with_capacity(AT_ONCE);
    while jobs.recv_many(&mut taken, AT_ONCE).await > 0 {
        let (settled, answers): (Vec<_>, Vec<_>) = taken.drain(..).unzip();
        let mut pause = TRY_AGAIN;
        let written = loop {
            match store.outbox_settle(&settled, clock.now()).await {
                Ok(()) => break true,
                Err(error) => {
                    tracing::warn!(error = %error, "what receivers were told cannot be written down yet");
                    if stop.is_cancelled() {
                        break false;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        };
        if written {
            for answer in answers {
                // A lane that was ended hears nothing; what it told is written down all the same.
                let _ = answer.send(());
            }
        }
    }
}
