//! The outbox. Whoever changes a letter holds the lock of its record, as a commit does that adds one: so that exactly the
//! oldest letter of a line is due, whoever looks, and nobody waits for somebody who waits for him.
//!
//! A table that is empty at one time and holds a million rows at another is asked with a plan made anew each time.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::super::backend::{CommitError, ReadError};
use super::super::outbox::{
    DeadLetter, DeadLetterFilter, Fate, Letter, LetterId, Line, OutboxCount, OutboxRow, Settled,
};
use super::line::Open;
use super::read::to_identity;
use crate::onboarding::{EventId, IdentityId, ReceiverName};

/// What a commit adds, as columns.
pub struct Columns<'a> {
    ids: Vec<Uuid>,
    receivers: Vec<&'a str>,
    records: Vec<i64>,
    identities: Vec<Uuid>,
    times: Vec<SqlTime>,
    bodies: Vec<&'a str>,
    firsts: Vec<bool>,
}

impl<'a> Columns<'a> {
    pub fn of(
        rows: &'a [OutboxRow<'_>],
        record: impl Fn(IdentityId) -> Result<i64, CommitError>,
    ) -> Result<Columns<'a>, CommitError> {
        Ok(Columns {
            ids: rows.iter().map(|row| row.event.id.0).collect(),
            receivers: rows.iter().map(|row| row.receiver.as_str()).collect(),
            records: rows.iter().map(|row| record(row.event.identity)).collect::<Result<_, _>>()?,
            identities: rows.iter().map(|row| row.event.identity.as_uuid()).collect(),
            times: rows.iter().map(|row| SqlTime::from(row.event.at)).collect(),
            bodies: rows.iter().map(|row| row.body.as_str()).collect(),
            firsts: rows.iter().map(|row| row.first).collect(),
        })
    }
}

impl<'a> Columns<'a> {
    /// Behind what is bound already.
    pub fn bound_to<'q>(self, statement: Statement<'q>) -> Statement<'q>
    where
        'a: 'q,
    {
        statement
            .bind(self.ids)
            .bind(self.receivers)
            .bind(self.records)
            .bind(self.identities)
            .bind(self.times)
            .bind(self.bodies)
            .bind(self.firsts)
    }
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

pub async fn heads(
    connection: &mut PgConnection,
    receiver: &ReceiverName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Letter>, ReadError> {
    let rows = sqlx::query(
        "SELECT seq, record, id, body, attempts FROM outbox
         WHERE receiver = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3",
    )
    .persistent(false)
    .bind(receiver.as_str())
    .bind(SqlTime::from(now))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let letter = |row: &PgRow| {
        Ok(Letter {
            id: LetterId(row.try_get("seq")?),
            line: Line(row.try_get("record")?),
            event: EventId(row.try_get("id")?),
            body: row.try_get("body")?,
            attempts: attempts(row)?,
        })
    };
    rows.iter().map(letter).collect()
}

/// A record that somebody holds is not waited for long: hooks need the connection, and whoever asks tries again.
const BEGIN_SETTLING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '200ms'";

pub async fn settle(open: &mut Open, settled: &[Settled], now: Timestamp) -> Result<(), CommitError> {
    let mut transaction = open.connection.begin_with(BEGIN_SETTLING).await?;
    lock(&mut transaction, &settled.iter().map(|one| one.line.0).collect::<Vec<_>>()).await?;
    let (mut told, mut failed, mut dead) = (Vec::new(), Tries::default(), Tries::default());
    for Settled { id, fate, .. } in settled {
        match fate {
            Fate::Told => told.push(id.0),
            Fate::Failed { due_at, error } => failed.push(id.0, Some(*due_at), error),
            Fate::Dead { error } => dead.push(id.0, None, error),
        }
    }
    if !told.is_empty() {
        let delete = sqlx::query("DELETE FROM outbox WHERE seq = ANY ($1)");
        delete.bind(told).execute(&mut *transaction).await?;
    }
    if !failed.ids.is_empty() {
        let change = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, last_error = new.error,
                 due_at = CASE WHEN outbox.due_at < 'infinity' THEN new.due_at ELSE 'infinity' END
             FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS new (seq, due_at, error)
             WHERE outbox.seq = new.seq AND state = 'waiting'",
        );
        failed.bound_to(change).execute(&mut *transaction).await?;
    }
    if !dead.ids.is_empty() {
        let change = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, last_error = new.error, due_at = new.due_at, state = 'dead'
             FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS new (seq, due_at, error)
             WHERE outbox.seq = new.seq AND state = 'waiting'",
        );
        dead.bound_to(change).execute(&mut *transaction).await?;
    }
    let gone = settled.iter().filter(|one| !matches!(one.fate, Fate::Failed { .. }));
    let lines: Vec<_> = gone.map(|one| (one.line, one.receiver.as_str())).collect();
    advance(&mut transaction, &lines, now).await?;
    transaction.commit().await?;
    Ok(())
}

