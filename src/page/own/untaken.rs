//! Whose passkeys Kratos did not take lately: the next one would be as dead, and only their authenticator would have it.

use std::time::Duration;

use moka::sync::Cache;

use crate::onboarding::IdentityId;

const REMEMBERED_FOR: Duration = Duration::from_secs(60 * 60);
const REMEMBERED: u64 = 50_000;

/// On this instance.
#[derive(Debug)]
pub struct Untaken(Cache<IdentityId, ()>);

impl Default for Untaken {
    fn default() -> Untaken {
        Untaken(Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build())
    }
}

impl Untaken {
    pub fn holds(&self, identity: IdentityId) -> bool {
        self.0.contains_key(&identity)
    }

    pub fn remember(&self, identity: IdentityId) {
        self.0.insert(identity, ());
    }

    /// One of theirs was taken.
    pub fn forget(&self, identity: IdentityId) {
        self.0.invalidate(&identity);
    }
}
