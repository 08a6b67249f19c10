//! `passkeys`: who has which passkeys, as Kratos says and as this service believes; and `passkeys revoke`.

mod list;
mod operator;
mod restore;
mod revoke;
mod row;

use std::io::{BufRead as _, Read as _};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::configuration::{Behind, ConfigArguments, Opened, OpeningError};
use crate::admin::RevocationError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::kratos::{AskError, ClientError, Identities, Patience};
use crate::onboarding::{CredentialId, IdentityId, NameError, OperatorName};
use crate::outbox;
use crate::store::{CommitError, ReadError, Store, WriterSettings};
use crate::telemetry::Metrics;

/// An operator can wait longer for a busy disk than Kratos can.
const PATIENCE: Duration = Duration::from_secs(30);
/// But sits and waits.
const KRATOS: Patience =
    Patience { answer_within: Duration::from_secs(30), tries_for: Duration::from_secs(30) };
/// Bytes; the longest address is 254 (RFC 5321, erratum 1690).
const LONGEST_EMAIL: u64 = 1024;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct PasskeysArguments {
    #[command(subcommand)]
    verb: Option<PasskeysVerb>,
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    whom: Whom,
    /// A table for people, or a JSON object a line, one an identity.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// Who signs in with this address. Others on this machine can read a command line: `-` takes it from standard input.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The identity with this id.
    #[arg(long, value_name = "ID")]
    id: Option<IdentityId>,
    /// Everybody whom Kratos knows.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Subcommand)]
enum PasskeysVerb {
    /// Take one passkey or security key away from its identity, at Kratos.
    Revoke(RevokeArguments),
    /// Put passkeys of our own ceremony back that Kratos has lost, as after it was restored from an older backup.
    ///
    /// What its person or an operator took away stays away. What may have been taken away is named as in doubt, and put back
    /// only where it is named with --credential.
    Restore(RestoreArguments),
}

#[derive(Debug, Args)]
struct RestoreArguments {
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    whose: Whose,
    /// Only this one, though its person may have taken it away: ask them first. With --id.
    #[arg(long, value_name = "CREDENTIAL", requires = "id", conflicts_with = "all")]
    credential: Option<CredentialId>,
    /// Say what would be put back, and put nothing back.
    #[arg(long)]
    dry_run: bool,
    /// Who does it, for the audit log: 1 to 64 of the characters a-z 0-9 _ -. Default: the login name.
    #[arg(long, value_name = "NAME")]
    operator: Option<OperatorName>,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Of the identity with this id.
    #[arg(long, value_name = "ID")]
    id: Option<IdentityId>,
    /// Of everybody.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct RevokeArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Of this identity.
    #[arg(long, value_name = "ID")]
    id: IdentityId,
    /// The credential, as `passkeys --id` shows it.
    #[arg(long, value_name = "CREDENTIAL")]
    credential: CredentialId,
    /// Also if it is, or may be, the last way the person has to sign in.
    #[arg(long)]
    force: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Who does it, for the audit log: 1 to 64 of the characters a-z 0-9 _ -. Default: the login name.
    #[arg(long, value_name = "NAME")]
    operator: Option<OperatorName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum PasskeysError {
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("signals cannot be watched")]
    Signals(#[source] std::io::Error),
    #[error("standard input cannot be read")]
    Input(#[source] std::io::Error),
    #[error("--email: there is no address on standard input")]
    NoEmail,
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error("the client for Kratos cannot be built: {0}")]
    Client(#[from] ClientError),
    #[error("kratos.admin_url is not set: there is nobody to ask; set it as `serve` has it")]
    NobodyToAsk,
    #[error(transparent)]
    Kratos(#[from] AskError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("nobody signs in with this address, and no record here is of anybody who has it")]
    Nobody,
    #[error("Kratos knows no identity {0}; here {1}")]
    NotAtKratos(IdentityId, String),
    #[error("stopped")]
    Stopped,
    #[error("--yes is needed where there is no terminal to ask on; nothing was taken away")]
    NobodyToConfirm,
    #[error("nothing was taken away")]
    NotConfirmed,
    #[error(transparent)]
    Revocation(#[from] RevocationError),
    #[error("{0} passkeys could not be put back; each line says why")]
    NotRestored(u64),
    #[error("--credential: no such passkey of this person was made here")]
    NotMadeHere,
    #[error("--credential: its person, or an operator, took it away on {date}: it is not put back", date = row::date(*.0))]
    Removed(Timestamp),
    #[error("--credential: it never reached Kratos: it is not put back")]
    NeverImported,
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("the login name cannot be written down as an operator's: it {0}; give one with --operator")]
    Operator(NameError),
}

pub(super) fn run(arguments: &PasskeysArguments) -> Result<(), PasskeysError> {
    // A second one would be refused, and then there already is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(PasskeysError::Runtime)?.block_on(async {
        match &arguments.verb {
            None => {
                let house = House::open(&arguments.config).await?;
                let done = list::run(&arguments.whom, arguments.format, &house).await;
                house.store.close().await;
                done
            }
            Some(PasskeysVerb::Revoke(revoke)) => {
                let house = House::open(&revoke.config).await?;
                let done = revoke::run(revoke, &house).await;
                house.store.close().await;
                done
            }
            Some(PasskeysVerb::Restore(restore)) => {
                let house = House::open(&restore.config).await?;
                let done = restore::run(restore, &house).await;
                house.store.close().await;
                done
            }
        }
    })
}

/// What both need.
struct House {
    settings: Settings,
    identities: Identities,
    store: Store,
    clock: Clock,
}

impl House {
    async fn open(config: &ConfigArguments) -> Result<House, PasskeysError> {
        let Opened { settings, database, .. } = config.open(Behind::Refuse, PATIENCE).await?;
        let (clock, metrics) = (Clock::system(), Arc::new(Metrics::default()));
        let keys = settings.secrets.pii.clone();
        let identities = Identities::new(&settings.kratos, keys, KRATOS, metrics.clone())?;
        let identities = identities.ok_or(PasskeysError::NobodyToAsk)?;
        let patient = WriterSettings {
            answer_within: PATIENCE,
            receivers: outbox::receivers(&settings.events),
            ..WriterSettings::default()
        };
        let store = Store::start(database, patient, clock.clone(), metrics).await?;
        Ok(House { settings, identities, store, clock })
    }
}

/// As it was given, or the first line of standard input.
fn email(given: &str) -> Result<String, PasskeysError> {
    let mut line = String::new();
    if given == "-" {
        let stdin = std::io::stdin().lock();
        stdin.take(LONGEST_EMAIL).read_line(&mut line).map_err(PasskeysError::Input)?;
    } else {
        line.push_str(given);
    }
    match line.trim() {
        "" => Err(PasskeysError::NoEmail),
        email => Ok(email.to_owned()),
    }
}
