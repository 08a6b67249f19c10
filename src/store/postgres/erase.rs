//! Everything about one identity goes.

use sqlx::{Connection, PgConnection};

use super::super::backend::{CommitError, Erased};
use super::line::Open;
use crate::onboarding::IdentityId;

pub async fn erase(open: &mut Open, identity: IdentityId) -> Result<Erased, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let key = identity.as_uuid();
    let record: Option<i64> = sqlx::query_scalar("SELECT id FROM records WHERE identity = $1 FOR UPDATE")
        .bind(key)
        .fetch_optional(&mut *transaction)
        .await?;
    let mut erased = Erased::default();
    if let Some(record) = record {
        let of_record = async |connection: &mut PgConnection, statement: &'static str| {
            let done = sqlx::query(statement).bind(record).execute(connection).await?;
            Ok::<u64, CommitError>(done.rows_affected())
        };
        erased.identifiers = of_record(&mut transaction, "DELETE FROM identifiers WHERE record = $1").await?;
        erased.events = of_record(&mut transaction, "DELETE FROM events WHERE record = $1").await?;
        erased.outbox = of_record(&mut transaction, "DELETE FROM outbox WHERE record = $1").await?;
        of_record(&mut transaction, "DELETE FROM records WHERE id = $1").await?;
        erased.record = true;
    }
    sqlx::query("UPDATE operator_log SET subject = NULL WHERE subject = $1")
        .bind(key)
        .execute(&mut *transaction)
        .await?;
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
