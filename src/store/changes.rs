//! Who waits for news of an identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::onboarding::IdentityId;

type Waiting = HashMap<IdentityId, watch::Sender<()>>;

/// Wakes those who wait; costs nothing for identities nobody waits for.
#[derive(Debug, Default)]
pub struct Changes {
    waiting: Arc<Mutex<Waiting>>,
}

impl Changes {
    pub fn watch(&self, identity: IdentityId) -> Watch {
        let mut waiting = lock(&self.waiting);
        let receiver = waiting.entry(identity).or_insert_with(|| watch::Sender::new(())).subscribe();
        Watch { identity, receiver: Some(receiver), waiting: self.waiting.clone() }
    }

    pub fn wake(&self, identities: impl Iterator<Item = IdentityId>) {
        let waiting = lock(&self.waiting);
        if waiting.is_empty() {
            return;
        }
        for identity in identities {
            if let Some(sender) = waiting.get(&identity) {
                sender.send_replace(());
            }
        }
    }

    pub fn wake_all(&self) {
        for sender in lock(&self.waiting).values() {
            sender.send_replace(());
        }
    }
}

/// Resolves when an event of its identity was committed.
#[derive(Debug)]
pub struct Watch {
    identity: IdentityId,
    /// Taken when it is dropped.
    receiver: Option<watch::Receiver<()>>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Watch {
    /// After the watch was taken, or after the last call. Never resolves when the store is gone.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // First, so that of two that leave at once the later one finds nobody.
        drop(self.receiver.take());
        let mut waiting = lock(&self.waiting);
        if waiting.get(&self.identity).is_some_and(|sender| sender.receiver_count() == 0) {
            waiting.remove(&self.identity);
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
