//! `config validate | schema`.

use clap::Subcommand;

use super::configuration::{ConfigArguments, OpeningError};
use super::terminal::say;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Read the settings as `serve` would, and tell every mistake. Opens neither database nor port.
    Validate(ConfigArguments),
    /// Print the JSON Schema of the settings file.
    Schema,
}

pub(super) fn run(verb: &ConfigVerb) -> Result<(), OpeningError> {
    match verb {
        ConfigVerb::Validate(arguments) => {
            arguments.judge()?;
            say("the settings are complete and correct");
        }
        ConfigVerb::Schema => say(&format!("{:#}", crate::config::document().as_value())),
    }
    Ok(())
}
