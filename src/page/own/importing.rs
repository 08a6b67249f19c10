//! Whether Kratos takes what we hand in. The first answer that is surely as in no recording ends it, for every instance, until
//! one of them that hands in is started: people are sent through Kratos's settings flow meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

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
    metrics: Arc<Metrics>,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    off: Option<Off>,
    looked: Option<Instant>,
    /// People with whom something was odd, since the last with whom nothing was.
    doubts: Vec<IdentityId>,
}

#[derive(Debug, Clone)]
struct Off {
    why: String,
    /// Where other instances read it.
    is_written: bool,
}

impl Importing {
    pub fn new(store: Store, metrics: Arc<Metrics>, runtime: Handle) -> Importing {
        metrics.import_is_on(true);
        Importing { store, metrics, runtime, state: Mutex::default() }
    }

    /// A start tries again, and all instances with it: what another found out of Kratos may be mended since.
    pub async fn begin(&self) {
        if let Err(error) = self.store.set_checkpoint(CHECKPOINT, None).await {
            tracing::warn!(error = %error, "whether passkeys are handed in to Kratos cannot be written down");
        }
    }

    /// As far as is known here. Has it looked for, now and then.
    pub fn is_off(self: &Arc<Importing>) -> bool {
        if self.is_due() {
            let importing = self.clone();
            self.runtime.spawn(async move { importing.look().await });
        }
        self.lock().off.is_some()
    }

    /// Why, if it is, as all instances have it by now: where it is off here, another may have begun anew.
    pub async fn off(&self) -> Option<String> {
        if self.is_due() || self.lock().off.is_some() {
            self.look().await;
        }
        self.lock().off.as_ref().map(|off| off.why.clone())
    }

    fn is_due(&self) -> bool {
        let mut state = self.lock();
        let is_due = state.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        if is_due {
            state.looked = Some(Instant::now());
        }
        is_due
    }

    async fn look(&self) {
        let here = self.lock().off.clone();
        match (self.store.checkpoint(CHECKPOINT).await, here) {
            (Ok(Some(why)), None) => {
                let off = Off { why, is_written: true };
                self.take(off, "another instance found out that Kratos does not take passkeys as recorded");
            }
            (Ok(None), Some(off)) if off.is_written => self.begin_again(),
            (Ok(None), Some(off)) => self.tell_others(&off.why).await,
            (Ok(Some(_)), Some(_)) | (Ok(None), None) | (Err(_), _) => {}
        }
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
            Off { why: why.to_owned(), is_written: false },
            "Kratos does not take passkeys as recorded: the settings flow is used until a restart",
        );
        self.tell_others(why).await;
    }

    async fn tell_others(&self, why: &str) {
        match self.store.set_checkpoint(CHECKPOINT, Some(why)).await {
            Ok(()) => {
                if let Some(off) = &mut self.lock().off {
                    off.is_written = true;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "other instances cannot be told yet to hand in no more passkeys");
            }
        }
    }

    fn take(&self, off: Off, message: &'static str) {
        let mut state = self.lock();
        if state.off.is_none() {
            tracing::error!(why = off.why, "{message}");
            state.off = Some(off);
            self.metrics.import_is_on(false);
        }
    }

    fn begin_again(&self) {
        let mut state = self.lock();
        if state.off.take().is_some() {
            tracing::info!("an instance was started: passkeys are handed in to Kratos again");
            state.doubts.clear();
            self.metrics.import_is_on(true);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::{MadeBy, Opening, Sqlite, WriterSettings};

    async fn instances() -> (Store, [Arc<Importing>; 2], tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let opening = Opening::Migrate(MadeBy::Development);
        let backend = Arc::new(Sqlite::open(&directory.path().join("test.db"), opening).await.unwrap());
        let metrics = Arc::new(Metrics::default());
        let (settings, clock) = (WriterSettings::default(), Clock::system());
        let store = Store::start(backend, settings, clock, metrics.clone()).await.unwrap();
        let instance = || Arc::new(Importing::new(store.clone(), metrics.clone(), Handle::current()));
        (store.clone(), [instance(), instance()], directory)
    }

    #[tokio::test]
    async fn what_one_instance_finds_out_holds_for_all_until_one_is_started() {
        let (_, [one, other], _directory) = instances().await;
        one.switch_off("it was lost").await;
        assert!(one.is_off());
        assert_eq!(other.off().await.as_deref(), Some("it was lost"));
        other.begin().await;
        for instance in [one, other] {
            assert_eq!(instance.off().await, None);
            assert!(!instance.is_off());
        }
    }

    #[tokio::test]
    async fn what_could_not_be_written_down_stays_off_and_is_written_down_later() {
        let (store, [one, other], _directory) = instances().await;
        one.take(Off { why: "it was lost".to_owned(), is_written: false }, "as where the database is down");
        assert_eq!(one.off().await.as_deref(), Some("it was lost"));
        assert_eq!(store.checkpoint(CHECKPOINT).await.unwrap().as_deref(), Some("it was lost"));
        assert_eq!(other.off().await.as_deref(), Some("it was lost"));
    }
}
