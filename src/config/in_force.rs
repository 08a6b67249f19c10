//! The policy that holds now. It alone of all settings can change while the service runs.

use std::sync::{Arc, PoisonError, RwLock};

use crate::onboarding::Policy;

/// One for all rooms. Cheap to read.
#[derive(Debug)]
pub struct PolicyInForce(RwLock<Arc<Policy>>);

impl PolicyInForce {
    pub fn new(policy: Policy) -> PolicyInForce {
        PolicyInForce(RwLock::new(Arc::new(policy)))
    }

    pub fn get(&self) -> Arc<Policy> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is another one than before.
    pub fn replace(&self, policy: Policy) -> bool {
        let mut in_force = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **in_force != policy;
        if changed {
            *in_force = Arc::new(policy);
        }
        changed
    }
}
