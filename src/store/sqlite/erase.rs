//! Everything about one identity goes.

use sqlx::{Connection, SqliteConnection};

use super::super::backend::{CommitError, Erased};
use crate::onboarding::IdentityId;

pub async fn erase(connection: &mut SqliteConnection, identity: IdentityId) -> Result<Erased, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let key = identity.as_bytes().as_slice();
    let record: Option<i64> = sqlx::query_scalar("SELECT id FROM records WHERE identity = ?1")
        .bind(key)
        .fetch_optional(&mut *transaction)
        .await?;
    let mut erased = Erased::default();
    if let Some(record) = record {
        let of_record = async |connection: &mut SqliteConnection, statement: &'static str| {
            let done = sqlx::query(statement).bind(record).execute(connection).await?;
            Ok::<u64, CommitError>(done.rows_affected())
        };
        erased.identifiers = of_record(&mut transaction, "DELETE FROM identifiers WHERE record = ?1").await?;
        erased.events = of_record(&mut transaction, "DELETE FROM events WHERE record = ?1").await?;
        erased.outbox = of_record(&mut transaction, "DELETE FROM outbox WHERE record = ?1").await?;
        of_record(&mut transaction, "DELETE FROM records WHERE id = ?1").await?;
        erased.record = true;
    }
    sqlx::query("UPDATE operator_log SET subject = NULL WHERE subject = ?1")
        .bind(key)
        .execute(&mut *transaction)
        .await?;
    // Whoever follows the log of events does not see what left it.
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('erasures', '1')
         ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(erased)
}
