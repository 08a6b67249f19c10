use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{Mode, Secrets};
use crate::onboarding::{PiiKey, PiiKeys};

/// What stands in `kratos-config/kratos.yml` and in examples for people to replace; anyone can read it there.
const PLACEHOLDER: &str = "REPLACE-WITH";
/// More is no better, and a certificate pasted by mistake is longer.
const LONGEST: usize = 1024;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsFile {
    /// A list of base64 texts of 32 to 1024 random bytes each, for everything personal: e-mail addresses are kept
    /// only as a keyed hash. The first writes, all look up, so a new one goes to the front.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["BASE64-OF-32-RANDOM-BYTES"])]
    pii: Vec<String>,
    /// Path of a file with the values of `secrets.pii`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-pii")]
    pii_file: Option<String>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Secrets, Noted> {
    let mut keys = reader.secrets("secrets.pii", parse)?.into_iter();
    let Some(first) = keys.next() else {
        let refused = Refused::so_do("is not set", made_by_keygen(reader.mode));
        return Err(reader.missing("secrets.pii", refused));
    };
    Ok(Secrets { pii: PiiKeys::new(first, keys.collect()) })
}

pub(super) fn made_by_keygen(mode: Mode) -> &'static str {
    match mode {
        Mode::Production => {
            "make one with `kratos-onboarding keygen` and set it in the file or the environment"
        }
        Mode::Development => {
            "start with `serve --dev`, which makes its own, or use `kratos-onboarding keygen`"
        }
    }
}

fn parse(scalar: &Scalar<'_>) -> Result<PiiKey, Refused> {
    let bytes = decode(scalar.text()?)?;
    if bytes.len() > LONGEST {
        return Err(format!("has {} bytes; at most {LONGEST} are taken", bytes.len()).into());
    }
    PiiKey::new(bytes).map_err(|error| error.to_string().into())
}

/// What somebody shows to be let in: visible ASCII, from `least` to `most` characters; no placeholder. `what`: a word for it.
pub(super) fn shown(
    scalar: &Scalar<'_>,
    what: &str,
    least: usize,
    most: usize,
) -> Result<SecretString, Refused> {
    let text = scalar.text()?;
    if text.starts_with(PLACEHOLDER) {
        return Err(Refused::so_do(
            "is the placeholder of the example, which everybody knows",
            format!("make a {what} with `kratos-onboarding keygen`"),
        ));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has a character that is not visible ASCII".into());
    }
    if text.len() < least {
        return Err(format!("has {} characters; {least} or more are needed", text.len()).into());
    }
    if text.len() > most {
        return Err(format!("has {} characters; at most {most} are taken", text.len()).into());
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Standard or URL-safe alphabet, padded or not: people make keys with many tools.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url_safe = text.contains(['-', '_']);
    let alphabet = if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let decoded = GeneralPurpose::new(alphabet, config).decode(text);
    decoded.map_err(|_| "is not base64".into())
}
