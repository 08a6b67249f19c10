//! The same again and again, beside the service.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::pass::{Mode, PassError, Reconciler};
use super::progress::{Nobody, Summary};
use super::turn::{Turn, TurnError};
use crate::config;
use crate::store::{CommitError, ReadError};

/// When the last pass came to its end, by whichever instance.
const DONE: &str = "reconcile.done";
/// After trouble, and twice as long each time until it is as long as `every`.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Turn(#[from] TurnError),
    #[error(transparent)]
    Pass(#[from] PassError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Kept(#[from] CommitError),
    #[error("another instance took the turn")]
    Lost,
    #[error("the service stops")]
    Stopped,
}

/// Runs a pass when one is due, until it is stopped.
#[derive(Debug)]
pub struct Background {
    reconciler: Reconciler,
    every: SignedDuration,
    jitter: SignedDuration,
}

impl Background {
    pub fn new(reconciler: Reconciler, settings: &config::Reconcile) -> Background {
        Background { reconciler, every: settings.every, jitter: settings.jitter }
    }

    /// Ends soon after `stop`, whatever is under way.
    pub async fn run(self, stop: CancellationToken) {
        let mut wait = self.some_jitter();
        let mut trouble = AFTER_TROUBLE;
        loop {
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            wait = match self.run_if_due(&stop).await {
                Ok(next) => {
                    trouble = AFTER_TROUBLE;
                    next
                }
                Err(RunError::Stopped) => return,
                Err(RunError::Pass(error @ PassError::TooManyGone { .. })) => {
                    self.reconciler.metrics.reconcile_run("refused");
                    tracing::error!(error = %error, "reconciliation does not go on");
                    as_std(self.every) + self.some_jitter()
                }
                Err(error) => {
                    self.reconciler.metrics.reconcile_run("failed");
                    tracing::error!(error = %error, "reconciliation was interrupted; it goes on later");
                    let wait = as_std(trouble.min(self.every));
                    trouble = trouble.saturating_mul(2).min(self.every.max(AFTER_TROUBLE));
                    wait
                }
            };
        }
    }

    /// How long to wait for the next.
    async fn run_if_due(&self, stop: &CancellationToken) -> Result<Duration, RunError> {
        let Reconciler { store, clock, metrics, .. } = &self.reconciler;
        if let Some(wait) = self.not_yet().await? {
            return Ok(wait);
        }
        let Some(turn) = Turn::take(store).await? else {
            // Whoever has it will be done, or will have died, by then.
            return Ok(as_std(AFTER_TROUBLE.min(self.every)));
        };
        let done = tokio::select! {
            done = self.pass() => done,
            () = turn.lost() => Err(RunError::Lost),
            () = stop.cancelled() => Err(RunError::Stopped),
        };
        let now = clock.now();
        if done.is_ok() {
            store.set_checkpoint(DONE, Some(&now.to_string())).await?;
            metrics.reconcile_run("completed");
            metrics.reconcile_completed(now.as_second());
        }
        turn.give_back().await;
        done?;
        Ok(as_std(self.every) + self.some_jitter())
    }

    /// Of several instances one is enough: whether another was there first.
    async fn not_yet(&self) -> Result<Option<Duration>, RunError> {
        let Reconciler { store, clock, metrics, .. } = &self.reconciler;
        let done: Option<Timestamp> = store.checkpoint(DONE).await?.and_then(|done| done.parse().ok());
        let Some(done) = done else { return Ok(None) };
        metrics.reconcile_completed(done.as_second());
        let since = clock.now().duration_since(done);
        // One that lies in the future was written by a clock that is wrong.
        let is_due = since >= self.every || since.is_negative();
        Ok((!is_due).then(|| as_std(self.every.saturating_sub(since)) + self.some_jitter()))
    }

    async fn pass(&self) -> Result<(), RunError> {
        tracing::info!("reconciliation begins");
        let summary = self.reconciler.pass(Mode::Correct, false, &mut Nobody).await?;
        let Summary { seen, created, up, down, gone, .. } = summary;
        tracing::info!(
            seen,
            differed = summary.differed(),
            created,
            up,
            down,
            gone,
            "reconciliation is done"
        );
        Ok(())
    }

    fn some_jitter(&self) -> Duration {
        let mut bytes = [0; 2];
        // Without randomness it is none.
        let _ = getrandom::fill(&mut bytes);
        as_std(self.jitter).mul_f64(f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX))
    }
}

fn as_std(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}
