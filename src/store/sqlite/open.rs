//! Opening a file, bringing its schema up, and refusing what must not be mixed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::Sqlite;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Earlier versions can corrupt a WAL when a checkpoint and a write meet (sqlite.org/wal.html, "the WAL reset bug").
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// Longer than another process of ours ever writes, shorter than a caller waits.
const BUSY: Duration = Duration::from_millis(800);
const READERS: u32 = 4;

/// Negative: kibibytes, of each connection, taken as they are needed. A batch that does not fit is written twice.
const PAGES_IN_MEMORY: &str = "-32768";
/// Bytes, of a new file. Keys are random, so a batch changes one small thing on each of many pages: half the usual size
/// writes half as much.
const PAGE: u32 = 2048;
/// Pages. A checkpoint writes each page once however often it changed, so a longer log writes less.
const CHECKPOINT_EVERY: &str = "16384";

/// Whose data a file holds. Development keys and production data must not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    Development,
    Production,
}

impl MadeBy {
    fn as_str(self) -> &'static str {
        match self {
            MadeBy::Development => "development",
            MadeBy::Production => "production",
        }
    }
}

/// What to do with the schema of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Make the file where there is none, bring the schema up.
    Migrate(MadeBy),
    /// Refuse a file whose schema is behind.
    Current(MadeBy),
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("dsn: there is no database at {0}; make it with: kratos-onboarding migrate sql")]
    Missing(PathBuf),
    #[error(
        "dsn: the schema of {path} is behind (at {found}, this version needs {needed}); bring it up with: kratos-onboarding migrate sql"
    )]
    Behind { path: PathBuf, found: i64, needed: i64 },
    #[error(
        "dsn: the schema of {path} is newer (at {found}) than this version knows ({known}); run the newer version"
    )]
    Ahead { path: PathBuf, found: i64, known: i64 },
    #[error(
        "dsn: {0} was made outside development mode; development mode does not touch it. Set another dsn, or serve without --dev"
    )]
    NotDevelopment(PathBuf),
    #[error("the SQLite library is {found}; 3.51.3 or later is needed: earlier ones can corrupt their WAL")]
    OldSqlite { found: String },
    #[error("dsn: {path} cannot be opened")]
    Database { path: PathBuf, source: sqlx::Error },
    #[error("dsn: the schema of {path} cannot be brought up")]
    Migrate { path: PathBuf, source: MigrateError },
}

impl Sqlite {
    /// `path`: the file of `dsn`.
    pub async fn open(path: &Path, opening: Opening) -> Result<Sqlite, OpenError> {
        let failed = |source| OpenError::Database { path: path.to_owned(), source };
        let migrate = matches!(opening, Opening::Migrate(_));
        if !migrate && !path.exists() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        if migrate {
            make_private(path).map_err(|source| failed(sqlx::Error::Io(source)))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .page_size(PAGE)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", PAGES_IN_MEMORY)
            .pragma("wal_autocheckpoint", CHECKPOINT_EVERY)
            // A statement of many rows keeps what it would undo in a temporary file otherwise, made for each of them.
            .pragma("temp_store", "memory")
            .busy_timeout(BUSY);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        check_library(&mut connection).await.map_err(failed)??;
        let (Opening::Migrate(by) | Opening::Current(by)) = opening;
        if by == MadeBy::Development
            && made_by(&mut connection).await.map_err(failed)? == Some(MadeBy::Production)
        {
            return Err(OpenError::NotDevelopment(path.to_owned()));
        }
        check_schema(&mut connection, path, migrate).await?;
        if migrate || by == MadeBy::Production {
            set_made_by(&mut connection, by).await.map_err(failed)?;
        }
        connection.close().await.map_err(failed)?;
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(BUSY);
        let writer: SqlitePool = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Sqlite { writer, readers, instance: instance() })
    }
}

/// A new file is for its owner only; SQLite gives its companions (`-wal`, `-shm`) the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Random, so that two processes differ; which one it is does not matter.
fn instance() -> i64 {
    let mut bytes = [0; 8];
    // Without randomness from the system nothing else here would work either.
    let _ = getrandom::fill(&mut bytes);
    i64::from_le_bytes(bytes)
}

async fn check_library(connection: &mut SqliteConnection) -> Result<Result<(), OpenError>, sqlx::Error> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    Ok(if is_new_enough(&found) { Ok(()) } else { Err(OpenError::OldSqlite { found }) })
}

fn is_new_enough(found: &str) -> bool {
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SQLITE
}

async fn check_schema(
    connection: &mut SqliteConnection,
    path: &Path,
    migrate: bool,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Migrate { path: path.to_owned(), source };
    let newest = |versions: &mut dyn Iterator<Item = i64>| versions.max().unwrap_or(0);
    let known = newest(&mut MIGRATIONS.iter().map(|migration| migration.version));
    let table = MIGRATIONS.table_name.as_ref();
    connection.ensure_migrations_table(table).await.map_err(failed)?;
    let applied = connection.list_applied_migrations(table).await.map_err(failed)?;
    let found = newest(&mut applied.iter().map(|migration| migration.version));
    if found > known {
        return Err(OpenError::Ahead { path: path.to_owned(), found, known });
    }
    if migrate {
        return MIGRATIONS.run_direct(None, connection, false).await.map_err(failed);
    }
    if found < known {
        return Err(OpenError::Behind { path: path.to_owned(), found, needed: known });
    }
    Ok(())
}

async fn made_by(connection: &mut SqliteConnection) -> Result<Option<MadeBy>, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'")
        .fetch_one(&mut *connection)
        .await?;
    if tables == 0 {
        return Ok(None);
    }
    let value: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'made_by'")
        .fetch_optional(connection)
        .await?;
    let kinds = [MadeBy::Development, MadeBy::Production];
    Ok(value.and_then(|value| kinds.into_iter().find(|kind| kind.as_str() == value)))
}

async fn set_made_by(connection: &mut SqliteConnection, by: MadeBy) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('made_by', ?1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
    )
    .bind(by.as_str())
    .execute(connection)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn a_library_that_can_corrupt_its_log_is_refused() {
        for new in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["3.51.2", "3.50.99", "3.9.9", "2.99.99", "", "x"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
