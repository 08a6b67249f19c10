//! What a delivery says about credentials. What it does not show is unknown, never zero.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::told::Object;
use crate::onboarding::{CredentialId, HookKind, Method, Observation, Observed, Profile, Source};

/// WebAuthn (level 3, section 4) allows a credential id 1023 bytes; Kratos writes it in hex.
const CREDENTIAL_ID_MAX: usize = 2 * 1023;

/// The credentials a settings flow shows as left, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Left<'a> {
    /// `None`: the flow does not show the method.
    pub(super) passkeys: Option<BTreeSet<&'a str>>,
    pub(super) security_keys: Option<BTreeSet<&'a str>>,
}

impl<'a> Left<'a> {
    /// From the lists of our own template, else from the nodes of the flow.
    ///
    /// The nodes are up to date when the hook fires (v1.3.1 to main). Kratos shows one remove node for each
    /// credential, disabled where it is the last way in, and a register node; a native-app flow of v1.3.1 has neither.
    pub(super) fn of(body: Object<'a>) -> Left<'a> {
        if body.get("version").and_then(Value::as_u64) == Some(1) {
            return Left {
                passkeys: body.list("passkeys").and_then(|list| ids(list.iter())),
                security_keys: body.list("security_keys").and_then(|list| ids(list.iter())),
            };
        }
        let ui = body.object("flow").and_then(|flow| flow.object("ui"));
        let nodes = ui.and_then(|ui| ui.list("nodes")).unwrap_or_default();
        Left {
            passkeys: shown(nodes, "passkey_register_trigger", "passkey_remove"),
            security_keys: shown(nodes, "webauthn_register_trigger", "webauthn_remove"),
        }
    }
}

fn shown<'a>(nodes: &'a [Value], register: &str, remove: &str) -> Option<BTreeSet<&'a str>> {
    let inputs = nodes.iter().filter_map(|node| Object::of(node)?.object("attributes"));
    let mut is_shown = false;
    let mut found = Vec::new();
    for input in inputs {
        match input.text("name") {
            Some(name) if name == remove => found.push(input.get("value").unwrap_or(&Value::Null)),
            Some(name) if name == register => is_shown = true,
            _ => {}
        }
    }
    (is_shown || !found.is_empty()).then(|| ids(found.into_iter())).flatten()
}

/// `None` where one of them is no id: then the set is not known.
fn ids<'a>(mut list: impl Iterator<Item = &'a Value>) -> Option<BTreeSet<&'a str>> {
    list.try_fold(BTreeSet::new(), |mut ids, value| {
        let id = value.as_str().filter(|id| {
            (1..=CREDENTIAL_ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit())
        })?;
        ids.insert(id);
        Some(ids)
    })
}

pub(super) fn observed(
    kind: HookKind,
    method: Option<Method>,
    body: Object<'_>,
    profile: &Profile,
) -> Observed {
    match kind {
        HookKind::Registration => registered(method, profile),
        HookKind::Settings => {
            let flow = body.object("flow");
            // Up to v1.3.1 `updated_at` stays where it is when a credential changes; then the flow dates the change.
            let at = profile.as_of.max(flow.and_then(|flow| flow.time("issued_at")));
            let left = Left::of(body);
            Observed {
                passkeys: observation(at, left.passkeys),
                security_keys: observation(at, left.security_keys),
                ..used(body)
            }
        }
        HookKind::Login => used(body),
    }
}

/// Nobody registers with two credentials, so the method tells the counts.
fn registered(method: Option<Method>, profile: &Profile) -> Observed {
    let (passkeys, security_keys) = match method {
        // Steps of the form, and what a newer Kratos may have, say nothing about the credential.
        None | Some(Method::Other | Method::Profile | Method::IdentifierFirst) => return Observed::default(),
        Some(Method::Passkey) => (1, 0),
        Some(Method::Webauthn) => (0, 1),
        Some(_) => (0, 0),
    };
    // Nothing is earlier in an identity's life than its registration: undated, it must not outrank anything.
    let at = profile.as_of.or(profile.created_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let exactly = |count| Some(Observation { at, source: Source::Registration, count });
    Observed { passkeys: exactly(passkeys), security_keys: exactly(security_keys), ..Observed::default() }
}

/// The passkeys that a settings flow shows as left; `None` where it does not say.
pub(super) fn passkeys_left(kind: HookKind, body: Object<'_>) -> Option<Vec<CredentialId>> {
    let left = Left::of(body).passkeys.filter(|_| kind == HookKind::Settings)?;
    left.into_iter().map(str::parse).collect::<Result<_, _>>().ok()
}

fn observation(at: Option<Timestamp>, left: Option<BTreeSet<&str>>) -> Option<Observation> {
    let count = u32::try_from(left?.len()).ok()?;
    Some(Observation { at: at?, source: Source::Hook, count })
}

/// The newest use of each, as the session tells it. At aal2 a security key was a second factor only.
fn used(body: Object<'_>) -> Observed {
    let session = body.object("session");
    let methods = session.and_then(|session| session.list("authentication_methods")).unwrap_or_default();
    let mut used = Observed::default();
    for entry in methods.iter().filter_map(Object::of) {
        let at = entry.time("completed_at");
        match (entry.method("method"), entry.text("aal")) {
            (Some(Method::Passkey), _) => used.passkey_used_at = used.passkey_used_at.max(at),
            (Some(Method::Webauthn), Some("aal1")) => {
                used.security_key_used_at = used.security_key_used_at.max(at);
            }
            _ => {}
        }
    }
    used
}
