//! Hands a passkey in that was made by our own ceremony, by JSON Patch (RFC 6902): native in Kratos from then on, as it was
//! seen to be on v1.3.1, v25.4, v26.2.0 and main.
//!
//! `add /credentials/passkey` where there is none, else append; v1.3.1 answers 404 to that, and takes the whole credential
//! as it was read with the new one added. Kratos reads, patches and writes an identity without a lock, so what comes of it
//! is read back. Only passkeys are ever named: traits, state, schema and metadata stay as they are.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::held::Told;
use super::patience::Tries;
use super::{AskError, CallError, Identities, Standing};
use crate::ceremony::{Passkey, UserHandleError};
use crate::onboarding::{CredentialId, IdentityId};

/// Patches of one passkey.
const TRIES: u32 = 4;
/// Kratos answers 400 or 409 also where somebody changed the same identity at that moment; twice, and it means it.
const REFUSALS: u32 = 2;
/// No patch is begun later than this after the first look.
const WITHIN: Duration = Duration::from_secs(12);

/// Kratos has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedIn {
    pub now: Told,
    /// Its newest date right before it was handed in, by Kratos's clock; `None` where it was there already, or where a change
    /// may leave no date.
    pub before: Option<Timestamp>,
    /// Kratos was asked to take it just now; else it was there already.
    pub patched: bool,
    /// Something else of the identity is other than it was a moment before. Perhaps not by us; never seen in the recordings.
    pub rest_changed: bool,
    /// Others that are not there any more. Perhaps their person took them away.
    pub missing: Vec<CredentialId>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandInError {
    #[error("Kratos knows no such identity")]
    Gone,
    /// It may have been handed in, where Kratos was asked to.
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(CallError),
    /// The caller does not allow it, for what the identity is now.
    #[error("it is not allowed any more")]
    NotAllowed,
    /// A passkey was added meanwhile, under another user handle than this one was made under.
    #[error("the identity's passkeys are kept under another user handle")]
    OtherHandle,
    #[error("the identity holds another passkey of the same id")]
    OtherKey,
    #[error("what the identity holds cannot be read")]
    Unreadable,
    #[error("Kratos refuses the change with status {0}")]
    Refused(u16),
    /// As in no recording.
    #[error("Kratos said that it was done, and it is not there")]
    Lost,
    #[error("it is not there, and {} that were there are missing", .0.len())]
    Missing(Vec<CredentialId>),
}

/// What a failure says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It may pass.
    Passing,
    /// The person alone can have brought it about: it says nothing of Kratos.
    OfThePerson,
    /// It may be about this identity alone, such as one that no longer fits its schema.
    OfThisIdentity,
    /// Kratos did something that none of the recorded ones does: the next one would fare no better.
    Unheard,
}

impl HandInError {
    pub fn outlook(&self) -> Outlook {
        match self {
            HandInError::Lost => Outlook::Unheard,
            HandInError::Refused(400 | 404 | 409 | 422) => Outlook::OfThisIdentity,
            HandInError::Refused(_) => Outlook::Unheard,
            // A passkey that was added in the settings flow since the options were given.
            HandInError::OtherHandle | HandInError::OtherKey => Outlook::OfThePerson,
            HandInError::Missing(_) | HandInError::Unreadable => Outlook::OfThisIdentity,
            HandInError::Gone | HandInError::NotAllowed | HandInError::Unreachable(_) => Outlook::Passing,
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

    /// Only one at a time may be handed in for an identity. Handed in again, it stays once. `allows`: whether it still may be,
    /// for what the identity is right before each patch.
    pub async fn hand_in(
        &self,
        identity: IdentityId,
        passkey: &Passkey,
        allows: &(dyn Fn(&Standing) -> bool + Sync),
    ) -> Result<HandedIn, HandInError> {
        let mut waits = Tries::of(&self.patience());
        let (begun, mut course) = (Instant::now(), Course::default());
        loop {
            let body = self.body_of(identity).await?;
            let now = Standing::parse(&body).map_err(HandInError::Unreachable)?;
            let held = now.passkeys().ok_or(HandInError::Unreadable)?;
            let missing = course.missing_in(&held);
            if held.contains(&passkey.made.id) {
                if now.key(&passkey.made.id).as_deref() != Some(passkey.made.public_key.as_slice()) {
                    // Right after our patch it is Kratos that changed it.
                    return Err(match course.patches {
                        0 => HandInError::OtherKey,
                        _ => HandInError::Unreadable,
                    });
                }
                let rest_changed = course.first.as_ref().is_some_and(|first| first.rest() != now.rest());
                let before = course.first.as_ref().and_then(Standing::newest);
                let now = self.read(&body).map_err(HandInError::Unreachable)?;
                return Ok(HandedIn { now, before, patched: course.patches > 0, rest_changed, missing });
            }
            if course.said_done && !missing.is_empty() {
                return Err(HandInError::Missing(missing));
            }
            if course.patches >= TRIES || course.refusals >= REFUSALS || begun.elapsed() >= WITHIN {
                return Err(course.verdict());
            }
            if !allows(&now) {
                return Err(HandInError::NotAllowed);
            }
            let patch = patch(&now, passkey, course.whole)?;
            course.first.get_or_insert(now);
            let answered = self.patch("hand_in", identity, &patch).await;
            if course.is_to_wait(answered)? {
                sleep(waits.after_trouble()).await;
            }
        }
    }
}

/// What came of the patches so far.
#[derive(Default)]
struct Course {
    first: Option<Standing>,
    patches: u32,
    refusals: u32,
    refused: Option<u16>,
    trouble: Option<CallError>,
    said_done: bool,
    /// This Kratos does not patch inside of credentials.
    whole: bool,
}

impl Course {
    fn missing_in(&self, held: &[CredentialId]) -> Vec<CredentialId> {
        let before = self.first.as_ref().and_then(Standing::passkeys).unwrap_or_default();
        before.into_iter().filter(|id| !held.contains(id)).collect()
    }

    /// Before it is looked at again.
    fn is_to_wait(&mut self, answered: Result<u16, CallError>) -> Result<bool, HandInError> {
        self.patches += 1;
        match answered {
            Ok(200..=299) => self.said_done = true,
            Ok(404) if !self.whole => {
                self.whole = true;
                return Ok(false);
            }
            Ok(status @ (400 | 404 | 409 | 422)) => {
                self.refusals += 1;
                self.refused = Some(status);
                return Ok(true);
            }
            Ok(status @ 400..=499) if status != 429 => return Err(HandInError::Refused(status)),
            Ok(status) => self.trouble = Some(CallError::Status(status)),
            Err(error) => self.trouble = Some(error),
        }
        Ok(self.trouble.is_some())
    }

    /// It is not there.
    fn verdict(self) -> HandInError {
        match (self.trouble, self.refused) {
            (Some(error), _) => HandInError::Unreachable(error),
            (None, Some(status)) => HandInError::Refused(status),
            (None, None) if self.said_done => HandInError::Lost,
            (None, None) => HandInError::Unreachable(CallError::Slow),
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
