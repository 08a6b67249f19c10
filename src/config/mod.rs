//! Typed settings: embedded defaults < YAML file < environment. Each section validates itself.

mod address;
mod in_force;
mod known;
mod mistake;
mod parse;
mod reader;
mod schema;
mod sections;
mod settings;
mod sources;
mod yaml;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

use jiff::SignedDuration;

pub use address::is_public;
pub use in_force::PolicyInForce;
pub use mistake::{ConfigErrors, Mistake, Source};
pub use schema::{SettingsFile, document};
pub use settings::{
    Admin, AdminListener, AllowedHost, Basic, Brand, Ceremony, Dsn, EventReceiver, Events, Kratos, Listener,
    Log, LogFormat, Logo, Mode, Origin, Page, PostgresDsn, ReceiverUrl, Reconcile, ReturnPrefix, Secrets,
    Serve, Settings, SigningSecret, Tls, Webauthn, Webhook,
};
pub use sources::{Environment, GeneratedKeys, PREFIX, Sources};

/// Settings from `file` and `env` (names and values), or everything that is wrong with them. Development mode has other
/// defaults, but its keys have to be given here; [`Sources::with_generated`] is for those that were made.
pub fn load<N: Into<OsString>, V: Into<OsString>>(
    file: Option<&Path>,
    mode: Mode,
    env: impl IntoIterator<Item = (N, V)>,
) -> Result<Settings, ConfigErrors> {
    Sources::read(file, mode, &Environment::of(env)).settings()
}

/// As settings write a duration: numbers with the units `w`, `d`, `h`, `m` or `s`.
pub fn kept_duration(text: &str) -> Result<SignedDuration, String> {
    parse::duration(text, parse::Units::Calendar).map_err(|refused| refused.to_string())
}
