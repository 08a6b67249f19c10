//! `policy explain`: which rule decides for one person, and what would change it.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use super::table::table;
use super::terminal::say;
use crate::clock::Clock;
use crate::onboarding::{
    Explanation, IdentityId, Lots, NameError, Policy, Record, Ruled, Ruling, Said, SessionDigest,
    SessionFacts, explain,
};
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
        let record = read?.map(Arc::new).ok_or(PolicyError::Unknown(arguments.id))?;
        let now = Clock::system().now();
        let explanation = explain(&record, &signed_in(now), &settings.policy, now);
        say(&match arguments.format {
            Form::Text => text(&record, &settings.policy, &explanation),
            Form::Json => format!("{:#}", document(&record, &settings.policy, &explanation)),
        });
        Ok(())
    })
}

/// As if the person had signed in just now, in a session that nobody has seen.
fn signed_in(now: Timestamp) -> SessionFacts {
    SessionFacts {
        digest: SessionDigest([0; 16]),
        authenticated_at: now,
        expires_at: None,
        state: None,
        schema_id: None,
        passkey_used_at: None,
        security_key_used_at: None,
    }
}

fn text(record: &Record, policy: &Policy, explanation: &Explanation) -> String {
    let decision = &explanation.decision;
    let (verdict, reason) = (decision.verdict.as_str(), decision.reason.as_str());
    let until = decision.next_offer_at.map(|at| format!(", until {at}")).unwrap_or_default();
    let by = decision.required_by.map(|at| format!(", by {at}")).unwrap_or_default();
    let rows: Vec<[String; 4]> = explanation.rules.iter().map(row).collect();
    let change = match explanation.decided_by() {
        Some(rule) => rule.ended_by(),
        None => "Nothing stands against an offer. A passkey, a pause or a rule of the policy would.",
    };
    format!(
        "identity  {}\n\
         stage     {}, version {}\n\
         decision  {verdict}: {reason}{until}{by}\n\
         lots      rollout {}: {}; hold-out {}: {}\n\
         \n\
         {}\n\
         What would change it: {change}\n",
        record.identity,
        record.stage().as_str(),
        record.version,
        policy.rollout,
        drawn(policy.rollout.holds(Lots::Rollout, record.identity)),
        policy.hold_out,
        drawn(policy.hold_out.holds(Lots::HoldOut, record.identity)),
        table(["", "RULE", "SAYS", "SETTING"], &rows),
    )
}

fn drawn(is_in: bool) -> &'static str {
    if is_in { "in" } else { "out" }
}

fn row(ruled: &Ruled) -> [String; 4] {
    let says = |said: Said| {
        let until = said.until.map(|at| format!(" until {at}")).unwrap_or_default();
        format!("{}: {}{until}", said.verdict.as_str(), said.reason.as_str())
    };
    let (mark, says) = match ruled.ruling {
        Ruling::Silent => ("", "-".to_owned()),
        Ruling::Decides(said) => ("->", says(said)),
        Ruling::WouldDecide(said) => ("", format!("({})", says(said))),
    };
    let setting = ruled.rule.setting().unwrap_or_default();
    [mark.to_owned(), ruled.rule.as_str().to_owned(), says, setting.to_owned()]
}

fn document(record: &Record, policy: &Policy, explanation: &Explanation) -> Value {
    let rules = explanation.rules.iter().map(|ruled| {
        let (ruling, said) = match ruled.ruling {
            Ruling::Silent => ("silent", None),
            Ruling::Decides(said) => ("decides", Some(said)),
            Ruling::WouldDecide(said) => ("would_decide", Some(said)),
        };
        json!({ "rule": ruled.rule, "ruling": ruling, "says": said, "setting": ruled.rule.setting() })
    });
    let decision = &explanation.decision;
    json!({
        "identity": record.identity,
        "stage": record.stage(),
        "version": record.version,
        "decision": decision.verdict,
        "reason": decision.reason,
        "next_offer_at": decision.next_offer_at,
        "required_by": decision.required_by,
        "decided_by": explanation.decided_by(),
        "would_change": explanation.decided_by().map(|rule| rule.ended_by()),
        "rollout": policy.rollout.holds(Lots::Rollout, record.identity),
        "hold_out": policy.hold_out.holds(Lots::HoldOut, record.identity),
        "rules": rules.collect::<Vec<_>>(),
    })
}
