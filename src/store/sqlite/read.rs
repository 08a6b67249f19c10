//! Reading. Never waits for the writer: WAL readers see the last commit.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row, Sqlite, SqlitePool};
use uuid::Uuid;

use super::super::backend::{AuditEntry, ReadError, corrupt, exactly};
use super::super::quarantine::{Kept, QuarantineFilter, QuarantineReason, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, Record};

pub async fn record(readers: &SqlitePool, identity: IdentityId) -> Result<Option<Record>, ReadError> {
    let row = sqlx::query("SELECT version, facts FROM records WHERE identity = ?1")
        .bind(identity.as_bytes().as_slice())
        .fetch_optional(readers)
        .await?;
    row.map(|row| to_record(&row)).transpose()
}

/// Those that exist, of many.
pub async fn records<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    identities: impl Iterator<Item = IdentityId>,
) -> Result<HashMap<IdentityId, Record>, ReadError> {
    let rows = sqlx::query(
        "SELECT version, facts FROM records WHERE identity IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(hex_list(identities.map(|identity| *identity.as_bytes())))
    .fetch_all(executor)
    .await?;
    let records = rows.iter().map(to_record);
    records.map(|record| record.map(|record| (record.identity, record))).collect()
}

pub async fn identities_after(
    readers: &SqlitePool,
    after: Option<IdentityId>,
    limit: u32,
) -> Result<Vec<IdentityId>, ReadError> {
    // Every identity is greater than nothing.
    let after = after.as_ref().map_or(&[][..], |identity| identity.as_bytes());
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT identity FROM records WHERE identity > ?1 AND stage <> 'gone' ORDER BY identity LIMIT ?2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(to_identity).collect()
}

/// Those of the deliveries that are stored already.
pub async fn known<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    deliveries: impl Iterator<Item = (IdentityId, DedupeKey)>,
) -> Result<HashSet<(IdentityId, DedupeKey)>, ReadError> {
    let wanted =
        hex_list(deliveries.map(|(identity, key)| [identity.as_bytes().as_slice(), &key.0].concat()));
    if wanted == NOTHING {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query(
        "SELECT r.identity, e.dedupe FROM json_each(?1) wanted
         CROSS JOIN records r ON r.identity = unhex(substr(wanted.value, 1, 32))
         CROSS JOIN events e ON e.record = r.id AND e.dedupe = unhex(substr(wanted.value, 33))",
    )
    .bind(wanted)
    .fetch_all(executor)
    .await?;
    let delivery = |row: &SqliteRow| {
        Ok((to_identity(row.try_get("identity")?)?, DedupeKey(exactly(row.try_get("dedupe")?)?)))
    };
    rows.iter().map(delivery).collect()
}

pub async fn find(readers: &SqlitePool, digests: &[IdentifierDigest]) -> Result<Vec<IdentityId>, ReadError> {
    let pairs = digests.iter().map(|digest| [digest.mac.as_slice(), digest.key.as_slice()].concat());
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT DISTINCT r.identity FROM json_each(?1) wanted
         CROSS JOIN identifiers i ON i.mac = unhex(substr(wanted.value, 1, 64)) AND i.key = unhex(substr(wanted.value, 65))
         CROSS JOIN records r ON r.id = i.record
         ORDER BY r.identity",
    )
    .bind(hex_list(pairs))
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(to_identity).collect()
}

pub async fn audit(
    readers: &SqlitePool,
    identity: IdentityId,
    limit: u32,
) -> Result<Vec<AuditEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT id, at, actor, cause, kind, detail, version, stage_from, stage_to FROM events
         WHERE record = (SELECT id FROM records WHERE identity = ?1) ORDER BY seq DESC LIMIT ?2",
    )
    .bind(identity.as_bytes().as_slice())
    .bind(limit)
    .fetch_all(readers)
    .await?;
    let entry = |row: &SqliteRow| {
        Ok(AuditEntry {
            id: to_event_id(row.try_get("id")?)?,
            at: to_time(row.try_get("at")?)?,
            actor: row.try_get("actor")?,
            cause: row.try_get("cause")?,
            kind: row.try_get("kind")?,
            detail: row.try_get("detail")?,
            version: row.try_get::<Option<i64>, _>("version")?.and_then(|version| version.try_into().ok()),
            stage_from: row.try_get("stage_from")?,
            stage_to: row.try_get("stage_to")?,
        })
    };
    rows.iter().map(entry).collect()
}

pub async fn quarantined(
    readers: &SqlitePool,
    filter: &QuarantineFilter,
) -> Result<Vec<Quarantined>, ReadError> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit };
    let rows = sqlx::query(
        "SELECT * FROM quarantine WHERE (?1 IS NULL OR hook = ?1) AND (?2 IS NULL OR reason = ?2)
         ORDER BY at DESC, id DESC LIMIT ?3",
    )
    .bind(filter.hook.as_deref())
    .bind(filter.reason.map(QuarantineReason::as_str))
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.iter().map(to_quarantined).collect()
}

pub async fn quarantined_one(readers: &SqlitePool, id: EventId) -> Result<Option<Quarantined>, ReadError> {
    let row = sqlx::query("SELECT * FROM quarantine WHERE id = ?1")
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(readers)
        .await?;
    row.map(|row| to_quarantined(&row)).transpose()
}

/// What [`hex_list`] makes of nothing.
const NOTHING: &str = "[]";

pub fn hex_list<B: AsRef<[u8]>>(values: impl Iterator<Item = B>) -> String {
    let mut list = String::from("[");
    for value in values {
        list.push_str(if list.len() > 1 { ",\"" } else { "\"" });
        list.push_str(&hex::encode(value));
        list.push('"');
    }
    list.push(']');
    list
}

pub(super) fn to_record(row: &SqliteRow) -> Result<Record, ReadError> {
    let facts: &str = row.try_get("facts")?;
    let mut record: Record = serde_json::from_str(facts)?;
    record.version = row.try_get::<i64, _>("version")?.try_into().unwrap_or(u64::MAX);
    Ok(record)
}

fn to_quarantined(row: &SqliteRow) -> Result<Quarantined, ReadError> {
    let body: Option<Vec<u8>> = row.try_get("body")?;
    let kept: &str = row.try_get("kept")?;
    let reason: &str = row.try_get("reason")?;
    Ok(Quarantined {
        id: to_event_id(row.try_get("id")?)?,
        at: to_time(row.try_get("at")?)?,
        hook: row.try_get("hook")?,
        reason: QuarantineReason::parse(reason)
            .ok_or_else(|| corrupt("a reason this version does not know"))?,
        dedupe: DedupeKey(exactly(row.try_get("dedupe")?)?),
        body_sha256: exactly(row.try_get("sha256")?)?,
        size: row.try_get("size")?,
        body: Kept::read(kept, body)?,
    })
}

pub(super) fn to_identity(bytes: Vec<u8>) -> Result<IdentityId, ReadError> {
    Uuid::from_bytes(exactly(bytes)?).try_into().map_err(|_| corrupt("an all-zero identity"))
}

pub(super) fn to_event_id(bytes: Vec<u8>) -> Result<EventId, ReadError> {
    Ok(EventId(Uuid::from_bytes(exactly(bytes)?)))
}

pub(super) fn to_time(microseconds: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_microsecond(microseconds).map_err(|error| ReadError::Corrupt(error.into()))
}
