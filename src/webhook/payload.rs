//! What a body says. Many templates are understood: our own (`kratos-config/hooks/*.jsonnet`, `version: 1`), the
//! whole `ctx` of Kratos (v1.3 to v26.2), an object that holds `identity: {id, …}`, and the flat forms people write.
//!
//! Only the identity's id has to be right. Every other field counts as not told where it is missing, of another
//! type or over its limits; fields nobody needs are not looked at.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::credentials;
use super::dedupe::Named;
use super::hook::{Hook, kind_from};
use super::told::Object;
use crate::onboarding::{
    Actor, Cause, CredentialId, DedupeKey, Event, EventId, EventKind, HookKind, Identifier, IdentifierDigest,
    IdentityId, Method, NameError, Observed, PiiKeys, Profile,
};
use crate::store::QuarantineReason;

/// Flat spellings of the identity's id. `id` alone may be anything's, so it is the last.
pub(super) const FLAT_IDS: [&str; 4] = ["identity_id", "identityId", "userId", "user_id"];
/// Digests kept of one person; more is no person.
const IDENTIFIERS_MAX: usize = 32;

/// Why a body is put aside. The text is for the operator: it names the rule, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(
        "There is no body. Kratos sends none where its template works out more than 65536 bytes: let the template \
         pick what it sends."
    )]
    Empty,
    #[error(
        "The body is not JSON (RFC 8259), or nested deeper than 128 levels. Check the template of the hook."
    )]
    NotJson,
    #[error("The body is JSON, but not an object. The template must yield an object.")]
    NotAnObject,
    #[error(
        "The body holds no identity id. Send identity.id, or one of identity_id, identityId, userId, user_id, id."
    )]
    NoIdentity,
    #[error("The identity, or its id, is of the wrong type. The id must be a string.")]
    WrongType,
    #[error(
        "The body is not declared as plain JSON. Send Content-Type: application/json and no Content-Encoding."
    )]
    ContentType,
    #[error(
        "The identity id is all zeros: Kratos sent the hook before it stored the identity. \
         Remove response.parse: true (or can_interrupt) from the hook and use response.ignore: true."
    )]
    ZeroIdentity,
    #[error("The identity id is not a UUID in its hyphenated form.")]
    BadValue,
}

impl Unreadable {
    pub fn reason(self) -> QuarantineReason {
        match self {
            Unreadable::Empty => QuarantineReason::Empty,
            Unreadable::NotJson => QuarantineReason::NotJson,
            Unreadable::NotAnObject => QuarantineReason::NotAnObject,
            Unreadable::NoIdentity => QuarantineReason::NoIdentity,
            Unreadable::WrongType => QuarantineReason::WrongType,
            Unreadable::ContentType => QuarantineReason::ContentType,
            Unreadable::ZeroIdentity => QuarantineReason::ZeroIdentity,
            Unreadable::BadValue => QuarantineReason::BadValue,
        }
    }
}

/// A body that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub hook: HookKind,
    pub method: Option<Method>,
    pub flow: Option<Uuid>,
    pub identity: IdentityId,
    pub profile: Profile,
    pub observed: Observed,
    /// By id, where it says so.
    pub passkeys_left: Option<Vec<CredentialId>>,
}

/// When, and as what, this service heard of a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    pub id: EventId,
    pub at: Timestamp,
    pub dedupe: DedupeKey,
}

impl Delivery {
    /// Reads the bytes of a body that came by this hook.
    pub fn parse(hook: Hook, body: &[u8], keys: &PiiKeys) -> Result<Delivery, Unreadable> {
        if body.is_empty() {
            return Err(Unreadable::Empty);
        }
        let body = serde_json::from_slice(body).map_err(|_| Unreadable::NotJson)?;
        Delivery::read(hook, &body, keys)
    }

