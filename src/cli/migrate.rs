//! `migrate sql`.

use std::time::Duration;

use clap::Subcommand;

use super::configuration::{ConfigArguments, OpeningError, made_by, open_database};
use super::terminal::say;
use crate::store::{OpenError, Opening};

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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(MigrateError::Runtime)?.block_on(async {
        let opening = Opening::Migrate(made_by(settings.mode));
        open_database(&settings.dsn, opening, Duration::ZERO).await?.close().await;
        Ok::<(), OpenError>(())
    })?;
    say(&format!("{} is up to date", settings.dsn));
    Ok(())
}
