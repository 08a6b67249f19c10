//! Ceremonies that were begun.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Connection, Row, SqliteConnection};

use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::ceremonies::{AT_ONCE, Ceremonies, Ceremony, Ended, Handle, Holds, Whose};
use super::super::made_passkeys::MadePasskey;
use super::Sqlite;
use super::made_passkeys::keep;
use super::read::to_time;
use crate::ceremony::{Begun, Challenge, UserHandle};
use crate::onboarding::CeremonyKind;

#[async_trait]
impl Ceremonies for Sqlite {
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        holds: Holds,
    ) -> Result<UserHandle, CommitError> {
        self.write(async |connection| begin(connection, whose, begun, handle, holds).await).await
    }

    async fn ceremony(
        &self,
        challenge: Challenge,
        whose: Whose,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, ReadError> {
        let row = sqlx::query(
            "SELECT kind, state, handle, expires_at FROM ceremonies
             WHERE challenge = ?1 AND identity = ?2 AND session = ?3 AND expires_at > ?4",
        )
        .bind(challenge.0.as_slice())
        .bind(whose.identity.as_bytes().as_slice())
        .bind(whose.session.0.as_slice())
        .bind(now.as_microsecond())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            Ok(Ceremony {
                whose,
                begun: Begun {
                    kind: to_kind(row.try_get("kind")?)?,
                    challenge,
                    state: row.try_get("state")?,
                },
                handle: row.try_get::<&str, _>("handle")?.parse().map_err(|_| corrupt("a user handle"))?,
                expires_at: to_time(row.try_get("expires_at")?)?,
            })
        })
        .transpose()
    }

    async fn end_ceremony(
        &self,
        challenge: Challenge,
        made: Option<&MadePasskey>,
    ) -> Result<Ended, CommitError> {
        self.write(async |connection| end(connection, challenge, made).await).await
    }
}

async fn begin(
    connection: &mut SqliteConnection,
    whose: Whose,
    begun: &Begun,
    handle: &Handle,
    holds: Holds,
) -> Result<UserHandle, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM ceremonies WHERE expires_at <= ?1")
        .bind(holds.from.as_microsecond())
        .execute(&mut *transaction)
        .await?;
    let handle = match handle {
        Handle::Kept(handle) => handle.clone(),
        Handle::New(handle) => of_others(&mut transaction, whose).await?.unwrap_or_else(|| handle.clone()),
    };
    sqlx::query("INSERT INTO ceremonies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(begun.challenge.0.as_slice())
        .bind(whose.identity.as_bytes().as_slice())
        .bind(whose.session.0.as_slice())
        .bind(begun.kind.as_str())
        .bind(begun.state.as_slice())
        .bind(handle.as_str())
        .bind(holds.until.as_microsecond())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "DELETE FROM ceremonies WHERE challenge IN (
             SELECT challenge FROM ceremonies WHERE identity = ?1
             ORDER BY challenge = ?3 DESC, expires_at DESC LIMIT -1 OFFSET ?2)",
    )
    .bind(whose.identity.as_bytes().as_slice())
    .bind(AT_ONCE)
    .bind(begun.challenge.0.as_slice())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(handle)
}

/// That of the person's ceremonies that hold, else of the passkey that was made last: it may be on its way to Kratos, or be
/// put back one day.
async fn of_others(
    connection: &mut SqliteConnection,
    whose: Whose,
) -> Result<Option<UserHandle>, CommitError> {
    let handle: Option<String> = sqlx::query_scalar(
        "SELECT handle FROM (
             SELECT handle, 0 AS rest, expires_at AS at FROM ceremonies WHERE identity = ?1
             UNION ALL
             SELECT handle, 1, made_at FROM made_passkeys WHERE identity = ?1 AND removed_at IS NULL) AS known
         ORDER BY rest, at DESC LIMIT 1",
    )
    .bind(whose.identity.as_bytes().as_slice())
    .fetch_optional(connection)
    .await?;
    Ok(handle.and_then(|handle| handle.parse().ok()))
}

async fn end(
    connection: &mut SqliteConnection,
    challenge: Challenge,
    made: Option<&MadePasskey>,
) -> Result<Ended, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let used = sqlx::query("DELETE FROM ceremonies WHERE challenge = ?1").bind(challenge.0.as_slice());
    if used.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(Ended::Before);
    }
    if let Some(made) = made
        && !keep(&mut transaction, made).await?
    {
        // The challenge is used up all the same.
        transaction.commit().await?;
        return Ok(Ended::OfAnother);
    }
    transaction.commit().await?;
    Ok(Ended::Now)
}

pub(super) fn to_kind(text: &str) -> Result<CeremonyKind, ReadError> {
    CeremonyKind::parse(text).ok_or_else(|| corrupt("a kind of ceremony"))
}
