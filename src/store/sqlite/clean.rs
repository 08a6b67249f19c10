//! What is old goes, a batch at a time, so that hooks come in between.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::super::backend::{Cleaned, CommitError, ReadError};

type Count = fn(&mut Cleaned) -> &mut u64;

/// Rows that are read at once.
const WINDOW: u32 = 1000;
/// Events are numbered in the order they were written, which is that of time but for moments. So many young ones in
/// succession, and there are no old ones behind them; fewer may be of a machine whose clock was wrong.
const YOUNG_ENOUGH: u32 = 10_000;

/// The numbers between which the first `batch` old events lie. Looked for where nobody waits for the end of it.
pub async fn old_events(
    readers: &SqlitePool,
    before: Timestamp,
    batch: u32,
) -> Result<Option<RangeInclusive<i64>>, ReadError> {
    let mut found: Option<RangeInclusive<i64>> = None;
    let (mut place, mut old, mut young) = (i64::MIN, 0, 0);
    loop {
        let window: Vec<(i64, bool)> =
            sqlx::query_as("SELECT seq, at < ?2 FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?3")
                .bind(place)
                .bind(before.as_microsecond())
                .bind(WINDOW)
                .fetch_all(readers)
                .await?;
        for (seq, is_old) in &window {
            place = *seq;
            if *is_old {
                found = Some(found.map_or(place, |range| *range.start())..=place);
                (old, young) = (old + 1, 0);
            } else {
                young += 1;
            }
            if old >= batch || young >= YOUNG_ENOUGH {
                return Ok(found);
            }
        }
        if window.is_empty() {
            return Ok(found);
        }
    }
}

pub async fn clean(
    connection: &mut SqliteConnection,
    old_events: Option<RangeInclusive<i64>>,
    before: Timestamp,
    in_vain_before: Timestamp,
    batch: u32,
) -> Result<Cleaned, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut cleaned = Cleaned::default();
    if let Some(range) = old_events {
        let done = sqlx::query("DELETE FROM events WHERE seq BETWEEN ?1 AND ?2 AND at < ?3")
            .bind(*range.start())
            .bind(*range.end())
            .bind(before.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        cleaned.events = done.rows_affected();
    }
    let operator_log: Count = |cleaned| &mut cleaned.operator_log;
    let quarantine: Count = |cleaned| &mut cleaned.quarantine;
    let made_passkeys: Count = |cleaned| &mut cleaned.made_passkeys;
    for (before, statement, count) in [
        (
            before,
            "DELETE FROM operator_log WHERE id IN (SELECT id FROM operator_log WHERE at < ?1 ORDER BY at LIMIT ?2)",
            operator_log,
        ),
        (
            before,
            "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE at < ?1 LIMIT ?2)",
            quarantine,
        ),
        (
            in_vain_before,
            "DELETE FROM made_passkeys WHERE credential IN (
                 SELECT credential FROM made_passkeys WHERE imported_at IS NULL AND made_at < ?1 LIMIT ?2)",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential IN (
                 SELECT credential FROM made_passkeys WHERE removed_at < ?1 LIMIT ?2)",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential IN (
                 SELECT credential FROM made_passkeys WHERE absence = 'in_doubt' AND absent_since < ?1 LIMIT ?2)",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential IN (
                 SELECT credential FROM made_passkeys WHERE gone_at < ?1 LIMIT ?2)",
            made_passkeys,
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(before.as_microsecond())
            .bind(batch)
            .execute(&mut *transaction)
            .await?;
        *count(&mut cleaned) += done.rows_affected();
    }
    transaction.commit().await?;
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::super::contract::store_on;
    use super::super::steps::{hundreds, opened};
    use super::*;
    use crate::store::made_passkeys::MadePasskeys as _;

    #[tokio::test]
    async fn passkeys_that_stay_cost_nothing() {
        let (sqlite, _directory) = opened().await;
        store_on(sqlite.clone()).await;
        let mut connection = sqlite.writer.acquire().await.unwrap();
        for n in 0_u16..3000 {
            sqlx::query(
                "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags,
                     transports, handle, name, made_at, imported_at, removed_at, absence, absent_since, gone_at)
                 VALUES (?1, randomblob(16), randomblob(16), 'asked', x'a0', randomblob(16), 0, 5, '', 'h', 'n', 9, 9,
                     CASE WHEN ?2 = 1 THEN 9 END, CASE ?2 WHEN 2 THEN 'in_doubt' WHEN 3 THEN 'lost' END,
                     CASE WHEN ?2 IN (2, 3) THEN 9 END, CASE WHEN ?2 = 4 THEN 9 END)",
            )
            .bind([[7_u8; 16].as_slice(), &n.to_be_bytes()].concat())
            .bind(n % 5)
            .execute(&mut *connection)
            .await
            .unwrap();
        }
        let steps = hundreds(&mut connection).await;
        let before = Timestamp::from_microsecond(9).unwrap();
        let cleaned = clean(&mut connection, None, before, before, 1000).await.unwrap();
        assert_eq!(cleaned, Cleaned::default());
        assert!(steps.load(Ordering::Relaxed) < 20, "{steps:?} hundred steps");
        drop(connection);
        assert_eq!(sqlite.unasked_identities(None, 9).await.unwrap(), []);
    }
}
