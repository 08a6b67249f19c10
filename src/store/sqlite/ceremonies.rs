//! Ceremonies and what came of them.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};
use uuid::Uuid;

use super::super::backend::{CommitError, ReadError, corrupt, exactly};
use super::super::ceremonies::{
    AT_ONCE, Ceremonies, Ceremony, Ended, Handle, Holds, MadePasskey, Whose, columns,
};
use super::Sqlite;
use super::read::{to_identity, to_time};
use crate::ceremony::{Begun, Challenge, Flags, Made, Passkey, UserHandle};
use crate::onboarding::{CeremonyKind, CredentialId, IdentityId, SessionDigest};

#[async_trait]
impl Ceremonies for Sqlite {
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        times: Holds,
    ) -> Result<UserHandle, CommitError> {
        let mut connection = self.writer.acquire().await?;
        let done = begin(&mut connection, whose, begun, handle, times).await;
        self.settle(connection, done).await
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
        let mut connection = self.writer.acquire().await?;
        let done = end(&mut connection, challenge, made).await;
        self.settle(connection, done).await
    }

    async fn made_passkeys(&self, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError> {
        let rows = sqlx::query("SELECT * FROM made_passkeys WHERE identity = ?1 ORDER BY credential")
            .bind(identity.as_bytes().as_slice())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(to_made).collect()
    }

    async fn passkey_imported(&self, credential: &CredentialId, at: Timestamp) -> Result<(), CommitError> {
        let mut connection = self.writer.acquire().await?;
        let change = sqlx::query(
            "UPDATE made_passkeys SET imported_at = ?2 WHERE credential = ?1 AND imported_at IS NULL",
        );
        let change = change.bind(credential.as_bytes()).bind(at.as_microsecond());
        let done = change.execute(&mut *connection).await.map(drop).map_err(CommitError::from);
        self.settle(connection, done).await
    }

    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        let mut connection = self.writer.acquire().await?;
        let change = sqlx::query(
            "UPDATE made_passkeys SET removed_at = ?3 WHERE identity = ?1 AND removed_at IS NULL
             AND credential IN (SELECT unhex(value) FROM json_each(?2))",
        )
        .bind(identity.as_bytes().as_slice())
        .bind(serde_json::to_string(&gone)?)
        .bind(at.as_microsecond());
        let done = change.execute(&mut *connection).await;
        let done = done.map(|done| done.rows_affected()).map_err(CommitError::from);
        self.settle(connection, done).await
    }

    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT DISTINCT identity FROM made_passkeys
             WHERE identity > coalesce(?1, x'') AND imported_at IS NOT NULL AND removed_at IS NULL
             ORDER BY identity LIMIT ?2",
        )
        .bind(after.map(|after| after.as_bytes().to_vec()))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(to_identity).collect()
    }
}

async fn begin(
    connection: &mut SqliteConnection,
    whose: Whose,
    begun: &Begun,
    handle: &Handle,
    times: Holds,
) -> Result<UserHandle, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM ceremonies WHERE expires_at <= ?1")
        .bind(times.from.as_microsecond())
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
        .bind(times.until.as_microsecond())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "DELETE FROM ceremonies WHERE challenge IN (
             SELECT challenge FROM ceremonies WHERE identity = ?1 ORDER BY expires_at DESC LIMIT -1 OFFSET ?2)",
    )
    .bind(whose.identity.as_bytes().as_slice())
    .bind(AT_ONCE)
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

/// Whether it is not another person's.
async fn keep(connection: &mut SqliteConnection, made: &MadePasskey) -> Result<bool, CommitError> {
    let MadePasskey { whose, kind, passkey, .. } = made;
    let Passkey { made, handle, name, made_at } = passkey;
    let kept = sqlx::query(
        "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags, transports,
                                    handle, name, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (credential) DO UPDATE SET session = excluded.session, kind = excluded.kind,
             public_key = excluded.public_key, aaguid = excluded.aaguid, sign_count = excluded.sign_count,
             flags = excluded.flags, transports = excluded.transports, handle = excluded.handle, name = excluded.name,
             made_at = excluded.made_at, imported_at = NULL, removed_at = NULL
         WHERE made_passkeys.identity = excluded.identity",
    )
    .bind(made.id.as_bytes())
    .bind(whose.identity.as_bytes().as_slice())
    .bind(whose.session.0.as_slice())
    .bind(kind.as_str())
    .bind(made.public_key.as_slice())
    .bind(made.aaguid.as_bytes().as_slice())
    .bind(i64::from(made.sign_count))
    .bind(i64::from(made.flags.bits()))
    .bind(columns::transports(&made.transports))
    .bind(handle.as_str())
    .bind(name)
    .bind(made_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() > 0)
}

fn to_made(row: &SqliteRow) -> Result<MadePasskey, ReadError> {
    let time = |name: &str| row.try_get::<Option<i64>, _>(name)?.map(to_time).transpose();
    Ok(MadePasskey {
        whose: Whose {
            identity: to_identity(row.try_get("identity")?)?,
            session: SessionDigest(exactly(row.try_get("session")?)?),
        },
        kind: to_kind(row.try_get("kind")?)?,
        passkey: Passkey {
            made: Made {
                id: CredentialId::of_bytes(row.try_get("credential")?)
                    .map_err(|_| corrupt("a credential's id"))?,
                public_key: row.try_get("public_key")?,
                aaguid: Uuid::from_bytes(exactly(row.try_get("aaguid")?)?),
                sign_count: row.try_get("sign_count")?,
                flags: Flags::of_bits(row.try_get("flags")?),
                transports: columns::read_transports(row.try_get("transports")?),
            },
            handle: row.try_get::<&str, _>("handle")?.parse().map_err(|_| corrupt("a user handle"))?,
            name: row.try_get("name")?,
            made_at: to_time(row.try_get("made_at")?)?,
        },
        imported_at: time("imported_at")?,
        removed_at: time("removed_at")?,
    })
}

fn to_kind(text: &str) -> Result<CeremonyKind, ReadError> {
    CeremonyKind::parse(text).ok_or_else(|| corrupt("a kind of ceremony"))
}
