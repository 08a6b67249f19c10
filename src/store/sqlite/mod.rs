//! The embedded default: one SQLite file, WAL, `synchronous=FULL`.

mod ceremonies;
mod clean;
mod erase;
mod follow;
mod funnel;
mod listing;
mod made_passkeys;
mod open;
mod operator_log;
mod outbox;
mod read;
#[cfg(test)]
mod steps;
mod turns;
mod write;

use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::pool::PoolConnection;
use sqlx::{SqliteConnection, SqlitePool};

use super::backend::{AuditEntry, Backend, Cleaned, CommitError, Erased, Follow, ReadError};
use super::batch::{Outcome, Work};
use super::funnel::FunnelRow;
use super::listing::{Page, PageToken, RecordFilter};
use super::operator_log::{LogEntry, LogFilter};
use super::outbox::{DeadLetter, DeadLetterFilter, Letter, LetterId, OutboxCount, Receiver, Settled};
use super::quarantine::{QuarantineFilter, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, ReceiverName, Record};

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
    /// A file has one writer at a time.
    fn writers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    async fn commit(&self, batch: &[Work], receivers: &[Receiver]) -> Result<Vec<Outcome>, CommitError> {
        self.write(async |connection| write::commit(connection, self.instance, batch, receivers).await).await
    }

    async fn record(&self, identity: IdentityId) -> Result<Option<Record>, ReadError> {
        read::record(&self.readers, identity).await
    }

    async fn records(&self, identities: &[IdentityId]) -> Result<Vec<Record>, ReadError> {
        Ok(read::records(&self.readers, identities.iter().copied()).await?.into_values().collect())
    }

    async fn identities_after(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        read::identities_after(&self.readers, after, limit).await
    }

    async fn page(
        &self,
        filter: &RecordFilter,
        after: Option<PageToken>,
        limit: u32,
    ) -> Result<Page, ReadError> {
        listing::page(&self.readers, filter, after, limit).await
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

    async fn follow(&self) -> Result<Box<dyn Follow>, ReadError> {
        Ok(Box::new(follow::Following::begin(self.readers.clone(), self.instance).await?))
    }

    async fn quarantined(&self, filter: &QuarantineFilter) -> Result<Vec<Quarantined>, ReadError> {
        read::quarantined(&self.readers, filter).await
    }

    async fn quarantined_one(&self, id: EventId) -> Result<Option<Quarantined>, ReadError> {
        read::quarantined_one(&self.readers, id).await
    }

    async fn drop_quarantined(&self, id: EventId) -> Result<bool, CommitError> {
        self.write(async |connection| write::drop_quarantined(connection, id).await).await
    }

    async fn expire_sealed(&self, before: Timestamp) -> Result<u64, CommitError> {
        self.write(async |connection| write::expire_sealed(connection, before).await).await
    }

    async fn clean(
        &self,
        before: Timestamp,
        in_vain_before: Timestamp,
        batch: u32,
    ) -> Result<Cleaned, CommitError> {
        let old_events = clean::old_events(&self.readers, before, batch).await?;
        self.write(async |connection| {
            clean::clean(connection, old_events, before, in_vain_before, batch).await
        })
        .await
    }

    async fn funnel(&self, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError> {
        funnel::read(&self.readers, from, to).await
    }

    async fn erase(&self, identity: IdentityId) -> Result<Erased, CommitError> {
        self.write(async |connection| erase::erase(connection, identity).await).await
    }

    async fn log_operator(&self, entry: &LogEntry) -> Result<(), CommitError> {
        self.write(async |connection| operator_log::add(connection, entry).await).await
    }

    async fn operator_log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError> {
        operator_log::read(&self.readers, filter).await
    }

    async fn lease(&self, role: &str, holder: i64, length: Duration) -> Result<bool, CommitError> {
        self.write(async |connection| turns::lease(connection, role, holder, length).await).await
    }

    async fn release(&self, role: &str, holder: i64) -> Result<(), CommitError> {
        self.write(async |connection| turns::release(connection, role, holder).await).await
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, ReadError> {
        turns::checkpoint(&self.readers, name).await
    }

    async fn set_checkpoint(&self, name: &str, value: Option<&str>) -> Result<(), CommitError> {
        self.write(async |connection| turns::set_checkpoint(connection, name, value).await).await
    }

    async fn outbox_heads(
        &self,
        receiver: &ReceiverName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, ReadError> {
        outbox::heads(&self.readers, receiver, now, limit).await
    }

    async fn outbox_settle(&self, settled: &[Settled], now: Timestamp) -> Result<(), CommitError> {
        self.write(async |connection| outbox::settle(connection, settled, now).await).await
    }

    async fn outbox_count(&self, receiver: &ReceiverName) -> Result<OutboxCount, ReadError> {
        outbox::count(&self.readers, receiver).await
    }

    async fn outbox_receiver_after(&self, after: &str) -> Result<Option<String>, ReadError> {
        outbox::receiver_after(&self.readers, after).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError> {
        outbox::dead_letters(&self.readers, filter, limit).await
    }

    async fn replay_dead(&self, ids: &[LetterId], now: Timestamp) -> Result<u64, CommitError> {
        self.write(async |connection| outbox::replay(connection, ids, now).await).await
    }

    async fn drop_dead(&self, ids: &[LetterId]) -> Result<u64, CommitError> {
        self.write(async |connection| outbox::drop_dead(connection, ids).await).await
    }

    async fn ready(&self) -> Result<(), CommitError> {
        self.write(async |connection| write::probe(connection).await).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Sqlite {
    /// On the one connection that writes.
    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let mut connection = self.writer.acquire().await?;
        let done = work(&mut connection).await;
        self.settle(connection, done).await
    }

    /// A file that could only be read when it was opened stays so for all connections of the process: the next ones look
    /// again. After a lock that was held too long there is nothing to look for.
    async fn settle<T>(
        &self,
        connection: PoolConnection<sqlx::Sqlite>,
        done: Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        const BUSY: u32 = 5;
        let code = |error: &sqlx::Error| error.as_database_error()?.code()?.parse::<u32>().ok();
        if let Err(CommitError::Unavailable(error)) = &done
            && error.downcast_ref().and_then(code).is_none_or(|code| code & 0xff != BUSY)
        {
            // What they could not write they cannot flush either.
            let _ = connection.close().await;
            while let Some(reader) = self.readers.try_acquire() {
                let _ = reader.close().await;
            }
        }
        done
    }
}
