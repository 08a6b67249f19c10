//! What receivers are still to be told. An event and what is to be told of it are one commit; a letter leaves when its
//! receiver has it, or is kept as dead.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::Store;
use super::backend::{CommitError, ReadError};
use super::batch::{EventRow, Outcome};
use crate::onboarding::{Event, EventId, EventKind, IdentityId, ReceiverName, Stage, Transition};

/// Who is told of transitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    pub name: ReceiverName,
    /// Those that are told when somebody comes to them; `None`: all.
    pub stages: Option<BTreeSet<Stage>>,
}

impl Receiver {
    fn wants(&self, stage: Stage) -> bool {
        self.stages.as_ref().is_none_or(|stages| stages.contains(&stage))
    }
}

/// One event for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId(pub i64);

/// Letters of one record to one receiver are told in their order, each when the one before is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(pub i64);

/// A letter to be told now: the oldest of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    pub line: Line,
    pub event: EventId,
    /// JSON, exactly as it is sent.
    pub body: String,
    /// Tries so far that failed.
    pub attempts: u32,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The receiver has it.
    Told,
    /// To be tried again then. `error` holds nothing secret.
    Failed { due_at: Timestamp, error: String },
    /// Given up; the line goes on.
    Dead { error: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub id: LetterId,
    pub line: Line,
    pub receiver: ReceiverName,
    pub fate: Fate,
}

/// A letter that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: LetterId,
    pub event: EventId,
    /// As it was configured then: there may be none of this name any more.
    pub receiver: String,
    pub identity: IdentityId,
    pub at: Timestamp,
    pub attempts: u32,
    pub error: String,
    pub body: String,
}

/// In the order of receivers and events, both ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    pub event: Option<EventId>,
    pub receiver: Option<ReceiverName>,
    /// Only those behind this one.
    pub after: Option<(String, EventId)>,
}

/// Of one receiver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCount {
    /// [`OutboxCount::MOST`] stands for that many or more.
    pub waiting: u32,
    /// Likewise.
    pub dead: u32,
    /// When what is told first of all happened, however many wait.
    pub oldest_waiting_at: Option<Timestamp>,
}

impl OutboxCount {
    pub const MOST: u32 = 10_000;
}

/// What an event adds to the outbox.
#[derive(Debug)]
pub(super) struct OutboxRow<'a> {
    pub event: &'a Event,
    pub receiver: &'a ReceiverName,
    pub body: String,
    /// Of its line in this batch.
    pub first: bool,
}

/// The body of a delivery.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    identity_id: IdentityId,
    from: Option<Stage>,
    to: Stage,
    event: &'a str,
    cause: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceremony: Option<&'static str>,
    version: u64,
}

/// In the order of events. A transition that leaves the stage as it was is told to nobody, but for one more passkey: its
/// person is to hear of that.
pub(super) fn rows<'a>(
    events: &[EventRow<'a>],
    receivers: &'a [Receiver],
) -> Result<Vec<OutboxRow<'a>>, serde_json::Error> {
    let (mut rows, mut lines) = (Vec::new(), HashSet::new());
    if receivers.is_empty() {
        return Ok(rows);
    }
    for row in events {
        let Some((from, to)) = moved(row.transition).or_else(|| added(row)) else { continue };
        let what = if from == Some(to) { row.event.kind.as_str() } else { to.as_str() };
        let mut body = None;
        for receiver in receivers.iter().filter(|receiver| receiver.wants(to)) {
            let body = match &body {
                Some(body) => body,
                None => body.insert(serde_json::to_string(&Body {
                    r#type: format!("onboarding.{what}"),
                    timestamp: row.event.at,
                    data: Data {
                        identity_id: row.event.identity,
                        from,
                        to,
                        event: row.event.kind.as_str(),
                        cause: row.event.cause.as_str(),
                        ceremony: match row.event.kind {
                            EventKind::PasskeyMade { ceremony, .. } => Some(ceremony.as_str()),
                            _ => None,
                        },
                        version: row.version,
                    },
                })?),
            };
            rows.push(OutboxRow {
                event: row.event,
                receiver: &receiver.name,
                body: body.clone(),
                first: lines.insert((row.event.identity, &receiver.name)),
            });
        }
    }
    Ok(rows)
}

fn moved(transition: Transition) -> Option<(Option<Stage>, Stage)> {
    match transition {
        Transition::Changed { from, to, .. } if from != Some(to) => Some((from, to)),
        _ => None,
    }
}

fn added(row: &EventRow<'_>) -> Option<(Option<Stage>, Stage)> {
    match row.transition {
        Transition::Changed { from, to, .. } if matches!(row.event.kind, EventKind::PasskeyMade { .. }) => {
            Some((from, to))
        }
        _ => None,
    }
}

/// Whether a commit may have added a letter: to be looked for at once.
pub(super) fn may_have_grown(receivers: &[Receiver], outcome: &Outcome) -> bool {
    !receivers.is_empty()
        && matches!(outcome, Outcome::Applied { transition, .. } if moved(*transition).is_some())
}

impl Store {
    /// Resolves when there may be new letters: at once for what this process committed, soon for others'.
    pub fn outbox_grew(&self) -> watch::Receiver<()> {
        self.shared.outbox_grew.subscribe()
    }

    /// What can be told now, those that are due longest first: of each line its oldest letter, where it is due.
    pub async fn outbox_heads(
        &self,
        receiver: &ReceiverName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, ReadError> {
        self.shared.backend.outbox_heads(receiver, now, limit).await
    }

    /// Durable when it returns. Whoever is no longer there, or no longer waits, is left alone.
    pub async fn outbox_settle(&self, settled: &[Settled], now: Timestamp) -> Result<(), CommitError> {
        self.shared.backend.outbox_settle(settled, now).await
    }

    /// Looks at [`OutboxCount::MOST`] letters of each kind at most.
    pub async fn outbox_count(&self, receiver: &ReceiverName) -> Result<OutboxCount, ReadError> {
        self.shared.backend.outbox_count(receiver).await
    }

    /// Whoever has letters, waiting or dead, in the order of names. Costs a look into an index for each.
    pub async fn outbox_receivers(&self) -> Result<Vec<String>, ReadError> {
        let mut names: Vec<String> = Vec::new();
        while let Some(next) =
            self.shared.backend.outbox_receiver_after(names.last().map_or("", String::as_str)).await?
        {
            names.push(next);
        }
        Ok(names)
    }

    pub async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError> {
        self.shared.backend.dead_letters(filter, limit).await
    }

    /// They wait again, with all their tries, in the place of their line that they had; how many there were.
    pub async fn replay_dead(&self, ids: &[LetterId], now: Timestamp) -> Result<u64, CommitError> {
        self.shared.backend.replay_dead(ids, now).await
    }

    /// How many there were.
    pub async fn drop_dead(&self, ids: &[LetterId]) -> Result<u64, CommitError> {
        self.shared.backend.drop_dead(ids).await
    }
}
