//! What an identity is before a passkey is added to it: the answer of `GET /admin/identities/{id}`, read for that.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::CallError;
use super::held_key::id_of;
use super::newest::newest;
use crate::ceremony::{Found, UserHandle, UserHandleError};
use crate::onboarding::CredentialId;

/// Whether Kratos would ask for a second factor (its session's authenticator assurance level 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    None,
    /// `totp`, `lookup_secret`, or a `webauthn` that is not passwordless.
    Usable,
    /// Kratos did not say what the `webauthn` keys are.
    Unknown,
}

#[derive(Clone, PartialEq)]
pub struct Standing {
    identity: Map<String, Value>,
}

impl std::fmt::Debug for Standing {
    /// It holds traits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Standing(…)")
    }
}

impl Standing {
    pub(crate) fn parse(body: &[u8]) -> Result<Standing, CallError> {
        let identity = Map::deserialize(&mut serde_json::Deserializer::from_slice(body));
        let identity = identity.map_err(|_| CallError::Body)?;
        if identity.get("id").is_none_or(|id| !id.is_string()) {
            return Err(CallError::Body);
        }
        Ok(Standing { identity })
    }

    pub fn is_active(&self) -> bool {
        self.identity.get("state").and_then(Value::as_str) == Some("active")
    }

    /// `by_code`: Kratos takes a code as a second factor (`selfservice.methods.code.mfa_enabled`), of whoever has an address;
    /// the admin API does not say whether it would.
    pub fn second_factor(&self, by_code: bool) -> SecondFactor {
        match self.own_second_factor() {
            SecondFactor::None if by_code && self.can_get_codes() => SecondFactor::Unknown,
            factor => factor,
        }
    }

    fn can_get_codes(&self) -> bool {
        let addresses = ["verifiable_addresses", "recovery_addresses"].into_iter();
        let mut addresses = addresses.filter_map(|kind| self.identity.get(kind)?.as_array());
        self.credential("code").is_some() || addresses.any(|list| !list.is_empty())
    }

    fn own_second_factor(&self) -> SecondFactor {
        if ["totp", "lookup_secret"].iter().any(|factor| self.credential(factor).is_some()) {
            return SecondFactor::Usable;
        }
        let Some(webauthn) = self.credential("webauthn") else { return SecondFactor::None };
        let Some(config) = webauthn.get("config") else { return SecondFactor::Unknown };
        let keys = config.get("credentials").and_then(Value::as_array).into_iter().flatten();
        let told: Option<Vec<bool>> =
            keys.map(|key| key.get("is_passwordless").map_or(Some(false), Value::as_bool)).collect();
        match told {
            Some(passwordless) if passwordless.iter().all(|is| *is) => SecondFactor::None,
            Some(_) => SecondFactor::Usable,
            None => SecondFactor::Unknown,
        }
    }

    /// What its passkeys are kept under; `None` where there are none.
    pub fn user_handle(&self) -> Option<Result<UserHandle, UserHandleError>> {
        let passkey = self.credential("passkey")?;
        let told = passkey.get("config").and_then(|config| config.get("user_handle"));
        let told = told.filter(|told| !told.is_null() && **told != "")?;
        // One that cannot be read is one all the same.
        let bytes = told.as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        Some(UserHandle::of_bytes(&bytes).and_then(|handle| {
            // Kratos finds a person by the text; another one's passkeys would lead nowhere.
            let identifiers = passkey.get("identifiers").and_then(Value::as_array);
            let is_found = identifiers.is_some_and(|all| all.iter().any(|one| one == handle.as_str()));
            if is_found { Ok(handle) } else { Err(UserHandleError::NotAscii) }
        }))
    }

    /// Of passkeys and security keys, in Kratos's order. `None`: one of them cannot be read, or they were not told.
    pub fn keys(&self) -> Option<Vec<CredentialId>> {
        let is_told = |method: &str| self.credential(method).is_none_or(|it| it.contains_key("config"));
        if !["passkey", "webauthn"].into_iter().all(is_told) {
            return None;
        }
        let told = ["passkey", "webauthn"].into_iter().flat_map(|method| self.list(method)).map(id_of);
        told.collect()
    }

    /// Which of those that were made here it holds; `None`: that cannot be read.
    pub fn found(&self) -> Option<Found> {
        Some(Found { keys: self.keys()?, newest: self.newest() })
    }

    /// When it was changed last, by Kratos's clock; `None` where a change may have left no date.
    pub fn newest(&self) -> Option<Timestamp> {
        let date = |of: &Map<String, Value>| of.get("updated_at")?.as_str()?.parse().ok();
        let credentials = self.identity.get("credentials").and_then(Value::as_object).into_iter();
        let credentials = credentials.flat_map(Map::values).filter_map(Value::as_object);
        newest(date(&self.identity), credentials.map(date))
    }

