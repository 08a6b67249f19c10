//! `quarantine list | show | replay | drop`: deliveries that were authenticated but not understood.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::table::table;
use super::terminal::{harmless, say};
use crate::clock::Clock;
use crate::onboarding::{EventId, PiiKeys};
use crate::outbox;
use crate::store::{
    CommitError, Kept, QuarantineFilter, QuarantineReason, Quarantined, ReadError, Store, Stored,
    UnsealError, WriteError, WriterSettings, unseal,
};
use crate::telemetry::Metrics;
use crate::webhook::{Heard, ReplayError, replay};

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than can be kept.
const ALL: u32 = 10_000_000;

#[derive(Debug, Args)]
pub(super) struct QuarantineArguments {
    #[command(subcommand)]
    verb: QuarantineVerb,
}

#[derive(Debug, Subcommand)]
enum QuarantineVerb {
    /// What there is, newest first.
    List {
        #[command(flatten)]
        config: ConfigArguments,
        /// Only what came by this hook, such as `registration/password`.
        #[arg(long)]
        hook: Option<String>,
        /// Only what was put aside for this reason, such as `not_json`.
        #[arg(long, value_parser = reason)]
        reason: Option<QuarantineReason>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        #[arg(long, value_enum, default_value_t = Form::Table)]
        format: Form,
    },
    /// One of them, with what was kept of its body, as JSON.
    Show {
        #[command(flatten)]
        config: ConfigArguments,
        #[arg(value_parser = id)]
        id: EventId,
        /// Open an encrypted body. It may hold a session cookie.
        #[arg(long)]
        unseal: bool,
    },
    /// Read them again with this version: what is understood now is stored and leaves quarantine.
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
#[group(required = true, multiple = false)]
struct Which {
    #[arg(value_parser = id)]
    id: Option<EventId>,
    /// Every one there is.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

fn id(text: &str) -> Result<EventId, uuid::Error> {
    Uuid::try_parse(text).map(EventId)
}

fn reason(text: &str) -> Result<QuarantineReason, String> {
    let known: Vec<&str> = QuarantineReason::ALL.iter().map(|reason| reason.as_str()).collect();
    QuarantineReason::parse(text).ok_or_else(|| format!("the reasons are {}", known.join(", ")))
}

#[derive(Debug, thiserror::Error)]
pub(super) enum QuarantineError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("there is no {0} in quarantine")]
    NotThere(Uuid),
    #[error("{0} stays in quarantine: {1}")]
    Stays(Uuid, StillNot),
    #[error("the sealed body cannot be opened: {0}")]
    Sealed(#[from] UnsealError),
}

/// Why a delivery is not understood now either.
#[derive(Debug, thiserror::Error)]
pub(super) enum StillNot {
    #[error(transparent)]
    Unreadable(#[from] ReplayError),
    #[error("the database refuses what it holds")]
    Refused,
}

pub(super) fn run(arguments: &QuarantineArguments) -> Result<(), QuarantineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(QuarantineError::Runtime)?.block_on(async {
        let Opened { settings, database, .. } =
            arguments.verb.config().open(Behind::Refuse, PATIENCE).await?;
        let metrics = Arc::new(Metrics::default());
        let patient = WriterSettings {
            answer_within: PATIENCE,
            receivers: outbox::receivers(&settings.events),
            ..WriterSettings::default()
        };
        let store = Store::start(database, patient, Clock::system(), metrics).await?;
        let done = act(&arguments.verb, &store, &settings.secrets.pii).await;
        store.close().await;
        done
    })
}

impl QuarantineVerb {
    fn config(&self) -> &ConfigArguments {
        match self {
            QuarantineVerb::List { config, .. }
            | QuarantineVerb::Show { config, .. }
            | QuarantineVerb::Replay { config, .. }
            | QuarantineVerb::Drop { config, .. } => config,
        }
    }
}

async fn act(verb: &QuarantineVerb, store: &Store, keys: &PiiKeys) -> Result<(), QuarantineError> {
    match verb {
        QuarantineVerb::List { hook, reason, limit, format, .. } => {
            let filter = QuarantineFilter { hook: hook.clone(), reason: *reason, limit: *limit };
            let entries = store.quarantined(&filter).await?;
            say(&match format {
                Form::Table => listed(&entries),
                Form::Json => format!("{:#}", Value::from_iter(entries.iter().map(summary))),
            });
        }
        QuarantineVerb::Show { id, unseal, .. } => {
            let entry = one(store, *id).await?;
            let mut shown = summary(&entry);
            let body = body(&entry.body, unseal.then_some(keys))?;
            if let Some(object) = shown.as_object_mut() {
                object.insert("body".to_owned(), body);
            }
            say(&format!("{shown:#}"));
        }
        QuarantineVerb::Replay { which, .. } => replay_chosen(which, store, keys).await?,
        QuarantineVerb::Drop { which, .. } => {
            let entries = chosen(which, store).await?;
            for entry in &entries {
                store.drop_quarantined(entry.id).await?;
            }
            say(&format!("{} dropped", entries.len()));
        }
    }
    Ok(())
}

async fn one(store: &Store, id: EventId) -> Result<Quarantined, QuarantineError> {
    store.quarantined_one(id).await?.ok_or(QuarantineError::NotThere(id.0))
}

/// Oldest first.
async fn chosen(which: &Which, store: &Store) -> Result<Vec<Quarantined>, QuarantineError> {
    if let Some(id) = which.id {
        return Ok(vec![one(store, id).await?]);
    }
    let mut entries =
        store.quarantined(&QuarantineFilter { limit: ALL, ..QuarantineFilter::default() }).await?;
    entries.reverse();
    Ok(entries)
}

async fn replay_chosen(which: &Which, store: &Store, keys: &PiiKeys) -> Result<(), QuarantineError> {
    let (mut understood, mut left) = (0, 0);
    for entry in chosen(which, store).await? {
        match replay_one(&entry, store, keys).await? {
            Ok(()) => understood += 1,
            Err(why) if which.all => {
                left += 1;
                say(&format!("{}  stays: {why}", entry.id.0));
            }
            Err(why) => return Err(QuarantineError::Stays(entry.id.0, why)),
        }
    }
    say(&format!("{understood} understood and stored, {left} left in quarantine"));
    Ok(())
}

/// Dropped only after what it says is durable; replayed twice it is a duplicate, which changes nothing.
async fn replay_one(
    entry: &Quarantined,
    store: &Store,
    keys: &PiiKeys,
) -> Result<Result<(), StillNot>, QuarantineError> {
    let heard = Heard { id: entry.id, at: entry.at, dedupe: entry.dedupe };
    let event = match entry.refused_event() {
        Some(event) => event,
        None => match replay(&entry.body, &entry.hook, heard, keys) {
            Ok(event) => event,
            Err(error) => return Ok(Err(error.into())),
        },
    };
    match store.apply(event).await? {
        Stored::Applied { .. } | Stored::Duplicate { .. } => {
            store.drop_quarantined(entry.id).await?;
            Ok(Ok(()))
        }
        Stored::Quarantined => Ok(Err(StillNot::Refused)),
    }
}

fn summary(entry: &Quarantined) -> Value {
    json!({
        "id": entry.id.0,
        "at": entry.at,
        "hook": entry.hook,
        "reason": entry.reason,
        "size": entry.size,
        "kept": entry.body.as_str(),
        "sha256": hex::encode(entry.body_sha256),
    })
}

/// `keys`: to open a sealed one with.
fn body(kept: &Kept, keys: Option<&PiiKeys>) -> Result<Value, UnsealError> {
    Ok(match (kept, keys) {
        (Kept::Json(value), _) => value.clone(),
        (Kept::Sealed(sealed), Some(keys)) => {
            Value::from(harmless(&String::from_utf8_lossy(&unseal(keys, sealed)?)))
        }
        (Kept::Sealed(_), None) => {
            Value::from("encrypted, for it may hold a session cookie; --unseal opens it")
        }
        (Kept::None, _) => Value::Null,
    })
}

fn listed(entries: &[Quarantined]) -> String {
    let rows: Vec<[String; 6]> = entries
        .iter()
        .map(|entry| {
            let size = entry.size.to_string();
            let at = entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let (reason, kept) = (entry.reason.as_str().to_owned(), entry.body.as_str().to_owned());
            [entry.id.0.to_string(), at, harmless(&entry.hook), reason, size, kept]
        })
        .collect();
    table(["ID", "TIME", "HOOK", "REASON", "SIZE", "KEPT"], &rows)
}
