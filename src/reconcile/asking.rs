//! Kratos is asked what has become of passkeys of our own ceremony that a settings hook did not list.
//!
//! What is to be asked is in the database: it outlives a process and a Kratos that is away, and whichever instance comes first
//! asks. Two that ask at once write the same.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::kratos::{AskError, Identities};
use crate::onboarding::IdentityId;
use crate::store::{CommitError, ReadError, Store};

/// What another instance left, and what a hook was ahead of.
const EVERY: Duration = Duration::from_secs(60);
/// Failures of one round.
const ENOUGH: u32 = 3;
/// People that are read at once.
const GROUP: u32 = 100;

#[derive(Debug, thiserror::Error)]
enum AskingError {
    #[error(transparent)]
    Kratos(#[from] AskError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

#[derive(Debug)]
pub struct Asking {
    identities: Identities,
    store: Store,
    clock: Clock,
}

impl Asking {
    pub fn new(identities: Identities, store: Store, clock: Clock) -> Asking {
        Asking { identities, store, clock }
    }

    /// At once after each such hook of this process, else every minute. Ends soon after `stop`, whatever is under way.
    pub async fn run(self, stop: CancellationToken) {
        let unasked = self.store.unasked();
        let asking = async {
            loop {
                if let Err(error) = self.round().await {
                    tracing::warn!(error = %error, "what became of removed passkeys is asked again later");
                    sleep(EVERY).await;
                    continue;
                }
                tokio::select! {
                    () = unasked.notified() => {}
                    () = sleep(EVERY) => {}
                }
            }
        };
        tokio::select! {
            () = asking => {}
            () = stop.cancelled() => {}
        }
    }

    async fn round(&self) -> Result<(), AskingError> {
        let (mut after, mut trouble) = (None, None);
        let mut failed = 0;
        loop {
            let identities = self.store.unasked_identities(after, GROUP).await?;
            let Some(last) = identities.last() else { return trouble.map_or(Ok(()), Err) };
            after = Some(*last);
            for identity in identities {
                // One that Kratos has trouble with holds up no other; several, and it is Kratos.
                let Err(error) = self.ask(identity).await else { continue };
                failed += 1;
                if failed >= ENOUGH {
                    return Err(error);
                }
                trouble = Some(error);
            }
        }
    }

    async fn ask(&self, identity: IdentityId) -> Result<(), AskingError> {
        // Before Kratos is asked: what is handed in meanwhile is not missed in its answer.
        let made = self.store.made_passkeys(identity).await?;
        match self.identities.one(identity).await {
            Ok(told) => match told.held.found() {
                Some(found) => {
                    self.store.passkeys_found(&made, &found, self.clock.now()).await?;
                }
                None => tracing::warn!(
                    "a passkey that Kratos holds cannot be read; those that were removed stay unknown"
                ),
            },
            Err(AskError::Gone) => {
                self.store.passkeys_gone(identity, self.clock.now()).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
