//! Ceremonies that were begun.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::{Connection, PgConnection, Row};

use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::ceremonies::{AT_ONCE, Ceremonies, Ceremony, Ended, Handle, Holds, Whose};
use super::super::made_passkeys::MadePasskey;
use super::Postgres;
use super::line::Open;
use super::made_passkeys::keep;
use crate::ceremony::{Begun, Challenge, UserHandle};
use crate::onboarding::CeremonyKind;

#[async_trait]
impl Ceremonies for Postgres {
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        holds: Holds,
    ) -> Result<UserHandle, CommitError> {
        self.write(async |open| begin(open, whose, begun, handle, holds).await).await
    }

    async fn ceremony(
        &self,
        challenge: Challenge,
        whose: Whose,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, ReadError> {
        self.readers.read(async |connection| read(connection, challenge, whose, now).await).await
    }

    async fn end_ceremony(
        &self,
        challenge: Challenge,
        made: Option<&MadePasskey>,
    ) -> Result<Ended, CommitError> {
        self.write(async |open| end(open, challenge, made).await).await
    }
}

async fn read(
    connection: &mut PgConnection,
    challenge: Challenge,
    whose: Whose,
    now: Timestamp,
) -> Result<Option<Ceremony>, ReadError> {
    let row = sqlx::query(
        "SELECT kind, state, handle, expires_at FROM ceremonies
         WHERE challenge = $1 AND identity = $2 AND session = $3 AND expires_at > $4",
    )
    .bind(challenge.0.as_slice())
    .bind(whose.identity.as_uuid())
    .bind(whose.session.0.as_slice())
    .bind(SqlTime::from(now))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Ceremony {
            whose,
            begun: Begun { kind: to_kind(row.try_get("kind")?)?, challenge, state: row.try_get("state")? },
            handle: row.try_get::<&str, _>("handle")?.parse().map_err(|_| corrupt("a user handle"))?,
            expires_at: row.try_get::<SqlTime, _>("expires_at")?.to_jiff(),
        })
    })
    .transpose()
}

async fn begin(
    open: &mut Open,
    whose: Whose,
    begun: &Begun,
    handle: &Handle,
    holds: Holds,
) -> Result<UserHandle, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    sqlx::query("DELETE FROM ceremonies WHERE expires_at <= $1")
        .bind(SqlTime::from(holds.from))
        .execute(&mut *transaction)
        .await?;
    let handle = match handle {
        Handle::Kept(handle) => handle.clone(),
        Handle::New(handle) => of_others(&mut transaction, whose).await?.unwrap_or_else(|| handle.clone()),
    };
    sqlx::query("INSERT INTO ceremonies VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(begun.challenge.0.as_slice())
        .bind(whose.identity.as_uuid())
        .bind(whose.session.0.as_slice())
        .bind(begun.kind.as_str())
        .bind(begun.state.as_slice())
        .bind(handle.as_str())
        .bind(SqlTime::from(holds.until))
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "DELETE FROM ceremonies WHERE challenge IN (
             SELECT challenge FROM ceremonies WHERE identity = $1
             ORDER BY challenge = $3 DESC, expires_at DESC OFFSET $2)",
    )
    .bind(whose.identity.as_uuid())
    .bind(i64::from(AT_ONCE))
    .bind(begun.challenge.0.as_slice())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(handle)
}

/// That of the person's ceremonies that hold, else of the passkey that was made last: it may be on its way to Kratos, or be
/// put back one day.
async fn of_others(connection: &mut PgConnection, whose: Whose) -> Result<Option<UserHandle>, CommitError> {
    // Two at once would find none and begin with two.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
        .bind(whose.identity.as_uuid())
        .execute(&mut *connection)
        .await?;
    let handle: Option<String> = sqlx::query_scalar(
        "SELECT handle FROM (
             SELECT handle, 0 AS rest, expires_at AS at FROM ceremonies WHERE identity = $1
             UNION ALL
             SELECT handle, 1, made_at FROM made_passkeys WHERE identity = $1 AND removed_at IS NULL) AS known
         ORDER BY rest, at DESC LIMIT 1",
    )
    .bind(whose.identity.as_uuid())
    .fetch_optional(connection)
    .await?;
    Ok(handle.and_then(|handle| handle.parse().ok()))
}

async fn end(
    open: &mut Open,
    challenge: Challenge,
    made: Option<&MadePasskey>,
) -> Result<Ended, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let used = sqlx::query("DELETE FROM ceremonies WHERE challenge = $1").bind(challenge.0.as_slice());
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
