//! Writing: one transaction a batch, each list of rows in one statement, in an order that all instances share.
//!
//! A row that is not there cannot be locked. So the records are first written as if nobody were known yet; whoever was
//! known, or is made known by another instance in this moment, is then locked and written again.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::super::backend::CommitError;
use super::super::batch::{EventRow, Outcome, Plan, Work, events, identities, plan};
use super::super::outbox::{OutboxRow, Receiver, rows};
use super::super::quarantine::{BODIES_KEPT, NewQuarantined, ROWS_KEPT};
use super::add_events::{ADD_EVENTS, ADD_EVENTS_AND_LETTERS};
use super::line::Open;
use super::{funnel, outbox, read};
use crate::onboarding::{EventId, IdentifierDigest, IdentityId, Record, Transition};

/// A record was there when it was to be begun, and was not when it was to be locked.
#[derive(Debug, thiserror::Error)]
#[error("a record was erased meanwhile")]
pub struct ErasedMeanwhile;

/// What a record stands by in other tables.
type Ids = HashMap<IdentityId, i64>;

pub async fn commit(
    open: &mut Open,
    batch: &[Work],
    receivers: &[Receiver],
) -> Result<Vec<Outcome>, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let touched = identities(batch);
    let begun = plan(batch, HashMap::new(), HashSet::new())?;
    let mut ids = begin_records(&mut transaction, &begun).await?;
    let plan = if ids.len() == touched.len() {
        begun
    } else {
        let before: Vec<Uuid> =
            touched.iter().filter(|identity| !ids.contains_key(identity)).map(IdentityId::as_uuid).collect();
        let plan = plan_with(&mut transaction, batch, &before, &mut ids).await?;
        change_records(&mut transaction, &plan, &before, &ids).await?;
        plan
    };
    remove_identifiers(&mut transaction, &plan, &ids).await?;
    let commit = Commit { writer: open.writer.id, n: open.writer.commits + 1, identities: &touched };
    let outbox = rows(&plan.events, receivers)?;
    add_events(&mut transaction, &plan, &outbox, &ids, &commit).await?;
    put_aside(&mut transaction, &plan.quarantine).await?;
    transaction.commit().await?;
    if !touched.is_empty() {
        open.writer.commits = commit.n;
    }
    Ok(plan.outcomes)
}

/// What the other instances read of it.
struct Commit<'a> {
    writer: i64,
    n: i64,
    identities: &'a BTreeSet<IdentityId>,
}

/// Those that nobody had begun before, with the ids they got.
async fn begin_records(connection: &mut PgConnection, plan: &Plan<'_>) -> Result<Ids, CommitError> {
    if plan.records.is_empty() {
        return Ok(Ids::new());
    }
    let columns = RecordColumns::of(plan.records.iter());
    let rows = sqlx::query(
        "INSERT INTO records (identity, version, stage, changed_at, facts)
         SELECT identity, version, stage, $5, facts
         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::jsonb[]) AS new (identity, version, stage, facts)
         ON CONFLICT (identity) DO NOTHING RETURNING identity, id",
    )
    .bind(columns.identities)
    .bind(columns.versions)
    .bind(columns.stages)
    .bind(columns.facts)
    .bind(changed_at(plan))
    .fetch_all(connection)
    .await?;
    let id = |row: &sqlx::postgres::PgRow| {
        let identity: Uuid = row.try_get("identity")?;
        Ok((
            IdentityId::try_from(identity).map_err(|error| CommitError::Data(error.into()))?,
            row.try_get("id")?,
        ))
    };
    rows.iter().map(id).collect()
}

/// What the batch does, now that those who were known `before` are locked.
async fn plan_with<'a>(
    connection: &mut PgConnection,
    batch: &'a [Work],
    before: &[Uuid],
    ids: &mut Ids,
) -> Result<Plan<'a>, CommitError> {
    let mut records = HashMap::new();
    for (identity, (id, record)) in read::lock(&mut *connection, before).await? {
        ids.insert(identity, id);
        records.insert(identity, record);
    }
    if records.len() < before.len() {
        return Err(CommitError::Unavailable(ErasedMeanwhile.into()));
    }
    let of_known = || events(batch).filter(|event| records.contains_key(&event.identity));
    let wanted: Vec<_> = of_known().filter_map(|event| ids.get(&event.identity).copied()).collect();
    let keys: Vec<_> = of_known().map(|event| event.dedupe.0.as_slice()).collect();
    let stored = read::known(connection, &wanted, &keys).await?;
    let known = of_known()
        .filter(|event| ids.get(&event.identity).is_some_and(|id| stored.contains(&(*id, event.dedupe))))
        .map(|event| (event.identity, event.dedupe))
        .collect();
    Ok(plan(batch, records, known)?)
}

