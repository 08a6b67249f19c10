//! Which credentials an identity holds: the answer of `GET /admin/identities/{id}`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::CallError;
use super::held_key::{HeldKey, KeyKind};
use super::newest::newest;
use super::session::ToldIdentity;
use crate::ceremony::Found;
use crate::onboarding::{CredentialId, IdentityId, Observed, PiiKeys, Profile, Settlement};

/// Which passkeys and security keys there are, and since when that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub passkeys: u32,
    /// Those that sign in on their own; a second factor is not one.
    pub security_keys: u32,
    /// The newest of `identity.updated_at` and every `credentials.*.updated_at`: v1.3.1 moves only the latter.
    pub changed_at: Timestamp,
    /// The same; `None` where a change may have left no date.
    newest: Option<Timestamp>,
    pub profile: Profile,
    /// Second factors too.
    pub keys: Vec<HeldKey>,
    /// Every one that is counted is among `keys`.
    pub keys_are_all: bool,
    /// Whether something that is no passkey or security key signs in.
    other_way: OtherWay,
}

/// Kratos makes a `password` and a `code` for people who never used either, and says what they hold only together with
/// the hash: whether these sign in cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OtherWay {
    None,
    Perhaps,
    Surely,
}

impl Held {
    pub(super) fn parse(body: &[u8], keys: &PiiKeys) -> Result<Held, CallError> {
        // What serde says may quote the body.
        let identity: AdminIdentity = serde_json::from_slice(body).map_err(|_| CallError::Body)?;
        Held::of(identity, keys)
    }

    fn of(identity: AdminIdentity, keys: &PiiKeys) -> Result<Held, CallError> {
        let credentials = identity.credentials.unwrap_or_default();
        let changed = || credentials.values().map(|credential| credential.updated_at);
        let changed_at =
            changed().chain([identity.told.updated_at]).flatten().max().ok_or(CallError::Body)?;
        let newest = newest(identity.told.updated_at, changed());
        let told = |method, kind| {
            let config = credentials.get(method).and_then(|credential| credential.config.as_ref());
            config.map(|config| config.keys(kind))
        };
        let (passkeys, security_keys) =
            (told("passkey", KeyKind::Passkey), told("webauthn", KeyKind::SecurityKey));
        let is_told = passkeys.is_some() || !credentials.contains_key("passkey");
        let read: Vec<_> = [passkeys, security_keys].into_iter().flatten().flatten().collect();
        let other_way = credentials.iter().map(|(method, told)| told.other_way(method)).max();
        Ok(Held {
            keys_are_all: is_told && read.iter().all(Option::is_some),
            keys: read.into_iter().flatten().collect(),
            other_way: other_way.unwrap_or(OtherWay::None),
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
            newest,
            profile: identity.told.profile(keys),
        })
    }

    /// Whether nothing would sign in without `key`, which is one of [`Held::keys`]. `None`: that cannot be known.
    pub fn is_last_way(&self, key: &HeldKey) -> Option<bool> {
        let ways = self.keys.iter().filter(|key| key.signs_in).count();
        match self.other_way {
            _ if !key.signs_in || ways > 1 => Some(false),
            OtherWay::Surely => Some(false),
            OtherWay::None if self.keys_are_all => Some(true),
            OtherWay::None | OtherWay::Perhaps => None,
        }
    }

    /// Which of those that were made here it holds; `None`: that cannot be read.
    pub fn found(&self) -> Option<Found> {
        let ids = self.keys.iter().map(|key| CredentialId::of_bytes(key.id.clone()).ok());
        let keys = ids.collect::<Option<_>>().filter(|_| self.keys_are_all)?;
        Some(Found { keys, newest: self.newest })
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

/// An identity as the admin API tells it, alone or in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub identity: IdentityId,
    pub held: Held,
}

impl Told {
    pub(crate) fn parse(body: &[u8], keys: &PiiKeys) -> Result<Told, CallError> {
        let told: AdminIdentity = serde_json::from_slice(body).map_err(|_| CallError::Body)?;
        Ok(Told { identity: told.id.ok_or(CallError::Body)?, held: Held::of(told, keys)? })
    }
}

#[derive(Deserialize)]
struct AdminIdentity {
    id: Option<IdentityId>,
    credentials: Option<HashMap<String, Credentials>>,
    #[serde(flatten)]
    told: ToldIdentity,
}

#[derive(Deserialize)]
struct Credentials {
    updated_at: Option<Timestamp>,
    #[serde(default)]
    identifiers: Option<Vec<Value>>,
    config: Option<Config>,
}

impl Credentials {
    fn other_way(&self, method: &str) -> OtherWay {
        let is_empty = self.identifiers.as_ref().is_some_and(Vec::is_empty);
        match method {
            "passkey" | "webauthn" | "totp" | "lookup_secret" | "link_recovery" | "code_recovery" => {
                OtherWay::None
            }
            // Each provider that is linked is an identifier; the last one can be unlinked.
            "oidc" | "saml" if is_empty => OtherWay::None,
            "oidc" | "saml" if self.identifiers.is_some() => OtherWay::Surely,
            _ => OtherWay::Perhaps,
        }
    }
}

/// Other methods have other configurations; `credentials` is a list in the two we look at.
#[derive(Deserialize)]
struct Config {
    credentials: Option<Value>,
}

impl Config {
    /// `None` for each that cannot be read.
    fn keys(&self, kind: KeyKind) -> Vec<Option<HeldKey>> {
        let told = self.credentials.iter().filter_map(Value::as_array).flatten();
        told.map(|told| HeldKey::read(kind, told)).collect()
    }

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
    fn every_recorded_key_is_read() {
        for version in VERSIONS {
            let held = parse(version, "password-passkey");
            let [key] = held.keys.as_slice() else { panic!("{version}: {held:?}") };
            assert_eq!((key.kind, key.signs_in, key.id.len()), (KeyKind::Passkey, true, 32), "{version}");
            assert_eq!((key.name.as_deref(), key.backed_up), (None, Some(false)), "{version}");
            assert_eq!(
                key.aaguid,
                Some("01020304-0506-0708-0102-030405060708".parse().unwrap()),
                "{version}"
            );
            assert!(key.added_at.is_some() && held.keys_are_all, "{version}");
            assert_eq!(held.is_last_way(key), None, "{version}: there may be a password");
            let held = parse(version, "webauthn");
            let [key] = held.keys.as_slice() else { panic!("{version}: {held:?}") };
            assert_eq!((key.kind, key.name.as_deref()), (KeyKind::SecurityKey, Some("key one")), "{version}");
        }
    }

