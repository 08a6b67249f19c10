//! Everything this Kratos knows, in memory.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::continuity::Parked;
use super::flow::Flow;
use super::identity::Identity;
use super::session::Session;

#[derive(Default)]
pub struct State {
    /// By id: the admin API pages through them in this order.
    pub identities: BTreeMap<Uuid, Identity>,
    pub sessions: HashMap<Uuid, Session>,
    pub flows: HashMap<Uuid, Flow>,
    pub parked: HashMap<Uuid, Parked>,
    /// Errors that browsers were sent to the error page with.
    pub errors: HashMap<Uuid, Value>,
}

impl State {
    /// Whoever has this identifier for this kind of credential. Identifiers are compared in lower case, but for the
    /// user handles of passkeys.
    pub fn find(&self, kind: &str, identifier: &str) -> Option<&Identity> {
        let wanted = if kind == "passkey" { identifier.to_owned() } else { identifier.trim().to_lowercase() };
        self.identities.values().find(|identity| {
            identity.credentials.get(kind).is_some_and(|credential| credential.identifiers.contains(&wanted))
        })
    }

    /// Somebody else has one of the identifiers.
    pub fn taken(&self, identity: &Identity) -> bool {
        identity.credentials.iter().any(|(kind, credential)| {
            let of_another = |identifier: &String| {
                self.find(kind, identifier).is_some_and(|found| found.id != identity.id)
            };
            credential.identifiers.iter().any(of_another)
        })
    }
}
