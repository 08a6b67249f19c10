//! Hands a passkey in that was made by our own ceremony, by JSON Patch (RFC 6902): native in Kratos from then on, as it was
//! seen to be on v1.3.1, v25.4, v26.2.0 and main.
//!
//! `add /credentials/passkey` where there is none, else append; v1.3.1 answers 404 to that, and takes the whole credential
//! as it was read with the new one added. Kratos reads, patches and writes an identity without a lock, so what comes of it
//! is read back. Only passkeys are ever named: traits, state, schema and metadata stay as they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::held::Told;
use super::patience::Tries;
use super::{AskError, CallError, Identities, Standing};
use crate::ceremony::{Passkey, UserHandleError};
use crate::onboarding::{CredentialId, IdentityId};

/// Somebody who changes the same identity at the same time is gone by then.
const TRIES: usize = 3;

/// Kratos has it, and everything it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedIn {
    pub now: Told,
    /// Something else of the identity is other than it was a moment before. Perhaps not by us; never seen in the recordings.
    pub rest_changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandInError {
    #[error("Kratos knows no such identity")]
    Gone,
    /// It may have been handed in, where Kratos was asked to.
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(CallError),
    /// A passkey was added meanwhile, under another user handle than this one was made under.
    #[error("the identity's passkeys are kept under another user handle")]
    OtherHandle,
    #[error("what the identity holds cannot be read")]
    Unreadable,
    /// As in no recording.
    #[error("Kratos refuses the change with status {0}")]
    Refused(u16),
    /// As in no recording.
    #[error("Kratos said that it was done, and it is not there")]
    Lost,
    /// As in no recording.
    #[error("{} passkeys that were there are missing since", .0.len())]
    Missing(Vec<CredentialId>),
}

impl HandInError {
    /// Kratos did something that none of the recorded ones does: the next one would fare no better.
    pub fn is_unheard_of(&self) -> bool {
        match self {
            HandInError::Refused(_) | HandInError::Lost | HandInError::Missing(_) => true,
            HandInError::Gone
            | HandInError::Unreachable(_)
            | HandInError::OtherHandle
            | HandInError::Unreadable => false,
        }
    }
}

impl From<AskError> for HandInError {
    fn from(error: AskError) -> HandInError {
        match error {
            AskError::Gone => HandInError::Gone,
            AskError::Token => HandInError::Unreachable(CallError::Body),
            AskError::Unreachable(error) => HandInError::Unreachable(error),
        }
    }
}

impl Identities {
    /// As it is now.
    pub async fn standing(&self, identity: IdentityId) -> Result<Standing, AskError> {
        Ok(Standing::parse(&self.body_of(identity).await?)?)
    }

    /// Whether the person may is for the caller to ask; and only one at a time may be handed in for an identity. Handed in
    /// again, it stays once.
    pub async fn hand_in(&self, identity: IdentityId, passkey: &Passkey) -> Result<HandedIn, HandInError> {
        let mut tries = Tries::of(&self.patience());
        let (mut whole, mut said_done, mut trouble) = (false, false, None);
        let mut first: Option<Standing> = None;
        for _ in 0..=TRIES {
            let body = self.body_of(identity).await?;
            let now = Standing::parse(&body).map_err(HandInError::Unreachable)?;
            let held = now.passkeys().ok_or(HandInError::Unreadable)?;
            if let Some(first) = &first {
                let before = first.passkeys().unwrap_or_default();
                let missing: Vec<_> = before.into_iter().filter(|id| !held.contains(id)).collect();
                if said_done && !missing.is_empty() {
                    return Err(HandInError::Missing(missing));
                }
            }
            if held.contains(&passkey.made.id) {
                let rest_changed = first.is_some_and(|first| first.rest() != now.rest());
                let now = self.read(&body).map_err(HandInError::Unreachable)?;
                return Ok(HandedIn { now, rest_changed });
            }
            let patch = patch(&now, passkey, whole)?;
            first.get_or_insert(now);
            match self.patch("hand_in", identity, &patch).await {
                Ok(200..=299) => (said_done, trouble) = (true, None),
                Ok(404) if !whole => whole = true,
                Ok(status @ 400..=499) if status != 429 => return Err(HandInError::Refused(status)),
                Ok(status) => trouble = Some(CallError::Status(status)),
                Err(error) => trouble = Some(error),
            }
            if trouble.is_some() {
                sleep(tries.after_trouble()).await;
            }
        }
        match trouble {
            Some(error) => Err(HandInError::Unreachable(error)),
            None => Err(HandInError::Lost),
        }
    }
}

/// `whole`: this Kratos does not patch inside of credentials.
fn patch(now: &Standing, passkey: &Passkey, whole: bool) -> Result<Value, HandInError> {
    let item = item(passkey);
    let there = now.credential("passkey");
    let list = there.and_then(|there| there.get("config")?.get("credentials")?.as_array());
    match (there, list, now.user_handle()) {
        (Some(there), Some(list), Some(handle)) => {
            if handle != Ok::<_, UserHandleError>(passkey.handle.clone()) {
                return Err(HandInError::OtherHandle);
            }
            if !whole {
                return Ok(json!([
                    { "op": "add", "path": "/credentials/passkey/config/credentials/-", "value": item },
                ]));
            }
            let mut value = there.clone();
            value.retain(|name, _| matches!(name.as_str(), "type" | "identifiers" | "version" | "config"));
            if let Some(Value::Object(config)) = value.get_mut("config") {
                let all = list.iter().cloned().chain([item]).collect();
                config.insert("credentials".to_owned(), all);
            }
            Ok(json!([{ "op": "add", "path": "/credentials/passkey", "value": value }]))
        }
        // None yet, or none any more.
        (None, ..) => {
            Ok(json!([{ "op": "add", "path": "/credentials/passkey", "value": credential(passkey, item) }]))
        }
        (Some(there), None, _) if is_empty(there) => {
            Ok(json!([{ "op": "add", "path": "/credentials/passkey", "value": credential(passkey, item) }]))
        }
        _ => Err(HandInError::Unreadable),
    }
}

/// A method that nothing is left of.
fn is_empty(credential: &Map<String, Value>) -> bool {
    let is_none = |name: &str| match credential.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(config)) => config.is_empty(),
        Some(_) => false,
    };
    is_none("config") && is_none("identifiers")
}

fn credential(passkey: &Passkey, item: Value) -> Value {
    json!({
        "type": "passkey",
        "identifiers": [passkey.handle.as_str()],
        "version": 1,
        "config": { "user_handle": STANDARD.encode(passkey.handle.as_str()), "credentials": [item] },
    })
}

/// As Kratos itself writes one down.
fn item(passkey: &Passkey) -> Value {
    let Passkey { made, name, made_at, .. } = passkey;
    json!({
        "id": STANDARD.encode(made.id.as_bytes()),
        "public_key": STANDARD.encode(&made.public_key),
        "attestation_type": "none",
        "display_name": name,
        "added_at": made_at,
        "is_passwordless": true,
        "authenticator": {
            "aaguid": STANDARD.encode(made.aaguid.as_bytes()),
            "sign_count": made.sign_count,
            "clone_warning": false,
        },
        "flags": made.flags,
    })
}
