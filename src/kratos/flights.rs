//! Single flight: of many who ask the same at once, one asks.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

type UnderWay<K, T> = Mutex<HashMap<K, watch::Receiver<Option<T>>>>;

/// What is being asked right now, by key. A flight goes on when the one who began it leaves.
pub struct Flights<K, T> {
    under_way: Arc<UnderWay<K, T>>,
    runtime: Handle,
}

impl<K, T> Flights<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Flights run on `runtime`, which outlives those who wait (an actix worker's would not).
    pub fn new(runtime: Handle) -> Flights<K, T> {
        Flights { under_way: Arc::default(), runtime }
    }

    /// The answer of the flight under way, or of a new one. `None` when it was lost: a panic, or the runtime's end.
    pub async fn join<F>(&self, key: K, take_off: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut answer = self.board(key, take_off);
        let landed = answer.wait_for(Option::is_some).await;
        landed.ok().and_then(|answer| answer.clone())
    }

    fn board<F>(&self, key: K, take_off: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut under_way = lock(&self.under_way);
        if let Some(flight) = under_way.get(&key) {
            return flight.clone();
        }
        let (told, answer) = watch::channel(None);
        under_way.insert(key, answer.clone());
        let landing = Landing { key, under_way: self.under_way.clone() };
        // A runtime that has ended drops the flight here and now, and the landing takes the lock.
        drop(under_way);
        let flight = take_off();
        self.runtime.spawn(async move {
            let answer = flight.await;
            // First off the board, then told: who asks after the answer gets a new flight.
            drop(landing);
            told.send_replace(Some(answer));
        });
        answer
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

/// Takes the flight off the board, also when it panics.
struct Landing<K: Copy + Eq + Hash, T> {
    key: K,
    under_way: Arc<UnderWay<K, T>>,
}

impl<K: Copy + Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.key);
    }
}

fn lock<K, T>(under_way: &UnderWay<K, T>) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<T>>>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn many_ask_once_and_hear_the_same() {
        let flights: Flights<u8, u32> = Flights::new(Handle::current());
        let asked = Arc::new(AtomicU32::new(0));
        let ask = || {
            let asked = asked.clone();
            flights.join(1, move || async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                asked.fetch_add(1, Ordering::SeqCst)
            })
        };
        let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
        assert!(answers.iter().all(|answer| *answer == Some(0)));
        assert_eq!(ask().await, Some(1), "afterwards it is asked again");
    }

    #[tokio::test]
    async fn a_panic_is_heard_and_forgotten() {
        let flights: Flights<u8, u32> = Flights::new(Handle::current());
        assert_eq!(flights.join(1, || async { panic!("lost") }).await, None);
        assert_eq!(flights.join(1, || async { 7 }).await, Some(7));
    }

    #[tokio::test]
    async fn it_goes_on_when_the_first_one_leaves() {
        let flights: Flights<u8, u32> = Flights::new(Handle::current());
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            7
        };
        let left = tokio::time::timeout(Duration::from_millis(5), flights.join(1, slow)).await;
        assert!(left.is_err());
        assert_eq!(flights.join(1, || async { 8 }).await, Some(7));
    }
}
