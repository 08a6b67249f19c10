//! Writing: one transaction a batch, each list of rows in one statement.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{Connection, SqliteConnection};

use super::super::backend::CommitError;
use super::super::batch::{EventRow, Outcome, Plan, Work, events, identities, plan};
use super::super::outbox::{Receiver, rows};
use super::super::quarantine::{BODIES_KEPT, NewQuarantined, ROWS_KEPT};
use super::{funnel, outbox, read};
use crate::onboarding::{EventId, IdentifierDigest, IdentityId, Record, Transition};

pub async fn commit(
    connection: &mut SqliteConnection,
    instance: i64,
    batch: &[Work],
    receivers: &[Receiver],
) -> Result<Vec<Outcome>, CommitError> {
    // IMMEDIATE: taking the write lock at the first write could fail after the reads were done.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let records = read::records(&mut *transaction, identities(batch).into_iter()).await?;
    // Whoever has no record yet has no event either.
    let of_known = events(batch).filter(|event| records.contains_key(&event.identity));
    let known = read::known(&mut *transaction, of_known.map(|event| (event.identity, event.dedupe))).await?;
    let plan = plan(batch, records, known)?;
    write(&mut transaction, instance, &plan).await?;
    outbox::add(&mut transaction, &rows(&plan.events, receivers)?).await?;
    transaction.commit().await?;
    Ok(plan.outcomes)
}

async fn write(connection: &mut SqliteConnection, instance: i64, plan: &Plan<'_>) -> Result<(), CommitError> {
    if !plan.records.is_empty() {
        let changed_at = plan.events.iter().map(|row| row.event.at).max().unwrap_or_default();
        let rows: Vec<_> = plan.records.iter().map(RecordJson::of).collect();
        sqlx::query(
            "INSERT INTO records (identity, version, stage, changed_at, facts)
             SELECT unhex(value ->> 'identity'), value ->> 'version', value ->> 'stage', ?2, value ->> 'facts'
             FROM jsonb_each(?1) WHERE true
             ON CONFLICT (identity) DO UPDATE SET version = excluded.version, stage = excluded.stage,
                 changed_at = excluded.changed_at, facts = excluded.facts",
        )
        .bind(serde_json::to_string(&rows)?)
        .bind(changed_at.as_microsecond())
        .execute(&mut *connection)
        .await?;
    }
    if !plan.events.is_empty() {
        let rows: Vec<_> = plan.events.iter().map(EventJson::of).collect();
        sqlx::query(
            "INSERT INTO events (id, dedupe, record, at, actor, cause, kind, detail, version, stage_from, stage_to, instance)
             SELECT unhex(value ->> 'id'), unhex(value ->> 'dedupe'),
                    (SELECT id FROM records WHERE identity = unhex(value ->> 'identity')), value ->> 'at',
                    value ->> 'actor', value ->> 'cause', value ->> 'kind', value ->> 'detail',
                    value ->> 'version', value ->> 'stage_from', value ->> 'stage_to', ?2
             FROM jsonb_each(?1) WHERE true
             ON CONFLICT (record, dedupe) DO NOTHING",
        )
        .bind(serde_json::to_string(&rows)?)
        .bind(instance)
        .execute(&mut *connection)
        .await?;
    }
    funnel::add(&mut *connection, &plan.counts).await?;
    if !plan.removed.is_empty() {
        sqlx::query(
            "DELETE FROM identifiers WHERE (mac, key, record) IN (
                 SELECT unhex(value ->> 0), unhex(value ->> 1), r.id
                 FROM jsonb_each(?1) CROSS JOIN records r ON r.identity = unhex(value ->> 2))",
        )
        .bind(identifier_rows(plan.removed.iter())?)
        .execute(&mut *connection)
        .await?;
    }
    if !plan.added.is_empty() {
        sqlx::query(
            "INSERT INTO identifiers (mac, key, record)
             SELECT unhex(value ->> 0), unhex(value ->> 1), r.id
             FROM jsonb_each(?1) CROSS JOIN records r ON r.identity = unhex(value ->> 2)
             ON CONFLICT DO NOTHING",
        )
        .bind(identifier_rows(plan.added.iter())?)
        .execute(&mut *connection)
        .await?;
    }
    for entry in &plan.quarantine {
        put_aside(&mut *connection, entry).await?;
    }
    let kinds: BTreeSet<_> =
        plan.quarantine.iter().map(|entry| (&entry.hook, entry.reason.as_str())).collect();
    for (hook, reason) in kinds {
        trim(&mut *connection, hook, reason).await?;
    }
    Ok(())
}

