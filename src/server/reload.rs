//! What is read anew while the service runs: certificates and the policy, on SIGHUP; the policy also when its file changes.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::tls::Certificate;
use crate::config::{ConfigErrors, PolicyInForce, Settings};
use crate::store::Store;
use crate::telemetry::{Metrics, Reloaded};

/// By content, not by notice of the file system: a mounted ConfigMap is replaced by turning a link around.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads the settings as the start did.
pub type Reread = Box<dyn Fn() -> Result<Settings, ConfigErrors> + Send + Sync>;

/// Where the settings come from.
pub struct Origin {
    /// `None`: from a pipe, which was read up, or from nowhere.
    pub reread: Option<Reread>,
    pub file: Option<PathBuf>,
}

impl Origin {
    /// Settings that were made and not read: there is nothing to look at again.
    pub fn nowhere() -> Origin {
        Origin { reread: None, file: None }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("file", &self.file).finish_non_exhaustive()
    }
}

pub(super) struct Reload {
    pub origin: Origin,
    pub policy: Arc<PolicyInForce>,
    pub certificates: Vec<Arc<Certificate>>,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    /// `policy.denied_file`, as the settings named it last.
    pub denied_file: Mutex<Option<PathBuf>>,
}

impl Reload {
    /// On SIGHUP.
    pub fn all(&self) {
        for certificate in &self.certificates {
            match certificate.reload() {
                Ok(()) => tracing::info!(file = %certificate.file().display(), "certificate read again"),
                Err(error) => {
                    tracing::error!(error = %error, "the certificate could not be read again; the old one stays");
                }
            }
        }
        self.policy();
    }

    /// A policy with a mistake is refused whole, and the old one stays.
    fn policy(&self) {
        let Some(reread) = &self.origin.reread else {
            tracing::warn!("the settings cannot be read a second time, as from a pipe; the policy stays");
            return;
        };
        let reloaded = match reread() {
            Ok(settings) => {
                *self.denied_file.lock().unwrap_or_else(PoisonError::into_inner) = settings.denied_file;
                let changed = self.policy.replace(settings.policy);
                tracing::info!(changed, "the policy was read again; other settings wait for a restart");
                if changed {
                    // Each waiting page looks whether its answer is another one too.
                    self.store.wake_all();
                }
                if changed { Reloaded::Changed } else { Reloaded::Same }
            }
            Err(errors) => {
                for mistake in errors.mistakes() {
                    tracing::error!(%mistake, "the settings could not be read again; the old policy stays");
                }
                Reloaded::Refused
            }
        };
        self.metrics.policy_reloaded(reloaded);
    }

    /// Until it is dropped.
    pub async fn follow_file(&self) {
        let Some(reread) = &self.origin.reread else { return std::future::pending().await };
        let mut seen = self.fingerprint().await;
        // It may have changed between the start and the first look.
        if reread().is_ok_and(|settings| settings.policy != *self.policy.get()) {
            self.policy();
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.fingerprint().await;
            // Half written, or being replaced: whoever cannot be read is looked at again.
            if now.is_some() && now != seen {
                seen = now;
                self.policy();
            }
        }
    }

    /// Of the settings file and of the one it names; `None`: one cannot be read.
    async fn fingerprint(&self) -> Option<u64> {
        let denied_file = self.denied_file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut hasher = DefaultHasher::new();
        for file in self.origin.file.iter().chain(&denied_file) {
            tokio::fs::read(file).await.ok()?.hash(&mut hasher);
        }
        Some(hasher.finish())
    }
}
