//! Tells the operator's receivers what happened to people, as Standard Webhooks: at least once, and in order for each
//! person.
//!
//! A commit leaves a letter for each receiver (see [`crate::store`]). Each receiver has a lane of its own here, so that one
//! that hangs holds up nobody else; requests run on a thread of their own, away from what answers hooks. Of several
//! instances one tells a receiver at a time, and a letter leaves the database only when its receiver has it.

mod connect;
mod courier;
mod lane;
mod pace;
mod pauses;
mod sender;
mod settling;
mod signature;
#[cfg(test)]
mod tests;
mod trouble;
mod turn;

use std::sync::Arc;

use crate::config::Events;
use crate::store::{ReadError, Receiver, Store};

pub use sender::{Sender, SenderError};

/// Who has letters and is not configured, or no longer: nobody tells them.
pub async fn unconfigured(store: &Store, events: &Events) -> Result<Vec<String>, ReadError> {
    let mut names = store.outbox_receivers().await?;
    names.retain(|name| !events.receivers.contains_key(name.as_str()));
    Ok(names)
}

/// Whom the store leaves letters for.
pub fn receivers(events: &Events) -> Arc<[Receiver]> {
    let receiver = |(name, receiver): (&crate::onboarding::ReceiverName, &crate::config::EventReceiver)| {
        Receiver { name: name.clone(), stages: receiver.stages.clone() }
    };
    events.receivers.iter().map(receiver).collect()
}
