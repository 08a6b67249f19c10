//! What a database has to do. SQLite and PostgreSQL each have their own SQL behind it.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::batch::{Outcome, Work};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, Record};

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

/// Durable storage of one kind.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// Everything or nothing, in one transaction; durable when it returns. One outcome a piece of work, in order.
    async fn commit(&self, batch: &[Work]) -> Result<Vec<Outcome>, CommitError>;

    async fn record(&self, identity: IdentityId) -> Result<Option<Record>, ReadError>;

    /// Identities that have any of the digests.
    async fn find(&self, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError>;

    /// Whether the same delivery was stored before.
    async fn is_known(&self, identity: IdentityId, delivery: DedupeKey) -> Result<bool, ReadError>;

    /// Newest first.
    async fn audit(&self, identity: IdentityId, limit: u32) -> Result<Vec<AuditEntry>, ReadError>;

    /// The place in the log to follow from.
    async fn log_end(&self) -> Result<i64, ReadError>;

    /// Identities other instances wrote after `place`, oldest first, and the place reached.
    async fn written_elsewhere(&self, place: i64, limit: u32) -> Result<(i64, Vec<IdentityId>), ReadError>;

    /// Newest first.
    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError>;

    async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError>;

    /// Whether there was one.
    async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError>;

    /// Forget sealed bodies older than `before`.
    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError>;

    /// Whether it can be written now.
    async fn ready(&self) -> Result<(), CommitError>;

    async fn close(&self);
}
