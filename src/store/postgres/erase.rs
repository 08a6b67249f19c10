//! Everything about one identity goes.

use sqlx::{Connection, PgConnection, Row};

use super::super::backend::{CommitError, Erased};
use super::line::Open;
use super::read::to_record;
use crate::onboarding::{IdentityId, Record};

pub async fn erase(open: &mut Open, identity: IdentityId) -> Result<Erased, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let key = identity.as_uuid();
    let row = sqlx::query("SELECT id, version, facts FROM records WHERE identity = $1 FOR UPDATE")
        .bind(key)
        .fetch_optional(&mut *transaction)
        .await?;
    let mut erased = Erased::default();
    if let Some(row) = row {
        let id: i64 = row.try_get("id")?;
        erased.identifiers = match to_record(&row) {
            Ok(record) => erase_identifiers(&mut transaction, id, &record).await?,
            // It does not say which they are.
            Err(_) => of_record(&mut transaction, id, "DELETE FROM identifiers WHERE record = $1").await?,
        };
        erased.events = of_record(&mut transaction, id, "DELETE FROM events WHERE record = $1").await?;
        erased.outbox = of_record(&mut transaction, id, "DELETE FROM outbox WHERE record = $1").await?;
        of_record(&mut transaction, id, "DELETE FROM records WHERE id = $1").await?;
        erased.record = true;
    }
    for (statement, erased) in [
        ("UPDATE operator_log SET subject = NULL WHERE subject = $1", &mut 0),
        ("DELETE FROM ceremonies WHERE identity = $1", &mut 0),
        ("DELETE FROM made_passkeys WHERE identity = $1", &mut erased.made_passkeys),
    ] {
        *erased = sqlx::query(statement).bind(key).execute(&mut *transaction).await?.rows_affected();
    }
    // The other instances forget whoever is named here; the row goes after minutes, as all of its kind.
    let n = open.writer.commits + 1;
    sqlx::query("INSERT INTO commits (writer, n, identities) VALUES ($1, $2, $3)")
        .bind(open.writer.id)
        .bind(n)
        .bind(vec![key])
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    open.writer.commits = n;
    Ok(erased)
}

/// By their key, which begins with the digest: by the record alone everybody's would be looked at.
async fn erase_identifiers(
    connection: &mut PgConnection,
    id: i64,
    record: &Record,
) -> Result<u64, CommitError> {
    let digests = || record.identifiers.iter().flat_map(|dated| &dated.value);
    let done = sqlx::query(
        "DELETE FROM identifiers USING unnest($1::bytea[], $2::bytea[]) AS old (mac, key)
         WHERE identifiers.mac = old.mac AND identifiers.key = old.key AND identifiers.record = $3",
    )
    .bind(digests().map(|digest| digest.mac.as_slice()).collect::<Vec<_>>())
    .bind(digests().map(|digest| digest.key.as_slice()).collect::<Vec<_>>())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn of_record(
    connection: &mut PgConnection,
    id: i64,
    statement: &'static str,
) -> Result<u64, CommitError> {
    Ok(sqlx::query(statement).bind(id).execute(connection).await?.rows_affected())
}
