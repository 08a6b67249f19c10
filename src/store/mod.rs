//! What is kept, durably: records, the audit log of events, quarantine.
//!
//! [`Store`] is the handle everybody has. Behind it each writer task commits what has queued in one transaction,
//! on a [`Backend`]; nobody hears success before that commit is durable.

mod backend;
mod batch;
mod ceremonies;
mod changes;
mod funnel;
mod keep_last;
mod lanes;
mod listing;
mod made_passkeys;
mod memory;
mod open;
mod operator_log;
mod outbox;
mod passkey_turn;
mod postgres;
mod quarantine;
mod refusal;
mod seal;
mod shared;
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

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::onboarding::{DedupeKey, Event, EventId, IdentifierDigest, IdentityId, Record, Transition};
use crate::telemetry::Metrics;
use batch::{Outcome, Work};
use changes::Changes;
use lanes::Lanes;
use memory::Memory;
use shared::Shared;

pub use backend::{AuditEntry, Backend, Cleaned, CommitError, Elsewhere, Erased, Follow, ReadError};
pub use ceremonies::{Ceremony, Ended, Handle, Holds, Whose};
pub use changes::Watch;
pub use funnel::FunnelRow;
pub use keep_last::{Before, KeepLast, KeptTooShort};
pub use listing::{Page, PageToken, RecordFilter, TokenError};
pub use made_passkeys::MadePasskey;
pub use open::{MadeBy, OpenError, Opening};
pub use operator_log::{LogEntry, LogFilter, OperatorAction};
pub use outbox::{
    DeadLetter, DeadLetterFilter, Fate, Letter, LetterId, Line, OutboxCount, Receiver, Settled,
};
pub use passkey_turn::PasskeyTurn;
pub use postgres::{Postgres, PostgresServer};
pub use quarantine::{Kept, NewQuarantined, QuarantineFilter, QuarantineReason, Quarantined};
pub use seal::{SEALED_MAX, UnsealError, seal, unseal};
pub use sqlite::Sqlite;
pub use writer::WriterSettings;

/// A database that cannot be written is tried again after this, by whoever can wait.
const TRY_AGAIN: Duration = Duration::from_millis(500);

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

impl Store {
    /// Identities that one statement asks for.
    const AT_ONCE: usize = 500;

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
            memory: Memory::new(),
            changes: Changes::default(),
            receivers: settings.receivers.clone(),
            outbox_grew: watch::Sender::new(()),
            unasked: Arc::default(),
        });
        let (lanes, queues) = Lanes::new(shared.backend.writers().get(), settings.queue);
        let writers =
            queues.into_iter().map(|queue| tokio::spawn(writer::run(queue, shared.clone(), settings.batch)));
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
            Outcome::Applied { record, transition, .. } => Stored::Applied { record, transition },
            Outcome::Duplicate { record } => Stored::Duplicate { record },
            Outcome::Quarantined => Stored::Quarantined,
        })
    }

    /// Again while the database cannot be written. Stored twice it is a duplicate, which changes nothing.
    pub async fn apply_patiently(&self, event: &Event, within: Duration) -> Result<Stored, WriteError> {
        let until = Instant::now() + within;
        loop {
            match self.apply(event.clone()).await {
                Err(_) if Instant::now() + TRY_AGAIN < until => tokio::time::sleep(TRY_AGAIN).await,
                stored => return stored,
            }
        }
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
        let memory = &self.shared.memory;
        if let Some(record) = memory.get(identity) {
            return Ok(Some(record));
        }
        let begun = memory.begin();
        let record = self.shared.backend.record(identity).await?.map(Arc::new);
        if let Some(record) = &record {
            memory.read(begun, record);
        }
        Ok(record)
    }

    /// Straight from the database, in no order; at most [`Store::AT_ONCE`] are asked for in one statement.
    pub async fn records(&self, identities: &[IdentityId]) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::with_capacity(identities.len());
        for some in identities.chunks(Store::AT_ONCE) {
            records.extend(self.shared.backend.records(some).await?);
        }
        Ok(records)
    }

    /// In the order in which they were first heard of.
    pub async fn page(
        &self,
        filter: &RecordFilter,
        after: Option<PageToken>,
        limit: u32,
    ) -> Result<Page, ReadError> {
        self.shared.backend.page(filter, after, limit).await
    }

    /// Everybody in turn, in the order of identities; without those that are gone at Kratos.
    pub async fn identities_after(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.shared.backend.identities_after(after, limit).await
    }

    /// One batch of what is older: events, what operators did, quarantine, passkeys of our own ceremony that are of no more
    /// use. Records stay, and what they know.
    pub async fn clean(&self, before: Before, batch: u32) -> Result<Cleaned, CommitError> {
        self.shared.backend.clean(before.old, before.in_vain, batch).await
    }

    /// What was counted on these days (UTC), both included, in their order.
    pub async fn funnel(&self, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError> {
        self.shared.backend.funnel(from, to).await
    }

    /// Everything about an identity: its record, events and identifiers, and its id in the operators' log. Durable when it
    /// returns, and forgotten here; other processes forget it within two seconds. Whoever is told of again begins anew.
    pub async fn erase(&self, identity: IdentityId) -> Result<Erased, CommitError> {
        let erased = self.shared.backend.erase(identity).await?;
        self.shared.heard(&Elsewhere::Wrote(vec![identity]));
        Ok(erased)
    }

    /// Durable when it returns.
    pub async fn log_operator(&self, entry: &LogEntry) -> Result<(), CommitError> {
        self.shared.backend.log_operator(entry).await
    }

    /// Newest first.
    pub async fn operator_log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError> {
        self.shared.backend.operator_log(filter).await
    }

    /// Takes a role that only one process may have at a time, or keeps it: whether it is the holder's now, for `length`
    /// from now. `holder` is a random number. Whoever does not keep it in time loses it.
    pub async fn lease(&self, role: &str, holder: i64, length: Duration) -> Result<bool, CommitError> {
        self.shared.backend.lease(role, holder, length).await
    }

    /// Somebody else can take it at once.
    pub async fn release(&self, role: &str, holder: i64) -> Result<(), CommitError> {
        self.shared.backend.release(role, holder).await
    }

    /// Where long work stood when it was left.
    pub async fn checkpoint(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.shared.backend.checkpoint(name).await
    }

    /// `None` removes it.
    pub async fn set_checkpoint(&self, name: &str, value: Option<&str>) -> Result<(), CommitError> {
        self.shared.backend.set_checkpoint(name, value).await
    }

    pub fn watch(&self, identity: IdentityId) -> Watch {
        self.shared.changes.watch(identity)
    }

    /// Whoever waits for news of anybody looks again.
    pub fn wake_all(&self) {
        self.shared.changes.wake_all();
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
