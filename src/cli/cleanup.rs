//! `cleanup sql --keep-last 90d`: forgets old events, old entries of the operators' log, old quarantine, and what is kept here of
//! passkeys that are of no more use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::terminal::say;
use crate::clock::Clock;
use crate::config::kept_duration;
use crate::store::{Cleaned, CommitError, KeepLast, ReadError, Store, WriterSettings};
use crate::telemetry::Metrics;

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(super) enum CleanupVerb {
    /// Forget events, what operators did, and quarantine that are older. Records stay, and what they know.
    ///
    /// Of passkeys made by our own ceremony, what is kept here is forgotten where it is of no more use: they were taken away, or
    /// may have been, or their identity was deleted, all before that time; or they did not reach Kratos within a day.
    /// Kratos's own stay.
    Sql(CleanupArguments),
}

#[derive(Debug, Args)]
pub(super) struct CleanupArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// What is younger stays: numbers with the units `w`, `d`, `h`, such as `90d`; a day at least.
    #[arg(long, value_name = "DURATION", value_parser = keep)]
    keep_last: KeepLast,
    /// Rows of one transaction; hooks come in between.
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch_size: u32,
}

fn keep(text: &str) -> Result<KeepLast, String> {
    KeepLast::try_from(kept_duration(text)?).map_err(|refused| refused.to_string())
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CleanupError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("stopped; what was forgotten before stays forgotten")]
    Commit(#[from] CommitError),
}

pub(super) fn run(verb: &CleanupVerb) -> Result<(), CleanupError> {
    let CleanupVerb::Sql(arguments) = verb;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CleanupError::Runtime)?.block_on(async {
        let Opened { database, .. } = arguments.config.open(Behind::Refuse, PATIENCE).await?;
        let clock = Clock::system();
        let before = arguments.keep_last.before(clock.now());
        let metrics = Arc::new(Metrics::default());
        let store = Store::start(database, WriterSettings::default(), clock, metrics).await?;
        let mut all = Cleaned::default();
        let done = loop {
            let begun = Instant::now();
            match store.clean(before, arguments.batch_size).await {
                Ok(batch) if batch.is_nothing() => break Ok(()),
                Ok(batch) => all = all.and(batch),
                Err(error) => break Err(error),
            }
            // A file has one writer at a time, and whoever waits for it looks only now and then: it is free for longer than
            // it is taken, so that the service and its hooks come in between.
            tokio::time::sleep(begun.elapsed() * 2).await;
        };
        store.close().await;
        let Cleaned { events, operator_log, quarantine, made_passkeys } = all;
        say(&format!(
            "forgotten, from before {before}: {events} events, {operator_log} entries of the operators' log, {quarantine} in quarantine, {made_passkeys} passkeys of no more use"
        ));
        Ok(done?)
    })
}
