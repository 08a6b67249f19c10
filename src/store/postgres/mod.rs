//! The database of many instances: PostgreSQL 13 or later.
//!
//! One connection writes, a few read, one listens. An answer that does not come in time costs its connection: what
//! became of it is not known, and the next one is told by the database.

mod line;
mod news;
mod open;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::backend::{AuditEntry, Backend, CommitError, News, ReadError};
use super::batch::{Outcome, Work};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, Record};
use line::{Line, Reading, sqlstate};
use news::{Following, Hints, Places};

pub use open::PostgresServer;

/// A PostgreSQL database. Every call ends within the patience it was opened with.
#[derive(Debug)]
pub struct Postgres {
    writer: Mutex<Line>,
    readers: Reading,
    /// For the one connection that listens, where instances notify each other.
    listener: Option<PgPool>,
    places: Arc<Places>,
    hints: Arc<Hints>,
}

#[async_trait]
impl Backend for Postgres {
    async fn commit(&self, batch: &[Work]) -> Result<Vec<Outcome>, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut open = writer.open(deadline).await?;
            let committing = write::commit(&mut open, batch);
            let committed = tokio::time::timeout_at(deadline, committing).await;
            match writer.take_back(open, committed) {
                Err(error) if may_pass(&error, tries) && Instant::now() < deadline => {
                    tracing::debug!(error = %error, tries, "a commit is tried again");
                }
                Ok(outcomes) => {
                    self.hints.committed();
                    return Ok(outcomes);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn record(&self, identity: IdentityId) -> Result<Option<Record>, ReadError> {
        self.readers.read(async |connection| read::record(connection, identity).await).await
    }

    async fn find(&self, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError> {
        self.readers.read(async |connection| read::find(connection, digests).await).await
    }

    async fn is_known(&self, identity: IdentityId, delivery: DedupeKey) -> Result<bool, ReadError> {
        self.readers.read(async |connection| read::is_known(connection, identity, delivery).await).await
    }

    async fn audit(&self, identity: IdentityId, limit: u32) -> Result<Vec<AuditEntry>, ReadError> {
        self.readers.read(async |connection| read::audit(connection, identity, limit).await).await
    }

    async fn news(&self) -> Result<Box<dyn News>, ReadError> {
        let following = Following::begin(
            self.readers.clone(),
            self.listener.clone(),
            self.places.clone(),
            self.hints.clone(),
        );
        Ok(Box::new(following.await?))
    }

    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError> {
        self.readers.read(async |connection| read::quarantined(connection, filter).await).await
    }

    async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError> {
        self.readers.read(async |connection| read::quarantined_one(connection, id).await).await
    }

    async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        let mut open = writer.open(deadline).await?;
        let done = tokio::time::timeout_at(deadline, write::drop_quarantined(&mut open, id)).await;
        writer.take_back(open, done)
    }

    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        let mut open = writer.open(deadline).await?;
        let done = tokio::time::timeout_at(deadline, write::expire_sealed(&mut open, before)).await;
        writer.take_back(open, done)
    }

    async fn ready(&self) -> Result<(), CommitError> {
        let deadline = self.readers.deadline();
        // On the connection that commits, or on a new one in its place: another one may have what that one lacks.
        let mut writer = self.take_writer(deadline).await?;
        let mut open = writer.open(deadline).await?;
        let done = tokio::time::timeout_at(deadline, write::probe(&mut open)).await;
        writer.take_back(open, done)
    }

    async fn close(&self) {
        if let Some(listener) = &self.listener {
            // It waits for the connection that listens, and that for the server.
            let _ = tokio::time::timeout_at(self.readers.deadline(), listener.close()).await;
        }
        self.readers.close().await;
        self.writer.lock().await.close().await;
    }
}

impl Postgres {
    async fn take_writer(&self, deadline: Instant) -> Result<tokio::sync::MutexGuard<'_, Line>, CommitError> {
        let taken = tokio::time::timeout_at(deadline, self.writer.lock()).await;
        taken.map_err(|elapsed| CommitError::Unavailable(elapsed.into()))
    }
}

/// Another transaction was in the way (again and again, until there is no time left), or the connection turned out to be
/// gone (once: the server was restarted since). Trying again is harmless either way: what is stored is known by its key.
fn may_pass(error: &CommitError, tries: u32) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let CommitError::Unavailable(source) = error else { return false };
    match (sqlstate(error).as_deref(), source.downcast_ref::<sqlx::Error>()) {
        (Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED), _) => true,
        (Some(code), _) => tries == 1 && code.starts_with("57P0"),
        (None, Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_))) => tries == 1,
        (None, _) => false,
    }
}

/// SQLSTATE classes (PostgreSQL, Appendix A) that speak of the data and not of the database: data exception, integrity
/// constraint violation, program limit exceeded; and an exception that a trigger of somebody's raised.
pub(super) fn refuses_data(code: &str) -> bool {
    ["22", "23", "54", "P0"].iter().any(|class| code.starts_with(class))
}