#[derive(Default)]
struct Tries<'a> {
    ids: Vec<i64>,
    dues: Vec<Option<SqlTime>>,
    errors: Vec<&'a str>,
}

impl<'a> Tries<'a> {
    fn push(&mut self, id: i64, due_at: Option<Timestamp>, error: &'a str) {
        self.ids.push(id);
        self.dues.push(due_at.map(SqlTime::from));
        self.errors.push(error);
    }

    fn bound_to<'q>(self, change: Statement<'q>) -> Statement<'q>
    where
        'a: 'q,
    {
        change.bind(self.ids).bind(self.dues).bind(self.errors)
    }
}

/// In the order of identities, as commits do.
async fn lock(connection: &mut PgConnection, records: &[i64]) -> Result<(), CommitError> {
    if !records.is_empty() {
        sqlx::query("SELECT FROM records WHERE id = ANY ($1) ORDER BY identity FOR UPDATE")
            .persistent(false)
            .bind(records)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The oldest letter of each line is to be told next.
async fn advance(
    connection: &mut PgConnection,
    lines: &[(Line, &str)],
    now: Timestamp,
) -> Result<(), CommitError> {
    if lines.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE outbox SET due_at = $3
         FROM unnest($1::bigint[], $2::text[]) AS line (record, receiver) CROSS JOIN LATERAL (
             SELECT seq FROM outbox o WHERE o.record = line.record AND o.receiver = line.receiver AND o.state = 'waiting'
             ORDER BY seq LIMIT 1) AS oldest
         WHERE outbox.seq = oldest.seq AND outbox.due_at = 'infinity'",
    )
    .persistent(false)
    .bind(lines.iter().map(|(line, _)| line.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, receiver)| *receiver).collect::<Vec<_>>())
    .bind(SqlTime::from(now))
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn count(connection: &mut PgConnection, receiver: &ReceiverName) -> Result<OutboxCount, ReadError> {
    let waiting: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT FROM outbox WHERE receiver = $1 AND due_at IS NOT NULL LIMIT $2) AS waiting",
    )
    .persistent(false)
    .bind(receiver.as_str())
    .bind(i64::from(OutboxCount::MOST))
    .fetch_one(&mut *connection)
    .await?;
    let oldest: Option<SqlTime> = sqlx::query_scalar(
        "SELECT at FROM outbox WHERE receiver = $1 AND due_at IS NOT NULL ORDER BY seq LIMIT 1",
    )
    .persistent(false)
    .bind(receiver.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let dead: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT FROM outbox WHERE receiver = $1 AND state = 'dead' LIMIT $2) AS dead",
    )
    .persistent(false)
    .bind(receiver.as_str())
    .bind(i64::from(OutboxCount::MOST))
    .fetch_one(connection)
    .await?;
    let few = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(OutboxCount {
        waiting: few(waiting),
        dead: few(dead),
        oldest_waiting_at: oldest.map(|oldest| oldest.to_jiff()),
    })
}

