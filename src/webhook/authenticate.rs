//! Who may deliver: an API key in a header or cookie, basic authentication, or a Standard Webhooks signature.
//!
//! Kratos offers the first two (`auth` of a `web_hook`, v1.3 to v26.2); a relay in front of it can sign.
//! Every credential is a list, so that it can be rotated. What is compared are SHA-256 digests of equal length,
//! in constant time and against every accepted key.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::config::Webhook;

/// How far the time of a signature may be off, both ways (Standard Webhooks, "Verifying webhook authenticity").
pub const TOLERANCE_S: u64 = 300;
/// Longest `webhook-id` taken, in bytes.
const MESSAGE_ID_MAX: usize = 256;

/// The accepted credentials, as digests.
pub struct Authenticator {
    api_key_header: Option<HeaderName>,
    api_key_cookie: String,
    api_keys: Vec<[u8; 32]>,
    basic: Vec<[u8; 32]>,
    signing: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator(…)")
    }
}

/// By which kind of credential a delivery was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// An API key or basic authentication.
    Key,
    /// A signature, which covers this `webhook-id`.
    Signed { message_id: String },
}

/// What the head of a request says before its body is read.
#[derive(Debug)]
pub enum Standing {
    Admitted,
    /// Only the body can tell whether the signature is right.
    Unproven(SignedHead),
    Denied(Denied),
}

/// The signature headers of a request, within their limits and of the present.
#[derive(Debug)]
pub struct SignedHead {
    message_id: String,
    /// As it was sent: it is part of what is signed.
    timestamp: String,
    candidates: Vec<[u8; 32]>,
    denied: Denied,
}

/// No credential was right. Says which kinds were seen, nothing of what they held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "API key in the header: {header}; API key in a cookie: {cookie}; basic authentication: {basic}; \
     Standard Webhooks signature: {signature}"
)]
pub struct Denied {
    header: Finding,
    cookie: Finding,
    basic: Finding,
    signature: Finding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Missing,
    Wrong,
    Incomplete,
    Malformed,
    OutOfTime,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Finding::Missing => "missing",
            Finding::Wrong => "not accepted",
            Finding::Incomplete => "one of webhook-id, webhook-timestamp, webhook-signature is missing",
            Finding::Malformed => "malformed",
            Finding::OutOfTime => "its time is more than 300 s off",
        })
    }
}

impl Authenticator {
    pub fn new(webhook: &Webhook) -> Authenticator {
        let digest = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
        let basic = webhook.basic_auth.iter();
        let signing = webhook.signing_secrets.iter();
        Authenticator {
            api_key_header: webhook.api_key_name.parse().ok(),
            api_key_cookie: webhook.api_key_name.clone(),
            api_keys: webhook.api_keys.iter().map(|key| digest(key.expose_secret())).collect(),
            basic: basic
                .map(|basic| digest(&format!("{}:{}", basic.user, basic.password.expose_secret())))
                .collect(),
            // HMAC takes a key of any length (RFC 2104): nothing is dropped here.
            signing: signing.filter_map(|secret| Hmac::new_from_slice(&secret.0).ok()).collect(),
        }
    }

    /// Judges the head of a request. One right credential is enough.
    pub fn judge(&self, headers: &HeaderMap, now: Timestamp) -> Standing {
        let header = match &self.api_key_header {
            Some(name) => self.api_key(headers.get_all(name).map(HeaderValue::as_bytes)),
            None => Err(Finding::Missing),
        };
        let Err(header) = header else { return Standing::Admitted };
        let Err(cookie) = self.api_key(self.cookies(headers)) else { return Standing::Admitted };
        let Err(basic) = self.basic_auth(headers) else { return Standing::Admitted };
        let denied = |signature| Denied { header, cookie, basic, signature };
        match signed_head(headers, now) {
            Ok((message_id, timestamp, candidates)) if !self.signing.is_empty() => {
                let denied = denied(Finding::Wrong);
                Standing::Unproven(SignedHead { message_id, timestamp, candidates, denied })
            }
            Ok(_) => Standing::Denied(denied(Finding::Wrong)),
            Err(finding) => Standing::Denied(denied(finding)),
        }
    }

    /// Checks the signature over `id.timestamp.body`.
    pub fn verify(&self, head: SignedHead, body: &[u8]) -> Result<Sender, Denied> {
        let mut right = Choice::from(0);
        for secret in &self.signing {
            let mut mac = secret.clone();
            for part in [head.message_id.as_bytes(), b".", head.timestamp.as_bytes(), b".", body] {
                mac.update(part);
            }
            let expected = mac.finalize().into_bytes();
            for candidate in &head.candidates {
                right |= expected.as_slice().ct_eq(candidate);
            }
        }
        if right.into() { Ok(Sender::Signed { message_id: head.message_id }) } else { Err(head.denied) }
    }

    fn api_key<'a>(&self, sent: impl Iterator<Item = &'a [u8]>) -> Result<(), Finding> {
        accept(&self.api_keys, sent.map(|value| Sha256::digest(value).into()))
    }

    fn basic_auth(&self, headers: &HeaderMap) -> Result<(), Finding> {
        let sent = headers.get_all(AUTHORIZATION).filter_map(|value| {
            // RFC 7617, section 2: the scheme is case-insensitive.
            let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
            let pair = STANDARD.decode(credentials.trim());
            scheme.eq_ignore_ascii_case("basic").then(|| Sha256::digest(pair.unwrap_or_default()).into())
        });
        accept(&self.basic, sent)
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let pairs = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok()).flat_map(|l| l.split(';'));
        pairs.filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            // Go's net/http, with which Kratos sends, quotes a value that holds a space or a comma.
            let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            (name == self.api_key_cookie).then_some(bare.as_bytes())
        })
    }
}

/// Every candidate against every accepted digest, without an early exit.
fn accept(accepted: &[[u8; 32]], sent: impl Iterator<Item = [u8; 32]>) -> Result<(), Finding> {
    let mut right = Choice::from(0);
    let mut seen = false;
    for candidate in sent {
        seen = true;
        for digest in accepted {
            right |= digest.ct_eq(&candidate);
        }
    }
    match (bool::from(right), seen) {
        (true, _) => Ok(()),
        (false, true) => Err(Finding::Wrong),
        (false, false) => Err(Finding::Missing),
    }
}

type SignedParts = (String, String, Vec<[u8; 32]>);

fn signed_head(headers: &HeaderMap, now: Timestamp) -> Result<SignedParts, Finding> {
    let sent = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| headers.get(name));
    let (message_id, timestamp, signature) = match sent {
        [Some(id), Some(timestamp), Some(signature)] => (id, timestamp, signature),
        [None, None, None] => return Err(Finding::Missing),
        _ => return Err(Finding::Incomplete),
    };
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_| Finding::Malformed);
    let (message_id, timestamp, signature) = (text(message_id)?, text(timestamp)?, text(signature)?);
    if message_id.is_empty() || message_id.len() > MESSAGE_ID_MAX {
        return Err(Finding::Malformed);
    }
    // Only the plain decimal form: what is signed is the text, and the text and the number must be one.
    let seconds: i64 = timestamp.parse().map_err(|_| Finding::Malformed)?;
    if seconds.to_string() != timestamp {
        return Err(Finding::Malformed);
    }
    if now.as_second().abs_diff(seconds) > TOLERANCE_S {
        return Err(Finding::OutOfTime);
    }
    let candidates: Vec<[u8; 32]> = signature
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok()?.try_into().ok())
        .collect();
    if candidates.is_empty() { Err(Finding::Malformed) } else { Ok((message_id, timestamp, candidates)) }
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
