use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::secrets::{decode, made_by_keygen, shown};
use crate::config::parse::is_token;
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{Basic, SigningSecret, Webhook};

/// Characters; what `kratos-onboarding keygen` makes has 43.
const SHORTEST_KEY: usize = 16;
const LONGEST_KEY: usize = 512;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookFile {
    /// A list of keys that a hook may come with, 16 to 512 visible ASCII characters each, in a header or a cookie
    /// (Kratos's `auth.type: api_key`). Several, so that a key can be replaced without a gap. In the environment a
    /// key cannot hold a comma.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["A-KEY-FROM-KEYGEN"])]
    api_keys: Vec<String>,
    /// Path of a file with the values of `webhook.api_keys`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-api-keys")]
    api_keys_file: Option<String>,
    /// Name of the header or cookie that holds the key: an HTTP token (RFC 9110, section 5.6.2) of at most 64
    /// characters. Kratos's `auth.config.name`.
    #[schemars(example = "X-Onboarding-Key")]
    api_key_name: String,
    /// A list of `user:password` that a hook may come with (Kratos's `auth.type: basic_auth`). In the environment a
    /// password cannot hold a comma.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["kratos:PASSWORD"])]
    basic_auth: Vec<String>,
    /// Path of a file with the values of `webhook.basic_auth`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-basic-auth")]
    basic_auth_file: Option<String>,
    /// A list of Standard Webhooks secrets, `whsec_` and base64 of 24 to 64 bytes each. Kratos does not sign: this is
    /// for a relay that does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["whsec_BASE64-OF-32-RANDOM-BYTES"])]
    signing_secrets: Vec<String>,
    /// Path of a file with the values of `webhook.signing_secrets`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-signing-secrets")]
    signing_secrets_file: Option<String>,
}

impl Default for WebhookFile {
    fn default() -> WebhookFile {
        WebhookFile {
            api_keys: Vec::new(),
            api_keys_file: None,
            api_key_name: "X-Onboarding-Key".to_owned(),
            basic_auth: Vec::new(),
            basic_auth_file: None,
            signing_secrets: Vec::new(),
            signing_secrets_file: None,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Webhook, Noted> {
    let api_keys = reader.secrets("webhook.api_keys", api_key);
    let api_key_name = reader.required("webhook.api_key_name", |scalar| match scalar.text()? {
        name if is_token(name) && name.len() <= 64 => Ok(name.to_owned()),
        _ => Err("is not the name of a header or cookie".into()),
    });
    let basic_auth = reader.secrets("webhook.basic_auth", basic);
    let signing_secrets = reader.secrets("webhook.signing_secrets", signing_secret);
    let (api_keys, basic_auth, signing_secrets) = (api_keys?, basic_auth?, signing_secrets?);
    if api_keys.is_empty() && basic_auth.is_empty() && signing_secrets.is_empty() {
        let problem =
            "is not set, nor is webhook.basic_auth or webhook.signing_secrets: anybody could post hooks";
        let refused = Refused::so_do(problem, made_by_keygen(reader.mode));
        return Err(reader.missing("webhook.api_keys", refused));
    }
    Ok(Webhook { api_keys, api_key_name: api_key_name?, basic_auth, signing_secrets })
}

fn api_key(scalar: &Scalar<'_>) -> Result<SecretString, Refused> {
    shown(scalar, "key", SHORTEST_KEY, LONGEST_KEY)
}

fn basic(scalar: &Scalar<'_>) -> Result<Basic, Refused> {
    let text = scalar.text()?;
    if text.chars().any(char::is_control) || text.len() > LONGEST_KEY {
        return Err(format!("has a control character or more than {LONGEST_KEY} bytes").into());
    }
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => {
            Ok(Basic { user: user.to_owned(), password: SecretString::from(password.to_owned()) })
        }
        _ => Err("is not `user:password`".into()),
    }
}

pub(super) fn signing_secret(scalar: &Scalar<'_>) -> Result<SigningSecret, Refused> {
    let Some(encoded) = scalar.text()?.strip_prefix("whsec_") else {
        return Err("does not begin with `whsec_`".into());
    };
    let bytes = decode(encoded)?;
    if (24..=64).contains(&bytes.len()) {
        Ok(SigningSecret(bytes))
    } else {
        Err(format!("has {} bytes; 24 to 64 are allowed", bytes.len()).into())
    }
}
