//! `events list | replay | drop`: dead letters, which receivers were not told of and will not be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::table::table;
use super::terminal::{harmless, say, say_aside};
use crate::clock::Clock;
use crate::config::Events;
use crate::onboarding::{EventId, NameError, ReceiverName};
use crate::outbox;
use crate::store::{
    CommitError, DeadLetter, DeadLetterFilter, Fate, Letter, LetterId, ReadError, Settled, Store,
    WriterSettings,
};
use crate::telemetry::Metrics;

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of one statement.
const AT_ONCE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct EventsArguments {
    #[command(subcommand)]
    verb: EventsVerb,
}

#[derive(Debug, Subcommand)]
enum EventsVerb {
    /// What there is: by receiver, oldest first.
    List {
        #[command(flatten)]
        config: ConfigArguments,
        /// Only what this receiver was not told of.
        #[arg(long, value_parser = receiver)]
        receiver: Option<ReceiverName>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        #[arg(long, value_enum, default_value_t = Form::Table)]
        format: Form,
    },
    /// Try them again, from the first try on.
    Replay {
        #[command(flatten)]
        config: ConfigArguments,
        #[command(flatten)]
        which: Which,
    },
    /// Forget them; with `--all --receiver NAME`, where NAME is not configured, also what waits for it.
    Drop {
        #[command(flatten)]
        config: ConfigArguments,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Clone, Args)]
struct Which {
    /// The event, as `webhook-id` names it.
    #[arg(value_parser = id, required_unless_present = "all", conflicts_with = "all")]
    id: Option<EventId>,
    /// Every one there is.
    #[arg(long)]
    all: bool,
    /// Only for this receiver.
    #[arg(long, value_parser = receiver)]
    receiver: Option<ReceiverName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

fn id(text: &str) -> Result<EventId, uuid::Error> {
    Uuid::try_parse(text).map(EventId)
}

fn receiver(text: &str) -> Result<ReceiverName, NameError> {
    text.parse()
}

#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("there is no such dead letter: {0}")]
    NotThere(Uuid),
    #[error(
        "the dead letter {id} is for {receiver}, which is not configured: nobody would be told; configure \
         events.receivers.{receiver}, or drop it"
    )]
    NotConfigured { id: Uuid, receiver: String },
}

pub(super) fn run(arguments: &EventsArguments) -> Result<(), EventsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(EventsError::Runtime)?.block_on(async {
        let Opened { settings, database, .. } =
            arguments.verb.config().open(Behind::Refuse, PATIENCE).await?;
        let (clock, metrics) = (Clock::system(), Arc::new(Metrics::default()));
        let patient = WriterSettings {
            answer_within: PATIENCE,
            receivers: outbox::receivers(&settings.events),
            ..WriterSettings::default()
        };
        let store = Store::start(database, patient, clock.clone(), metrics).await?;
        let done = act(&arguments.verb, &settings.events, &store, &clock).await;
        store.close().await;
        done
    })
}

impl EventsVerb {
    fn config(&self) -> &ConfigArguments {
        match self {
            EventsVerb::List { config, .. }
            | EventsVerb::Replay { config, .. }
            | EventsVerb::Drop { config, .. } => config,
        }
    }
}

