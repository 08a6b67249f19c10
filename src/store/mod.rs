//! What is kept, durably: records, the audit log of events, quarantine.
//!
//! [`Store`] is the handle everybody has. Behind it each writer task commits what has queued in one transaction,
//! on a [`Backend`]; nobody hears success before that commit is durable.

mod backend;
mod batch;
mod changes;
mod lanes;
mod open;
mod postgres;
mod quarantine;
mod sqlite;
mod writer;

#[cfg(test)]
#[path = "../../tests/postgres/cluster.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cluster;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod postgres_tests;
#[cfg(test)]
mod sqlite_tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use moka::sync::Cache;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::onboarding::{DedupeKey, Event, EventId, IdentifierDigest, IdentityId, Record, Transition};
use crate::telemetry::Metrics;
use batch::{Outcome, Work};
use changes::Changes;
use lanes::Lanes;
use writer::Answer;

pub use backend::{AuditEntry, Backend, CommitError, Elsewhere, Follow, ReadError};
pub use changes::Watch;
pub use open::{MadeBy, OpenError, Opening};
pub use postgres::{Postgres, PostgresServer};
pub use quarantine::{Kept, NewQuarantined, QuarantineFilter, QuarantineReason, Quarantined};
pub use sqlite::Sqlite;
pub use writer::WriterSettings;

/// Records held in memory; one is about 1 KB.
const CACHED_RECORDS: u64 = 10_000;
/// Should all else fail, what another instance wrote is not hidden for longer.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// Memory counts while the log was read so recently: what is in it may be older otherwise.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(2);
/// A log that cannot be read is looked at again after this.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

/// What became of an event. All of them are durable when they are told.
#[derive(Debug, Clone)]
pub enum Stored {
    Applied {
        record: Arc<Record>,
        transition: Transition,
    },
    /// The same delivery was stored before; nothing changed now.
    Duplicate {
        record: Arc<Record>,
    },
    /// The database refuses this event for what it holds; it was put aside, the others of its batch are stored.
    Quarantined,
}

/// Nothing is known to be stored. Passing: the caller answers 503 with `Retry-After: 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("the write queue is full")]
    QueueFull,
    #[error("the database cannot be written")]
    Unavailable,
}

/// The handle to everything kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    lanes: Lanes,
    shared: Arc<Shared>,
    settings: WriterSettings,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Debug, Default)]
struct Tasks {
    writers: Vec<JoinHandle<()>>,
    companions: Vec<JoinHandle<()>>,
}

type Told = Box<dyn Fn(&Elsewhere) + Send + Sync>;

struct Shared {
    backend: Arc<dyn Backend>,
    elsewhere: OnceLock<Told>,
    metrics: Arc<Metrics>,
    records: Cache<IdentityId, Arc<Record>>,
    /// Moves with every commit: a read that a commit overtook must not fill the cache.
    commits: AtomicU64,
    /// Moves when others were heard of: what they overtook must not fill the cache either.
    heard: AtomicU64,
    /// When others were last known to have been heard of.
    followed: Mutex<Instant>,
    changes: Changes,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Shared {
    /// `heard`: as it was before the commit.
    fn committed(&self, outcomes: &[Answer], heard: u64) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        // A duplicate too: it may be another instance that stored it first.
        let read = || {
            outcomes.iter().filter_map(|outcome| match outcome {
                Ok(Outcome::Applied { record, .. } | Outcome::Duplicate { record }) => Some(record),
                _ => None,
            })
        };
        for record in read() {
            self.records.insert(record.identity, record.clone());
        }
        // Another instance may have changed it after this commit and been heard of before it was filled in.
        if self.heard.load(Ordering::SeqCst) != heard {
            for record in read() {
                self.records.invalidate(&record.identity);
            }
        }
        // Changed or not: a sign-in says nothing new of the record, and may have changed the session.
        self.changes.wake(read().map(|record| record.identity));
    }

    /// Whether it is stored is not known: what is remembered may be older.
    fn uncertain(&self, work: &[Work]) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        for event in batch::events(work) {
            self.records.invalidate(&event.identity);
        }
    }

    /// Drops from memory what others wrote, and wakes who waits for it.
    async fn follow(&self, mut following: Box<dyn Follow>) {
        let mut lost = false;
        loop {
            match following.next().await {
                Ok(elsewhere) => {
                    if std::mem::take(&mut lost) {
                        tracing::info!("the log is followed again");
                    }
                    self.heard(&elsewhere);
                    *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                }
                Err(error) => {
                    if !std::mem::replace(&mut lost, true) {
                        tracing::warn!(error = %error, "the log cannot be followed");
                    }
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                }
            }
        }
    }

    fn is_followed(&self) -> bool {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < FOLLOWED_WITHIN
    }

    fn heard(&self, elsewhere: &Elsewhere) {
        if matches!(elsewhere, Elsewhere::Wrote(identities) if identities.is_empty()) {
            return;
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.heard.fetch_add(1, Ordering::SeqCst);
        // First, so that whoever is woken finds what this did.
        if let Some(told) = self.elsewhere.get() {
            told(elsewhere);
        }
        match elsewhere {
            Elsewhere::Wrote(identities) => {
                for identity in identities {
                    self.records.invalidate(identity);
                }
                self.changes.wake(identities.iter().copied());
            }
            Elsewhere::Anything => {
                self.records.invalidate_all();
                self.changes.wake_all();
            }
        }
    }

    async fn expire(&self, clock: &Clock) {
        loop {
            let before = clock.now().checked_sub(quarantine::SEALED_KEPT).unwrap_or(Timestamp::MIN);
            if let Err(error) = self.backend.expire_sealed(before).await {
                tracing::warn!(error = %error, "old quarantined bodies could not be forgotten");
            }
            tokio::time::sleep(EXPIRE_EVERY).await;
        }
    }
}

