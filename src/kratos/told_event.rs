//! What the admin API told of an identity, as an event.

use super::Told;
use crate::clock::Clock;
use crate::onboarding::{Actor, Cause, DedupeKey, Event, EventKind, IdentityId, Record, Settlement};

impl Told {
    /// `record`: read before Kratos was asked.
    pub fn event(&self, record: Option<&Record>, cause: Cause, clock: &Clock) -> Event {
        let settlement = |known: fn(&Record) -> Settlement| record.map(known).unwrap_or_default();
        let passkeys = settlement(|record| record.passkeys.settlement());
        let security_keys = settlement(|record| record.security_keys.settlement());
        let observed = self.held.observed(&passkeys, &security_keys);
        // With the version: told again after something else happened, the same words are news.
        let version = record.map_or(0, |record| record.version).to_be_bytes();
        let [told_of_identity, told_of_keys] =
            [serde_json::to_vec(&self.held.profile), serde_json::to_vec(&observed)]
                .map(Result::unwrap_or_default);
        Event {
            id: clock.event_id(),
            identity: self.identity,
            at: clock.now(),
            dedupe: admin_dedupe_key(self.identity, &[b"told", &version, &told_of_identity, &told_of_keys]),
            actor: Actor::Service,
            cause,
            profile: self.held.profile.clone(),
            observed,
            kind: EventKind::PasskeysObserved,
        }
    }
}

/// Of what comes of the admin API.
pub fn admin_dedupe_key(identity: IdentityId, parts: &[&[u8]]) -> DedupeKey {
    let named: [&[u8]; 1] = [identity.as_bytes()];
    DedupeKey::of(b"kratos-onboarding/reconcile/v1\0", &[&named, parts].concat())
}