pub async fn receiver_after(connection: &mut PgConnection, after: &str) -> Result<Option<String>, ReadError> {
    let next = sqlx::query_scalar(
        "SELECT min(receiver) FROM (
             (SELECT receiver FROM outbox WHERE receiver > $1 AND due_at IS NOT NULL ORDER BY receiver LIMIT 1)
             UNION ALL
             (SELECT receiver FROM outbox WHERE receiver > $1 AND state = 'dead' ORDER BY receiver LIMIT 1)) AS first",
    );
    Ok(next.persistent(false).bind(after).fetch_one(connection).await?)
}

pub async fn dead_letters(
    connection: &mut PgConnection,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetter>, ReadError> {
    let (after_receiver, after_event) =
        filter.after.as_ref().map(|(receiver, event)| (receiver.as_str(), event.0)).unzip();
    let rows = sqlx::query(
        "SELECT seq, id, receiver, identity, at, attempts, last_error, body FROM outbox
         WHERE state = 'dead' AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR receiver = $2)
             AND ($3::text IS NULL OR (receiver, id) > ($3, $4::uuid))
         ORDER BY receiver, id LIMIT $5",
    )
    .persistent(false)
    .bind(filter.event.map(|event| event.0))
    .bind(filter.receiver.as_ref().map(ReceiverName::as_str))
    .bind(after_receiver)
    .bind(after_event)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let letter = |row: &PgRow| {
        Ok(DeadLetter {
            id: LetterId(row.try_get("seq")?),
            event: EventId(row.try_get("id")?),
            receiver: row.try_get("receiver")?,
            identity: to_identity(row.try_get("identity")?)?,
            at: row.try_get::<SqlTime, _>("at")?.to_jiff(),
            attempts: attempts(row)?,
            error: row.try_get::<Option<String>, _>("last_error")?.unwrap_or_default(),
            body: row.try_get("body")?,
        })
    };
    rows.iter().map(letter).collect()
}

pub async fn replay(open: &mut Open, ids: &[LetterId], now: Timestamp) -> Result<u64, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    lock_dead(&mut transaction, ids).await?;
    let back: Vec<(i64, String)> = sqlx::query_as(
        "UPDATE outbox SET state = 'waiting', due_at = 'infinity', attempts = 0, last_error = NULL
         WHERE seq = ANY ($1) AND state = 'dead' RETURNING record, receiver",
    )
    .bind(seqs(ids))
    .fetch_all(&mut *transaction)
    .await?;
    let lines: Vec<_> = back.iter().map(|(record, receiver)| (Line(*record), receiver.as_str())).collect();
    // Whoever was next is not, where an older one is back.
    sqlx::query(
        "UPDATE outbox SET due_at = 'infinity'
         FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[]) AS l (record, receiver)) AS line
         WHERE outbox.record = line.record AND outbox.receiver = line.receiver AND state = 'waiting'
             AND due_at < 'infinity' AND seq > (
                 SELECT min(seq) FROM outbox o
                 WHERE o.record = line.record AND o.receiver = line.receiver AND o.state = 'waiting')",
    )
    .persistent(false)
    .bind(lines.iter().map(|(line, _)| line.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, receiver)| *receiver).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    advance(&mut transaction, &lines, now).await?;
    transaction.commit().await?;
    Ok(u64::try_from(back.len()).unwrap_or(u64::MAX))
}

pub async fn drop_dead(open: &mut Open, ids: &[LetterId]) -> Result<u64, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    lock_dead(&mut transaction, ids).await?;
    let done = sqlx::query("DELETE FROM outbox WHERE seq = ANY ($1) AND state = 'dead'")
        .bind(seqs(ids))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}

/// Theirs, as far as they are dead now.
async fn lock_dead(connection: &mut PgConnection, ids: &[LetterId]) -> Result<(), CommitError> {
    let records: Vec<i64> =
        sqlx::query_scalar("SELECT record FROM outbox WHERE seq = ANY ($1) AND state = 'dead'")
            .bind(seqs(ids))
            .fetch_all(&mut *connection)
            .await?;
    lock(connection, &records).await
}

fn seqs(ids: &[LetterId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}

fn attempts(row: &PgRow) -> Result<u32, sqlx::Error> {
    Ok(row.try_get::<i32, _>("attempts")?.try_into().unwrap_or(u32::MAX))
}