impl Store {
    /// Starts the writer and its companions on the current tokio runtime.
    pub async fn start(
        backend: Arc<dyn Backend>,
        settings: WriterSettings,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Store, ReadError> {
        let following = backend.follow().await?;
        let shared = Arc::new(Shared {
            backend,
            elsewhere: OnceLock::new(),
            metrics,
            records: Cache::builder().max_capacity(CACHED_RECORDS).time_to_live(CACHED_FOR).build(),
            followed: Mutex::new(Instant::now()),
            commits: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            changes: Changes::default(),
        });
        let (lanes, queues) = Lanes::new(shared.backend.writers().get(), settings.queue);
        let writers =
            queues.into_iter().map(|queue| tokio::spawn(writer::run(queue, shared.clone(), settings)));
        let writers = writers.collect();
        let (follower, expirer) = (shared.clone(), shared.clone());
        let companions = vec![
            tokio::spawn(async move { follower.follow(following).await }),
            tokio::spawn(async move { expirer.expire(&clock).await }),
        ];
        let tasks = Arc::new(Mutex::new(Tasks { writers, companions }));
        Ok(Store { lanes, shared, settings, tasks })
    }

    /// Called with what others wrote, before anybody is woken by it: it must be quick. The first caller stays.
    pub fn on_elsewhere(&self, told: impl Fn(&Elsewhere) + Send + Sync + 'static) {
        let _ = self.shared.elsewhere.set(Box::new(told));
    }

    /// Through the writer; the result is durable.
    pub async fn apply(&self, event: Event) -> Result<Stored, WriteError> {
        Ok(match self.write(Work::Event(Box::new(event))).await? {
            Outcome::Applied { record, transition } => Stored::Applied { record, transition },
            Outcome::Duplicate { record } => Stored::Duplicate { record },
            Outcome::Quarantined => Stored::Quarantined,
        })
    }

    /// Through the writer; durable when it returns. The same delivery twice is one entry.
    pub async fn quarantine(&self, entry: NewQuarantined) -> Result<(), WriteError> {
        self.write(Work::Quarantine(Box::new(entry))).await.map(|_| ())
    }

    async fn write(&self, work: Work) -> Result<Outcome, WriteError> {
        let answered = self.lanes.send(work)?;
        match tokio::time::timeout(self.settings.answer_within, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(WriteError::Unavailable),
        }
    }

    /// From memory where it is known to be current.
    pub async fn record(&self, identity: IdentityId) -> Result<Option<Arc<Record>>, ReadError> {
        if let Some(record) = self.shared.records.get(&identity)
            && self.shared.is_followed()
        {
            return Ok(Some(record));
        }
        let commits = self.shared.commits.load(Ordering::SeqCst);
        let Some(record) = self.shared.backend.record(identity).await?.map(Arc::new) else {
            return Ok(None);
        };
        let overtaken = || self.shared.commits.load(Ordering::SeqCst) != commits;
        if !overtaken() {
            self.shared.records.insert(identity, record.clone());
            // A commit counts first and fills the cache second: one that came in between may have been overwritten.
            if overtaken() {
                self.shared.records.invalidate(&identity);
            }
        }
        Ok(Some(record))
    }

    pub fn watch(&self, identity: IdentityId) -> Watch {
        self.shared.changes.watch(identity)
    }

    pub async fn find(&self, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError> {
        self.shared.backend.find(digests).await
    }

    /// Whether an event with this key was stored before.
    pub async fn is_known(&self, identity: IdentityId, delivery: DedupeKey) -> Result<bool, ReadError> {
        self.shared.backend.is_known(identity, delivery).await
    }

    pub async fn audit(&self, identity: IdentityId, limit: u32) -> Result<Vec<AuditEntry>, ReadError> {
        self.shared.backend.audit(identity, limit).await
    }

    pub async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError> {
        self.shared.backend.quarantined(filter).await
    }

    pub async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError> {
        self.shared.backend.quarantined_one(id).await
    }

    pub async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError> {
        self.shared.backend.drop_quarantined(id).await
    }

    /// Whether the database can be written now, and there is a writer to do it.
    pub async fn ready(&self) -> Result<(), CommitError> {
        if !self.lanes.are_open() {
            return Err(CommitError::Unavailable("a writer has ended".into()));
        }
        self.shared.backend.ready().await
    }

    /// Takes nothing more, commits what has queued, closes the database.
    pub async fn close(&self) {
        self.lanes.close();
        let Tasks { writers, companions } =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for writer in writers {
            let _ = writer.await;
        }
        companions.iter().for_each(JoinHandle::abort);
        self.shared.backend.close().await;
    }
}
