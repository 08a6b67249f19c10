//! The way of one delivery: authenticate, read, understand, store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::Bytes;
use futures_util::Stream;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::authenticate::{Authenticator, Denied, Sender, Standing};
use super::body::{self, BODY_DEADLINE, BodyError};
use super::dedupe::{self, Named};
use super::hook::Hook;
use super::payload::{Delivery, Heard, Unreadable};
use super::quarantine::put_aside;
use crate::clock::Clock;
use crate::config::Webhook;
use crate::envelope::Refusal;
use crate::onboarding::{CredentialId, Event, EventId, IdentityId, PiiKeys};
use crate::store::{NewQuarantined, QuarantineReason, Store, Stored, WriteError};
use crate::telemetry::{HookOutcome, Metrics};

/// Bodies read at a time whose sender only a signature over them can show: 64 KiB each.
const UNPROVEN_AT_ONCE: usize = 64;

/// Everything a delivery needs. One for all workers of the server.
pub struct Hooks {
    authenticator: Authenticator,
    keys: PiiKeys,
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    body_deadline: Duration,
    unproven: Semaphore,
    on_event: Box<dyn Fn(IdentityId) + Send + Sync>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

/// A delivery that is durable: as an event, or put aside.
#[derive(Debug)]
pub enum Received {
    Stored,
    Quarantined { id: EventId, reason: QuarantineReason, message: String },
}

/// An authenticated delivery, read.
#[derive(Debug)]
pub enum Understood {
    Event { event: Box<Event>, passkeys_left: Option<Vec<CredentialId>> },
    Not { entry: Box<NewQuarantined>, why: Unreadable },
}

/// A delivery of which nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("there is no such hook")]
    UnknownHook,
    #[error("no credential was accepted: {0}")]
    Unauthorized(#[from] Denied),
    #[error("{0}")]
    Body(#[from] BodyError),
    #[error("{0}")]
    Store(#[from] WriteError),
}

impl From<ReceiveError> for Refusal {
    fn from(error: ReceiveError) -> Refusal {
        match error {
            ReceiveError::UnknownHook => {
                Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
                    .because("Hooks are registration, settings and login, each with a method of Kratos.")
            }
            ReceiveError::Unauthorized(denied) => {
                Refusal::new(StatusCode::UNAUTHORIZED, "webhook_unauthorized", "No credential was accepted.")
                    .because(denied.to_string())
            }
            ReceiveError::Body(BodyError::TooLarge) => {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large.")
                    .because("At most 65536 bytes are taken; let the template pick what it sends.")
            }
            ReceiveError::Body(BodyError::Stalled) => Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The body did not arrive in time.",
            ),
            ReceiveError::Body(BodyError::Broken) => {
                Refusal::new(StatusCode::BAD_REQUEST, "body_incomplete", "The body did not arrive whole.")
            }
            ReceiveError::Store(WriteError::QueueFull) => {
                Refusal::unavailable("queue_full", "Too much is waiting to be stored.")
            }
            ReceiveError::Store(WriteError::Unavailable) => {
                Refusal::unavailable("store_unavailable", "The database cannot be written.")
            }
        }
    }
}

impl ReceiveError {
    fn outcome(&self) -> HookOutcome {
        match self {
            ReceiveError::Unauthorized(_) => HookOutcome::Unauthorized,
            ReceiveError::UnknownHook | ReceiveError::Body(_) => HookOutcome::Refused,
            ReceiveError::Store(_) => HookOutcome::Unavailable,
        }
    }
}

impl Hooks {
    pub fn new(webhook: &Webhook, keys: PiiKeys, store: Store, clock: Clock, metrics: Arc<Metrics>) -> Hooks {
        Hooks {
            authenticator: Authenticator::new(webhook),
            keys,
            store,
            clock,
            metrics,
            body_deadline: BODY_DEADLINE,
            unproven: Semaphore::new(UNPROVEN_AT_ONCE),
            on_event: Box::new(|_| {}),
        }
    }

    /// Called for each event before it is stored, so that whoever the commit wakes finds what this did: it must be
    /// quick.
    #[must_use]
    pub fn on_event(mut self, told: impl Fn(IdentityId) + Send + Sync + 'static) -> Hooks {
        self.on_event = Box::new(told);
        self
    }

    /// How long a body may take; 5 s otherwise.
    #[must_use]
    pub fn body_deadline(mut self, deadline: Duration) -> Hooks {
        self.body_deadline = deadline;
        self
    }

    /// Answers when the delivery is durable. Nothing is parsed before the sender is known.
    pub async fn receive<S, E>(
        &self,
        hook: Hook,
        headers: &HeaderMap,
        payload: S,
    ) -> Result<Received, ReceiveError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let received = self.take(hook, headers, payload).await;
        if let Err(error) = &received {
            self.metrics.webhook(hook.kind().as_str(), error.outcome());
        }
        received
    }

    async fn take<S, E>(&self, hook: Hook, headers: &HeaderMap, payload: S) -> Result<Received, ReceiveError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        match self.understand(hook, headers, payload).await? {
            Understood::Event { event, passkeys_left } => {
                let identity = event.identity;
                let received = self.store(hook, *event).await?;
                self.passkeys_left(identity, passkeys_left).await;
                Ok(received)
            }
            Understood::Not { entry, why } => self.put_aside(hook, *entry, why).await,
        }
    }

