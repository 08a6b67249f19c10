//! The way to the writers. An identity always takes the same lane, so what is told of it is committed in the order it came.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::WriteError;
use super::batch::Work;
use super::writer::{Answer, Job};

/// One queue a writer. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    /// Taken when the store closes: the writers end when nobody can send any more.
    open: Arc<Mutex<Option<Vec<mpsc::Sender<Job>>>>>,
    lanes: Arc<[mpsc::WeakSender<Job>]>,
}

impl Lanes {
    /// With the ends that the writers take from; `queue` is for all of them together.
    pub fn new(writers: usize, queue: usize) -> (Lanes, Vec<mpsc::Receiver<Job>>) {
        let each = queue.div_ceil(writers).max(1);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..writers).map(|_| mpsc::channel(each)).unzip();
        let lanes = senders.iter().map(mpsc::Sender::downgrade).collect();
        (Lanes { open: Arc::new(Mutex::new(Some(senders))), lanes }, receivers)
    }

    /// Where the answer comes.
    pub fn send(&self, work: Work) -> Result<oneshot::Receiver<Answer>, WriteError> {
        let mut hasher = DefaultHasher::new();
        match &work {
            Work::Event(event) => event.identity.hash(&mut hasher),
            Work::Quarantine(entry) => entry.dedupe.hash(&mut hasher),
        }
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(1).max(1);
        let lane = usize::try_from(hasher.finish() % lanes).unwrap_or_default();
        let sender =
            self.lanes.get(lane).and_then(mpsc::WeakSender::upgrade).ok_or(WriteError::Unavailable)?;
        let (answer, answered) = oneshot::channel();
        sender.try_send(Job { work, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => WriteError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => WriteError::Unavailable,
        })?;
        Ok(answered)
    }

    /// Whether every writer is there.
    pub fn are_open(&self) -> bool {
        self.lanes.iter().all(|lane| lane.upgrade().is_some_and(|sender| !sender.is_closed()))
    }

    pub fn close(&self) {
        drop(self.open.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
