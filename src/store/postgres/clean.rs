//! What is old goes, a batch at a time, so that hooks come in between.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;

use super::super::backend::{Cleaned, CommitError};
use super::line::Open;

type Count = fn(&mut Cleaned) -> &mut u64;

pub async fn clean(
    open: &mut Open,
    before: Timestamp,
    in_vain_before: Timestamp,
    batch: u32,
) -> Result<Cleaned, CommitError> {
    let events: Count = |cleaned| &mut cleaned.events;
    let operator_log: Count = |cleaned| &mut cleaned.operator_log;
    let quarantine: Count = |cleaned| &mut cleaned.quarantine;
    let made_passkeys: Count = |cleaned| &mut cleaned.made_passkeys;
    let mut cleaned = Cleaned::default();
    for (before, statement, count) in [
        (
            before,
            "DELETE FROM events WHERE ctid = ANY (ARRAY (
                 SELECT ctid FROM events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
            events,
        ),
        (
            before,
            "DELETE FROM operator_log WHERE id = ANY (ARRAY (
                 SELECT id FROM operator_log WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
            operator_log,
        ),
        (
            before,
            "DELETE FROM quarantine WHERE id = ANY (ARRAY (
                 SELECT id FROM quarantine WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            quarantine,
        ),
        (
            in_vain_before,
            "DELETE FROM made_passkeys WHERE credential = ANY (ARRAY (
                 SELECT credential FROM made_passkeys WHERE imported_at IS NULL AND made_at < $1
                 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential = ANY (ARRAY (
                 SELECT credential FROM made_passkeys WHERE removed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential = ANY (ARRAY (
                 SELECT credential FROM made_passkeys WHERE absence = 'in_doubt' AND absent_since < $1
                 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            made_passkeys,
        ),
        (
            before,
            "DELETE FROM made_passkeys WHERE credential = ANY (ARRAY (
                 SELECT credential FROM made_passkeys WHERE gone_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
            made_passkeys,
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(SqlTime::from(before))
            .bind(i64::from(batch))
            .execute(&mut open.connection)
            .await?;
        *count(&mut cleaned) += done.rows_affected();
    }
    Ok(cleaned)
}
