//! `events list | replay | drop`: dead letters, which receivers were not told of and will not be.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::table::table;
use super::terminal::{harmless, say};
use crate::clock::Clock;
use crate::onboarding::{EventId, NameError, ReceiverName};
use crate::outbox;
use crate::store::{CommitError, DeadLetter, DeadLetterFilter, LetterId, ReadError, Store, WriterSettings};
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
    /// Forget them.
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
        let done = act(&arguments.verb, &store, &clock).await;
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

async fn act(verb: &EventsVerb, store: &Store, clock: &Clock) -> Result<(), EventsError> {
    match verb {
        EventsVerb::List { receiver, limit, format, .. } => {
            let filter = DeadLetterFilter { receiver: receiver.clone(), ..DeadLetterFilter::default() };
            let letters = store.dead_letters(&filter, *limit).await?;
            say(&match format {
                Form::Table => listed(&letters),
                Form::Json => format!("{:#}", Value::from_iter(letters.iter().map(shown))),
            });
        }
        EventsVerb::Replay { which, .. } => {
            let replayed = each(which, store, async |ids| store.replay_dead(ids, clock.now()).await).await?;
            say(&format!("{replayed} wait to be told again"));
        }
        EventsVerb::Drop { which, .. } => {
            let dropped = each(which, store, async |ids| store.drop_dead(ids).await).await?;
            say(&format!("{dropped} dropped"));
        }
    }
    Ok(())
}

/// Each of them once, also where what is replayed dies again meanwhile.
async fn each(
    which: &Which,
    store: &Store,
    act: impl AsyncFn(&[LetterId]) -> Result<u64, CommitError>,
) -> Result<u64, EventsError> {
    let mut filter = DeadLetterFilter { event: which.id, receiver: which.receiver.clone(), after: None };
    let mut done = 0;
    loop {
        let letters = store.dead_letters(&filter, AT_ONCE).await?;
        let Some(last) = letters.last() else { break };
        filter.after = Some((last.receiver.clone(), last.event));
        done += act(&letters.iter().map(|letter| letter.id).collect::<Vec<_>>()).await?;
    }
    match which.id {
        Some(id) if done == 0 => Err(EventsError::NotThere(id.0)),
        _ => Ok(done),
    }
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