async fn put_aside(connection: &mut SqliteConnection, entry: &NewQuarantined) -> Result<(), CommitError> {
    sqlx::query(
        "INSERT INTO quarantine (id, dedupe, at, hook, reason, sha256, size, kept, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (dedupe) DO NOTHING",
    )
    .bind(entry.id.0.as_bytes().as_slice())
    .bind(entry.dedupe.0.as_slice())
    .bind(entry.at.as_microsecond())
    .bind(&entry.hook)
    .bind(entry.reason.as_str())
    .bind(entry.body_sha256.as_slice())
    .bind(entry.size)
    .bind(entry.body.as_str())
    .bind(entry.body.bytes()?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the newest of a hook and reason.
async fn trim(connection: &mut SqliteConnection, hook: &str, reason: &str) -> Result<(), CommitError> {
    for (kept, bounded) in [
        (
            BODIES_KEPT,
            "UPDATE quarantine SET kept = 'none', body = NULL
             WHERE hook = ?1 AND reason = ?2 AND body IS NOT NULL AND at <= (
                 SELECT at FROM quarantine WHERE hook = ?1 AND reason = ?2 AND body IS NOT NULL
                 ORDER BY at DESC LIMIT 1 OFFSET ?3)",
        ),
        (
            ROWS_KEPT,
            "DELETE FROM quarantine WHERE hook = ?1 AND reason = ?2 AND at <= (
                 SELECT at FROM quarantine WHERE hook = ?1 AND reason = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)",
        ),
    ] {
        sqlx::query(bounded)
            .bind(hook)
            .bind(reason)
            .bind(kept)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub async fn drop_quarantined(connection: &mut SqliteConnection, id: EventId) -> Result<bool, CommitError> {
    let done = sqlx::query("DELETE FROM quarantine WHERE id = ?1")
        .bind(id.0.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn expire_sealed(connection: &mut SqliteConnection, before: Timestamp) -> Result<u64, CommitError> {
    let done =
        sqlx::query("UPDATE quarantine SET kept = 'none', body = NULL WHERE kept = 'sealed' AND at < ?1")
            .bind(before.as_microsecond())
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

/// A real write, so that a full disk or a read-only file shows: a value that stays the same would not touch a page.
pub async fn probe(connection: &mut SqliteConnection) -> Result<(), CommitError> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('probes', '1')
         ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(Serialize)]
struct EventJson<'a> {
    id: String,
    dedupe: String,
    identity: String,
    at: i64,
    actor: Cow<'static, str>,
    cause: &'static str,
    kind: &'static str,
    detail: &'a RawValue,
    version: Option<u64>,
    stage_from: Option<&'static str>,
    stage_to: Option<&'static str>,
}

impl<'a> EventJson<'a> {
    fn of(row: &'a EventRow<'_>) -> EventJson<'a> {
        let event = row.event;
        let (version, from, to) = match row.transition {
            Transition::Unchanged => (None, None, None),
            Transition::Changed { from, to, .. } => (Some(row.version), from, Some(to)),
        };
        EventJson {
            id: hex::encode(event.id.0.as_bytes()),
            dedupe: hex::encode(event.dedupe.0),
            identity: hex::encode(event.identity.as_bytes()),
            at: event.at.as_microsecond(),
            actor: event.actor.label(),
            cause: event.cause.as_str(),
            kind: event.kind.as_str(),
            detail: &row.detail,
            version,
            stage_from: from.map(|stage| stage.as_str()),
            stage_to: to.map(|stage| stage.as_str()),
        }
    }
}

#[derive(Serialize)]
struct RecordJson<'a> {
    identity: String,
    version: u64,
    stage: &'static str,
    facts: &'a Record,
}

impl<'a> RecordJson<'a> {
    fn of(record: &'a Record) -> RecordJson<'a> {
        RecordJson {
            identity: hex::encode(record.identity.as_bytes()),
            version: record.version,
            stage: record.stage().as_str(),
            facts: record,
        }
    }
}

fn identifier_rows<'a>(
    rows: impl Iterator<Item = &'a (IdentityId, IdentifierDigest)>,
) -> Result<String, serde_json::Error> {
    let rows: Vec<[String; 3]> = rows
        .map(|(identity, digest)| {
            [hex::encode(digest.mac), hex::encode(digest.key), hex::encode(identity.as_bytes())]
        })
        .collect();
    serde_json::to_string(&rows)
}
