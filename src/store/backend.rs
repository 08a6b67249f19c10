//! What a database has to do. SQLite and PostgreSQL each have their own SQL behind it.

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;

use super::batch::{Outcome, Work};
use super::ceremonies::Ceremonies;
use super::funnel::FunnelRow;
use super::listing::{Page, PageToken, RecordFilter};
use super::made_passkeys::MadePasskeys;
use super::operator_log::{LogEntry, LogFilter};
use super::outbox::{DeadLetter, DeadLetterFilter, Letter, LetterId, OutboxCount, Receiver, Settled};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, ReceiverName, Record};

/// Why a batch was not committed. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something in the batch (or in a record it touches) is refused; halving finds it.
    #[error("the database refuses the data: {0}")]
    Data(#[source] BoxedError),
    /// Locked, full, read-only, gone: the same batch may pass later.
    #[error("the database cannot be written: {0}")]
    Unavailable(#[source] BoxedError),
}

pub type BoxedError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the database cannot be read: {0}")]
    Unavailable(#[source] BoxedError),
    /// A row that this version cannot read.
    #[error("a stored row cannot be understood: {0}")]
    Corrupt(#[source] BoxedError),
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: EventId,
    pub at: Timestamp,
    pub actor: String,
    pub cause: String,
    pub kind: String,
    /// The event's content as JSON.
    pub detail: String,
    /// `None`: the event said nothing new.
    pub version: Option<u64>,
    pub stage_from: Option<String>,
    pub stage_to: Option<String>,
}

/// How much of an identity was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// There was a record.
    pub record: bool,
    pub events: u64,
    pub identifiers: u64,
    /// What receivers were not told of yet, and what was given up.
    pub outbox: u64,
    /// Those of our own ceremony that are kept here; Kratos's stay.
    pub made_passkeys: u64,
}

/// Rows that were old enough to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    pub events: u64,
    pub operator_log: u64,
    pub quarantine: u64,
    /// Those of our own ceremony that are of no more use here: that never reached Kratos, that were taken away or may have
    /// been, or whose identity is gone.
    pub made_passkeys: u64,
}

impl Cleaned {
    pub fn is_nothing(&self) -> bool {
        *self == Cleaned::default()
    }

    #[must_use]
    pub fn and(self, more: Cleaned) -> Cleaned {
        Cleaned {
            events: self.events + more.events,
            operator_log: self.operator_log + more.operator_log,
            quarantine: self.quarantine + more.quarantine,
            made_passkeys: self.made_passkeys + more.made_passkeys,
        }
    }
}

/// What was written by another process, or on a connection whose end this process did not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    Wrote(Vec<IdentityId>),
    /// The log was out of reach for too long: anything may have been written.
    Anything,
}

/// Follows the log.
#[async_trait]
pub trait Follow: Send {
    /// What is new since the last call; waits until there may be something, at most a second. May be empty.
    async fn next(&mut self) -> Result<Elsewhere, ReadError>;
}

/// Durable storage of one kind.
#[async_trait]
pub trait Backend: Ceremonies + MadePasskeys + Debug + Send + Sync + 'static {
    /// How many may commit at once.
    fn writers(&self) -> NonZeroUsize;

    /// Everything or nothing, in one transaction; durable when it returns. One outcome a piece of work, in order.
    /// Each receiver is told of the transitions it wants.
    async fn commit(&self, batch: &[Work], receivers: &[Receiver]) -> Result<Vec<Outcome>, CommitError>;

    async fn record(&self, identity: IdentityId) -> Result<Option<Record>, ReadError>;

    /// Those that exist, in no order.
    async fn records(&self, identities: &[IdentityId]) -> Result<Vec<Record>, ReadError>;

    /// In their own order; without those that are gone at Kratos.
    async fn identities_after(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError>;

    async fn page(
        &self,
        filter: &RecordFilter,
        after: Option<PageToken>,
        limit: u32,
    ) -> Result<Page, ReadError>;

    /// Identities that have any of the digests.
    async fn find(&self, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError>;

    /// Whether the same delivery was stored before.
    async fn is_known(&self, identity: IdentityId, delivery: DedupeKey) -> Result<bool, ReadError>;

    /// Newest first.
    async fn audit(&self, identity: IdentityId, limit: u32) -> Result<Vec<AuditEntry>, ReadError>;

    /// What others write from now on.
    async fn follow(&self) -> Result<Box<dyn Follow>, ReadError>;

    /// Newest first.
    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError>;

    async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError>;

    /// Whether there was one.
    async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError>;

    /// Forget sealed bodies older than `before`.
    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError>;

    /// At most `batch` rows of each kind that are older than `before`.
    async fn clean(
        &self,
        before: Timestamp,
        in_vain_before: Timestamp,
        batch: u32,
    ) -> Result<Cleaned, CommitError>;

    /// Of these days, both included, in their order.
    async fn funnel(&self, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError>;

    /// Everything about the identity, and its id in the operators' log; durable when it returns.
    async fn erase(&self, identity: IdentityId) -> Result<Erased, CommitError>;

    /// Durable when it returns.
    async fn log_operator(&self, entry: &LogEntry) -> Result<(), CommitError>;

    /// Newest first.
    async fn operator_log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError>;

    /// Takes the role or keeps it; whether it is the holder's now.
    async fn lease(&self, role: &str, holder: i64, length: Duration) -> Result<bool, CommitError>;

    /// If it is the holder's.
    async fn release(&self, role: &str, holder: i64) -> Result<(), CommitError>;

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, ReadError>;

    /// `None` removes it.
    async fn set_checkpoint(&self, name: &str, value: Option<&str>) -> Result<(), CommitError>;

    /// Of each line the oldest letter, where it is due; those that are due longest first.
    async fn outbox_heads(
        &self,
        receiver: &ReceiverName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, ReadError>;

    /// All in one transaction.
    async fn outbox_settle(&self, settled: &[Settled], now: Timestamp) -> Result<(), CommitError>;

    async fn outbox_count(&self, receiver: &ReceiverName) -> Result<OutboxCount, ReadError>;

    /// The first name behind this one that has letters, waiting or dead.
    async fn outbox_receiver_after(&self, after: &str) -> Result<Option<String>, ReadError>;

    async fn dead_letters(&self, filter: &DeadLetterFilter, limit: u32)
    -> Result<Vec<DeadLetter>, ReadError>;

    /// How many wait again.
    async fn replay_dead(&self, ids: &[LetterId], now: Timestamp) -> Result<u64, CommitError>;

    /// How many there were.
    async fn drop_dead(&self, ids: &[LetterId]) -> Result<u64, CommitError>;

    /// Whether it can be written now.
    async fn ready(&self) -> Result<(), CommitError>;

    async fn close(&self);
}

/// Tells apart those who write at once; which one it is does not matter.
pub(super) fn random() -> i64 {
    let mut bytes = [0; 8];
    // Without randomness from the system nothing else here would work either.
    let _ = getrandom::fill(&mut bytes);
    i64::from_le_bytes(bytes)
}

/// A value of a row that has another length than this version writes.
pub(super) fn exactly<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], ReadError> {
    bytes.try_into().map_err(|_| corrupt("a value of the wrong length"))
}

pub(super) fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt(what.into())
}