    pub(super) fn passkeys(&self) -> Option<Vec<CredentialId>> {
        self.list("passkey").iter().map(id_of).collect()
    }

    /// The public key of a passkey, COSE.
    pub fn key(&self, id: &CredentialId) -> Option<Vec<u8>> {
        let item = self.list("passkey").iter().find(|item| id_of(item).as_ref() == Some(id))?;
        STANDARD.decode(item.get("public_key")?.as_str()?).ok()
    }

    /// What the person signs in with, for their authenticator to show: an address, else a name.
    pub fn account_name(&self) -> Option<String> {
        let addresses = ["verifiable_addresses", "recovery_addresses"]
            .into_iter()
            .filter_map(|kind| self.identity.get(kind)?.as_array()?.first()?.get("value")?.as_str());
        let identifiers = ["password", "code", "webauthn"]
            .into_iter()
            .filter_map(|method| self.credential(method)?.get("identifiers")?.as_array()?.first()?.as_str());
        let mut names = addresses.chain(identifiers).filter(|name| !name.is_empty());
        names.next().map(|name| name.chars().take(64).collect())
    }

    pub(super) fn credential(&self, method: &str) -> Option<&Map<String, Value>> {
        self.identity.get("credentials")?.get(method)?.as_object()
    }

    /// Everything a patch of passkeys leaves alone: all but the passkeys themselves, when something was changed, and what
    /// Kratos does to addresses by itself once it has sent mail.
    pub(super) fn rest(&self) -> Map<String, Value> {
        let mut rest = self.identity.clone();
        rest.remove("updated_at");
        if let Some(Value::Object(credentials)) = rest.get_mut("credentials") {
            credentials.remove("passkey");
            for credential in credentials.values_mut().filter_map(Value::as_object_mut) {
                credential.remove("updated_at");
            }
        }
        for kind in ["verifiable_addresses", "recovery_addresses"] {
            let addresses = rest.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten();
            for address in addresses.filter_map(Value::as_object_mut) {
                for moving in ["updated_at", "status", "verified", "verified_at"] {
                    address.remove(moving);
                }
            }
        }
        rest
    }

    /// What of [`Standing::rest`] is another than in `before`: names of fields, as `traits` or `credentials.password`.
    pub fn changed_since(&self, before: &Standing) -> Vec<String> {
        let (mut now, mut then) = (self.rest(), before.rest());
        let mut changed =
            differing("credentials.", &within(&now, "credentials"), &within(&then, "credentials"));
        now.remove("credentials");
        then.remove("credentials");
        changed.extend(differing("", &now, &then));
        changed
    }

    fn list(&self, method: &str) -> &[Value] {
        let listed = self.credential(method).and_then(|it| it.get("config")?.get("credentials")?.as_array());
        listed.map_or(&[], Vec::as_slice)
    }
}