/// Of those who were known `before`; the others are as they are to be.
async fn change_records(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    before: &[Uuid],
    ids: &Ids,
) -> Result<(), CommitError> {
    let is_known = |record: &&Record| before.binary_search(&record.identity.as_uuid()).is_ok();
    let changed = || plan.records.iter().filter(is_known);
    let columns = RecordColumns::of(changed());
    if columns.identities.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE records SET version = new.version, stage = new.stage, changed_at = $5, facts = new.facts
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::jsonb[]) AS new (id, version, stage, facts)
         WHERE records.id = new.id",
    )
    .bind(changed().map(|record| id_of(ids, record.identity)).collect::<Result<Vec<_>, _>>()?)
    .bind(columns.versions)
    .bind(columns.stages)
    .bind(columns.facts)
    .bind(changed_at(plan))
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove_identifiers(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    ids: &Ids,
) -> Result<(), CommitError> {
    if plan.removed.is_empty() {
        return Ok(());
    }
    let columns = IdentifierColumns::of(plan.removed.iter(), ids)?;
    sqlx::query(
        "DELETE FROM identifiers USING unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS old (mac, key, record)
         WHERE identifiers.mac = old.mac AND identifiers.key = old.key AND identifiers.record = old.record",
    )
    .bind(columns.macs)
    .bind(columns.keys)
    .bind(columns.records)
    .execute(connection)
    .await?;
    Ok(())
}

/// The events with what goes with them, in one statement: each more is another way to the server and back.
async fn add_events(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    outbox: &[OutboxRow<'_>],
    ids: &Ids,
    commit: &Commit<'_>,
) -> Result<(), CommitError> {
    let rows = &plan.events;
    // Also where all were stored before: a commit of their own waits for what the first one may still wait for, such as a
    // standby that has it.
    if commit.identities.is_empty() {
        return Ok(());
    }
    let transitions: Vec<_> = rows.iter().map(transition_columns).collect();
    let added = IdentifierColumns::of(plan.added.iter(), ids)?;
    let counts = funnel::Columns::of(&plan.counts);
    let events = || rows.iter().map(|row| row.event);
    let statement = sqlx::query(if outbox.is_empty() { ADD_EVENTS } else { ADD_EVENTS_AND_LETTERS })
        .bind(commit.writer)
        .bind(commit.n)
        .bind(commit.identities.iter().map(IdentityId::as_uuid).collect::<Vec<_>>())
        .bind(added.macs)
        .bind(added.keys)
        .bind(added.records)
        .bind(events().map(|event| event.id.0).collect::<Vec<_>>())
        .bind(events().map(|event| event.dedupe.0.as_slice()).collect::<Vec<_>>())
        .bind(events().map(|event| id_of(ids, event.identity)).collect::<Result<Vec<_>, _>>()?)
        .bind(events().map(|event| SqlTime::from(event.at)).collect::<Vec<_>>())
        .bind(events().map(|event| event.actor.label()).collect::<Vec<_>>())
        .bind(events().map(|event| event.cause.as_str()).collect::<Vec<_>>())
        .bind(events().map(|event| event.kind.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| Json(&row.detail)).collect::<Vec<_>>())
        .bind(transitions.iter().map(|(version, ..)| *version).collect::<Vec<_>>())
        .bind(transitions.iter().map(|(_, from, _)| *from).collect::<Vec<_>>())
        .bind(transitions.iter().map(|(.., to)| *to).collect::<Vec<_>>())
        .bind(counts.days)
        .bind(counts.methods)
        .bind(counts.outcomes)
        .bind(counts.kinds)
        .bind(counts.n)
        .bind(funnel::SHARDS)
        .bind(funnel::LOCKS);
    let letters = outbox::Columns::of(outbox, |identity| id_of(ids, identity))?;
    let statement = if outbox.is_empty() { statement } else { letters.bound_to(statement) };
    statement.execute(connection).await?;
    Ok(())
}

/// Version, stage before, stage after: all `NULL` where the event said nothing new.
fn transition_columns(row: &EventRow<'_>) -> (Option<i64>, Option<&'static str>, Option<&'static str>) {
    match row.transition {
        Transition::Unchanged => (None, None, None),
        Transition::Changed { from, to, .. } => {
            (Some(whole(row.version)), from.map(|stage| stage.as_str()), Some(to.as_str()))
        }
    }
}

async fn put_aside(connection: &mut PgConnection, entries: &[&NewQuarantined]) -> Result<(), CommitError> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.dedupe);
    let kinds: BTreeSet<_> = entries.iter().map(|entry| (&entry.hook, entry.reason.as_str())).collect();
    for entry in &entries {
        sqlx::query(
            "INSERT INTO quarantine (id, dedupe, at, hook, reason, sha256, size, kept, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (dedupe) DO NOTHING",
        )
        .bind(entry.id.0)
        .bind(entry.dedupe.0.as_slice())
        .bind(SqlTime::from(entry.at))
        .bind(&entry.hook)
        .bind(entry.reason.as_str())
        .bind(entry.body_sha256.as_slice())
        .bind(i64::from(entry.size))
        .bind(entry.body.as_str())
        .bind(entry.body.bytes()?)
        .execute(&mut *connection)
        .await?;
    }
    for (hook, reason) in kinds {
        trim(&mut *connection, hook, reason).await?;
    }
    Ok(())
}

