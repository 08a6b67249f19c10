//! The numbers of the funnel.

use jiff::civil::Date;
use sqlx::{PgConnection, Row};

use super::super::backend::ReadError;
use super::super::funnel::{Counts, FunnelRow, number_of, row};

/// Who commits takes the first shard that nobody commits to. Those that find none share one more, and wait for each other.
pub const SHARDS: i32 = 64;
/// Tells these advisory locks from any others in the database: "fnnl".
pub const LOCKS: i32 = 0x666e_6e6c;

/// Of a commit, in the order that all instances lock in.
pub struct Columns {
    pub days: Vec<i32>,
    pub methods: Vec<&'static str>,
    pub outcomes: Vec<&'static str>,
    pub kinds: Vec<&'static str>,
    pub n: Vec<i64>,
}

impl Columns {
    pub fn of(counts: &Counts) -> Columns {
        let mut rows: Vec<_> =
            counts.iter().map(|((day, method, count), n)| (*day, *method, count.names(), *n)).collect();
        rows.sort_unstable();
        Columns {
            days: rows.iter().map(|(day, ..)| *day).collect(),
            methods: rows.iter().map(|(_, method, ..)| *method).collect(),
            outcomes: rows.iter().map(|(_, _, (outcome, _), _)| *outcome).collect(),
            kinds: rows.iter().map(|(_, _, (_, kind), _)| *kind).collect(),
            n: rows.iter().map(|(.., n)| *n).collect(),
        }
    }
}

pub async fn read(connection: &mut PgConnection, from: Date, to: Date) -> Result<Vec<FunnelRow>, ReadError> {
    let rows = sqlx::query(
        "SELECT day::bigint AS day, method, outcome, kind, sum(n)::bigint AS n FROM funnel
         WHERE day BETWEEN $1 AND $2 GROUP BY day, method, outcome, kind ORDER BY day, method, outcome, kind",
    )
    .bind(number_of(from))
    .bind(number_of(to))
    .fetch_all(connection)
    .await?;
    let mut read = Vec::with_capacity(rows.len());
    for stored in &rows {
        let (outcome, kind): (&str, &str) = (stored.try_get("outcome")?, stored.try_get("kind")?);
        let (day, n) = (stored.try_get("day")?, stored.try_get("n")?);
        read.extend(row(day, stored.try_get("method")?, outcome, kind, n));
    }
    Ok(read)
}
