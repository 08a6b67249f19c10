//! Reading, on whichever connection.

use std::collections::{HashMap, HashSet};

use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::super::backend::{AuditEntry, ReadError, corrupt, exactly};
use super::super::quarantine::{Kept, QuarantineFilter, QuarantineReason, Quarantined};
use crate::onboarding::{DedupeKey, EventId, IdentifierDigest, IdentityId, Record};

pub async fn record(
    connection: &mut PgConnection,
    identity: IdentityId,
) -> Result<Option<Record>, ReadError> {
    let row = sqlx::query("SELECT version, facts FROM records WHERE identity = $1")
        .bind(identity.as_uuid())
        .fetch_optional(connection)
        .await?;
    row.map(|row| to_record(&row)).transpose()
}

/// Those that exist, of many, with the id each stands by; locked in the order of identities.
pub async fn lock(
    connection: &mut PgConnection,
    identities: &[Uuid],
) -> Result<HashMap<IdentityId, (i64, Record)>, ReadError> {
    let rows = sqlx::query(
        "SELECT id, version, facts FROM records WHERE identity = ANY ($1) ORDER BY identity FOR UPDATE",
    )
    .bind(identities)
    .fetch_all(connection)
    .await?;
    let locked = |row: &PgRow| {
        let record = to_record(row)?;
        Ok((record.identity, (row.try_get("id")?, record)))
    };
    rows.iter().map(locked).collect()
}

/// Those that exist, of many.
pub async fn records(
    connection: &mut PgConnection,
    identities: &[IdentityId],
) -> Result<Vec<Record>, ReadError> {
    let wanted: Vec<Uuid> = identities.iter().map(IdentityId::as_uuid).collect();
    let rows = sqlx::query("SELECT version, facts FROM records WHERE identity = ANY ($1)");
    rows.bind(wanted).fetch_all(connection).await?.iter().map(to_record).collect()
}

pub async fn identities_after(
    connection: &mut PgConnection,
    after: Option<IdentityId>,
    limit: u32,
) -> Result<Vec<IdentityId>, ReadError> {
    // No identity is the all-zero UUID.
    let after = after.map_or(Uuid::nil(), |identity| identity.as_uuid());
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "SELECT identity FROM records WHERE identity > $1 AND stage <> 'gone' ORDER BY identity LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|id| id.try_into().map_err(|_| corrupt("an all-zero identity"))).collect()
}

/// Those of the deliveries (record, key) that are stored already.
pub async fn known(
    connection: &mut PgConnection,
    records: &[i64],
    keys: &[&[u8]],
) -> Result<HashSet<(i64, DedupeKey)>, ReadError> {
    let rows = sqlx::query(
        "SELECT e.record, e.dedupe FROM unnest($1::bigint[], $2::bytea[]) AS wanted (record, dedupe)
         JOIN events e ON e.record = wanted.record AND e.dedupe = wanted.dedupe",
    )
    .bind(records)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let delivery = |row: &PgRow| Ok((row.try_get("record")?, DedupeKey(exactly(row.try_get("dedupe")?)?)));
    rows.iter().map(delivery).collect()
}

pub async fn is_known(
    connection: &mut PgConnection,
    identity: IdentityId,
    delivery: DedupeKey,
) -> Result<bool, ReadError> {
    let known = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM records r JOIN events e ON e.record = r.id
                        WHERE r.identity = $1 AND e.dedupe = $2)",
    )
    .bind(identity.as_uuid())
    .bind(delivery.0.as_slice())
    .fetch_one(connection)
    .await?;
    Ok(known)
}

pub async fn find(
    connection: &mut PgConnection,
    digests: &[IdentifierDigest],
) -> Result<Vec<IdentityId>, ReadError> {
    let (macs, keys): (Vec<_>, Vec<_>) =
        digests.iter().map(|digest| (digest.mac.as_slice(), digest.key.as_slice())).unzip();
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT r.identity FROM unnest($1::bytea[], $2::bytea[]) AS wanted (mac, key)
         JOIN identifiers i ON i.mac = wanted.mac AND i.key = wanted.key
         JOIN records r ON r.id = i.record ORDER BY r.identity",
    )
    .bind(macs)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(to_identity).collect()
}

pub async fn audit(
    connection: &mut PgConnection,
    identity: IdentityId,
    limit: u32,
) -> Result<Vec<AuditEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT id, at, actor, cause, kind, detail::text AS detail, version, stage_from, stage_to FROM events
         WHERE record = (SELECT id FROM records WHERE identity = $1) ORDER BY seq DESC LIMIT $2",
    )
    .bind(identity.as_uuid())
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let entry = |row: &PgRow| {
        Ok(AuditEntry {
            id: EventId(row.try_get("id")?),
            at: row.try_get::<SqlTime, _>("at")?.to_jiff(),
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
    connection: &mut PgConnection,
    filter: &QuarantineFilter,
) -> Result<Vec<Quarantined>, ReadError> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit };
    let rows = sqlx::query(
        "SELECT * FROM quarantine WHERE ($1 IS NULL OR hook = $1) AND ($2 IS NULL OR reason = $2)
         ORDER BY at DESC, id DESC LIMIT $3",
    )
    .bind(filter.hook.as_deref())
    .bind(filter.reason.map(QuarantineReason::as_str))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(to_quarantined).collect()
}

pub async fn quarantined_one(
    connection: &mut PgConnection,
    id: EventId,
) -> Result<Option<Quarantined>, ReadError> {
    let row =
        sqlx::query("SELECT * FROM quarantine WHERE id = $1").bind(id.0).fetch_optional(connection).await?;
    row.map(|row| to_quarantined(&row)).transpose()
}

pub(super) fn to_record(row: &PgRow) -> Result<Record, ReadError> {
    let Json(mut record): Json<Record> = row.try_get("facts")?;
    record.version = row.try_get::<i64, _>("version")?.try_into().unwrap_or(u64::MAX);
    Ok(record)
}

fn to_quarantined(row: &PgRow) -> Result<Quarantined, ReadError> {
    let body: Option<Vec<u8>> = row.try_get("body")?;
    let kept: &str = row.try_get("kept")?;
    let reason: &str = row.try_get("reason")?;
    Ok(Quarantined {
        id: EventId(row.try_get("id")?),
        at: row.try_get::<SqlTime, _>("at")?.to_jiff(),
        hook: row.try_get("hook")?,
        reason: QuarantineReason::parse(reason)
            .ok_or_else(|| corrupt("a reason this version does not know"))?,
        dedupe: DedupeKey(exactly(row.try_get("dedupe")?)?),
        body_sha256: exactly(row.try_get("sha256")?)?,
        size: row.try_get::<i64, _>("size")?.try_into().unwrap_or(u32::MAX),
        body: Kept::read(kept, body)?,
    })
}

pub(super) fn to_identity(id: Uuid) -> Result<IdentityId, ReadError> {
    id.try_into().map_err(|_| corrupt("an all-zero identity"))
}
