//! Leases and checkpoints: what long work needs to be done by one process at a time, and gone on with.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};

use super::super::backend::{CommitError, ReadError};

/// By the clock of the machine: whoever can open the file shares it.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

pub async fn lease(
    connection: &mut SqliteConnection,
    role: &str,
    holder: i64,
    length: Duration,
) -> Result<bool, CommitError> {
    let taken = sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO leases (role, holder, until) VALUES (?1, ?2, {NOW} + ?3)
         ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE leases.holder = excluded.holder OR leases.until <= {NOW}"
    )))
    .bind(role)
    .bind(holder)
    .bind(i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 4))
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() > 0)
}

pub async fn release(connection: &mut SqliteConnection, role: &str, holder: i64) -> Result<(), CommitError> {
    sqlx::query("DELETE FROM leases WHERE role = ?1 AND holder = ?2")
        .bind(role)
        .bind(holder)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn checkpoint(readers: &SqlitePool, name: &str) -> Result<Option<String>, ReadError> {
    let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'checkpoint.' || ?1");
    Ok(value.bind(name).fetch_optional(readers).await?)
}

pub async fn set_checkpoint(
    connection: &mut SqliteConnection,
    name: &str,
    value: Option<&str>,
) -> Result<(), CommitError> {
    let change = match value {
        Some(_) => {
            "INSERT INTO meta (name, value) VALUES ('checkpoint.' || ?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        }
        None => "DELETE FROM meta WHERE name = 'checkpoint.' || ?1 AND ?2 IS NULL",
    };
    sqlx::query(change).bind(name).bind(value).execute(connection).await?;
    Ok(())
}
