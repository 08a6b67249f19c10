//! The outbox. One connection writes, so whoever reads and then writes in one transaction is alone.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use super::super::backend::{CommitError, ReadError};
use super::super::outbox::{
    DeadLetter, DeadLetterFilter, Fate, Letter, LetterId, Line, OutboxCount, OutboxRow, Settled,
};
use super::read::{to_event_id, to_identity, to_time};
use crate::onboarding::ReceiverName;

#[derive(Serialize)]
struct RowJson<'a> {
    id: String,
    receiver: &'a str,
    identity: String,
    at: i64,
    body: &'a str,
    first: bool,
}

pub async fn add(connection: &mut SqliteConnection, rows: &[OutboxRow<'_>]) -> Result<(), CommitError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.iter().map(|row| RowJson {
        id: hex::encode(row.event.id.0.as_bytes()),
        receiver: row.receiver.as_str(),
        identity: hex::encode(row.event.identity.as_bytes()),
        at: row.event.at.as_microsecond(),
        body: &row.body,
        first: row.first,
    });
    sqlx::query(
        "INSERT INTO outbox (id, receiver, record, identity, at, body, due_at)
         SELECT unhex(value ->> 'id'), value ->> 'receiver', r.id, r.identity, value ->> 'at', value ->> 'body',
                CASE WHEN value ->> 'first' AND NOT EXISTS (
                    SELECT 1 FROM outbox earlier WHERE earlier.record = r.id
                        AND earlier.receiver = value ->> 'receiver' AND earlier.state = 'waiting')
                THEN value ->> 'at' END
         FROM jsonb_each(?1) CROSS JOIN records r ON r.identity = unhex(value ->> 'identity')",
    )
    .bind(serde_json::to_string(&rows.collect::<Vec<_>>())?)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn heads(
    readers: &SqlitePool,
    receiver: &ReceiverName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Letter>, ReadError> {
    let rows = sqlx::query(
        "SELECT seq, record, id, body, attempts FROM outbox
         WHERE receiver = ?1 AND state = 'waiting' AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
    )
    .bind(receiver.as_str())
    .bind(now.as_microsecond())
    .bind(limit)
    .fetch_all(readers)
    .await?;
    let letter = |row: &SqliteRow| {
        Ok(Letter {
            id: LetterId(row.try_get("seq")?),
            line: Line(row.try_get("record")?),
            event: to_event_id(row.try_get("id")?)?,
            body: row.try_get("body")?,
            attempts: row.try_get("attempts")?,
        })
    };
    rows.iter().map(letter).collect()
}

pub async fn settle(
    connection: &mut SqliteConnection,
    settled: &[Settled],
    now: Timestamp,
) -> Result<(), CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for Settled { id, line, receiver, fate } in settled {
        let change = match fate {
            Fate::Told => sqlx::query("DELETE FROM outbox WHERE seq = ?1").bind(id.0),
            Fate::Failed { due_at, error } => sqlx::query(
                "UPDATE outbox SET attempts = attempts + 1, last_error = ?2, due_at = iif(due_at IS NULL, NULL, ?3)
                 WHERE seq = ?1 AND state = 'waiting'",
            )
            .bind(id.0)
            .bind(error)
            .bind(due_at.as_microsecond()),
            Fate::Dead { error } => sqlx::query(
                "UPDATE outbox SET attempts = attempts + 1, last_error = ?2, due_at = NULL, state = 'dead'
                 WHERE seq = ?1 AND state = 'waiting'",
            )
            .bind(id.0)
            .bind(error),
        };
        change.execute(&mut *transaction).await?;
        if !matches!(fate, Fate::Failed { .. }) {
            advance(&mut transaction, *line, receiver.as_str(), now).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// The oldest letter of the line is to be told next.
async fn advance(
    connection: &mut SqliteConnection,
    line: Line,
    receiver: &str,
    now: Timestamp,
) -> Result<(), CommitError> {
    sqlx::query(
        "UPDATE outbox SET due_at = ?3 WHERE due_at IS NULL AND seq = (
             SELECT min(seq) FROM outbox WHERE record = ?1 AND receiver = ?2 AND state = 'waiting')",
    )
    .bind(line.0)
    .bind(receiver)
    .bind(now.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn count(readers: &SqlitePool, receiver: &ReceiverName) -> Result<OutboxCount, ReadError> {
    let waiting = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE receiver = ?1 AND state = 'waiting' LIMIT ?2)",
    )
    .bind(receiver.as_str())
    .bind(OutboxCount::MOST)
    .fetch_one(readers)
    .await?;
    let oldest: Option<i64> = sqlx::query_scalar(
        "SELECT at FROM outbox WHERE receiver = ?1 AND state = 'waiting' ORDER BY seq LIMIT 1",
    )
    .bind(receiver.as_str())
    .fetch_optional(readers)
    .await?;
    let dead = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE receiver = ?1 AND state = 'dead' LIMIT ?2)",
    )
    .bind(receiver.as_str())
    .bind(OutboxCount::MOST)
    .fetch_one(readers)
    .await?;
    Ok(OutboxCount { waiting, dead, oldest_waiting_at: oldest.map(to_time).transpose()? })
}

