//! Ceremonies and what came of them.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::ceremonies::{
    AT_ONCE, Ceremonies, Ceremony, Ended, Handle, Holds, MadePasskey, Whose, columns,
};
use super::Postgres;
use super::line::Open;
use super::read::to_identity;
use crate::ceremony::{Begun, Challenge, Flags, Made, Passkey, UserHandle};
use crate::onboarding::{CeremonyKind, CredentialId, IdentityId, SessionDigest};

#[async_trait]
impl Ceremonies for Postgres {
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        times: Holds,
    ) -> Result<UserHandle, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        writer.run(deadline, async |open| begin(open, whose, begun, handle, times).await).await
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
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        writer.run(deadline, async |open| end(open, challenge, made).await).await
    }

    async fn made_passkeys(&self, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError> {
        self.readers.read(async |connection| made_by(connection, identity).await).await
    }

    async fn passkey_imported(&self, credential: &CredentialId, at: Timestamp) -> Result<(), CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        writer.run(deadline, async |open| imported(open, credential, at).await).await
    }

    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        let deadline = self.readers.deadline();
        let mut writer = self.take_writer(deadline).await?;
        writer.run(deadline, async |open| removed(open, identity, gone, at).await).await
    }

    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.readers.read(async |connection| identities(connection, after, limit).await).await
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

async fn made_by(connection: &mut PgConnection, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError> {
    let rows = sqlx::query("SELECT * FROM made_passkeys WHERE identity = $1 ORDER BY credential")
        .bind(identity.as_uuid())
        .fetch_all(connection)
        .await?;
    rows.iter().map(to_made).collect()
}

async fn imported(open: &mut Open, credential: &CredentialId, at: Timestamp) -> Result<(), CommitError> {
    sqlx::query("UPDATE made_passkeys SET imported_at = $2 WHERE credential = $1 AND imported_at IS NULL")
        .bind(credential.as_bytes())
        .bind(SqlTime::from(at))
        .execute(&mut open.connection)
        .await?;
    Ok(())
}

async fn removed(
    open: &mut Open,
    identity: IdentityId,
    gone: &[CredentialId],
    at: Timestamp,
) -> Result<u64, CommitError> {
    let done = sqlx::query(
        "UPDATE made_passkeys SET removed_at = $3
         WHERE identity = $1 AND removed_at IS NULL AND credential = ANY ($2)",
    )
    .bind(identity.as_uuid())
    .bind(gone.iter().map(CredentialId::as_bytes).collect::<Vec<_>>())
    .bind(SqlTime::from(at))
    .execute(&mut open.connection)
    .await?;
    Ok(done.rows_affected())
}

async fn identities(
    connection: &mut PgConnection,
    after: Option<IdentityId>,
    limit: u32,
) -> Result<Vec<IdentityId>, ReadError> {
    let rows: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT identity FROM made_passkeys
         WHERE ($1::uuid IS NULL OR identity > $1) AND imported_at IS NOT NULL AND removed_at IS NULL
         ORDER BY identity LIMIT $2",
    )
    .bind(after.map(|after| after.as_uuid()))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(to_identity).collect()
}

async fn begin(
    open: &mut Open,
    whose: Whose,
    begun: &Begun,
    handle: &Handle,
    times: Holds,
) -> Result<UserHandle, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    sqlx::query("DELETE FROM ceremonies WHERE expires_at <= $1")
        .bind(SqlTime::from(times.from))
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
        .bind(SqlTime::from(times.until))
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "DELETE FROM ceremonies WHERE challenge IN (
             SELECT challenge FROM ceremonies WHERE identity = $1 ORDER BY expires_at DESC OFFSET $2)",
    )
    .bind(whose.identity.as_uuid())
    .bind(i64::from(AT_ONCE))
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

/// Whether it is not another person's.
async fn keep(connection: &mut PgConnection, made: &MadePasskey) -> Result<bool, CommitError> {
    let MadePasskey { whose, kind, passkey, .. } = made;
    let Passkey { made, handle, name, made_at } = passkey;
    let kept = sqlx::query(
        "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags, transports,
                                    handle, name, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (credential) DO UPDATE SET session = excluded.session, kind = excluded.kind,
             public_key = excluded.public_key, aaguid = excluded.aaguid, sign_count = excluded.sign_count,
             flags = excluded.flags, transports = excluded.transports, handle = excluded.handle, name = excluded.name,
             made_at = excluded.made_at, imported_at = NULL, removed_at = NULL
         WHERE made_passkeys.identity = excluded.identity",
    )
    .bind(made.id.as_bytes())
    .bind(whose.identity.as_uuid())
    .bind(whose.session.0.as_slice())
    .bind(kind.as_str())
    .bind(made.public_key.as_slice())
    .bind(made.aaguid)
    .bind(i64::from(made.sign_count))
    .bind(i16::from(made.flags.bits()))
    .bind(columns::transports(&made.transports))
    .bind(handle.as_str())
    .bind(name)
    .bind(SqlTime::from(*made_at))
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() > 0)
}

fn to_made(row: &PgRow) -> Result<MadePasskey, ReadError> {
    let time =
        |name: &str| Ok::<_, ReadError>(row.try_get::<Option<SqlTime>, _>(name)?.map(SqlTime::to_jiff));
    Ok(MadePasskey {
        whose: Whose {
            identity: to_identity(row.try_get("identity")?)?,
            session: to_session(row.try_get("session")?)?,
        },
        kind: to_kind(row.try_get("kind")?)?,
        passkey: Passkey {
            made: Made {
                id: CredentialId::of_bytes(row.try_get("credential")?)
                    .map_err(|_| corrupt("a credential's id"))?,
                public_key: row.try_get("public_key")?,
                aaguid: row.try_get("aaguid")?,
                sign_count: row.try_get::<i64, _>("sign_count")?.try_into().unwrap_or(u32::MAX),
                flags: Flags::of_bits(row.try_get::<i16, _>("flags")?.try_into().unwrap_or_default()),
                transports: columns::read_transports(row.try_get("transports")?),
            },
            handle: row.try_get::<&str, _>("handle")?.parse().map_err(|_| corrupt("a user handle"))?,
            name: row.try_get("name")?,
            made_at: row.try_get::<SqlTime, _>("made_at")?.to_jiff(),
        },
        imported_at: time("imported_at")?,
        removed_at: time("removed_at")?,
    })
}

fn to_kind(text: &str) -> Result<CeremonyKind, ReadError> {
    CeremonyKind::parse(text).ok_or_else(|| corrupt("a kind of ceremony"))
}

fn to_session(bytes: &[u8]) -> Result<SessionDigest, ReadError> {
    Ok(SessionDigest(bytes.try_into().map_err(|_| corrupt("a session"))?))
}
