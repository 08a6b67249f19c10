//! Leases and checkpoints: what long work needs to be done by one instance at a time, and gone on with.

use std::time::Duration;

use sqlx::PgConnection;

use super::super::backend::{CommitError, ReadError};
use super::line::Open;

pub async fn lease(open: &mut Open, role: &str, holder: i64, length: Duration) -> Result<bool, CommitError> {
    let taken = sqlx::query(
        "INSERT INTO leases (role, holder, until) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 microsecond')
         ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE leases.holder = excluded.holder OR leases.until <= clock_timestamp()",
    )
    .bind(role)
    .bind(holder)
    .bind(i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 4))
    .execute(&mut open.connection)
    .await?;
    Ok(taken.rows_affected() > 0)
}

pub async fn release(open: &mut Open, role: &str, holder: i64) -> Result<(), CommitError> {
    sqlx::query("DELETE FROM leases WHERE role = $1 AND holder = $2")
        .bind(role)
        .bind(holder)
        .execute(&mut open.connection)
        .await?;
    Ok(())
}

pub async fn checkpoint(connection: &mut PgConnection, name: &str) -> Result<Option<String>, ReadError> {
    let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'checkpoint.' || $1");
    Ok(value.bind(name).fetch_optional(connection).await?)
}

pub async fn set_checkpoint(open: &mut Open, name: &str, value: Option<&str>) -> Result<(), CommitError> {
    let change = match value {
        Some(_) => {
            "INSERT INTO meta (name, value) VALUES ('checkpoint.' || $1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        }
        None => "DELETE FROM meta WHERE name = 'checkpoint.' || $1 AND $2::text IS NULL",
    };
    sqlx::query(change).bind(name).bind(value).execute(&mut open.connection).await?;
    Ok(())
}