    /// Authenticates, reads and parses. Stores nothing.
    pub async fn understand<S, E>(
        &self,
        hook: Hook,
        headers: &HeaderMap,
        payload: S,
    ) -> Result<Understood, ReceiveError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let at = self.clock.now();
        let (sender, body) = match self.authenticator.judge(headers, at) {
            Standing::Denied(denied) => return Err(denied.into()),
            Standing::Admitted => (Sender::Key, body::read(headers, payload, self.body_deadline).await?),
            Standing::Unproven(head) => {
                // Anybody can come this far: only so many strangers are listened to at a time.
                let _place = self.unproven.acquire().await.map_err(|_| WriteError::Unavailable)?;
                let body = body::read(headers, payload, self.body_deadline).await?;
                (self.authenticator.verify(head, &body)?, body)
            }
        };
        let parsed = serde_json::from_slice::<Value>(&body).ok();
        let delivery = match &parsed {
            _ if body.is_empty() => Err(Unreadable::Empty),
            _ if !is_plain_json(headers) => Err(Unreadable::ContentType),
            None => Err(Unreadable::NotJson),
            Some(value) => Delivery::read(hook, value, &self.keys),
        };
        let named = delivery.as_ref().map_or(Named::default(), Delivery::named);
        let dedupe = dedupe::key(hook, headers, &sender, named, &body);
        let heard = Heard { id: self.clock.event_id(), at, dedupe };
        Ok(match delivery {
            Ok(mut delivery) => {
                let passkeys_left = delivery.passkeys_left.take();
                Understood::Event { event: Box::new(delivery.into_event(heard)), passkeys_left }
            }
            Err(why) => {
                let entry = put_aside(hook, heard, why, parsed.as_ref(), &body, &self.keys);
                Understood::Not { entry: Box::new(entry), why }
            }
        })
    }

    async fn store(&self, hook: Hook, event: Event) -> Result<Received, ReceiveError> {
        let (identity, id) = (event.identity, event.id);
        (self.on_event)(identity);
        let stored = self.store.apply(event).await?;
        let (outcome, received) = match stored {
            Stored::Applied { .. } => (HookOutcome::Stored, Received::Stored),
            Stored::Duplicate { .. } => (HookOutcome::Duplicate, Received::Stored),
            Stored::Quarantined => {
                let reason = QuarantineReason::Poison;
                self.metrics.quarantined(reason.as_str());
                let message = "The database refuses this event for what it holds.".to_owned();
                (HookOutcome::Quarantined, Received::Quarantined { id, reason, message })
            }
        };
        self.metrics.webhook(hook.kind().as_str(), outcome);
        Ok(received)
    }

    /// What the person took away is not put back. The delivery is durable by now, and Kratos, which waits for the answer, is
    /// asked what it holds afterwards.
    async fn passkeys_left(&self, identity: IdentityId, left: Option<Vec<CredentialId>>) {
        let Some(ids) = left else { return };
        if let Err(error) = self.store.passkeys_left(identity, &ids, self.clock.now()).await {
            tracing::warn!(error = %error, "that passkeys were removed is not on record; reconciliation will see to it");
        }
    }

    async fn put_aside(
        &self,
        hook: Hook,
        entry: NewQuarantined,
        why: Unreadable,
    ) -> Result<Received, ReceiveError> {
        let (id, reason) = (entry.id, entry.reason);
        tracing::warn!(
            reason = reason.as_str(),
            hook = entry.hook,
            size = entry.size,
            "a delivery was not understood and is put aside"
        );
        self.store.quarantine(entry).await?;
        self.metrics.quarantined(reason.as_str());
        self.metrics.webhook(hook.kind().as_str(), HookOutcome::Quarantined);
        Ok(Received::Quarantined { id, reason, message: why.to_string() })
    }
}

/// A body that names no type is taken for JSON; one that is compressed is not, Kratos never does that.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(CONTENT_ENCODING);
    if !encodings.into_iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return false;
    }
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_counts_as_json() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"] {
            assert!(is_plain_json(&headers(&[(CONTENT_TYPE, json)])), "{json}");
        }
        for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            assert!(!is_plain_json(&headers(&[(CONTENT_TYPE, other)])), "{other}");
        }
        assert!(is_plain_json(&HeaderMap::new()));
        assert!(is_plain_json(&headers(&[(CONTENT_ENCODING, "identity")])));
        assert!(!is_plain_json(&headers(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")])));
    }
}
