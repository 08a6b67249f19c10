//! Which credentials an identity holds: the answer of `GET /admin/identities/{id}`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::CallError;
use super::session::ToldIdentity;
use crate::onboarding::{Observed, PiiKeys, Profile, Settlement};

/// How many passkeys and security keys there are, and since when that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub passkeys: u32,
    /// Those that sign in on their own; a second factor is not one.
    pub security_keys: u32,
    /// The newest of `identity.updated_at` and every `credentials.*.updated_at`: v1.3.1 moves only the latter.
    pub changed_at: Timestamp,
    pub profile: Profile,
}

impl Held {
    pub(super) fn parse(body: &[u8], keys: &PiiKeys) -> Result<Held, CallError> {
        // What serde says may quote the body.
        let identity: AdminIdentity = serde_json::from_slice(body).map_err(|_| CallError::Body)?;
        let credentials = identity.credentials.unwrap_or_default();
        let changed = credentials.values().map(|credential| credential.updated_at);
        let changed_at = changed.chain([identity.told.updated_at]).flatten().max().ok_or(CallError::Body)?;
        Ok(Held {
            passkeys: credentials.get("passkey").map_or(0, |credential| match &credential.config {
                // Told without its content: the key alone means that there is one.
                None => 1,
                Some(config) => config.count(|_| true),
            }),
            security_keys: credentials
                .get("webauthn")
                .and_then(|credential| credential.config.as_ref())
                .map_or(0, |config| config.count(|key| key.get("is_passwordless") == Some(&true.into()))),
            changed_at,
            profile: identity.told.profile(keys),
        })
    }

    /// `passkeys` and `security_keys`: settlements of the record, taken before Kratos was asked.
    pub fn observed(&self, passkeys: &Settlement, security_keys: &Settlement) -> Observed {
        Observed {
            passkeys: Some(passkeys.observation(self.changed_at, self.passkeys)),
            security_keys: Some(security_keys.observation(self.changed_at, self.security_keys)),
            ..Observed::default()
        }
    }
}

#[derive(Deserialize)]
struct AdminIdentity {
    credentials: Option<HashMap<String, Credentials>>,
    #[serde(flatten)]
    told: ToldIdentity,
}

#[derive(Deserialize)]
struct Credentials {
    updated_at: Option<Timestamp>,
    config: Option<Config>,
}

/// Other methods have other configurations; `credentials` is a list in the two we look at.
#[derive(Deserialize)]
struct Config {
    credentials: Option<Value>,
}

impl Config {
    fn count(&self, counts: fn(&Value) -> bool) -> u32 {
        let keys = self.credentials.iter().filter_map(Value::as_array).flatten();
        u32::try_from(keys.filter(|key| counts(key)).count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::recordings::{self, VERSIONS};
    use super::*;

    fn parse(version: &str, name: &str) -> Held {
        let body = recordings::body(version, &format!("admin/identity-{name}.json"));
        Held::parse(&body, &recordings::keys()).unwrap()
    }

    #[test]
    fn every_recorded_identity_is_counted() {
        for version in VERSIONS {
            let counts = |name: &str| {
                let held = parse(version, name);
                (held.passkeys, held.security_keys)
            };
            assert_eq!(counts("passkey"), (1, 0), "{version}: an empty webauthn key is none");
            assert_eq!(counts("password-passkey"), (1, 0), "{version}");
            assert_eq!(counts("webauthn"), (0, 1), "{version}");
            assert_eq!(counts("after-remove"), (0, 1), "{version}: no passkey key at all");
            assert_eq!(counts("created"), (0, 0), "{version}");
        }
    }

    #[test]
    fn it_changed_when_the_credentials_did() {
        let changed = |version: &str, name: &str| parse(version, name).changed_at.to_string();
        assert_eq!(changed("v26.2.0", "after-remove"), "2026-11-22T04:34:59.015841Z");
        assert_eq!(changed("v1.3.1", "after-remove"), "2026-11-22T04:35:42.057831Z");
    }

    #[test]
    fn a_second_factor_is_no_security_key_of_its_own() {
        let body = recordings::body("v26.2.0", "admin/identity-webauthn.json");
        let body =
            String::from_utf8(body).unwrap().replace("\"is_passwordless\":true", "\"is_passwordless\":false");
        assert_eq!(Held::parse(body.as_bytes(), &recordings::keys()).unwrap().security_keys, 0);
    }

    #[test]
    fn a_passkey_told_without_its_content_is_one() {
        let body = br#"{"updated_at":"2026-11-22T04:34:59Z","credentials":{"passkey":{"type":"passkey"}}}"#;
        assert_eq!(Held::parse(body, &recordings::keys()).unwrap().passkeys, 1);
    }
}
