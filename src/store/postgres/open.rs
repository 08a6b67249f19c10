//! Reaching a server, bringing its schema up, and refusing what must not be mixed.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::Mutex;

use super::super::open::{MadeBy, OpenError, Opening, check_schema};
use super::Postgres;
use super::line::{Line, Readers};
use super::progress::Progress;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// As `server_version_num` has it. 13 is the oldest that this service is written for.
const OLDEST: u32 = 13_00_00;
/// While one waits for the disk, the other is at work.
const WRITERS: u32 = 2;
/// Those that write and the one that listens.
const BESIDE_READERS: u32 = WRITERS + 1;
/// A server that is starting, or a machine that is busy, needs longer than a commit may.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// Where a database is and how this process behaves towards it.
#[derive(Debug, Clone)]
pub struct PostgresServer {
    /// A URL as libpq takes it.
    pub url: SecretString,
    /// The same without credentials, for messages.
    pub name: String,
    /// At most so many at once, 4 or more.
    pub connections: u32,
    /// How long a call may take.
    pub patience: Duration,
    /// Whether instances tell each other at once that there is something to look at; they look every second anyway.
    pub notify: bool,
}

impl Postgres {
    pub async fn open(server: &PostgresServer, opening: Opening) -> Result<Postgres, OpenError> {
        let database = server.name.clone();
        let failed = |source| OpenError::Database { database: database.clone(), source };
        let options = PgConnectOptions::from_str(server.url.expose_secret()).map_err(failed)?;
        let named = options.get_application_name().is_some();
        let options = if named { options } else { options.application_name("kratos-onboarding") };
        let connecting = tokio::time::timeout(REACHED_WITHIN, options.connect()).await;
        let connected = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let mut connection = connected.map_err(|source| unreached(&database, source))?;
        check_version(&database, &connection)?;
        settle_schema(&mut connection, &database, opening).await?;
        connection.close().await.map_err(failed)?;

        let progress = Arc::<Progress>::default();
        let line = |_| Mutex::new(Line::new(options.clone(), progress.clone(), server.patience));
        let readers = server.connections.saturating_sub(BESIDE_READERS);
        Ok(Postgres {
            writers: (0..WRITERS).map(line).collect(),
            readers: Readers::new(options.clone(), readers, server.patience),
            listener: server.notify.then(|| options.clone()),
            progress,
            hints: Arc::default(),
        })
    }
}

/// Nobody there, still starting, too many there already: or wrong for good.
fn unreached(database: &str, source: sqlx::Error) -> OpenError {
    let database = database.to_owned();
    let passing = match &source {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P0") || code == "53300")
        }
        _ => false,
    };
    if passing {
        OpenError::Unreachable { database, source }
    } else {
        OpenError::Database { database, source }
    }
}

fn check_version(database: &str, connection: &PgConnection) -> Result<(), OpenError> {
    match connection.server_version_num().and_then(too_old) {
        Some(found) => Err(OpenError::OldPostgres { database: database.to_owned(), found }),
        None => Ok(()),
    }
}

fn too_old(version: u32) -> Option<String> {
    (version < OLDEST).then(|| readable(version))
}

/// PostgreSQL, "server_version_num": two digits for the minor version since 10, two and two before.
fn readable(version: u32) -> String {
    match version / 10_000 {
        major @ 10.. => format!("{major}.{}", version % 10_000),
        major => format!("{major}.{}.{}", version / 100 % 100, version % 100),
    }
}

async fn settle_schema(
    connection: &mut PgConnection,
    database: &str,
    opening: Opening,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { database: database.to_owned(), source };
    let not_migrated = |source| OpenError::Migrate { database: database.to_owned(), source };
    if opening.is_migrating() {
        // Before the first look: of several that start at once one brings the schema up, the others find it done.
        sqlx::raw_sql("SET lock_timeout = '60s'").execute(&mut *connection).await.map_err(failed)?;
        connection.lock().await.map_err(not_migrated)?;
    }
    let made_by = made_by(connection).await.map_err(failed)?;
    opening.admit(database, made_by)?;
    let exists = table_exists(connection, &MIGRATIONS.table_name).await.map_err(failed)?;
    check_schema(connection, database, &MIGRATIONS, exists, opening).await?;
    if opening.adopts(made_by) {
        set_made_by(connection, opening.by()).await.map_err(failed)?;
    }
    if opening.is_migrating() {
        connection.unlock().await.map_err(not_migrated)?;
    }
    Ok(())
}

async fn table_exists(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(name).fetch_one(connection).await
}

async fn made_by(connection: &mut PgConnection) -> Result<Option<MadeBy>, sqlx::Error> {
    if !table_exists(connection, "meta").await? {
        return Ok(None);
    }
    let value: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'made_by'")
        .fetch_optional(connection)
        .await?;
    Ok(value.as_deref().and_then(MadeBy::parse))
}

async fn set_made_by(connection: &mut PgConnection, by: MadeBy) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO meta AS known (name, value) VALUES ('made_by', $1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE known.value <> excluded.value",
    )
    .bind(by.as_str())
    .execute(connection)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_as_people_write_it() {
        for (number, text) in [(130_000, "13.0"), (120_022, "12.22"), (90_603, "9.6.3"), (150_018, "15.18")] {
            assert_eq!(readable(number), text);
        }
    }

    #[test]
    fn thirteen_is_the_oldest() {
        assert_eq!(too_old(130_000), None);
        assert_eq!(too_old(180_001), None);
        assert_eq!(too_old(120_022).as_deref(), Some("12.22"));
        assert_eq!(too_old(90_624).as_deref(), Some("9.6.24"));
    }
}
