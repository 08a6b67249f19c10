//! Whether Kratos takes what we hand in. The first answer that is surely as in no recording ends it, for every instance, until the
//! service is started again: people are sent through Kratos's settings flow meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::onboarding::IdentityId;
use crate::store::Store;
use crate::telemetry::Metrics;

const CHECKPOINT: &str = "import.off";
/// What another instance found out is heard of after that.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Different people.
const DOUBTS: usize = 3;

#[derive(Debug)]
pub struct Importing {
    store: Store,
    metrics: std::sync::Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    off: Option<String>,
    looked: Option<Instant>,
    /// People with whom something was odd, since the last with whom nothing was.
    doubts: Vec<IdentityId>,
}

impl Importing {
    pub fn new(store: Store, metrics: std::sync::Arc<Metrics>) -> Importing {
        metrics.import_is_on(true);
        Importing { store, metrics, state: Mutex::default() }
    }

    /// A start tries again.
    pub async fn begin(store: &Store) {
        if let Err(error) = store.set_checkpoint(CHECKPOINT, None).await {
            tracing::warn!(error = %error, "whether passkeys are handed in to Kratos cannot be written down");
        }
    }

    pub fn is_off(&self) -> bool {
        self.lock().off.is_some()
    }

    /// Why, if it is. Asks the database now and then.
    pub async fn off(&self) -> Option<String> {
        let is_due = {
            let mut state = self.lock();
            let is_due = state.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
            if is_due && state.off.is_none() {
                state.looked = Some(Instant::now());
            }
            is_due && state.off.is_none()
        };
        if is_due && let Ok(Some(why)) = self.store.checkpoint(CHECKPOINT).await {
            self.take(why, "another instance found out that Kratos does not take passkeys as recorded");
        }
        self.lock().off.clone()
    }

    /// Kratos took one as recorded.
    pub fn took(&self) {
        self.lock().doubts.clear();
    }

    /// Something was odd that may be of this person alone: they, or somebody else, may have changed the same identity at that
    /// moment. So many different people in a row, and it is Kratos.
    pub async fn doubt(&self, identity: IdentityId, why: &str) {
        tracing::warn!(why, "Kratos did not take a passkey as recorded; it may be about one identity");
        let enough = {
            let mut state = self.lock();
            if !state.doubts.contains(&identity) {
                state.doubts.push(identity);
            }
            state.doubts.len() >= DOUBTS
        };
        if enough {
            self.switch_off(why).await;
        }
    }

    /// Loudly. `why` holds nothing personal.
    pub async fn switch_off(&self, why: &str) {
        self.take(
            why.to_owned(),
            "Kratos does not take passkeys as recorded: the settings flow is used until a restart",
        );
        if let Err(error) = self.store.set_checkpoint(CHECKPOINT, Some(why)).await {
            tracing::warn!(error = %error, "other instances cannot be told to hand in no more passkeys");
        }
    }

    fn take(&self, why: String, message: &'static str) {
        self.metrics.import_is_on(false);
        let mut state = self.lock();
        if state.off.is_none() {
            tracing::error!(why, "{message}");
            state.off = Some(why);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
