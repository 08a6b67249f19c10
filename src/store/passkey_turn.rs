//! Whose turn it is to change the passkeys of an identity, on whichever instance.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep};

use super::Store;
use super::backend::CommitError;
use crate::onboarding::IdentityId;

/// Whoever dies holds it for so long.
const HELD_FOR: Duration = Duration::from_secs(60);
const RENEWED_EVERY: Duration = Duration::from_secs(15);
const WAIT_FOR_TURN: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Held until it is given back; dropped, it lapses.
#[derive(Debug)]
#[must_use = "it is to be given back"]
pub struct PasskeyTurn {
    identity: IdentityId,
    holder: i64,
    renewing: JoinHandle<()>,
}

impl Drop for PasskeyTurn {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

fn role(identity: IdentityId) -> String {
    format!("import:{identity}")
}

impl Store {
    /// Waits for 8 s. `None`: somebody else's change takes longer.
    pub async fn passkey_turn(&self, identity: IdentityId) -> Result<Option<PasskeyTurn>, CommitError> {
        let mut holder = [0; 8];
        getrandom::fill(&mut holder).map_err(|error| CommitError::Unavailable(error.to_string().into()))?;
        let holder = i64::from_le_bytes(holder);
        let (until, mut wait) = (Instant::now() + WAIT_FOR_TURN, LOOK_AGAIN);
        while !self.lease(&role(identity), holder, HELD_FOR).await? {
            if Instant::now() >= until {
                return Ok(None);
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        let renewing = tokio::spawn(renew(self.clone(), role(identity), holder));
        Ok(Some(PasskeyTurn { identity, holder, renewing }))
    }

    pub async fn end_passkey_turn(&self, turn: PasskeyTurn) {
        turn.renewing.abort();
        if let Err(error) = self.release(&role(turn.identity), turn.holder).await {
            tracing::debug!(error = %error, "a turn to change passkeys lapses");
        }
    }
}

/// An operator's patience with Kratos is longer than a turn.
async fn renew(store: Store, role: String, holder: i64) {
    let mut ticks = interval(RENEWED_EVERY);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Ok(false) = store.lease(&role, holder, HELD_FOR).await {
            return;
        }
    }
}
