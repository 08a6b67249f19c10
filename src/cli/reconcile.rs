//! `reconcile`: what the hooks missed, now.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::interrupted::interrupted;
use super::terminal::{say, say_aside};
use crate::clock::Clock;
use crate::kratos::{ClientError, Identities, Patience};
use crate::onboarding::Reading;
use crate::outbox;
use crate::reconcile::{
    Audience, Counts, Found, Mode, PassError, Phase, Progress, Reconciler, Summary, Turn, TurnError,
};
use crate::store::{CommitError, ReadError, Store, WriterSettings};
use crate::telemetry::Metrics;

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);
/// And for a Kratos that is started anew.
const KRATOS: Patience =
    Patience { answer_within: Duration::from_secs(30), tries_for: Duration::from_secs(120) };
/// A fraction that is shown.
const PARTS: f64 = 1000.0;

#[derive(Debug, Args)]
pub(super) struct ReconcileArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Tell what would change, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Questions a second that Kratos is asked at most, such as `10/s`. Default: the setting `reconcile.rate`.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<NonZeroU32>,
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
    /// From the beginning, also where a pass was interrupted.
    #[arg(long)]
    anew: bool,
    /// Most of the identities known here may be missing at Kratos: mark them as gone.
    #[arg(long)]
    accept_gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    /// One object a line; the last one is the summary.
    Json,
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim();
    let rate = number.parse().ok().filter(|rate: &NonZeroU32| rate.get() <= 1000);
    rate.ok_or_else(|| "it is a whole number from 1 to 1000, such as 10/s".to_owned())
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("signals cannot be watched")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Kept(#[from] CommitError),
    #[error("the client for Kratos cannot be built: {0}")]
    Client(#[from] ClientError),
    #[error("kratos.admin_url is not set: there is nobody to compare with; set it as `serve` has it")]
    NobodyToAsk,
    #[error(transparent)]
    Turn(#[from] TurnError),
    #[error(
        "another instance is at it; what it corrects is corrected for all. It is done by itself, or try again later"
    )]
    NotOurTurn,
    #[error("another instance took over; what was corrected stays")]
    Lost,
    #[error("stopped; what was corrected stays, and the next pass goes on from there")]
    Stopped,
    #[error("{0}. What was corrected stays, and the next pass goes on from there")]
    Pass(#[from] PassError),
}

pub(super) fn run(arguments: &ReconcileArguments) -> Result<(), ReconcileError> {
    // A second one would be refused, and then there already is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ReconcileError::Runtime)?.block_on(async {
        let Opened { settings, database, .. } = arguments.config.open(Behind::Refuse, PATIENCE).await?;
        let (clock, metrics) = (Clock::system(), Arc::new(Metrics::default()));
        let patient = WriterSettings {
            answer_within: PATIENCE,
            receivers: outbox::receivers(&settings.events),
            ..WriterSettings::default()
        };
        let identities = Identities::new(&settings.kratos, settings.secrets.pii, KRATOS, metrics.clone())?;
        let identities = identities.ok_or(ReconcileError::NobodyToAsk)?;
        let identities = identities.at_most(arguments.rate.unwrap_or(settings.reconcile.rate));
        let store = Store::start(database, patient, clock.clone(), metrics.clone()).await?;
        let page_size = settings.reconcile.page_size;
        let reconciler = Reconciler::new(identities, store.clone(), clock, metrics, page_size);
        let done = reconcile(arguments, &reconciler, &store).await;
        store.close().await;
        done
    })
}

async fn reconcile(
    arguments: &ReconcileArguments,
    reconciler: &Reconciler,
    store: &Store,
) -> Result<(), ReconcileError> {
    let mut shown = Shown::begin(arguments);
    let stopped = interrupted().map_err(ReconcileError::Signals)?;
    let summary = if arguments.dry_run {
        let pass = reconciler.pass(Mode::DryRun, arguments.accept_gone, &mut shown);
        tokio::select! {
            summary = pass => summary?,
            () = stopped => return Err(ReconcileError::Stopped),
        }
    } else {
        let turn = Turn::take(store).await?.ok_or(ReconcileError::NotOurTurn)?;
        let pass = async {
            if arguments.anew {
                reconciler.begin_anew().await?;
            }
            Ok(reconciler.pass(Mode::Correct, arguments.accept_gone, &mut shown).await?)
        };
        let done = tokio::select! {
            done = pass => done,
            () = turn.lost() => Err(ReconcileError::Lost),
            () = stopped => Err(ReconcileError::Stopped),
        };
        turn.give_back().await;
        done?
    };
    shown.end(&summary);
    Ok(())
}

