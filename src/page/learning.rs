//! What is known about the caller: from the store, else from whoami, and from the admin API where it is unknown.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde::Serialize;
use tokio::time::timeout;

use super::Pages;
use crate::clock::Clock;
use crate::kratos::{Admin, AdminError, Flights, Held, Session};
use crate::onboarding::{
    Actor, Cause, DedupeKey, Event, EventKind, IdentityId, Profile, Record, SessionFacts,
};
use crate::store::{Store, Stored};

/// The page is answered within three seconds, and Kratos may need two of them.
const STORED_WITHIN: Duration = Duration::from_millis(500);
/// A look-up that failed is not tried again for this long.
const FAILED_FOR: Duration = Duration::from_secs(2);
const FAILED_KEPT: u64 = 10_000;

/// A record, and whether it is durable.
#[derive(Debug, Clone)]
pub struct Known {
    pub record: Arc<Record>,
    pub recorded: bool,
    /// There may be a record that says "never": nothing is offered until it can be read.
    pub unread: bool,
}

impl Pages {
    /// The record of the caller, begun or brought up to date by what the session tells.
    pub async fn known(&self, session: &Session) -> Known {
        match self.store.record(session.identity).await {
            Ok(Some(record)) if !tells_news(session, &record) => {
                Known { record, recorded: true, unread: false }
            }
            Ok(record) => learn(&self.store, record, seen(session, &self.clock)).await,
            Err(error) => {
                tracing::warn!(error = %error, "a record cannot be read; decided from the session alone");
                let (record, _) = Record::begin(&seen(session, &self.clock));
                Known { record: Arc::new(record), recorded: false, unread: true }
            }
        }
    }
}

/// Looks up at the admin API what nobody has told: one question an identity at a time.
#[derive(Debug)]
pub struct Lookups {
    asking: Arc<Asking>,
    flights: Flights<IdentityId, Option<Known>>,
    failed: Cache<IdentityId, ()>,
}

#[derive(Debug)]
struct Asking {
    admin: Arc<Admin>,
    store: Store,
    clock: Clock,
}

impl Lookups {
    pub fn new(admin: Arc<Admin>, store: Store, clock: Clock) -> Lookups {
        let runtime = admin.runtime().clone();
        Lookups {
            asking: Arc::new(Asking { admin, store, clock }),
            flights: Flights::new(runtime),
            failed: Cache::builder().max_capacity(FAILED_KEPT).time_to_live(FAILED_FOR).build(),
        }
    }

    /// `None`: it stays unknown for now.
    pub async fn look_up(&self, known: Known) -> Option<Known> {
        let identity = known.record.identity;
        if self.failed.contains_key(&identity) {
            return None;
        }
        let asking = self.asking.clone();
        let ask = || async move { asking.ask(&known).await.ok().map(|(known, _)| known) };
        let looked_up = self.flights.join(identity, ask).await.flatten();
        if looked_up.is_none() {
            self.failed.insert(identity, ());
        }
        looked_up
    }

    /// What the identity holds, and learns it where the record can be read.
    pub async fn held(&self, known: &Known) -> Option<Held> {
        if known.unread {
            // Against a record that was made up nothing can be settled.
            return self.asking.admin.held(known.record.identity).await.ok();
        }
        self.asking.ask(known).await.ok().map(|(_, held)| held)
    }

    /// Asks now: an answer under way may be older than what the caller claims.
    pub async fn verify(&self, known: &Known) -> Option<(Known, Held)> {
        self.asking.ask(known).await.ok()
    }
}

impl Asking {
    async fn ask(&self, known: &Known) -> Result<(Known, Held), AdminError> {
        let record = &known.record;
        // Taken before the question, so that the answer outranks what was told by then and nothing later.
        let settlements = (record.passkeys.settlement(), record.security_keys.settlement());
        let held = self.admin.held(record.identity).await.inspect_err(|error| {
            tracing::warn!(call = "identity", error = %error, "Kratos cannot be asked");
        })?;
        let observed = held.observed(&settlements.0, &settlements.1);
        let event = Event {
            id: self.clock.event_id(),
            identity: record.identity,
            at: self.clock.now(),
            dedupe: dedupe_key("admin_api", record.identity, &[&json(&observed)]),
            actor: Actor::Service,
            cause: Cause::AdminApi,
            profile: held.profile.clone(),
            observed,
            kind: EventKind::PasskeysObserved,
        };
        Ok((learn(&self.store, Some(record.clone()), event).await, held))
    }
}

/// Durable where that is possible, else in memory.
async fn learn(store: &Store, record: Option<Arc<Record>>, event: Event) -> Known {
    match timeout(STORED_WITHIN, store.apply(event.clone())).await {
        Ok(Ok(Stored::Applied { record, .. } | Stored::Duplicate { record })) => {
            Known { record, recorded: true, unread: false }
        }
        Ok(Ok(Stored::Quarantined) | Err(_)) | Err(_) => {
            tracing::warn!(kind = event.kind.as_str(), "not recorded; decided in memory");
            Known { record: Arc::new(with(record.as_deref(), &event)), recorded: false, unread: false }
        }
    }
}

/// What the record would be after the event.
pub fn with(record: Option<&Record>, event: &Event) -> Record {
    match record {
        None => Record::begin(event).0,
        Some(record) => {
            let mut record = record.clone();
            record.apply(event);
            record
        }
    }
}

/// Whether the session knows more than the record. Once that is applied it does not, so this is true once a change.
fn tells_news(session: &Session, record: &Record) -> bool {
    let SessionFacts { passkey_used_at, security_key_used_at, .. } = &session.facts;
    let Profile { as_of, schema_id, state, identifiers, .. } = &session.profile;
    let newer = |known: Option<Option<jiff::Timestamp>>| known.is_none_or(|known| known < *as_of);
    *passkey_used_at > record.passkeys.used_at()
        || *security_key_used_at > record.security_keys.used_at()
        || (schema_id.is_some() && newer(record.schema_id.as_ref().map(|known| known.as_of)))
        || (state.is_some() && newer(record.state.as_ref().map(|known| known.as_of)))
        || (identifiers.is_some() && newer(record.identifiers.as_ref().map(|known| known.as_of)))
}

fn seen(session: &Session, clock: &Clock) -> Event {
    let observed = session.observed();
    Event {
        id: clock.event_id(),
        identity: session.identity,
        at: clock.now(),
        dedupe: dedupe_key("whoami", session.identity, &[&json(&session.profile), &json(&observed)]),
        actor: Actor::Service,
        cause: Cause::Whoami,
        profile: session.profile.clone(),
        observed,
        kind: EventKind::Seen,
    }
}

fn json(told: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(told).unwrap_or_default()
}

pub fn dedupe_key(origin: &str, identity: IdentityId, parts: &[&[u8]]) -> DedupeKey {
    let named: [&[u8]; 2] = [origin.as_bytes(), identity.as_bytes()];
    DedupeKey::of(b"kratos-onboarding/page/v1\0", &[&named, parts].concat())
}
