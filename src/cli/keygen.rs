//! `keygen`: new secrets, ready to paste.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Args, ValueEnum};

use super::terminal::say;
use crate::config::PREFIX;

/// Bytes of randomness in each secret.
const RANDOM: usize = 32;

#[derive(Debug, Args)]
pub(super) struct KeygenArguments {
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Form::Both)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The same secrets as settings file and as variables.
    Both,
    /// For the settings file.
    Yaml,
    /// `NAME=value`, for an environment file.
    Env,
}

#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness: {0}")]
pub(super) struct NoRandomness(getrandom::Error);

pub(super) fn run(arguments: &KeygenArguments) -> Result<(), NoRandomness> {
    let made = Made {
        api_key: new_api_key()?,
        signing: new_signing_secret()?,
        pii: new_pii_secret()?,
        token: new_api_key()?,
    };
    match arguments.format {
        Form::Both => say(&format!(
            "# Either in the settings file (-c):\n{}\n# or in the environment, the same:\n{}",
            made.yaml(),
            made.env()
        )),
        Form::Yaml => say(&made.yaml()),
        Form::Env => say(&made.env()),
    }
    Ok(())
}

struct Made {
    api_key: String,
    signing: String,
    pii: String,
    token: String,
}

impl Made {
    fn yaml(&self) -> String {
        format!(
            "webhook:\n  \
               # Kratos sends it: auth.config.value of every web_hook.\n  \
               api_keys:\n    - \"{}\"\n  \
               # Only for a relay that signs (Standard Webhooks); leave it out otherwise.\n  \
               signing_secrets:\n    - \"{}\"\n\
             secrets:\n  \
               # Keep it: without it nobody is found by e-mail address again.\n  \
               pii:\n    - \"{}\"\n\
             admin:\n  \
               # One name for each person or tool that uses the operators' endpoints.\n  \
               operators:\n    operator:\n      tokens:\n        - \"{}\"\n",
            self.api_key, self.signing, self.pii, self.token
        )
    }

    fn env(&self) -> String {
        format!(
            "{PREFIX}WEBHOOK__API_KEYS={}\n{PREFIX}WEBHOOK__SIGNING_SECRETS={}\n{PREFIX}SECRETS__PII={}\n\
             {PREFIX}ADMIN__OPERATORS__OPERATOR__TOKENS={}\n",
            self.api_key, self.signing, self.pii, self.token
        )
    }
}

/// 43 characters that need no quoting anywhere.
pub(super) fn new_api_key() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}

/// Standard Webhooks: `whsec_` and base64.
fn new_signing_secret() -> Result<String, NoRandomness> {
    Ok(format!("whsec_{}", STANDARD.encode(random()?)))
}

pub(super) fn new_pii_secret() -> Result<String, NoRandomness> {
    Ok(STANDARD.encode(random()?))
}

fn random() -> Result<[u8; RANDOM], NoRandomness> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Mode, Sources};

    #[test]
    fn what_it_prints_is_accepted_in_both_forms() {
        let made = Made {
            api_key: new_api_key().unwrap(),
            signing: new_signing_secret().unwrap(),
            pii: new_pii_secret().unwrap(),
            token: new_api_key().unwrap(),
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), made.yaml()).unwrap();
        let none = Environment::default();
        let from_file = Sources::read(Some(file.path()), Mode::Development, &none).settings().unwrap();
        let env = made.env();
        let variables = env.lines().map(|line| line.split_once('=').unwrap());
        let from_env =
            Sources::read(None, Mode::Development, &Environment::of(variables)).settings().unwrap();
        for settings in [from_file, from_env] {
            assert_eq!(settings.webhook.api_keys.len(), 1);
            assert_eq!(settings.webhook.signing_secrets[0].0.len(), RANDOM);
            assert_eq!(settings.admin.operators["operator"].len(), 1);
        }
    }
}
