//! The passkeys that came of ceremonies, and where they are.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::super::Whose;
use super::super::backend::{CommitError, ReadError, corrupt, exactly};
use super::super::made_passkeys::{MadePasskey, MadePasskeys, Placing, columns};
use super::Sqlite;
use super::ceremonies::to_kind;
use super::read::{hex_list, to_identity, to_time};
use crate::ceremony::{Flags, Made, Passkey, Whereabouts};
use crate::onboarding::{CredentialId, IdentityId, SessionDigest};

#[async_trait]
impl MadePasskeys for Sqlite {
    async fn made_passkeys(&self, identities: &[IdentityId]) -> Result<Vec<MadePasskey>, ReadError> {
        let rows = sqlx::query(
            "SELECT * FROM made_passkeys WHERE identity IN (SELECT unhex(value) FROM json_each(?1))
             ORDER BY identity, credential",
        )
        .bind(hex_list(identities.iter().map(|identity| *identity.as_bytes())))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(to_made).collect()
    }

    async fn passkey_imported(
        &self,
        credential: &CredentialId,
        at: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<(), CommitError> {
        let change = sqlx::query(
            "UPDATE made_passkeys SET imported_at = coalesce(imported_at, ?2), before_at = coalesce(?3, before_at),
                 absence = NULL, absent_since = NULL, gone_at = NULL, version = version + 1
             WHERE credential = ?1 AND removed_at IS NULL",
        )
        .bind(credential.as_bytes())
        .bind(at.as_microsecond())
        .bind(before.map(Timestamp::as_microsecond));
        self.write(async |connection| Ok(change.execute(connection).await.map(drop)?)).await
    }

    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        let change = sqlx::query(
            "UPDATE made_passkeys SET removed_at = ?3, absence = NULL, absent_since = NULL, version = version + 1
             WHERE identity = ?1 AND removed_at IS NULL
             AND credential IN (SELECT unhex(value) FROM json_each(?2))",
        )
        .bind(identity.as_bytes().as_slice())
        .bind(hex_list(gone.iter().map(CredentialId::as_bytes)))
        .bind(at.as_microsecond());
        self.write(async |connection| Ok(change.execute(connection).await?.rows_affected())).await
    }

    async fn place_passkeys(&self, placings: &[Placing], at: Timestamp) -> Result<u64, CommitError> {
        self.write(async |connection| place(connection, placings, at).await).await
    }

    async fn passkeys_gone(&self, identity: IdentityId, at: Timestamp) -> Result<u64, CommitError> {
        let change = sqlx::query(
            "UPDATE made_passkeys SET gone_at = ?2, version = version + 1 WHERE identity = ?1 AND gone_at IS NULL",
        )
        .bind(identity.as_bytes().as_slice())
        .bind(at.as_microsecond());
        self.write(async |connection| Ok(change.execute(connection).await?.rows_affected())).await
    }

    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        const IMPORTED: &str = "SELECT DISTINCT identity FROM made_passkeys
             WHERE identity > coalesce(?1, x'') AND imported_at IS NOT NULL AND removed_at IS NULL
             ORDER BY identity LIMIT ?2";
        people(&self.readers, IMPORTED, after, limit).await
    }

    async fn unasked_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        const UNASKED: &str = "SELECT DISTINCT identity FROM made_passkeys
             WHERE identity > coalesce(?1, x'') AND absence = 'unasked' AND removed_at IS NULL AND gone_at IS NULL
             ORDER BY identity LIMIT ?2";
        people(&self.readers, UNASKED, after, limit).await
    }
}

/// `statement`: who comes after ?1, at most ?2, in the order of identities.
async fn people(
    readers: &SqlitePool,
    statement: &'static str,
    after: Option<IdentityId>,
    limit: u32,
) -> Result<Vec<IdentityId>, ReadError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(statement)
        .bind(after.map(|after| after.as_bytes().to_vec()))
        .bind(limit)
        .fetch_all(readers)
        .await?;
    rows.into_iter().map(to_identity).collect()
}

async fn place(
    connection: &mut SqliteConnection,
    placings: &[Placing],
    at: Timestamp,
) -> Result<u64, CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut placed = 0;
    for Placing { credential, version, whereabouts } in placings {
        let done = sqlx::query(
            "UPDATE made_passkeys SET gone_at = NULL, version = version + 1,
                 imported_at = CASE WHEN ?3 THEN coalesce(imported_at, ?6) ELSE imported_at END,
                 removed_at = CASE WHEN ?4 THEN ?6 END,
                 absence = ?5,
                 absent_since = CASE WHEN ?5 IS NULL THEN NULL WHEN absence = ?5 THEN absent_since ELSE ?6 END
             WHERE credential = ?1 AND version = ?2 AND removed_at IS NULL",
        )
        .bind(credential.as_bytes())
        .bind(version)
        .bind(*whereabouts == Whereabouts::Held)
        .bind(*whereabouts == Whereabouts::Removed)
        .bind(columns::absence(*whereabouts))
        .bind(at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        placed += done.rows_affected();
    }
    transaction.commit().await?;
    Ok(placed)
}

/// Whether it is not another person's.
pub(super) async fn keep(connection: &mut SqliteConnection, made: &MadePasskey) -> Result<bool, CommitError> {
    let MadePasskey { whose, kind, passkey, before, .. } = made;
    let Passkey { made, handle, name, made_at } = passkey;
    let kept = sqlx::query(
        "INSERT INTO made_passkeys (credential, identity, session, kind, public_key, aaguid, sign_count, flags, transports,
                                    handle, name, made_at, before_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (credential) DO UPDATE SET session = excluded.session, kind = excluded.kind,
             public_key = excluded.public_key, aaguid = excluded.aaguid, sign_count = excluded.sign_count,
             flags = excluded.flags, transports = excluded.transports, handle = excluded.handle, name = excluded.name,
             made_at = excluded.made_at, before_at = excluded.before_at, imported_at = NULL, removed_at = NULL,
             absence = NULL, absent_since = NULL, gone_at = NULL, version = made_passkeys.version + 1
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
    .bind(before.map(Timestamp::as_microsecond))
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
        before: time("before_at")?,
        imported_at: time("imported_at")?,
        removed_at: time("removed_at")?,
        absent: columns::absent(row.try_get("absence")?, time("absent_since")?)?,
        gone_at: time("gone_at")?,
        version: row.try_get("version")?,
    })
}