/// Keeps the newest of a hook and reason. Rows that another instance holds are left for the next time.
async fn trim(connection: &mut PgConnection, hook: &str, reason: &str) -> Result<(), CommitError> {
    for (kept, bounded) in [
        (
            BODIES_KEPT,
            "UPDATE quarantine SET kept = 'none', body = NULL WHERE id IN (
                 SELECT id FROM quarantine
                 WHERE hook = $1 AND reason = $2 AND body IS NOT NULL AND at <= (
                     SELECT at FROM quarantine WHERE hook = $1 AND reason = $2 AND body IS NOT NULL
                     ORDER BY at DESC LIMIT 1 OFFSET $3)
                 FOR UPDATE SKIP LOCKED)",
        ),
        (
            ROWS_KEPT,
            "DELETE FROM quarantine WHERE id IN (
                 SELECT id FROM quarantine
                 WHERE hook = $1 AND reason = $2 AND at <= (
                     SELECT at FROM quarantine WHERE hook = $1 AND reason = $2 ORDER BY at DESC LIMIT 1 OFFSET $3)
                 FOR UPDATE SKIP LOCKED)",
        ),
    ] {
        sqlx::query(bounded)
            .bind(hook)
            .bind(reason)
            .bind(i64::from(kept))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub async fn drop_quarantined(open: &mut Open, id: EventId) -> Result<bool, CommitError> {
    let done =
        sqlx::query("DELETE FROM quarantine WHERE id = $1").bind(id.0).execute(&mut open.connection).await?;
    Ok(done.rows_affected() > 0)
}

pub async fn expire_sealed(open: &mut Open, before: Timestamp) -> Result<u64, CommitError> {
    let done =
        sqlx::query("UPDATE quarantine SET kept = 'none', body = NULL WHERE kept = 'sealed' AND at < $1")
            .bind(SqlTime::from(before))
            .execute(&mut open.connection)
            .await?;
    Ok(done.rows_affected())
}

/// A real write, so that a full disk or a read-only server shows.
pub async fn probe(open: &mut Open) -> Result<(), CommitError> {
    sqlx::query(
        "INSERT INTO meta AS known (name, value) VALUES ('probes', '1')
         ON CONFLICT (name) DO UPDATE SET value = (known.value::bigint + 1)::text",
    )
    .execute(&mut open.connection)
    .await?;
    Ok(())
}

struct RecordColumns<'a> {
    identities: Vec<Uuid>,
    versions: Vec<i64>,
    stages: Vec<&'static str>,
    facts: Vec<Json<&'a Record>>,
}

impl<'a> RecordColumns<'a> {
    fn of(records: impl Iterator<Item = &'a Record> + Clone) -> RecordColumns<'a> {
        RecordColumns {
            identities: records.clone().map(|record| record.identity.as_uuid()).collect(),
            versions: records.clone().map(|record| whole(record.version)).collect(),
            stages: records.clone().map(|record| record.stage().as_str()).collect(),
            facts: records.map(Json).collect(),
        }
    }
}

struct IdentifierColumns<'a> {
    macs: Vec<&'a [u8]>,
    keys: Vec<&'a [u8]>,
    records: Vec<i64>,
}

impl<'a> IdentifierColumns<'a> {
    fn of(
        rows: impl Iterator<Item = &'a (IdentityId, IdentifierDigest)> + Clone,
        ids: &Ids,
    ) -> Result<IdentifierColumns<'a>, CommitError> {
        Ok(IdentifierColumns {
            macs: rows.clone().map(|(_, digest)| digest.mac.as_slice()).collect(),
            keys: rows.clone().map(|(_, digest)| digest.key.as_slice()).collect(),
            records: rows.map(|(identity, _)| id_of(ids, *identity)).collect::<Result<_, _>>()?,
        })
    }
}

/// A row without it would put what is somebody's beside somebody else's name.
fn id_of(ids: &Ids, identity: IdentityId) -> Result<i64, CommitError> {
    ids.get(&identity).copied().ok_or_else(|| CommitError::Data("a record without an id".into()))
}

fn changed_at(plan: &Plan<'_>) -> SqlTime {
    plan.events.iter().map(|row| row.event.at).max().unwrap_or_default().into()
}

fn whole(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
