//! `migrate sql`.

use clap::Subcommand;

use super::configuration::{ConfigArguments, OpeningError, database_path, made_by};
use super::terminal::say;
use crate::store::{OpenError, Opening, Sqlite};

#[derive(Debug, Subcommand)]
pub(super) enum MigrateVerb {
    /// Make the database named by `dsn`, or bring its schema up.
    Sql(ConfigArguments),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    #[error(transparent)]
    Settings(#[from] OpeningError),
    #[error(transparent)]
    Database(#[from] OpenError),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
}

pub(super) fn run(verb: &MigrateVerb) -> Result<(), MigrateError> {
    let MigrateVerb::Sql(arguments) = verb;
    let settings = arguments.judge()?;
    let path = database_path(&settings.dsn);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(MigrateError::Runtime)?.block_on(async {
        let database = Sqlite::open(path, Opening::Migrate(made_by(settings.mode))).await?;
        crate::store::Backend::close(&database).await;
        Ok::<(), OpenError>(())
    })?;
    say(&format!("{} is up to date", path.display()));
    Ok(())
}
