//! Of several instances one tells at a time.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::store::Store;

const ROLE: &str = "outbox";
/// Besides twice the time of a try.
const SPARE: Duration = Duration::from_secs(2);
/// Who was told that it is another's turn, or nothing, asks again after this.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Taken when there is something to tell, and kept by asking again while there is. Whoever stops asking loses it.
#[derive(Debug)]
pub struct Turn {
    store: Store,
    holder: i64,
    timeout: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// By the clock of this process, counted from before it was asked.
    until: Option<Instant>,
    refused: Option<Instant>,
}

impl Turn {
    /// `timeout`: of a try.
    pub fn new(store: Store, holder: i64, timeout: Duration) -> Turn {
        Turn { store, holder, timeout, held: Mutex::default() }
    }

    fn length(&self) -> Duration {
        self.timeout * 2 + SPARE
    }

    /// Until when: a try may begin now, and is over by then whatever becomes of it. `None`: it is another's turn, or that is
    /// not known.
    pub async fn hold(&self) -> Option<Instant> {
        let mut held = self.held.lock().await;
        let asked = Instant::now();
        if let Some(until) = held.until
            && until > asked + self.timeout + SPARE
        {
            return Some(until);
        }
        if held.refused.is_some_and(|refused| asked < refused + ASK_AGAIN) {
            return None;
        }
        match self.store.lease(ROLE, self.holder, self.length()).await {
            Ok(true) => *held = Held { until: Some(asked + self.length()), refused: None },
            Ok(false) => *held = Held { until: None, refused: Some(asked) },
            Err(error) => {
                tracing::warn!(error = %error, "it cannot be found out whose turn it is to tell receivers");
                held.refused = Some(asked);
            }
        }
        held.until.filter(|until| *until > Instant::now() + self.timeout)
    }

    /// The next one need not wait.
    pub async fn give_back(&self) {
        let held = self.held.lock().await.until.take();
        if held.is_some()
            && let Err(error) = self.store.release(ROLE, self.holder).await
        {
            tracing::warn!(error = %error, "the turn to tell receivers could not be given back; it lapses");
        }
    }
}
