//! The log of operators.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::operator_log::{LogEntry, LogFilter, OperatorAction};
use super::read::{to_event_id, to_identity, to_time};

pub async fn add(connection: &mut SqliteConnection, entry: &LogEntry) -> Result<(), CommitError> {
    sqlx::query(
        "INSERT INTO operator_log (id, at, operator, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(entry.id.0.as_bytes().as_slice())
    .bind(entry.at.as_microsecond())
    .bind(entry.operator.as_str())
    .bind(entry.action.as_str())
    .bind(entry.subject.as_ref().map(|subject| subject.as_bytes().as_slice()))
    .bind(entry.detail.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn read(readers: &SqlitePool, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT * FROM operator_log
         WHERE (?1 IS NULL OR operator = ?1) AND (?2 IS NULL OR action = ?2) AND (?3 IS NULL OR subject = ?3)
           AND (?4 IS NULL OR id < ?4)
         ORDER BY id DESC LIMIT ?5",
    )
    .bind(filter.operator.as_ref().map(|operator| operator.as_str()))
    .bind(filter.action.map(OperatorAction::as_str))
    .bind(filter.subject.as_ref().map(|subject| subject.as_bytes().as_slice()))
    .bind(filter.before.as_ref().map(|id| id.0.as_bytes().as_slice()))
    .bind(filter.limit)
    .fetch_all(readers)
    .await?;
    rows.iter().map(to_entry).collect()
}

fn to_entry(row: &SqliteRow) -> Result<LogEntry, ReadError> {
    let operator: &str = row.try_get("operator")?;
    let action: &str = row.try_get("action")?;
    let detail: &str = row.try_get("detail")?;
    let subject: Option<Vec<u8>> = row.try_get("subject")?;
    Ok(LogEntry {
        id: to_event_id(row.try_get("id")?)?,
        at: to_time(row.try_get("at")?)?,
        operator: operator.parse().map_err(|_| corrupt("an operator without a name"))?,
        action: OperatorAction::parse(action)
            .ok_or_else(|| corrupt("an action this version does not know"))?,
        subject: subject.map(to_identity).transpose()?,
        detail: serde_json::from_str(detail)?,
    })
}
