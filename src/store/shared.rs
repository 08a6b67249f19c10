//! What a store's handles, writers and companions share: who is told of a commit, here or elsewhere.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::backend::{Backend, Elsewhere, Follow};
use super::batch::{self, Outcome, Work};
use super::changes::Changes;
use super::memory::{Begun, Memory};
use super::outbox::{self, Receiver};
use super::writer::Answer;
use super::{funnel, quarantine};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// A log that cannot be read is looked at again after this.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

type Told = Box<dyn Fn(&Elsewhere) + Send + Sync>;

pub struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) elsewhere: OnceLock<Told>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) memory: Memory,
    pub(super) changes: Changes,
    /// Who is told of transitions.
    pub(super) receivers: Arc<[Receiver]>,
    pub(super) outbox_grew: watch::Sender<()>,
    /// There may be passkeys that Kratos is to be asked about.
    pub(super) unasked: Arc<Notify>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn committed(&self, begun: Begun, outcomes: &[Answer]) {
        // A duplicate too: it may be another instance that stored it first. And changed or not: a sign-in says nothing
        // new of the record, and may have changed the session.
        let records = outcomes.iter().filter_map(|outcome| match outcome {
            Ok(Outcome::Applied { record, .. } | Outcome::Duplicate { record }) => Some(record),
            _ => None,
        });
        self.memory.committed(begun, records.clone());
        for outcome in outcomes.iter().flatten() {
            if let Outcome::Applied { record, counted, .. } = outcome {
                counted.iter().for_each(|count| self.metrics.funnel(*count, funnel::method_of(record)));
            }
        }
        self.changes.wake(records.map(|record| record.identity));
        let grown = |outcome: &Answer| {
            outcome.as_ref().is_ok_and(|outcome| outbox::may_have_grown(&self.receivers, outcome))
        };
        if outcomes.iter().any(grown) {
            self.outbox_grew.send_replace(());
        }
    }

    /// Whether it is stored is not known: what is remembered may be older.
    pub(super) fn uncertain(&self, work: &[Work]) {
        self.memory.forget(batch::events(work).map(|event| event.identity));
    }

    /// Drops from memory what others wrote, and wakes who waits for it.
    pub(super) async fn follow(&self, mut following: Box<dyn Follow>) {
        let mut lost = false;
        loop {
            match following.next().await {
                Ok(elsewhere) => {
                    if std::mem::take(&mut lost) {
                        tracing::info!("the log is followed again");
                    }
                    self.heard(&elsewhere);
                    self.memory.followed();
                }
                Err(error) => {
                    if !std::mem::replace(&mut lost, true) {
                        tracing::warn!(error = %error, "the log cannot be followed");
                    }
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                }
            }
        }
    }

    pub(super) fn heard(&self, elsewhere: &Elsewhere) {
        if matches!(elsewhere, Elsewhere::Wrote(identities) if identities.is_empty()) {
            return;
        }
        self.outbox_grew.send_replace(());
        // First, so that whoever is woken finds what this did.
        if let Some(told) = self.elsewhere.get() {
            told(elsewhere);
        }
        match elsewhere {
            Elsewhere::Wrote(identities) => {
                self.memory.heard_of(identities.iter().copied());
                self.changes.wake(identities.iter().copied());
            }
            Elsewhere::Anything => {
                self.memory.heard_of_all();
                self.changes.wake_all();
            }
        }
    }

    pub(super) async fn expire(&self, clock: &Clock) {
        loop {
            let before = clock.now().checked_sub(quarantine::SEALED_KEPT).unwrap_or(Timestamp::MIN);
            if let Err(error) = self.backend.expire_sealed(before).await {
                tracing::warn!(error = %error, "old quarantined bodies could not be forgotten");
            }
            tokio::time::sleep(EXPIRE_EVERY).await;
        }
    }
}