/// What is shown while it runs: a line for each difference of a dry run, and how far it is where a person looks.
struct Shown {
    form: Form,
    dry_run: bool,
    bar: ProgressBar,
}

impl Shown {
    fn begin(arguments: &ReconcileArguments) -> Shown {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::new(PARTS as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed}  {msg}") {
            bar.set_style(style);
        }
        if arguments.dry_run && arguments.format == Form::Table {
            say(&line(["IDENTITY", "CHANGE", "HERE", "AT KRATOS"]));
        }
        Shown { form: arguments.format, dry_run: arguments.dry_run, bar }
    }

    fn end(self, summary: &Summary) {
        self.bar.finish_and_clear();
        match self.form {
            Form::Json => say(&json!({ "dry_run": self.dry_run, "summary": summary }).to_string()),
            Form::Table => say_aside(&told(summary, self.dry_run)),
        }
    }
}

impl Audience for Shown {
    fn found(&mut self, found: &Found) {
        if !self.dry_run {
            return;
        }
        let text = match self.form {
            Form::Json => json!({
                "identity_id": found.identity,
                "change": found.difference,
                "here": found.here.map(counts),
                "kratos": found.kratos.map(counts),
            })
            .to_string(),
            Form::Table => {
                let [here, kratos] = [found.here, found.kratos]
                    .map(|counts| counts.map_or("-".to_owned(), |counts| counts.to_string()));
                line([&found.identity.to_string(), found.difference.as_str(), &here, &kratos])
            }
        };
        self.bar.suspend(|| say(&text));
    }

    fn progressed(&mut self, progress: &Progress) {
        self.bar.set_position((progress.fraction() * PARTS) as u64);
        let Summary { seen, looked_for, .. } = progress.summary;
        let differed = progress.summary.differed();
        self.bar.set_message(match progress.phase {
            Phase::Kratos { .. } => format!("{seen} of Kratos seen, {differed} differed"),
            Phase::Ours { .. } => format!("{looked_for} of ours looked for, {differed} differed"),
        });
    }
}

/// For scripts.
pub(super) fn counts(counts: Counts) -> Value {
    json!({ "passkeys": reading(counts.passkeys), "security_keys": reading(counts.security_keys) })
}

fn reading(reading: Reading) -> Value {
    let (name, count) = match reading {
        Reading::Unknown => ("unknown", None),
        Reading::Disputed => ("disputed", None),
        Reading::AtLeastOne => ("at_least_one", None),
        Reading::Exactly(count) => ("exactly", Some(count)),
    };
    json!({ "reading": name, "count": count })
}

/// Of widths that are known before the first row is.
fn line([identity, change, here, kratos]: [&str; 4]) -> String {
    format!("{identity:36}  {change:8}  {here:30}  {kratos}")
}

fn told(summary: &Summary, dry_run: bool) -> String {
    let Summary { seen, created, returned, up, down, learned, profile, gone, unreadable, refused, .. } =
        summary;
    let would = if dry_run { "would be corrected" } else { "corrected" };
    let mut text = format!(
        "{seen} identities compared, {} {would}: {created} created, {up} up, {down} down, {learned} learned, {profile} profiles, {returned} returned, {gone} gone",
        summary.differed()
    );
    if *unreadable > 0 {
        text.push_str(&format!("; {unreadable} could not be understood and were left as they are"));
    }
    if *refused > 0 {
        text.push_str(&format!("; {refused} were refused by the database and are in quarantine"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_a_second() {
        assert_eq!(rate("10/s").unwrap().get(), 10);
        assert_eq!(rate("250").unwrap().get(), 250);
        for wrong in ["0/s", "1001", "fast", "10/m", "-1/s", "1.5/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
