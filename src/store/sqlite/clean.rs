//! What is old goes, a batch at a time, so that hooks come in between.

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::super::backend::{Cleaned, CommitError};

pub async fn clean(
    connection: &mut SqliteConnection,
    before: Timestamp,
    batch: u32,
) -> Result<Cleaned, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut cleaned = Cleaned::default();
    for (count, statement) in [
        // In the order they were written, which is that of time but for moments: the first that is young enough ends it.
        (
            &mut cleaned.events,
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?2) AND at < ?1",
        ),
        (
            &mut cleaned.operator_log,
            "DELETE FROM operator_log WHERE id IN (SELECT id FROM operator_log ORDER BY id LIMIT ?2) AND at < ?1",
        ),
        (
            &mut cleaned.quarantine,
            "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE at < ?1 LIMIT ?2)",
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(before.as_microsecond())
            .bind(batch)
            .execute(&mut *transaction)
            .await?;
        *count = done.rows_affected();
    }
    transaction.commit().await?;
    Ok(cleaned)
}
