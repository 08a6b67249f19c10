//! The embedded default: one SQLite file, WAL, `synchronous=FULL`.

mod open;
mod read;
mod write;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqlitePool;

use super::backend::{AuditEntry, Backend, CommitError, ReadError};
use super::batch::{Outcome, Work};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, Record};

pub use open::{MadeBy, OpenError, Opening};

/// A SQLite file: one connection writes, a few read.
#[derive(Debug)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Names this process in the rows it writes.
    instance: i64,
}

#[async_trait]
impl Backend for Sqlite {
    async fn commit(&self, batch: &[Work]) -> Result<Vec<Outcome>, CommitError> {
        write::commit(&self.writer, self.instance, batch).await
    }

    async fn record(&self, identity: IdentityId) -> Result<Option<Record>, ReadError> {
        read::record(&self.readers, identity).await
    }

    async fn find(&self, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError> {
        read::find(&self.readers, digests).await
    }

    async fn is_known(&self, identity: IdentityId, delivery: DedupeKey) -> Result<bool, ReadError> {
        Ok(!read::known(&self.readers, std::iter::once((identity, delivery))).await?.is_empty())
    }

    async fn audit(&self, identity: IdentityId, limit: u32) -> Result<Vec<AuditEntry>, ReadError> {
        read::audit(&self.readers, identity, limit).await
    }

    async fn log_end(&self) -> Result<i64, ReadError> {
        read::log_end(&self.readers).await
    }

    async fn written_elsewhere(&self, place: i64, limit: u32) -> Result<(i64, Vec<IdentityId>), ReadError> {
        read::written_elsewhere(&self.readers, self.instance, place, limit).await
    }

    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError> {
        read::quarantined(&self.readers, filter).await
    }

    async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError> {
        read::quarantined_one(&self.readers, id).await
    }

    async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError> {
        write::drop_quarantined(&self.writer, id).await
    }

    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError> {
        write::expire_sealed(&self.writer, before).await
    }

    async fn ready(&self) -> Result<(), CommitError> {
        write::probe(&self.writer).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Primary result codes (sqlite.org/rescode.html) that speak of the data and not of the database.
fn refuses_data(error: &sqlx::Error) -> bool {
    const TOOBIG: u32 = 18;
    const CONSTRAINT: u32 = 19;
    const MISMATCH: u32 = 20;
    match error {
        sqlx::Error::Database(database) => database
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| matches!(code & 0xff, TOOBIG | CONSTRAINT | MISMATCH)),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> CommitError {
        if refuses_data(&error) {
            CommitError::Data(error.into())
        } else {
            CommitError::Unavailable(error.into())
        }
    }
}

impl From<serde_json::Error> for CommitError {
    fn from(error: serde_json::Error) -> CommitError {
        CommitError::Data(error.into())
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> ReadError {
        if refuses_data(&error) {
            ReadError::Corrupt(error.into())
        } else {
            ReadError::Unavailable(error.into())
        }
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> ReadError {
        ReadError::Corrupt(error.into())
    }
}
