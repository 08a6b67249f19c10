//! What is old goes, a batch at a time, so that hooks come in between.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;

use super::super::backend::{Cleaned, CommitError};
use super::line::Open;

pub async fn clean(open: &mut Open, before: Timestamp, batch: u32) -> Result<Cleaned, CommitError> {
    let mut cleaned = Cleaned::default();
    for (count, statement) in [
        (
            &mut cleaned.events,
            "DELETE FROM events WHERE ctid = ANY (ARRAY (
                 SELECT ctid FROM events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
        ),
        (
            &mut cleaned.operator_log,
            "DELETE FROM operator_log WHERE id = ANY (ARRAY (
                 SELECT id FROM operator_log WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
        ),
        (
            &mut cleaned.quarantine,
            "DELETE FROM quarantine WHERE id = ANY (ARRAY (
                 SELECT id FROM quarantine WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(SqlTime::from(before))
            .bind(i64::from(batch))
            .execute(&mut open.connection)
            .await?;
        *count = done.rows_affected();
    }
    Ok(cleaned)
}