    fn with(credentials: serde_json::Value) -> Held {
        let body = serde_json::json!({ "updated_at": "2026-11-22T04:34:59Z", "credentials": credentials });
        Held::parse(body.to_string().as_bytes(), &recordings::keys()).unwrap()
    }

    #[test]
    fn the_last_way_to_sign_in_is_told_only_where_it_is_known() {
        let keys = |passwordless: &[bool]| {
            let keys = passwordless.iter().enumerate();
            let keys =
                keys.map(|(n, is)| serde_json::json!({ "id": format!("AAA{n}"), "is_passwordless": is }));
            serde_json::json!({ "config": { "credentials": keys.collect::<Vec<_>>() } })
        };
        let last = |mut credentials: serde_json::Value, more: &str, identifiers: &[&str]| {
            if !more.is_empty() {
                credentials[more] = serde_json::json!({ "identifiers": identifiers });
            }
            let held = with(credentials);
            held.keys.iter().map(|key| held.is_last_way(key)).collect::<Vec<_>>()
        };
        let one = || serde_json::json!({ "passkey": keys(&[true]) });
        assert_eq!(last(one(), "", &[]), [Some(true)]);
        for second in ["totp", "lookup_secret"] {
            assert_eq!(last(one(), second, &["ada"]), [Some(true)], "{second} signs nobody in on its own");
        }
        for linked in ["oidc", "saml"] {
            assert_eq!(last(one(), linked, &["provider:sub"]), [Some(false)], "{linked}");
            assert_eq!(last(one(), linked, &[]), [Some(true)], "{linked}: nothing is linked any more");
        }
        for unknown in ["password", "code", "deviceauthn"] {
            assert_eq!(last(one(), unknown, &["ada@example.org"]), [None], "{unknown}");
        }
        assert_eq!(last(serde_json::json!({ "passkey": keys(&[true, true]) }), "", &[]), [Some(false); 2]);
        let beside = |is_passwordless: bool| {
            let [passkey, webauthn] = [true, is_passwordless].map(|is| keys(&[is]));
            serde_json::json!({ "passkey": passkey, "webauthn": webauthn })
        };
        assert_eq!(last(beside(true), "", &[]), [Some(false), Some(false)]);
        assert_eq!(last(beside(false), "", &[]), [Some(true), Some(false)], "a second factor is no way");
    }

    #[test]
    fn keys_that_cannot_be_read_are_missed() {
        let unreadable =
            serde_json::json!({ "config": { "credentials": [{ "id": "?" }, { "id": "AAEC" }] } });
        for (credentials, keys) in
            [(serde_json::json!({ "passkey": unreadable }), 1), (serde_json::json!({ "passkey": {} }), 0)]
        {
            let held = with(credentials);
            assert_eq!((held.keys.len(), held.keys_are_all), (keys, false));
            assert!(held.keys.iter().all(|key| held.is_last_way(key).is_none()));
        }
        assert!(
            with(serde_json::json!({ "webauthn": {} })).keys_are_all,
            "a webauthn without content is none"
        );
    }

    #[test]
    fn a_passkey_told_without_its_content_is_one() {
        let body = br#"{"updated_at":"2026-11-22T04:34:59Z","credentials":{"passkey":{"type":"passkey"}}}"#;
        assert_eq!(Held::parse(body, &recordings::keys()).unwrap().passkeys, 1);
    }
}