async fn act(verb: &EventsVerb, events: &Events, store: &Store, clock: &Clock) -> Result<(), EventsError> {
    match verb {
        EventsVerb::List { receiver, limit, format, .. } => {
            let filter = DeadLetterFilter { receiver: receiver.clone(), ..DeadLetterFilter::default() };
            let letters = store.dead_letters(&filter, *limit).await?;
            let unconfigured = unconfigured(events, store, receiver.as_ref()).await?;
            match format {
                Form::Table => {
                    say(&listed(&letters));
                    unconfigured.iter().for_each(|line| say(line));
                }
                Form::Json => {
                    say(&format!("{:#}", Value::from_iter(letters.iter().map(shown))));
                    unconfigured.iter().for_each(|line| say_aside(line));
                }
            }
        }
        EventsVerb::Replay { which, .. } => {
            let is_told = |letter: &DeadLetter| events.receivers.contains_key(letter.receiver.as_str());
            let replay = async |ids: &[LetterId]| store.replay_dead(ids, clock.now()).await;
            let Done { done, left } = each(which, store, is_told, replay).await?;
            if let (Some(id), 0, Some(receiver)) = (which.id, done, left.keys().next()) {
                return Err(EventsError::NotConfigured { id: id.0, receiver: harmless(receiver) });
            }
            say(&format!("{done} wait to be told again"));
            for (receiver, left) in left {
                let receiver = harmless(&receiver);
                say(&format!("{left} stay dead: {receiver} is not configured, nobody would be told"));
            }
        }
        EventsVerb::Drop { which, .. } => {
            let drop = async |ids: &[LetterId]| store.drop_dead(ids).await;
            let Done { done, .. } = each(which, store, |_| true, drop).await?;
            let removed = which.receiver.as_ref().filter(|name| !events.receivers.contains_key(*name));
            match removed.filter(|_| which.all) {
                Some(name) => {
                    let waiting = drop_waiting(store, name, clock).await?;
                    let of_them = format!("{waiting} of them waited: {name} is not configured");
                    say(&format!("{} dropped, {of_them}", done + waiting));
                }
                None => say(&format!("{done} dropped")),
            }
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Done {
    done: u64,
    /// By receiver: those that were not `wanted`.
    left: BTreeMap<String, u64>,
}

/// Each of them once, also where what is replayed dies again meanwhile.
async fn each(
    which: &Which,
    store: &Store,
    wanted: impl Fn(&DeadLetter) -> bool,
    act: impl AsyncFn(&[LetterId]) -> Result<u64, CommitError>,
) -> Result<Done, EventsError> {
    let mut filter = DeadLetterFilter { event: which.id, receiver: which.receiver.clone(), after: None };
    let mut all = Done::default();
    loop {
        let letters = store.dead_letters(&filter, AT_ONCE).await?;
        let Some(last) = letters.last() else { break };
        filter.after = Some((last.receiver.clone(), last.event));
        let (wanted, left): (Vec<_>, Vec<_>) = letters.into_iter().partition(&wanted);
        all.done += act(&wanted.iter().map(|letter| letter.id).collect::<Vec<_>>()).await?;
        for letter in left {
            *all.left.entry(letter.receiver).or_default() += 1;
        }
    }
    match which.id {
        Some(id) if all.done == 0 && all.left.is_empty() => Err(EventsError::NotThere(id.0)),
        _ => Ok(all),
    }
}

/// As if it had been told: nobody is there to tell. The oldest of each line at a time, until there is none.
async fn drop_waiting(store: &Store, receiver: &ReceiverName, clock: &Clock) -> Result<u64, EventsError> {
    let mut dropped = 0;
    loop {
        let heads = store.outbox_heads(receiver, Timestamp::MAX, AT_ONCE).await?;
        if heads.is_empty() {
            return Ok(dropped);
        }
        let gone = |Letter { id, line, .. }: &Letter| Settled {
            id: *id,
            line: *line,
            receiver: receiver.clone(),
            fate: Fate::Told,
        };
        let gone: Vec<Settled> = heads.iter().map(gone).collect();
        store.outbox_settle(&gone, clock.now()).await?;
        dropped += u64::try_from(gone.len()).unwrap_or(u64::MAX);
    }
}

/// A line for each name that has letters and is not configured.
async fn unconfigured(
    events: &Events,
    store: &Store,
    only: Option<&ReceiverName>,
) -> Result<Vec<String>, EventsError> {
    let mut lines = Vec::new();
    for name in outbox::unconfigured(store, events).await? {
        let Ok(receiver) = name.parse::<ReceiverName>() else { continue };
        if only.is_none_or(|only| *only == receiver) {
            let count = store.outbox_count(&receiver).await?;
            let (waiting, dead) = (count.waiting, count.dead);
            lines.push(format!(
                "{receiver} is not configured: {waiting} wait and {dead} are dead until it is; \
                 `events drop --all --receiver {receiver}` forgets them"
            ));
        }
    }
    Ok(lines)
}

fn shown(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.event.0,
        "receiver": letter.receiver,
        "identity_id": letter.identity,
        "at": letter.at,
        "attempts": letter.attempts,
        "error": letter.error,
        "body": serde_json::from_str::<Value>(&letter.body).ok(),
    })
}

fn listed(letters: &[DeadLetter]) -> String {
    let rows: Vec<[String; 6]> = letters
        .iter()
        .map(|letter| {
            let at = letter.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let (receiver, error) = (harmless(&letter.receiver), harmless(&letter.error));
            let identity = letter.identity.to_string();
            [letter.event.0.to_string(), receiver, at, identity, letter.attempts.to_string(), error]
        })
        .collect();
    table(["ID", "RECEIVER", "TIME", "IDENTITY", "TRIES", "ERROR"], &rows)
}