pub async fn receiver_after(readers: &SqlitePool, after: &str) -> Result<Option<String>, ReadError> {
    let next = sqlx::query_scalar(
        "SELECT min(receiver) FROM (
             SELECT * FROM (
                 SELECT receiver FROM outbox WHERE receiver > ?1 AND state = 'waiting' ORDER BY receiver LIMIT 1)
             UNION ALL
             SELECT * FROM (
                 SELECT receiver FROM outbox WHERE receiver > ?1 AND state = 'dead' ORDER BY receiver LIMIT 1))",
    );
    Ok(next.bind(after).fetch_one(readers).await?)
}

pub async fn dead_letters(
    readers: &SqlitePool,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetter>, ReadError> {
    let (after_receiver, after_event) =
        filter.after.as_ref().map(|(receiver, event)| (receiver.as_str(), *event)).unzip();
    let rows = sqlx::query(
        "SELECT seq, id, receiver, identity, at, attempts, last_error, body FROM outbox
         WHERE state = 'dead' AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR receiver = ?2)
             AND (?3 IS NULL OR (receiver, id) > (?3, ?4))
         ORDER BY receiver, id LIMIT ?5",
    )
    .bind(filter.event.as_ref().map(|event| event.0.as_bytes().as_slice()))
    .bind(filter.receiver.as_ref().map(ReceiverName::as_str))
    .bind(after_receiver)
    .bind(after_event.as_ref().map(|event| event.0.as_bytes().as_slice()))
    .bind(limit)
    .fetch_all(readers)
    .await?;
    let letter = |row: &SqliteRow| {
        Ok(DeadLetter {
            id: LetterId(row.try_get("seq")?),
            event: to_event_id(row.try_get("id")?)?,
            receiver: row.try_get("receiver")?,
            identity: to_identity(row.try_get("identity")?)?,
            at: to_time(row.try_get("at")?)?,
            attempts: row.try_get("attempts")?,
            error: row.try_get::<Option<String>, _>("last_error")?.unwrap_or_default(),
            body: row.try_get("body")?,
        })
    };
    rows.iter().map(letter).collect()
}

pub async fn replay(
    connection: &mut SqliteConnection,
    ids: &[LetterId],
    now: Timestamp,
) -> Result<u64, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let lines: Vec<(i64, String)> = sqlx::query_as(
        "UPDATE outbox SET state = 'waiting', attempts = 0, last_error = NULL
         WHERE state = 'dead' AND seq IN (SELECT value FROM json_each(?1)) RETURNING record, receiver",
    )
    .bind(list(ids)?)
    .fetch_all(&mut *transaction)
    .await?;
    for (record, receiver) in &lines {
        // Whoever was next is not, where an older one is back.
        sqlx::query(
            "UPDATE outbox SET due_at = NULL
             WHERE record = ?1 AND receiver = ?2 AND state = 'waiting' AND due_at IS NOT NULL AND seq > (
                 SELECT min(seq) FROM outbox WHERE record = ?1 AND receiver = ?2 AND state = 'waiting')",
        )
        .bind(record)
        .bind(receiver)
        .execute(&mut *transaction)
        .await?;
        advance(&mut transaction, Line(*record), receiver, now).await?;
    }
    transaction.commit().await?;
    Ok(u64::try_from(lines.len()).unwrap_or(u64::MAX))
}

pub async fn drop_dead(connection: &mut SqliteConnection, ids: &[LetterId]) -> Result<u64, CommitError> {
    let done =
        sqlx::query("DELETE FROM outbox WHERE state = 'dead' AND seq IN (SELECT value FROM json_each(?1))")
            .bind(list(ids)?)
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

fn list(ids: &[LetterId]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&ids.iter().map(|id| id.0).collect::<Vec<_>>())
}
