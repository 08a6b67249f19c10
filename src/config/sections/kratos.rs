use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::parse::{self, Units};
use crate::config::reader::{Noted, Reader};
use crate::config::settings::Kratos;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KratosFile {
    /// Kratos's public API as this service reaches it: an http or https URL without query, fragment or password. No
    /// default outside development mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "http://kratos:4433/")]
    pub public_url: Option<String>,
    /// Kratos's public API as a browser reaches it (Kratos's `serve.public.base_url`): an http or https URL without
    /// query, fragment or password. Default: `kratos.public_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://auth.example.org/")]
    browser_url: Option<String>,
    /// Kratos's admin API as this service reaches it: an http or https URL without query, fragment or password.
    /// Without it nobody can be asked which passkeys a person has until the next hook tells. No default outside
    /// development mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "http://kratos:4434/")]
    pub admin_url: Option<String>,
    /// Name of Kratos's session cookie (Kratos's `session.cookie.name`): an HTTP token (RFC 6265, section 4.1.1) of at
    /// most 128 characters.
    #[schemars(example = &"ory_kratos_session")]
    session_cookie_name: String,
    /// How long after signing in a person may add a passkey; the same as Kratos's
    /// `selfservice.flows.settings.privileged_session_max_age`. A Go duration: numbers with the units `h`, `m`, `s`,
    /// `ms`, `us` or `ns`, such as `1h`, `15m` or `1h30m`; longer than nothing, at most ten years.
    #[schemars(example = "1h")]
    privileged_session_max_age: String,
    /// `true` or `false`: Kratos takes a code as a second factor (Kratos's `selfservice.methods.code.mfa_enabled`). Whoever can
    /// be sent one adds passkeys by Kratos's settings flow then, unless their session has a second factor.
    #[schemars(example = false)]
    code_mfa: bool,
}

impl Default for KratosFile {
    fn default() -> KratosFile {
        KratosFile {
            public_url: None,
            browser_url: None,
            admin_url: None,
            session_cookie_name: "ory_kratos_session".to_owned(),
            privileged_session_max_age: "1h".to_owned(),
            code_mfa: false,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Kratos, Noted> {
    let public_url = reader.required("kratos.public_url", |scalar| parse::base_url(scalar.text()?));
    let browser_url = reader.optional("kratos.browser_url", |scalar| parse::base_url(scalar.text()?));
    let admin_url = reader.optional("kratos.admin_url", |scalar| parse::base_url(scalar.text()?));
    let session_cookie_name =
        reader.required("kratos.session_cookie_name", |scalar| match scalar.text()? {
            name if parse::is_token(name) && name.len() <= 128 => Ok(name.to_owned()),
            _ => Err("is not the name of a cookie".into()),
        });
    let max_age = reader.required("kratos.privileged_session_max_age", |scalar| {
        parse::duration(&scalar.written()?, Units::Go)
    });
    let code_mfa = reader.required("kratos.code_mfa", |scalar| scalar.truth());
    let public_url = public_url?;
    Ok(Kratos {
        browser_url: browser_url?.unwrap_or_else(|| public_url.clone()),
        public_url,
        admin_url: admin_url?,
        session_cookie_name: session_cookie_name?,
        privileged_session_max_age: max_age?,
        code_mfa: code_mfa?,
    })
}
