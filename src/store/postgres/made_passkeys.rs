//! The passkeys that came of ceremonies, and where they are.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::super::Whose;
use super::super::backend::{CommitError, ReadError, corrupt};
use super::super::made_passkeys::{MadePasskey, MadePasskeys, Placing, columns};
use super::Postgres;
use super::ceremonies::to_kind;
use super::line::Open;
use super::read::to_identity;
use crate::ceremony::{Flags, Made, Passkey, Whereabouts};
use crate::onboarding::{CredentialId, IdentityId, SessionDigest};

#[async_trait]
impl MadePasskeys for Postgres {
    async fn made_passkeys(&self, identities: &[IdentityId]) -> Result<Vec<MadePasskey>, ReadError> {
        self.readers.read(async |connection| made_by(connection, identities).await).await
    }

    async fn passkey_imported(
        &self,
        credential: &CredentialId,
        at: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<(), CommitError> {
        self.write(async |open| imported(open, credential, at, before).await).await
    }

    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        self.write(async |open| removed(open, identity, gone, at).await).await
    }

    async fn place_passkeys(&self, placings: &[Placing], at: Timestamp) -> Result<u64, CommitError> {
        self.write(async |open| place(open, placings, at).await).await
    }

    async fn passkeys_gone(&self, identity: IdentityId, at: Timestamp) -> Result<u64, CommitError> {
        self.write(async |open| identity_gone(open, identity, at).await).await
    }

    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        const IMPORTED: &str = "SELECT DISTINCT identity FROM made_passkeys
             WHERE ($1::uuid IS NULL OR identity > $1) AND imported_at IS NOT NULL AND removed_at IS NULL
             ORDER BY identity LIMIT $2";
        self.readers.read(async |connection| people(connection, IMPORTED, after, limit).await).await
    }

    async fn unasked_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        const UNASKED: &str = "SELECT DISTINCT identity FROM made_passkeys
             WHERE ($1::uuid IS NULL OR identity > $1) AND absence = 'unasked' AND removed_at IS NULL
             AND gone_at IS NULL
             ORDER BY identity LIMIT $2";
        self.readers.read(async |connection| people(connection, UNASKED, after, limit).await).await
    }
}

async fn made_by(
    connection: &mut PgConnection,
    identities: &[IdentityId],
) -> Result<Vec<MadePasskey>, ReadError> {
    let rows =
        sqlx::query("SELECT * FROM made_passkeys WHERE identity = ANY ($1) ORDER BY identity, credential")
            .bind(identities.iter().map(IdentityId::as_uuid).collect::<Vec<Uuid>>())
            .fetch_all(connection)
            .await?;
    rows.iter().map(to_made).collect()
}

async fn imported(
    open: &mut Open,
    credential: &CredentialId,
    at: Timestamp,
    before: Option<Timestamp>,
) -> Result<(), CommitError> {
    sqlx::query(
        "UPDATE made_passkeys SET imported_at = coalesce(imported_at, $2), before_at = coalesce($3, before_at),
             absence = NULL, absent_since = NULL, gone_at = NULL, version = version + 1
         WHERE credential = $1 AND removed_at IS NULL",
    )
    .bind(credential.as_bytes())
    .bind(SqlTime::from(at))
    .bind(before.map(SqlTime::from))
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
        "UPDATE made_passkeys SET removed_at = $3, absence = NULL, absent_since = NULL, version = version + 1
         WHERE identity = $1 AND removed_at IS NULL AND credential = ANY ($2)",
    )
    .bind(identity.as_uuid())
    .bind(gone.iter().map(CredentialId::as_bytes).collect::<Vec<_>>())
    .bind(SqlTime::from(at))
    .execute(&mut open.connection)
    .await?;
    Ok(done.rows_affected())
}

async fn place(open: &mut Open, placings: &[Placing], at: Timestamp) -> Result<u64, CommitError> {
    let mut transaction = open.connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let mut placed = 0;
    for Placing { credential, version, whereabouts } in placings {
        let done = sqlx::query(
            "UPDATE made_passkeys SET gone_at = NULL, version = version + 1,
                 imported_at = CASE WHEN $3 THEN coalesce(imported_at, $6) ELSE imported_at END,
                 removed_at = CASE WHEN $4 THEN $6 END,
                 absence = $5,
                 absent_since = CASE WHEN $5 IS NULL THEN NULL WHEN absence = $5 THEN absent_since ELSE $6 END
             WHERE credential = $1 AND version = $2 AND removed_at IS NULL",
        )
        .bind(credential.as_bytes())
        .bind(version)
        .bind(*whereabouts == Whereabouts::Held)
        .bind(*whereabouts == Whereabouts::Removed)
        .bind(columns::absence(*whereabouts))
        .bind(SqlTime::from(at))
        .execute(&mut *transaction)
        .await?;
        placed += done.rows_affected();
    }
    transaction.commit().await?;
    Ok(placed)
}

async fn identity_gone(open: &mut Open, identity: IdentityId, at: Timestamp) -> Result<u64, CommitError> {
    let done = sqlx::query(
        "UPDATE made_passkeys SET gone_at = $2, version = version + 1 WHERE identity = $1 AND gone_at IS NULL",
    )
    .bind(identity.as_uuid())
    .bind(SqlTime::from(at))
    .execute(&mut open.connection)
    .await?;
    Ok(done.rows_affected())
}

async fn people(
    connection: &mut PgConnection,
    statement: &'static str,
    after: Option<IdentityId>,
    limit: u32,
) -> Result<Vec<IdentityId>, ReadError> {
    let rows: Vec<Uuid> = sqlx::query_scalar(statement)
        .bind(after.map(|after| after.as_uuid()))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(to_identity).collect()
}

/// Whether it is not another person's.
pub(super) async fn keep(connection: &mut PgConnection, made: &MadePasskey) -> Result<bool, CommitError> {
    let MadePasskey { whose, kind, passkey, before, .. } = made;
    let Passkey { made, handle, name, made_at } = passkey;
    let kept = sqlx::query(
        "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags, transports,
                                    handle, name, made_at, before_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (credential) DO UPDATE SET session = excluded.session, kind = excluded.kind,
             public_key = excluded.public_key, aaguid = excluded.aaguid, sign_count = excluded.sign_count,
             flags = excluded.flags, transports = excluded.transports, handle = excluded.handle, name = excluded.name,
             made_at = excluded.made_at, before_at = excluded.before_at, imported_at = NULL, removed_at = NULL,
             absence = NULL, absent_since = NULL, gone_at = NULL, version = made_passkeys.version + 1
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
    .bind(before.map(SqlTime::from))
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
        before: time("before_at")?,
        imported_at: time("imported_at")?,
        removed_at: time("removed_at")?,
        absent: columns::absent(row.try_get("absence")?, time("absent_since")?)?,
        gone_at: time("gone_at")?,
        version: row.try_get("version")?,
    })
}

fn to_session(bytes: &[u8]) -> Result<SessionDigest, ReadError> {
    Ok(SessionDigest(bytes.try_into().map_err(|_| corrupt("a session"))?))
}
