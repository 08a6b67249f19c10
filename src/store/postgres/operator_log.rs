//! The log of operators.

use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::operator_log::{LogEntry, LogFilter, OperatorAction};
use super::line::Open;
use crate::onboarding::{EventId, IdentityId};

pub async fn add(open: &mut Open, entry: &LogEntry) -> Result<(), CommitError> {
    sqlx::query(
        "INSERT INTO operator_log (id, at, operator, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(entry.id.0)
    .bind(SqlTime::from(entry.at))
    .bind(entry.operator.as_str())
    .bind(entry.action.as_str())
    .bind(entry.subject.as_ref().map(IdentityId::as_uuid))
    .bind(Json(&entry.detail))
    .execute(&mut open.connection)
    .await?;
    Ok(())
}

pub async fn read(connection: &mut PgConnection, filter: &LogFilter) -> Result<Vec<LogEntry>, ReadError> {
    let rows = sqlx::query(
        "SELECT * FROM operator_log
         WHERE ($1::text IS NULL OR operator = $1) AND ($2::text IS NULL OR action = $2)
           AND ($3::uuid IS NULL OR subject = $3) AND ($4::uuid IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5",
    )
    .bind(filter.operator.as_ref().map(|operator| operator.as_str()))
    .bind(filter.action.map(OperatorAction::as_str))
    .bind(filter.subject.as_ref().map(IdentityId::as_uuid))
    .bind(filter.before.map(|id| id.0))
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(to_entry).collect()
}

fn to_entry(row: &PgRow) -> Result<LogEntry, ReadError> {
    let operator: &str = row.try_get("operator")?;
    let action: &str = row.try_get("action")?;
    let at: SqlTime = row.try_get("at")?;
    let subject: Option<Uuid> = row.try_get("subject")?;
    let Json(detail) = row.try_get("detail")?;
    Ok(LogEntry {
        id: EventId(row.try_get("id")?),
        at: at.to_jiff(),
        operator: operator.parse().map_err(|_| corrupt("an operator without a name"))?,
        action: OperatorAction::parse(action)
            .ok_or_else(|| corrupt("an action this version does not know"))?,
        subject: subject
            .map(|subject| subject.try_into().map_err(|_| corrupt("an all-zero identity")))
            .transpose()?,
        detail,
    })
}
