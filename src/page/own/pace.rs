//! How often one person may ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::onboarding::IdentityId;

const WINDOW: Duration = Duration::from_secs(60);
/// A page asks once when it opens and every few minutes; people open a few.
const MOST: u32 = 30;
const REMEMBERED: u64 = 50_000;

#[derive(Debug)]
pub struct Pace(Cache<IdentityId, Arc<AtomicU32>>);

impl Default for Pace {
    fn default() -> Pace {
        Pace(Cache::builder().max_capacity(REMEMBERED).time_to_live(WINDOW).build())
    }
}

impl Pace {
    /// Seconds after which a person who was too fast may ask again.
    pub const AGAIN_IN: u32 = 60;

    /// Whether that was not too often.
    pub fn allows(&self, identity: IdentityId) -> bool {
        let asked = self.0.get_with(identity, Arc::default);
        asked.fetch_add(1, Ordering::Relaxed) < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_who_asks_too_often_waits_and_others_do_not() {
        let pace = Pace::default();
        let [one, other] = [1, 2].map(|n| IdentityId::try_from(uuid::Uuid::from_u128(n)).unwrap());
        let allowed = (0..100).filter(|_| pace.allows(one)).count();
        assert_eq!((u32::try_from(allowed), pace.allows(other)), (Ok(MOST), true));
    }
}
