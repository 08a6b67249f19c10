//! One instance at a time.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::store::{CommitError, Store};

const ROLE: &str = "reconcile";
/// Whoever dies holds it for so long.
const HELD_FOR: Duration = Duration::from_secs(60);
const RENEWED_EVERY: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    #[error("it cannot be found out whose turn it is: {0}")]
    Database(#[from] CommitError),
    #[error("the operating system gives no random bytes")]
    Random,
}

/// Held until it is given back, or lost because the database could not be told that it is still held.
#[derive(Debug)]
pub struct Turn {
    store: Store,
    holder: i64,
    lost: CancellationToken,
    renewing: JoinHandle<()>,
}

impl Turn {
    /// `None`: it is another's.
    pub async fn take(store: &Store) -> Result<Option<Turn>, TurnError> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|_| TurnError::Random)?;
        let holder = i64::from_le_bytes(bytes);
        if !store.lease(ROLE, holder, HELD_FOR).await? {
            return Ok(None);
        }
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(renew(store.clone(), holder, lost.clone()));
        Ok(Some(Turn { store: store.clone(), holder, lost, renewing }))
    }

    /// Resolves when somebody else may have it.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub async fn give_back(self) {
        self.renewing.abort();
        if let Err(error) = self.store.release(ROLE, self.holder).await {
            tracing::warn!(error = %error, "the turn to reconcile is held for another minute");
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn renew(store: Store, holder: i64, lost: CancellationToken) {
    let mut ticks = interval(RENEWED_EVERY);
    let mut held = Instant::now();
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        match store.lease(ROLE, holder, HELD_FOR).await {
            Ok(true) => held = asked,
            Ok(false) => break,
            Err(error) if held.elapsed() + RENEWED_EVERY >= HELD_FOR => {
                tracing::warn!(error = %error, "the turn to reconcile is lost");
                break;
            }
            Err(_) => {}
        }
    }
    lost.cancel();
}
