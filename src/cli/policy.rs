//! `policy explain`: which rule decides for one person, and what would change it.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::table::table;
use super::terminal::say;
use crate::admin::{ExplanationDocument, RuleDocument, RulingName};
use crate::clock::Clock;
use crate::onboarding::{IdentityId, NameError, Policy};
use crate::store::ReadError;

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(super) enum PolicyVerb {
    /// Say what a person who signs in now, without a passkey, is answered, which rule decides, and what would change it.
    Explain(ExplainArguments),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The identity's id at Kratos.
    #[arg(long, value_name = "IDENTITY", value_parser = identity)]
    id: IdentityId,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

fn identity(text: &str) -> Result<IdentityId, NameError> {
    text.parse()
}

#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the explanation cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error(
        "nothing is known of {0} here; when the person comes to the page, or `kratos-onboarding reconcile` runs, there \
         is a record"
    )]
    Unknown(IdentityId),
}

pub(super) fn run(verb: &PolicyVerb) -> Result<(), PolicyError> {
    let PolicyVerb::Explain(arguments) = verb;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(PolicyError::Runtime)?.block_on(async {
        let Opened { settings, database, .. } = arguments.config.open(Behind::Refuse, PATIENCE).await?;
        let read = database.record(arguments.id).await;
        database.close().await;
        let record = read?.ok_or(PolicyError::Unknown(arguments.id))?;
        let explained = ExplanationDocument::of(&record, &settings.policy, Clock::system().now());
        say(&match arguments.format {
            Form::Text => text(&explained, &settings.policy),
            Form::Json => serde_json::to_string_pretty(&explained)?,
        });
        Ok(())
    })
}

fn text(explained: &ExplanationDocument, policy: &Policy) -> String {
    let (verdict, reason) = (explained.decision.as_str(), explained.reason.as_str());
    let until = explained.next_offer_at.map(|at| format!(", until {at}")).unwrap_or_default();
    let by = explained.required_by.map(|at| format!(", by {at}")).unwrap_or_default();
    let rows: Vec<[String; 4]> = explained.rules.iter().map(row).collect();
    let drawn = |is_in: bool| if is_in { "in" } else { "out" };
    format!(
        "identity  {}\n\
         stage     {}, version {}\n\
         decision  {verdict}: {reason}{until}{by}\n\
         lots      rollout {}: {}; hold-out {}: {}\n\
         \n\
         {}\n\
         What would change it: {}\n",
        explained.identity_id,
        explained.stage.as_str(),
        explained.version,
        policy.rollout,
        drawn(explained.in_rollout),
        policy.hold_out,
        drawn(explained.in_hold_out),
        table(["", "RULE", "SAYS", "SETTING"], &rows),
        explained.changed_by,
    )
}

fn row(rule: &RuleDocument) -> [String; 4] {
    let says = rule.says.map_or_else(
        || "-".to_owned(),
        |said| {
            let until = said.until.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("{}: {}{until}", said.verdict.as_str(), said.reason.as_str())
        },
    );
    let (mark, says) = match rule.ruling {
        RulingName::Silent => ("", says),
        RulingName::Decides => ("->", says),
        RulingName::WouldDecide => ("", format!("({says})")),
    };
    let setting = rule.setting.unwrap_or_default();
    [mark.to_owned(), rule.rule.as_str().to_owned(), says, setting.to_owned()]
}