    /// Reads a body that is JSON.
    pub fn read(hook: Hook, body: &Value, keys: &PiiKeys) -> Result<Delivery, Unreadable> {
        let body = Object::of(body).ok_or(Unreadable::NotAnObject)?;
        let identity = identity_id(body)?;
        // A template says for which flow it was written; that counts more than the address it was put at.
        let kind = body.text("hook").and_then(kind_from).unwrap_or(hook.kind());
        let method = method(body, hook.method());
        let told = body.object("identity");
        let profile = Profile {
            as_of: told.and_then(|identity| identity.time("updated_at")),
            created_at: told.and_then(|identity| identity.time("created_at")),
            schema_id: told.and_then(|identity| identity.parsed("schema_id")),
            state: told.and_then(|identity| identity.state("state")),
            identifiers: identifiers(body, told, keys),
        };
        let observed = credentials::observed(kind, method, body, &profile);
        let passkeys_left = credentials::passkeys_left(kind, body);
        let flow = body.object("flow").and_then(|flow| flow.uuid("id"));
        Ok(Delivery { hook: kind, method, flow, identity, profile, observed, passkeys_left })
    }

    /// What the delivery is about, where nothing else tells two of them apart.
    pub(super) fn named(&self) -> Named {
        Named { flow: self.flow, identity: Some(self.identity) }
    }

    pub fn into_event(self, heard: Heard) -> Event {
        let method = self.method;
        Event {
            id: heard.id,
            identity: self.identity,
            at: heard.at,
            dedupe: heard.dedupe,
            actor: Actor::Kratos,
            cause: Cause::Hook(self.hook),
            profile: self.profile,
            observed: self.observed,
            kind: match self.hook {
                HookKind::Registration => EventKind::Registered { method },
                HookKind::Settings => EventKind::SettingsChanged { method },
                HookKind::Login => EventKind::SignedIn { method },
            },
        }
    }
}

fn identity_id(body: Object<'_>) -> Result<IdentityId, Unreadable> {
    let nested = body.get("identity");
    if let Some(id) = nested.and_then(Object::of).and_then(|identity| identity.get("id")) {
        return parse_id(id);
    }
    if let Some(id) = FLAT_IDS.into_iter().find_map(|name| body.get(name)) {
        return parse_id(id);
    }
    if nested.is_some_and(|identity| !identity.is_object()) {
        return Err(Unreadable::WrongType);
    }
    match body.get("id") {
        // Beside a flow or an identity without an id it is not known whose it is.
        Some(id) if nested.is_none() && body.get("flow").is_none() => parse_id(id),
        _ => Err(Unreadable::NoIdentity),
    }
}

fn parse_id(id: &Value) -> Result<IdentityId, Unreadable> {
    let text = id.as_str().ok_or(Unreadable::WrongType)?;
    text.parse().map_err(|error| match error {
        NameError::Zero => Unreadable::ZeroIdentity,
        _ => Unreadable::BadValue,
    })
}

/// The method the body names, else the one of the address.
///
/// `flow.active` is empty for most flows (v26.2: only code, oidc and every login name theirs), and can name a step of
/// the form. A name this version does not know only counts where the address says nothing better.
fn method(body: Object<'_>, address: Option<Method>) -> Option<Method> {
    let active = body.object("flow").and_then(|flow| flow.method("active"));
    let named = [active, body.method("method"), address];
    let is_credential =
        |method: &Method| !matches!(method, Method::Profile | Method::IdentifierFirst | Method::Other);
    let mut candidates = named.into_iter().flatten();
    candidates.clone().find(is_credential).or(address).or_else(|| candidates.next())
}

fn identifiers(
    body: Object<'_>,
    identity: Option<Object<'_>>,
    keys: &PiiKeys,
) -> Option<BTreeSet<IdentifierDigest>> {
    let lists = ["identifiers", "verifiable_addresses", "recovery_addresses"];
    let listed = lists.iter().filter_map(|name| identity?.list(name)).flatten();
    let listed = listed.filter_map(|entry| Object::of(entry)?.text("value"));
    let traits = [identity.and_then(|identity| identity.object("traits")), body.object("traits")];
    let named = [traits[0], traits[1], identity, Some(body)];
    let named = named.into_iter().flatten().flat_map(|object| {
        ["email", "phone", "username"].into_iter().filter_map(move |name| object.text(name))
    });
    let mut found: Vec<Identifier> = Vec::new();
    for identifier in listed.chain(named).filter_map(Identifier::parse) {
        if found.len() < IDENTIFIERS_MAX && !found.contains(&identifier) {
            found.push(identifier);
        }
    }
    let is_complete = identity.is_some_and(|identity| identity.list("identifiers").is_some());
    (is_complete || !found.is_empty()).then(|| found.iter().map(|one| keys.digest(one)).collect())
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