fn within(of: &Map<String, Value>, name: &str) -> Map<String, Value> {
    of.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn differing(prefix: &str, one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let names = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    names.map(|name| format!("{prefix}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::recordings::{self, VERSIONS};
    use super::*;

    fn recorded(version: &str, name: &str) -> Standing {
        Standing::parse(&recordings::body(version, &format!("admin/identity-{name}.json"))).unwrap()
    }

    fn with(credentials: &Value) -> Standing {
        let identity = json!({ "id": "5eddbeec", "state": "active", "credentials": credentials });
        Standing::parse(identity.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_recorded_identity_is_read() {
        for version in VERSIONS {
            let created = recorded(version, "created");
            assert!(created.is_active() && created.user_handle().is_none(), "{version}");
            // Told without what its credentials are.
            assert_eq!((created.keys(), created.second_factor(false)), (None, SecondFactor::Unknown));
            let one = recorded(version, "password-passkey");
            assert_eq!(one.user_handle().unwrap().unwrap().as_str().len(), 64, "{version}");
            assert_eq!(one.keys().unwrap().len(), 1, "{version}");
            assert_eq!(one.second_factor(false), SecondFactor::None, "{version}");
            assert!(one.account_name().unwrap().contains('@'), "{version}");
            assert!(recorded(version, "after-remove").user_handle().is_none(), "{version}");
        }
    }

    #[test]
    fn a_second_factor_is_one_that_kratos_would_ask_for() {
        let factor = |credentials: Value| with(&credentials).second_factor(false);
        let webauthn = |keys: Value| json!({ "webauthn": { "config": { "credentials": keys } } });
        for usable in [
            json!({ "totp": {} }),
            json!({ "lookup_secret": {} }),
            webauthn(json!([{ "is_passwordless": true }, { "is_passwordless": false }])),
            webauthn(json!([{}])),
        ] {
            assert_eq!(factor(usable.clone()), SecondFactor::Usable, "{usable}");
        }
        for none in [
            json!({ "password": {}, "code": {}, "oidc": {} }),
            json!({ "webauthn": { "config": { "user_handle": "AA==" } } }),
            webauthn(json!([{ "is_passwordless": true }])),
        ] {
            assert_eq!(factor(none.clone()), SecondFactor::None, "{none}");
        }
        for unknown in [json!({ "webauthn": {} }), webauthn(json!([{ "is_passwordless": "?" }]))] {
            assert_eq!(factor(unknown.clone()), SecondFactor::Unknown, "{unknown}");
        }
    }

    #[test]
    fn a_code_is_a_second_factor_where_kratos_takes_it_for_one() {
        let factor = |by_code| with(&json!({ "password": {}, "code": {} })).second_factor(by_code);
        assert_eq!((factor(false), factor(true)), (SecondFactor::None, SecondFactor::Unknown));
        assert_eq!(with(&json!({ "password": {} })).second_factor(true), SecondFactor::None, "no address");
        assert_eq!(with(&json!({ "totp": {}, "code": {} })).second_factor(true), SecondFactor::Usable);
    }

    #[test]
    fn a_user_handle_is_the_text_that_kratos_finds_people_by() {
        let handle = |bytes: &[u8], identifier: &str| {
            let config = json!({ "user_handle": STANDARD.encode(bytes), "credentials": [] });
            with(&json!({ "passkey": { "identifiers": [identifier], "config": config } })).user_handle()
        };
        assert_eq!(handle(b"abc", "abc").unwrap().unwrap().as_str(), "abc");
        assert!(handle(b"abc", "abd").unwrap().is_err());
        assert!(handle(&[0xdf, 0xd6], "?").unwrap().is_err());
        assert!(handle(b"", "").is_none());
        let broken = json!({ "passkey": { "identifiers": ["a"], "config": { "user_handle": "?" } } });
        assert!(with(&broken).user_handle().unwrap().is_err(), "there is one, and it cannot be read");
    }

    /// By this service, on a real one (`tests/kratos/own.rs`).
    #[test]
    fn what_a_recorded_hand_in_changes_is_nothing_but_passkeys() {
        let [before, first, second] = ["before", "first", "second"].map(|name| {
            Standing::parse(&recordings::body("v26.2.0", &format!("import/own-{name}.json"))).unwrap()
        });
        for (then, now, count) in [(&before, &first, 1), (&first, &second, 2), (&before, &second, 2)] {
            assert_eq!(now.rest(), then.rest());
            assert!(now.changed_since(then).is_empty());
            assert_ne!(now, then);
            assert_eq!(now.keys().unwrap().len(), count);
        }
        assert_eq!(first.user_handle(), second.user_handle());
        assert_eq!(second.keys().unwrap()[0], first.keys().unwrap()[0]);
    }

    #[test]
    fn what_changed_is_named_and_what_is_of_passkeys_or_moves_by_itself_is_not() {
        let credentials =
            json!({ "password": { "identifiers": ["a"], "updated_at": 1 }, "totp": {}, "passkey": 1 });
        let before = json!({ "id": "5eddbeec", "traits": { "email": "a" }, "updated_at": 1, "credentials": credentials });
        let mut after = before.clone();
        after["updated_at"] = json!(2);
        after["credentials"]["password"]["updated_at"] = json!(2);
        after["credentials"]["passkey"] = json!(2);
        let parsed = |identity: &Value| Standing::parse(identity.to_string().as_bytes()).unwrap();
        assert!(parsed(&after).changed_since(&parsed(&before)).is_empty());
        after["traits"]["email"] = json!("b");
        after["metadata_public"] = json!({});
        after["credentials"]["password"]["identifiers"] = json!(["b"]);
        after["credentials"].as_object_mut().unwrap().remove("totp");
        let changed = ["credentials.password", "credentials.totp", "metadata_public", "traits"];
        assert_eq!(parsed(&after).changed_since(&parsed(&before)), changed);
    }

    #[test]
    fn whoever_is_not_active_is_not() {
        for state in [json!("inactive"), json!(null), json!(5)] {
            let identity = json!({ "id": "5eddbeec", "state": state });
            assert!(!Standing::parse(identity.to_string().as_bytes()).unwrap().is_active());
        }
        for garbage in ["", "[]", "{}", r#"{"id":5}"#] {
            assert!(Standing::parse(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }
}
