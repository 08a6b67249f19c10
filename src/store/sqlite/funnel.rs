//! The numbers of the funnel.

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::super::backend::{CommitError, ReadError};
use super::super::funnel::{Counts, FunnelRow, number_of, row};
use jiff::civil::Date;

pub async fn add(connection: &mut SqliteConnection, counts: &Counts) -> Result<(), CommitError> {
    if counts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = counts
        .iter()
        .map(|((day, method, count), n)| {
            let (outcome, kind) = count.names();
            (day, method, outcome, kind, n)
        })
        .collect();
    // One process writes a file at a time: one shard is enough.
    sqlx::query(
        "INSERT INTO funnel (day, method, outcome, kind, shard, n)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, value ->> 4 FROM jsonb_each(?1) WHERE true
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
    )
    .bind(serde_json::to_string(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn read(readers: &SqlitePool, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError> {
    let rows = sqlx::query(
        "SELECT day, method, outcome, kind, sum(n) AS n FROM funnel WHERE day BETWEEN ?1 AND ?2
         GROUP BY day, method, outcome, kind ORDER BY day, method, outcome, kind",
    )
    .bind(number_of(from))
    .bind(number_of(to))
    .fetch_all(readers)
    .await?;
    let mut read = Vec::with_capacity(rows.len());
    for stored in &rows {
        let (outcome, kind): (&str, &str) = (stored.try_get("outcome")?, stored.try_get("kind")?);
        let (day, n) = (stored.try_get("day")?, stored.try_get("n")?);
        read.extend(row(day, stored.try_get("method")?, outcome, kind, n));
    }
    Ok(read)
}
