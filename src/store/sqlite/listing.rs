//! Records, page by page.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use super::super::backend::ReadError;
use super::super::listing::{LOOKED_AT, Page, PageToken, RecordFilter};
use super::read::to_record;
use crate::onboarding::{Method, Record, Stage};

pub async fn page(
    readers: &SqlitePool,
    filter: &RecordFilter,
    after: Option<PageToken>,
    limit: u32,
) -> Result<Page, ReadError> {
    let after = after.map_or(0, |token| token.0);
    // First, and once: were it found anew after the rows, it could lie behind some that came or went meanwhile.
    let end: Option<i64> =
        sqlx::query_scalar("SELECT id FROM records WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2")
            .bind(after)
            .bind(LOOKED_AT - 1)
            .fetch_optional(readers)
            .await?;
    let rows = sqlx::query(
        "SELECT id, version, facts FROM records
         WHERE id > ?1 AND id <= ?2
           AND (?3 IS NULL OR stage = ?3)
           AND (?4 IS NULL OR facts ->> '$.registration.method' = ?4)
           AND (?5 IS NULL OR facts ->> '$.schema_id.value' = ?5)
           AND (?6 IS NULL OR changed_at >= ?6) AND (?7 IS NULL OR changed_at < ?7)
         ORDER BY id LIMIT ?8",
    )
    .bind(after)
    .bind(end.unwrap_or(i64::MAX))
    .bind(filter.stage.map(Stage::as_str))
    .bind(filter.registration_method.map(Method::as_str))
    .bind(filter.schema_id.as_ref().map(|schema| schema.as_str()))
    .bind(filter.changed_from.map(|at| at.as_microsecond()))
    .bind(filter.changed_before.map(|at| at.as_microsecond()))
    .bind(limit)
    .fetch_all(readers)
    .await?;
    let found = rows.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(found, limit, end))
}

fn placed(row: &SqliteRow) -> Result<(i64, Record), ReadError> {
    Ok((row.try_get("id")?, to_record(row)?))
}
