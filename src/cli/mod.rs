//! The command line: one file a verb. Exit status 0 when it worked, 2 when it was called wrongly, else 1.

mod check;
mod cleanup;
mod configuration;
mod dev_keys;
mod doctor;
mod evaluate_template;
mod events;
mod interrupted;
mod keygen;
mod migrate;
mod openapi;
mod passkeys;
mod policy;
mod quarantine;
mod reconcile;
mod serve;
mod table;
mod terminal;

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

const USAGE: u8 = 2;

/// The service beside Ory Kratos that offers every new user a passkey at the right moment.
#[derive(Debug, Parser)]
#[command(name = "kratos-onboarding", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the service.
    Serve(serve::ServeArguments),
    /// Make the database, or bring its schema up to this version.
    #[command(subcommand)]
    Migrate(migrate::MigrateVerb),
    /// Look at deliveries that were not understood, read them again, forget them.
    Quarantine(quarantine::QuarantineArguments),
    /// Say whom the policy offers a passkey, and why.
    #[command(subcommand)]
    Policy(policy::PolicyVerb),
    /// Say what will not work in a configuration of Kratos, and how to mend it.
    Doctor(doctor::DoctorArguments),
    /// Evaluate a template, for `doctor`.
    #[command(hide = true)]
    EvaluateTemplate,
    /// Look at events that receivers could not be told of, tell them again, forget them.
    Events(events::EventsArguments),
    /// Who has which passkeys, as Kratos says and as this service believes; take one away.
    Passkeys(passkeys::PasskeysArguments),
    /// Find what the hooks missed: compare every record with Kratos, and correct it.
    Reconcile(reconcile::ReconcileArguments),
    /// Forget what is old.
    #[command(subcommand)]
    Cleanup(cleanup::CleanupVerb),
    /// Make new secrets, ready to paste.
    Keygen(keygen::KeygenArguments),
    /// Print the OpenAPI document of the public listener, or of the admin listener.
    Openapi(openapi::OpenapiArguments),
    /// Check the settings, or describe them.
    #[command(subcommand)]
    Config(check::ConfigVerb),
}

/// What the process does; `arguments` begin with its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody can be told that this could not be printed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    let Some(verb) = arguments.verb.or_else(|| without_verb(cfg!(debug_assertions))) else {
        eprint!("{}", Arguments::command().render_help());
        return ExitCode::from(USAGE);
    };
    let done = match verb {
        Verb::Serve(arguments) => boxed(serve::run(&arguments)),
        Verb::Migrate(verb) => boxed(migrate::run(&verb)),
        Verb::Quarantine(arguments) => boxed(quarantine::run(&arguments)),
        Verb::Events(arguments) => boxed(events::run(&arguments)),
        Verb::Policy(verb) => boxed(policy::run(&verb)),
        Verb::Doctor(arguments) => match doctor::run(&arguments) {
            Ok(status) => return status,
            Err(error) => Err(error.into()),
        },
        Verb::EvaluateTemplate => boxed(evaluate_template::run()),
        Verb::Passkeys(arguments) => boxed(passkeys::run(&arguments)),
        Verb::Reconcile(arguments) => boxed(reconcile::run(&arguments)),
        Verb::Cleanup(verb) => boxed(cleanup::run(&verb)),
        Verb::Keygen(arguments) => boxed(keygen::run(&arguments)),
        Verb::Openapi(arguments) => boxed(openapi::run(&arguments)),
        Verb::Config(verb) => boxed(check::run(&verb)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn boxed<E: Error + 'static>(done: Result<(), E>) -> Result<(), Box<dyn Error>> {
    done.map_err(Into::into)
}

/// `cargo run` in a fresh checkout shows the service at work; what is deployed does nothing by accident.
fn without_verb(debug_build: bool) -> Option<Verb> {
    debug_build.then(|| Verb::Serve(serve::ServeArguments::fallback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn only_a_debug_build_serves_without_being_told() {
        assert!(without_verb(false).is_none());
        assert!(matches!(without_verb(true), Some(Verb::Serve(_))));
    }

    #[test]
    fn a_wrong_call_is_refused() {
        for wrong in [
            &["x", "nonsense"][..],
            &["x", "quarantine"],
            &["x", "quarantine", "replay"],
            &["x", "quarantine", "replay", "--all", "01920000-0000-7000-8000-000000000000"],
            &["x", "quarantine", "drop"],
            &["x", "quarantine", "show", "not-an-id"],
            &["x", "events"],
            &["x", "events", "replay"],
            &["x", "events", "drop", "--receiver", "crm"],
            &["x", "events", "replay", "--all", "01920000-0000-7000-8000-000000000000"],
            &["x", "migrate"],
            &["x", "cleanup", "sql"],
            &["x", "cleanup", "sql", "--keep-last", "23h"],
            &["x", "cleanup", "sql", "--keep-last", "many"],
            &["x", "policy", "explain"],
            &["x", "policy", "explain", "--id", "00000000-0000-0000-0000-000000000000"],
            &["x", "passkeys"],
            &["x", "passkeys", "--all", "--id", "5eddbeec-b3d3-4769-ad6d-07e5374f94b7"],
            &["x", "passkeys", "--id", "ada@example.org"],
            &["x", "passkeys", "revoke", "--id", "5eddbeec-b3d3-4769-ad6d-07e5374f94b7"],
            &["x", "passkeys", "revoke", "--credential", "aabb"],
            &["x", "reconcile", "--rate", "0/s"],
            &["x", "keygen", "--format", "toml"],
        ] {
            let error = Arguments::try_parse_from(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
