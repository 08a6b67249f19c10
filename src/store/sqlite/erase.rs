//! Everything about one identity goes.

use sqlx::{Connection, Row, SqliteConnection};

use super::super::backend::{CommitError, Erased};
use super::read::to_record;
use crate::onboarding::{IdentityId, Record};

pub async fn erase(connection: &mut SqliteConnection, identity: IdentityId) -> Result<Erased, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let key = identity.as_bytes().as_slice();
    let row = sqlx::query("SELECT id, version, facts FROM records WHERE identity = ?1")
        .bind(key)
        .fetch_optional(&mut *transaction)
        .await?;
    let mut erased = Erased::default();
    if let Some(row) = row {
        let id: i64 = row.try_get("id")?;
        erased.identifiers = match to_record(&row) {
            Ok(record) => erase_identifiers(&mut transaction, id, &record).await?,
            // It does not say which they are.
            Err(_) => of_record(&mut transaction, id, "DELETE FROM identifiers WHERE record = ?1").await?,
        };
        erased.events = of_record(&mut transaction, id, "DELETE FROM events WHERE record = ?1").await?;
        erased.outbox = of_record(&mut transaction, id, "DELETE FROM outbox WHERE record = ?1").await?;
        of_record(&mut transaction, id, "DELETE FROM records WHERE id = ?1").await?;
        erased.record = true;
    }
    for (statement, erased) in [
        ("UPDATE operator_log SET subject = NULL WHERE subject = ?1", &mut 0),
        ("DELETE FROM ceremonies WHERE identity = ?1", &mut 0),
        ("DELETE FROM made_passkeys WHERE identity = ?1", &mut erased.made_passkeys),
    ] {
        *erased = sqlx::query(statement).bind(key).execute(&mut *transaction).await?.rows_affected();
    }
    // Whoever follows the log of events does not see what left it.
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('erasures', '1')
         ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(erased)
}

/// By their key, which begins with the digest: by the record alone everybody's would be looked at.
async fn erase_identifiers(
    connection: &mut SqliteConnection,
    id: i64,
    record: &Record,
) -> Result<u64, CommitError> {
    let mut erased = 0;
    for digest in record.identifiers.iter().flat_map(|dated| &dated.value) {
        let done = sqlx::query("DELETE FROM identifiers WHERE mac = ?1 AND key = ?2 AND record = ?3")
            .bind(digest.mac.as_slice())
            .bind(digest.key.as_slice())
            .bind(id)
            .execute(&mut *connection)
            .await?;
        erased += done.rows_affected();
    }
    Ok(erased)
}

async fn of_record(
    connection: &mut SqliteConnection,
    id: i64,
    statement: &'static str,
) -> Result<u64, CommitError> {
    Ok(sqlx::query(statement).bind(id).execute(connection).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use uuid::Uuid;

    use super::super::super::contract::{person, registered, store_on};
    use super::super::steps::{hundreds, opened};
    use super::*;

    const OTHERS: u128 = 3000;

    #[tokio::test]
    async fn what_others_have_costs_an_erasure_nothing() {
        let (sqlite, _directory) = opened().await;
        let store = store_on(sqlite.clone()).await;
        store.apply(registered(1, 1, 1)).await.unwrap();
        store.apply(registered(2, 1, 2)).await.unwrap();
        let mut connection = sqlite.writer.acquire().await.unwrap();
        for n in 0..OTHERS {
            sqlx::query("INSERT INTO identifiers (mac, key, record) VALUES (?1, x'01010101', 2)")
                .bind([Uuid::from_u128(n).as_bytes().as_slice(), &[0; 16]].concat())
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        let steps = hundreds(&mut connection).await;
        let erased = erase(&mut connection, person(1)).await.unwrap();
        assert_eq!(erased, Erased { record: true, events: 1, identifiers: 1, ..Erased::default() });
        assert!(steps.load(Ordering::Relaxed) < 20, "{steps:?} hundred steps");
    }

    #[tokio::test]
    async fn who_cannot_be_read_can_be_erased() {
        let (sqlite, _directory) = opened().await;
        store_on(sqlite.clone()).await.apply(registered(1, 1, 1)).await.unwrap();
        let mut connection = sqlite.writer.acquire().await.unwrap();
        sqlx::query("UPDATE records SET facts = '{'").execute(&mut *connection).await.unwrap();
        let erased = erase(&mut connection, person(1)).await.unwrap();
        assert_eq!(erased, Erased { record: true, events: 1, identifiers: 1, ..Erased::default() });
    }
}
