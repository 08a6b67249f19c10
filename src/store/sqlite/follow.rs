//! What other processes (the command line) wrote: one file has one log, in the order of its commits.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Row, SqlitePool};

use super::super::backend::{Elsewhere, Follow, ReadError};
use super::read::to_identity;

const LOOK_EVERY: Duration = Duration::from_millis(500);
const AT_ONCE: u32 = 1000;

#[derive(Debug)]
pub(super) struct Following {
    readers: SqlitePool,
    instance: i64,
    /// `seq` of the last event looked at.
    place: i64,
    erasures: i64,
}

impl Following {
    pub async fn begin(readers: SqlitePool, instance: i64) -> Result<Following, ReadError> {
        let (place, erasures) = (end(&readers).await?, erasures(&readers).await?);
        Ok(Following { readers, instance, place, erasures })
    }
}

#[async_trait]
impl Follow for Following {
    async fn next(&mut self) -> Result<Elsewhere, ReadError> {
        tokio::time::sleep(LOOK_EVERY).await;
        let erasures = erasures(&self.readers).await?;
        if std::mem::replace(&mut self.erasures, erasures) != erasures {
            return Ok(Elsewhere::Anything);
        }
        let end = end(&self.readers).await?;
        if end <= self.place {
            return Ok(Elsewhere::Wrote(Vec::new()));
        }
        let rows = sqlx::query(
            "SELECT e.seq, r.identity FROM events e CROSS JOIN records r ON r.id = e.record
             WHERE e.seq > ?1 AND e.seq <= ?2 AND e.instance <> ?3 ORDER BY e.seq LIMIT ?4",
        )
        .bind(self.place)
        .bind(end)
        .bind(self.instance)
        .bind(AT_ONCE)
        .fetch_all(&self.readers)
        .await?;
        let full = rows.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let identities = rows.iter().map(|row| to_identity(row.try_get("identity")?));
        let identities = identities.collect::<Result<_, ReadError>>()?;
        self.place = match rows.last() {
            Some(last) if full => last.try_get("seq")?,
            _ => end,
        };
        Ok(Elsewhere::Wrote(identities))
    }
}

async fn end(readers: &SqlitePool) -> Result<i64, ReadError> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM events").fetch_one(readers).await?)
}

async fn erasures(readers: &SqlitePool) -> Result<i64, ReadError> {
    let counted = "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'erasures'), 0)";
    Ok(sqlx::query_scalar(counted).fetch_one(readers).await?)
}
