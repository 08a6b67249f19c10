//! When two deliveries are the same one.

use actix_web::http::header::HeaderMap;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::authenticate::Sender;
use super::hook::Hook;
use crate::onboarding::{DedupeKey, IdentityId, Method};

/// Same on every attempt (Kratos v25.4 and later); absent before, and with `emit_analytics_event: false`.
/// `Ory-Webhook-Request-ID` differs with each attempt and says nothing.
const TRIGGER_ID: &str = "ory-webhook-trigger-id";

/// What a body names, as far as it was understood.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named {
    pub flow: Option<Uuid>,
    pub identity: Option<IdentityId>,
}

/// The key of a delivery.
///
/// A signature covers `webhook-id`, but neither the address nor Kratos's headers: for a signed delivery that id
/// alone is the key, or a recorded one could be replayed as something else. Otherwise it is hook and Trigger-ID;
/// without one, hook, flow, identity and the SHA-256 of the body.
pub fn key(hook: Hook, headers: &HeaderMap, sender: &Sender, named: Named, body: &[u8]) -> DedupeKey {
    if let Sender::Signed { message_id } = sender {
        return digest(b"webhook-id", &[message_id.as_bytes()]);
    }
    let kind = hook.kind().as_str().as_bytes();
    let method = hook.method().map_or("", Method::as_str).as_bytes();
    if let Some(trigger) = trigger_id(headers) {
        return digest(b"trigger-id", &[kind, method, trigger.as_bytes()]);
    }
    let flow = named.flow.as_ref().map_or(&[] as &[u8], |flow| flow.as_bytes());
    let identity = named.identity.as_ref().map_or(&[] as &[u8], |identity| identity.as_bytes());
    digest(b"content", &[kind, method, flow, identity, &Sha256::digest(body)])
}

fn trigger_id(headers: &HeaderMap) -> Option<Uuid> {
    let text = headers.get(TRIGGER_ID)?.to_str().ok()?;
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

fn digest(kind: &[u8], parts: &[&[u8]]) -> DedupeKey {
    DedupeKey::of(b"kratos-onboarding/delivery/v1", &[&[kind], parts].concat())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const TRIGGER: &str = "f94bbef9-1ef5-4e97-8ab5-d905a92637e4";

    fn headers(trigger: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(TRIGGER_ID), HeaderValue::from_str(trigger).unwrap());
        headers
    }

    fn login() -> Hook {
        Hook::from_path("login", "code").unwrap()
    }

    #[test]
    fn a_retry_is_the_same_delivery_whatever_its_body() {
        let key = |hook, body| key(hook, &headers(TRIGGER), &Sender::Key, Named::default(), body);
        assert_eq!(key(login(), b"{}"), key(login(), b"{ }"));
        assert_ne!(key(login(), b"{}"), key(Hook::POST_REGISTRATION, b"{}"), "two hooks are two deliveries");
    }

    #[test]
    fn without_a_trigger_id_the_content_tells() {
        for headers in [HeaderMap::new(), headers("no uuid"), headers(&Uuid::nil().to_string())] {
            let key = |named, body| key(login(), &headers, &Sender::Key, named, body);
            let flow = Named { flow: Some(Uuid::from_u128(1)), identity: None };
            assert_eq!(key(flow, b"{}"), key(flow, b"{}"));
            assert_ne!(key(flow, b"{}"), key(flow, b"{ }"));
            assert_ne!(key(flow, b"{}"), key(Named::default(), b"{}"));
        }
    }

    #[test]
    fn a_signed_delivery_is_replayed_nowhere() {
        let sender = Sender::Signed { message_id: "msg_1".to_owned() };
        let once = key(login(), &HeaderMap::new(), &sender, Named::default(), b"{}");
        let again = key(Hook::POST_REGISTRATION, &headers(TRIGGER), &sender, Named::default(), b"{}");
        assert_eq!(once, again);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(digest(b"k", &[b"ab", b"c"]), digest(b"k", &[b"a", b"bc"]));
    }
}
