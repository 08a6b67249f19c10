//! The headers of Standard Webhooks (specification 1.0, "Signature scheme"): symmetric, `v1`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::config::SigningSecret;
use crate::onboarding::EventId;

/// Signs with every secret, so that a receiver may know the old one or the new one.
#[derive(Clone)]
pub struct Signer(Vec<Hmac<Sha256>>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

impl Signer {
    pub fn new(secrets: &[SigningSecret]) -> Signer {
        // HMAC takes a key of any length.
        Signer(secrets.iter().filter_map(|secret| Hmac::new_from_slice(&secret.0).ok()).collect())
    }

    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`, for a try at `now`.
    pub fn headers(&self, event: EventId, now: Timestamp, body: &str) -> [(&'static str, String); 3] {
        let (id, timestamp) = (event.0.to_string(), now.as_second().to_string());
        let signed = self.0.iter().map(|key| {
            let mut mac = key.clone();
            for part in [&id, ".", &timestamp, ".", body] {
                mac.update(part.as_bytes());
            }
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        let signatures = signed.collect::<Vec<_>>().join(" ");
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signatures)]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_receiver_that_knows_any_of_the_secrets_can_verify_it() {
        let secrets = [[1_u8; 32], [2; 32]];
        let signer = Signer::new(&secrets.map(|secret| SigningSecret(secret.to_vec())));
        let now = Timestamp::from_second(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64).unwrap();
        let sent = signer.headers(EventId(Uuid::from_u128(7)), now, "{\"a\":\"ü\"}");
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in sent {
            headers.insert(name, value.parse().unwrap());
        }
        let verify = |secret: &[u8], body: &str| {
            let webhook = standardwebhooks::Webhook::from_bytes(secret.to_vec()).unwrap();
            webhook.verify(body.as_bytes(), &headers).is_ok()
        };
        for secret in secrets {
            assert!(verify(&secret, "{\"a\":\"ü\"}"));
            assert!(!verify(&secret, "{\"a\":\"u\"}"));
        }
        assert!(!verify(&[3; 32], "{\"a\":\"ü\"}"));
    }
}
