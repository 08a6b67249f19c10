//! Who waits for a change: bounded by person and overall.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::onboarding::IdentityId;
use crate::telemetry::Metrics;

/// Tabs of one person that wait at once.
const A_PERSON: usize = 8;
const OVERALL: usize = 10_000;

/// Places to wait in.
#[derive(Debug)]
pub struct Waiting {
    taken: Arc<Mutex<Taken>>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Taken {
    overall: usize,
    by_person: HashMap<IdentityId, usize>,
}

/// All places are taken: the person's eight, or those of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many pages wait")]
pub struct TooMany;

impl Waiting {
    pub fn new(metrics: Arc<Metrics>) -> Waiting {
        Waiting { taken: Arc::default(), metrics }
    }

    pub fn take(&self, identity: IdentityId) -> Result<Place, TooMany> {
        let mut taken = lock(&self.taken);
        if taken.overall >= OVERALL {
            return Err(TooMany);
        }
        let person = taken.by_person.entry(identity).or_default();
        if *person >= A_PERSON {
            return Err(TooMany);
        }
        *person += 1;
        taken.overall += 1;
        self.metrics.waiting().inc();
        Ok(Place { identity, taken: self.taken.clone(), metrics: self.metrics.clone() })
    }
}

/// Given back when dropped.
#[derive(Debug)]
pub struct Place {
    identity: IdentityId,
    taken: Arc<Mutex<Taken>>,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.overall = taken.overall.saturating_sub(1);
        if let Some(person) = taken.by_person.get_mut(&self.identity) {
            *person = person.saturating_sub(1);
            if *person == 0 {
                taken.by_person.remove(&self.identity);
            }
        }
        self.metrics.waiting().dec();
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(nth: u128) -> IdentityId {
        Uuid::from_u128(nth + 1).try_into().unwrap()
    }

    #[test]
    fn a_person_has_eight_places_and_gets_them_back() {
        let waiting = Waiting::new(Arc::default());
        let mut places: Vec<_> = (0..A_PERSON).map(|_| waiting.take(person(1)).unwrap()).collect();
        assert_eq!(waiting.take(person(1)).unwrap_err(), TooMany);
        waiting.take(person(2)).unwrap();
        places.pop();
        places.push(waiting.take(person(1)).unwrap());
        drop(places);
        assert!(lock(&waiting.taken).by_person.is_empty());
        assert_eq!(waiting.metrics.waiting().get(), 0);
    }

    #[test]
    fn there_is_an_end_overall() {
        let waiting = Waiting::new(Arc::default());
        let places: Vec<_> = (0..OVERALL as u128).map(|nth| waiting.take(person(nth)).unwrap()).collect();
        assert_eq!(waiting.take(person(OVERALL as u128)).unwrap_err(), TooMany);
        drop(places);
        waiting.take(person(0)).unwrap();
    }
}
