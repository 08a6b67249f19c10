//! The database of many instances: PostgreSQL 13 or later.
//!
//! Two connections write, a few read, one listens. An answer that does not come in time costs its connection: what
//! became of it is not known, and the next one is told by the database.

mod add_events;
mod ceremonies;
mod clean;
mod erase;
mod follow;
mod funnel;
mod line;
mod listing;
mod made_passkeys;
mod open;
mod operator_log;
mod outbox;
mod progress;
mod read;
mod turns;
mod write;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join_all, select_all};
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::backend::{AuditEntry, Backend, Cleaned, CommitError, Erased, Follow, ReadError};
use super::batch::{Outcome, Work};
use super::funnel::FunnelRow;
use super::listing::{Page, PageToken, RecordFilter};
use super::operator_log::{LogEntry, LogFilter};
use super::outbox::{DeadLetter, DeadLetterFilter, Letter, LetterId, OutboxCount, Receiver, Settled};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, ReceiverName, Record};
use follow::{Following, Hints};
use line::{Line, Open, Readers, is_gone, sqlstate};
use progress::Progress;

pub use open::PostgresServer;

/// A PostgreSQL database. Every call ends within the patience it was opened with.
pub struct Postgres {
    writers: Vec<Mutex<Line>>,
    readers: Readers,
    /// Of the connection that listens, where instances notify each other.
    listener: Option<PgConnectOptions>,
    progress: Arc<Progress>,
    hints: Arc<Hints>,
}

impl fmt::Debug for Postgres {
    /// Without the options, which hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("readers", &self.readers).finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for Postgres {
    fn writers(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.writers.len()).unwrap_or(NonZeroUsize::MIN)
    }

    async fn commit(&self, batch: &[Work], receivers: &[Receiver]) -> Result<Vec<Outcome>, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            // A server that cannot be reached is not tried again here; a connection that it ended meanwhile is made anew.
            writer.reach(deadline).await?;
            match writer.run(deadline, async |open| write::commit(open, batch, receivers).await).await {
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

    async fn records(&self, identities: &[IdentityId]) -> Result<Vec<Record>, ReadError> {
        self.readers.read(async |connection| read::records(connection, identities).await).await
    }

    async fn identities_after(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.readers.read(async |connection| read::identities_after(connection, after, limit).await).await
    }

    async fn page(
        &self,
        filter: &RecordFilter,
        after: Option<PageToken>,
        limit: u32,
    ) -> Result<Page, ReadError> {
        self.readers.read(async |connection| listing::page(connection, filter, after, limit).await).await
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

    async fn follow(&self) -> Result<Box<dyn Follow>, ReadError> {
        let following = Following::begin(
            self.readers.clone(),
            self.listener.clone(),
            self.progress.clone(),
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
        self.write(async |open| write::drop_quarantined(open, id).await).await
    }

    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError> {
        self.write(async |open| write::expire_sealed(open, before).await).await
    }

    async fn clean(
        &self,
        before: Timestamp,
        in_vain_before: Timestamp,
        batch: u32,
    ) -> Result<Cleaned, CommitError> {
        self.write(async |open| clean::clean(open, before, in_vain_before, batch).await).await
    }

    async fn funnel(&self, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError> {
        self.readers.read(async |connection| funnel::read(connection, from, to).await).await
    }

    async fn erase(&self, identity: IdentityId) -> Result<Erased, CommitError> {
        self.write(async |open| erase::erase(open, identity).await).await
    }

    async fn log_operator(&self, entry: &LogEntry) -> Result<(), CommitError> {
        self.write(async |open| operator_log::add(open, entry).await).await
    }

    async fn operator_log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError> {
        self.readers.read(async |connection| operator_log::read(connection, filter).await).await
    }

    async fn lease(&self, role: &str, holder: i64, length: Duration) -> Result<bool, CommitError> {
        self.write(async |open| turns::lease(open, role, holder, length).await).await
    }

    async fn release(&self, role: &str, holder: i64) -> Result<(), CommitError> {
        self.write(async |open| turns::release(open, role, holder).await).await
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.readers.read(async |connection| turns::checkpoint(connection, name).await).await
    }

    async fn set_checkpoint(&self, name: &str, value: Option<&str>) -> Result<(), CommitError> {
        self.write(async |open| turns::set_checkpoint(open, name, value).await).await
    }

    async fn outbox_heads(
        &self,
        receiver: &ReceiverName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, ReadError> {
        self.readers.read(async |connection| outbox::heads(connection, receiver, now, limit).await).await
    }

    async fn outbox_settle(&self, settled: &[Settled], now: Timestamp) -> Result<(), CommitError> {
        self.write(async |open| outbox::settle(open, settled, now).await).await
    }

    async fn outbox_count(&self, receiver: &ReceiverName) -> Result<OutboxCount, ReadError> {
        self.readers.read(async |connection| outbox::count(connection, receiver).await).await
    }

    async fn outbox_receiver_after(&self, after: &str) -> Result<Option<String>, ReadError> {
        self.readers.read(async |connection| outbox::receiver_after(connection, after).await).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError> {
        self.readers.read(async |connection| outbox::dead_letters(connection, filter, limit).await).await
    }

    async fn replay_dead(&self, ids: &[LetterId], now: Timestamp) -> Result<u64, CommitError> {
        self.write(async |open| outbox::replay(open, ids, now).await).await
    }

    async fn drop_dead(&self, ids: &[LetterId]) -> Result<u64, CommitError> {
        self.write(async |open| outbox::drop_dead(open, ids).await).await
    }

    async fn ready(&self) -> Result<(), CommitError> {
        let deadline = self.readers.deadline();
        // On each connection that commits, or on a new one in its place: another one may have what that one lacks.
        let probes = self.writers.iter().map(|writer| async move {
            let taken = tokio::time::timeout_at(deadline, writer.lock()).await;
            let mut writer = taken.map_err(|elapsed| CommitError::Unavailable(elapsed.into()))?;
            writer.run(deadline, async |open| write::probe(open).await).await
        });
        join_all(probes).await.into_iter().collect()
    }

    async fn close(&self) {
        self.readers.close().await;
        for writer in &self.writers {
            writer.lock().await.close().await;
        }
    }
}

impl Postgres {
    /// In time, or not at all.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Open) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let deadline = self.readers.deadline();
        self.take_writer(deadline).await?.run(deadline, work).await
    }

    /// Whichever is free, else the first that will be.
    async fn take_writer(&self, deadline: Instant) -> Result<MutexGuard<'_, Line>, CommitError> {
        let taking = select_all(self.writers.iter().map(|writer| Box::pin(writer.lock())));
        let taken = tokio::time::timeout_at(deadline, taking).await;
        taken.map(|(writer, ..)| writer).map_err(|elapsed| CommitError::Unavailable(elapsed.into()))
    }
}

/// Another transaction was in the way, or an erasure (again and again, until there is no time left), or the connection turned out to be
/// gone (once: the server was restarted since). Trying again is harmless either way: what is stored is known by its key.
fn may_pass(error: &CommitError, tries: u32) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let CommitError::Unavailable(source) = error else { return false };
    if source.is::<write::ErasedMeanwhile>() {
        return true;
    }
    match sqlstate(error).as_deref() {
        Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED) => true,
        _ => tries == 1 && is_gone(source),
    }
}
