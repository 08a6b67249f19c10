//! What opening a database means, whichever it is.

use std::path::PathBuf;

use sqlx::migrate::{MigrateError, Migrator};

/// Whose data a database holds. Development keys and production data must not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeBy {
    Development,
    Production,
}

impl MadeBy {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            MadeBy::Development => "development",
            MadeBy::Production => "production",
        }
    }

    pub(super) fn parse(text: &str) -> Option<MadeBy> {
        [MadeBy::Development, MadeBy::Production].into_iter().find(|by| by.as_str() == text)
    }
}

/// What to do with the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Bring the schema up; make the file where there is none.
    Migrate(MadeBy),
    /// Refuse a schema that is behind.
    Current(MadeBy),
}

impl Opening {
    pub(super) fn by(self) -> MadeBy {
        let (Opening::Migrate(by) | Opening::Current(by)) = self;
        by
    }
}

/// `database` names it without credentials.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("dsn: there is no database at {0}; make it with: kratos-onboarding migrate sql")]
    Missing(PathBuf),
    #[error(
        "dsn: the schema of {database} is behind (at {found}, this version needs {needed}); bring it up with: kratos-onboarding migrate sql"
    )]
    Behind { database: String, found: i64, needed: i64 },
    #[error(
        "dsn: the schema of {database} is newer (at {found}) than this version knows ({known}); run the newer version"
    )]
    Ahead { database: String, found: i64, known: i64 },
    #[error(
        "dsn: {0} was made outside development mode; development mode does not touch it. Set another dsn, or serve without --dev"
    )]
    NotDevelopment(String),
    #[error("the SQLite library is {found}; 3.51.3 or later is needed: earlier ones can corrupt their WAL")]
    OldSqlite { found: String },
    #[error("dsn: {database} is PostgreSQL {found}; 13 or later is needed")]
    OldPostgres { database: String, found: String },
    /// Nobody answers, or not yet: it may be there a moment later.
    #[error("dsn: {database} cannot be reached")]
    Unreachable { database: String, source: sqlx::Error },
    #[error("dsn: {database} cannot be opened")]
    Database { database: String, source: sqlx::Error },
    #[error("dsn: the schema of {database} cannot be brought up")]
    Migrate { database: String, source: MigrateError },
}

/// Where a schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    Behind { needed: i64 },
    Current,
}

/// `found`: the newest migration applied, 0 for none.
pub(super) fn judge(database: &str, migrations: &Migrator, found: i64) -> Result<Schema, OpenError> {
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if found > known {
        return Err(OpenError::Ahead { database: database.to_owned(), found, known });
    }
    Ok(if found < known { Schema::Behind { needed: known } } else { Schema::Current })
}
