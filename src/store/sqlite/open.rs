//! Opening a file, bringing its schema up, and refusing what must not be mixed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::super::backend::random;
use super::super::open::{MadeBy, OpenError, Opening, check_schema};
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

impl Sqlite {
    /// `path`: the file of `dsn`.
    pub async fn open(path: &Path, opening: Opening) -> Result<Sqlite, OpenError> {
        let database = path.display().to_string();
        let failed = |source| OpenError::Database { database: database.clone(), source };
        let migrate = opening.is_migrating();
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
            // What a row refers to, the same transaction read or wrote. To erase a record, everybody's identifiers would be
            // looked at for one that refers to it.
            .foreign_keys(false)
            .pragma("cache_size", PAGES_IN_MEMORY)
            .pragma("wal_autocheckpoint", CHECKPOINT_EVERY)
            // A statement of many rows keeps what it would undo in a temporary file otherwise, made for each of them.
            .pragma("temp_store", "memory")
            .busy_timeout(BUSY);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        check_library(&mut connection).await.map_err(failed)??;
        let made_by = made_by(&mut connection).await.map_err(failed)?;
        opening.admit(&database, made_by)?;
        let exists = table_exists(&mut connection, &MIGRATIONS.table_name).await.map_err(failed)?;
        check_schema(&mut connection, &database, &MIGRATIONS, exists, opening).await?;
        if opening.adopts(made_by) {
            set_made_by(&mut connection, opening.by()).await.map_err(failed)?;
        }
        connection.close().await.map_err(failed)?;
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(BUSY);
        let writer: SqlitePool = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Sqlite { writer, readers, instance: random() })
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

async fn check_library(connection: &mut SqliteConnection) -> Result<Result<(), OpenError>, sqlx::Error> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    Ok(if is_new_enough(&found) { Ok(()) } else { Err(OpenError::OldSqlite { found }) })
}

fn is_new_enough(found: &str) -> bool {
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SQLITE
}

async fn table_exists(connection: &mut SqliteConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)")
        .bind(name)
        .fetch_one(connection)
        .await
}

async fn made_by(connection: &mut SqliteConnection) -> Result<Option<MadeBy>, sqlx::Error> {
    if !table_exists(connection, "meta").await? {
        return Ok(None);
    }
    let value: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'made_by'")
        .fetch_optional(connection)
        .await?;
    Ok(value.as_deref().and_then(MadeBy::parse))
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
