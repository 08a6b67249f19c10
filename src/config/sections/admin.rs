use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::secrets;
use crate::config::parse;
use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{Admin, AllowedHost};
use crate::onboarding::OperatorName;

/// 256 bits in base64 are 43.
const SHORTEST: usize = 32;
const LONGEST: usize = 512;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminApiFile {
    /// Who may use the operators' endpoints: a name for each person or tool, such as `alice`, and below it their tokens.
    /// The name stands in the audit trail. Without anybody the endpoints refuse everybody.
    pub operators: BTreeMap<String, OperatorFile>,
    /// A list of the hosts that operators call the admin listener by, `NAME` or `NAME:PORT`; a `Host` header with another
    /// one is refused on the operators' endpoints. The host of `serve.admin.base_url`, `serve.admin.host` and, on
    /// loopback, `localhost` are always among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["onboarding-admin.internal"])]
    allowed_hosts: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorFile {
    /// A list of tokens, 32 to 512 visible ASCII characters each, sent as `Authorization: Bearer TOKEN`. Any one is
    /// enough, so a new one can be there before the old one goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("writeOnly" = true), example = ["43-RANDOM-CHARACTERS-AS-KEYGEN-MAKES-THEM"])]
    pub tokens: Vec<String>,
    /// Path of a file with the values of `tokens`, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "/run/secrets/onboarding-token-of-alice")]
    tokens_file: Option<String>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Admin, Noted> {
    let operators = reader.entries::<OperatorName, _>("admin.operators", tokens);
    let allowed_hosts = reader.list("admin.allowed_hosts", |scalar| parse::host(scalar.text()?));
    Ok(Admin { operators: operators?, allowed_hosts: allowed_hosts? })
}

fn tokens(reader: &mut Reader<'_>, operator: &str) -> Result<Vec<SecretString>, Noted> {
    let path = format!("{operator}.tokens");
    let tokens = reader.secrets(&path, token)?;
    if tokens.is_empty() {
        let refused = Refused::so_do(
            "is not set: nobody could use the name",
            "make one with `kratos-onboarding keygen`, or remove the name",
        );
        return Err(reader.missing(&path, refused));
    }
    Ok(tokens)
}

fn token(scalar: &Scalar<'_>) -> Result<SecretString, Refused> {
    secrets::shown(scalar, "token", SHORTEST, LONGEST)
}

impl Admin {
    /// Whether requests may call this listener by `host`, as the header `Host` writes it (RFC 9110, section 7.2).
    pub fn allows(&self, host: &str) -> bool {
        parse::host(host).is_ok_and(|given| {
            self.allowed_hosts.iter().any(|allowed| {
                allowed.name == given.name && (allowed.port.is_none() || allowed.port == given.port)
            })
        })
    }

    /// Whether it is one of those in use, whoever's.
    pub fn is_token(&self, token: &str) -> bool {
        self.operators.values().flatten().any(|known| known.expose_secret() == token)
    }

    /// Adds those by which the listener is known in any case.
    #[must_use]
    pub fn also_known_as(mut self, names: impl IntoIterator<Item = String>) -> Admin {
        self.allowed_hosts.extend(names.into_iter().map(|name| AllowedHost { name, port: None }));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_as_browsers_write_it() {
        let hosts = ["Admin.Internal", "other.internal:8443", "[::1]"].map(|host| parse::host(host).unwrap());
        let admin = Admin { operators: BTreeMap::new(), allowed_hosts: hosts.into() };
        for allowed in ["admin.internal", "ADMIN.internal:5051", "other.internal:8443", "[::1]:5051"] {
            assert!(admin.allows(allowed), "{allowed}");
        }
        for foreign in [
            "",
            "evil.example",
            "admin.internal.evil.example",
            "other.internal",
            "other.internal:1",
            "a@admin.internal",
            "admin.internal:x",
        ] {
            assert!(!admin.allows(foreign), "{foreign}");
        }
    }
}
