//! Takes one passkey or security key away, by JSON Patch (RFC 6902): `DELETE …/credentials/passkey` is refused by every
//! Kratos there is.
//!
//! A patch names an item by its place in a list, Kratos takes no `test`, and it reads, patches and writes an identity
//! without a lock. So the patch checks the length of the list in its own way: it puts an item at the place after the last
//! one, which is an error where the list has become shorter, and takes that item out again. What a sign-in or an addition
//! changed meanwhile stays. What is left is read afterwards and compared.
//!
//! Three things remain possible. Between our reading and Kratos's, one key was removed and another added, so that the list
//! is as long as before and another key stands in the place: that is seen afterwards and said, not undone, because who
//! removed which is not known. Between Kratos's own reading and writing, somebody changed the identity: either change can
//! be lost; ours is asked for again. And v1.3.1, where a patch sees no credentials and can only put a whole list in their
//! place, loses a key that was added since it was read.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::held::Told;
use super::held_key::id_of;
use super::patience::Tries;
use super::{AskError, CallError, Identities};
use crate::onboarding::{CredentialId, IdentityId};

/// Somebody who changes the same identity at the same time is gone by then.
const TRIES: usize = 5;

/// Done, as Kratos says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    pub left: Told,
    /// Others of the same list that went meanwhile; not by us.
    pub gone_too: Vec<CredentialId>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    #[error("Kratos knows no such identity")]
    Gone,
    #[error("the identity holds no such passkey or security key")]
    NoSuchKey,
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(CallError),
    #[error("Kratos refuses the change with status {0}; nothing was taken away")]
    Refused(u16),
    #[error(
        "Kratos said several times that it was done, and it is still there: somebody changes the same identity"
    )]
    Stays,
    #[error(
        "it is still there, and {} gone: somebody changed the same identity at the same moment, and Kratos may have taken away another than was meant",
        names(.0)
    )]
    AnotherIsGone(Vec<CredentialId>),
}

fn names(ids: &[CredentialId]) -> String {
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

impl From<AskError> for RevokeError {
    fn from(error: AskError) -> RevokeError {
        match error {
            AskError::Gone => RevokeError::Gone,
            AskError::Token => RevokeError::Unreachable(CallError::Body),
            AskError::Unreachable(error) => RevokeError::Unreachable(error),
        }
    }
}

impl Identities {
    /// Whether it is the last way to sign in is for the caller to ask.
    pub async fn revoke(&self, identity: IdentityId, key: &CredentialId) -> Result<Revoked, RevokeError> {
        let mut tries = Tries::of(&self.patience());
        let mut before: Option<List> = None;
        let (mut may_be_done, mut whole) = (false, false);
        for _ in 0..=TRIES {
            let body = self.body_of(identity).await?;
            let Some(now) = List::with(&body, key) else {
                let Some(before) = before else { return Err(RevokeError::NoSuchKey) };
                let left = self.read(&body).map_err(RevokeError::Unreachable)?;
                let gone_too = before.others_missing_in(&left, key);
                return Ok(Revoked { left, gone_too });
            };
            let changed = before.as_ref().is_some_and(|before| before.ids != now.ids);
            if let Some(before) = before.filter(|_| may_be_done && changed) {
                let missing: Vec<CredentialId> = before.missing_in(&now.ids);
                if !missing.is_empty() {
                    return Err(RevokeError::AnotherIsGone(missing));
                }
            }
            // Refused though the list is as it was: this Kratos cannot patch inside of it.
            whole = whole && !changed;
            let patch = if whole { now.put_in_place() } else { now.take_out() };
            let answered = self.patch("revoke", identity, &patch).await;
            may_be_done = true;
            match &answered {
                Ok(200..=299) => {}
                Ok(400 | 404) if !whole => (may_be_done, whole) = (false, true),
                Ok(status @ 400..=499) if *status != 429 => return Err(RevokeError::Refused(*status)),
                _ => sleep(tries.after_trouble()).await,
            }
            before = Some(now);
        }
        Err(RevokeError::Stays)
    }
}

/// The list that holds the key, as it was read.
#[derive(Debug)]
struct List {
    method: &'static str,
    place: usize,
    /// In order; `None` where one cannot be read.
    ids: Vec<Option<CredentialId>>,
    credential: Map<String, Value>,
}

#[derive(Deserialize)]
struct Patched {
    credentials: Option<Map<String, Value>>,
}

impl List {
    fn with(body: &[u8], key: &CredentialId) -> Option<List> {
        let mut credentials = serde_json::from_slice::<Patched>(body).ok()?.credentials?;
        ["passkey", "webauthn"].into_iter().find_map(|method| {
            let Some(Value::Object(credential)) = credentials.remove(method) else { return None };
            let listed = credential.get("config")?.get("credentials")?.as_array()?;
            let ids: Vec<_> = listed.iter().map(id_of).collect();
            let place = ids.iter().position(|id| id.as_ref() == Some(key))?;
            Some(List { method, place, ids, credential })
        })
    }

    fn take_out(&self) -> Value {
        let list = format!("/credentials/{}/config/credentials", self.method);
        let beyond = format!("{list}/{}", self.ids.len());
        json!([
            { "op": "add", "path": beyond, "value": {} },
            { "op": "remove", "path": beyond },
            { "op": "remove", "path": format!("{list}/{}", self.place) },
        ])
    }

    fn put_in_place(&self) -> Value {
        let mut value = self.credential.clone();
        value.retain(|name, _| matches!(name.as_str(), "type" | "identifiers" | "version" | "config"));
        let listed = value.get_mut("config").and_then(|config| config.get_mut("credentials"));
        if let Some(listed) = listed.and_then(Value::as_array_mut)
            && self.place < listed.len()
        {
            listed.remove(self.place);
        }
        json!([{ "op": "add", "path": format!("/credentials/{}", self.method), "value": value }])
    }

    fn missing_in(&self, ids: &[Option<CredentialId>]) -> Vec<CredentialId> {
        self.ids.iter().filter(|id| !ids.contains(id)).flatten().cloned().collect()
    }

    fn others_missing_in(&self, left: &Told, key: &CredentialId) -> Vec<CredentialId> {
        let left: Vec<_> =
            left.held.keys.iter().map(|held| CredentialId::of_bytes(held.id.clone()).ok()).collect();
        let missing = self.missing_in(&left);
        missing.into_iter().filter(|id| id != key).collect()
    }
}
