//! What opening a database means, whichever it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sqlx::migrate::{Migrate, MigrateError, Migrator};

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

    /// Whether a database that was made so may be opened.
    pub(super) fn admit(self, database: &str, made_by: Option<MadeBy>) -> Result<(), OpenError> {
        if self.by() == MadeBy::Development && made_by == Some(MadeBy::Production) {
            return Err(OpenError::NotDevelopment(database.to_owned()));
        }
        Ok(())
    }

    /// Whether it is to be written down whose it is now. Nothing is written that stands there: what may only be read can
    /// be read.
    pub(super) fn adopts(self, made_by: Option<MadeBy>) -> bool {
        let may_write = self.is_migrating() || self.by() == MadeBy::Production;
        made_by != Some(self.by()) && may_write
    }

    pub(super) fn is_migrating(self) -> bool {
        matches!(self, Opening::Migrate(_))
    }
}

/// `database` names it without credentials.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("dsn: there is no database at {0}; make it with: kratos-onboarding migrate sql")]
    Missing(PathBuf),
    #[error(
        "dsn: the schema of {database} is behind (it lacks {}); bring it up with: kratos-onboarding migrate sql",
        migrations_named(.lacks)
    )]
    Behind { database: String, lacks: Vec<i64> },
    #[error(
        "dsn: the schema of {database} is newer than this version, which does not know {}; run the newer version",
        migrations_named(.unknown)
    )]
    Ahead { database: String, unknown: Vec<i64> },
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

fn migrations_named(versions: &[i64]) -> String {
    let word = if versions.len() == 1 { "migration" } else { "migrations" };
    let versions: Vec<_> = versions.iter().map(i64::to_string).collect();
    format!("{word} {}", versions.join(", "))
}

/// Brings the schema up, or refuses one that is behind. `exists`: there is a table of migrations.
///
/// Every migration is looked for, not the highest number: one that was merged late has a number in between.
pub(super) async fn check_schema(
    connection: &mut impl Migrate,
    database: &str,
    migrations: &Migrator,
    exists: bool,
    opening: Opening,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Migrate { database: database.to_owned(), source };
    let table = migrations.table_name.as_ref();
    let applied = if exists { connection.list_applied_migrations(table).await } else { Ok(Vec::new()) };
    let applied: BTreeSet<_> = applied.map_err(failed)?.iter().map(|migration| migration.version).collect();
    let known: BTreeSet<_> = migrations.iter().map(|migration| migration.version).collect();
    let unknown: Vec<_> = applied.difference(&known).copied().collect();
    if !unknown.is_empty() {
        return Err(OpenError::Ahead { database: database.to_owned(), unknown });
    }
    if opening.is_migrating() {
        return migrations.run_direct(None, connection, false).await.map_err(failed);
    }
    let lacks: Vec<_> = known.difference(&applied).copied().collect();
    if !lacks.is_empty() {
        return Err(OpenError::Behind { database: database.to_owned(), lacks });
    }
    Ok(())
}
