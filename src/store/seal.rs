//! Encryption of bodies that did not parse: a broken whole-`ctx` body holds a session cookie.
//!
//! XChaCha20-Poly1305 with a random nonce; the key comes from one of `secrets.pii`, and its name stands in front.
//! `key id (4) | nonce (24) | ciphertext and tag`.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::onboarding::{PiiKey, PiiKeys};

/// So much of a body is kept, in bytes.
pub const SEALED_MAX: usize = 4096;

const DOMAIN: &str = "kratos-onboarding/quarantine/v1";
const KEY_ID: usize = 4;
const NONCE: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    #[error("it is shorter than a sealed body can be")]
    TooShort,
    #[error("none of the keys in secrets.pii sealed it")]
    UnknownKey,
    #[error("it was changed after it was sealed")]
    Changed,
}

/// Seals the first 4 KiB with the key that writes. `None` without randomness: then nothing is kept.
pub fn seal(keys: &PiiKeys, body: &[u8]) -> Option<Vec<u8>> {
    let key = keys.first();
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    let message = Payload { msg: body.get(..SEALED_MAX).unwrap_or(body), aad: DOMAIN.as_bytes() };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), message).ok()?;
    Some([key.id().as_slice(), &nonce, &sealed].concat())
}

/// Opens what [`seal`] made, with whichever of the keys it was.
pub fn unseal(keys: &PiiKeys, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
    let (id, rest) = sealed.split_first_chunk::<KEY_ID>().ok_or(UnsealError::TooShort)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(UnsealError::TooShort)?;
    let key = keys.all().find(|key| key.id() == *id).ok_or(UnsealError::UnknownKey)?;
    let message = Payload { msg: ciphertext, aad: DOMAIN.as_bytes() };
    cipher(key).decrypt(&XNonce::from(*nonce), message).map_err(|_| UnsealError::Changed)
}

fn cipher(key: &PiiKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.mac(DOMAIN, b"").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: u8, older: &[u8]) -> PiiKeys {
        let key = |byte: u8| PiiKey::new(vec![byte; 32]).unwrap();
        PiiKeys::new(key(first), older.iter().map(|byte| key(*byte)).collect())
    }

    #[test]
    fn every_listed_key_opens_what_it_sealed() {
        let sealed = seal(&keys(1, &[]), b"{broken").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"{broken"));
        assert_eq!(unseal(&keys(2, &[1]), &sealed).unwrap(), b"{broken");
        assert_eq!(unseal(&keys(2, &[3]), &sealed), Err(UnsealError::UnknownKey));
    }

    #[test]
    fn a_long_body_is_cut() {
        let sealed = seal(&keys(1, &[]), &[b'x'; 5000]).unwrap();
        assert_eq!(unseal(&keys(1, &[]), &sealed).unwrap().len(), SEALED_MAX);
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let mut sealed = seal(&keys(1, &[]), b"{broken").unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(unseal(&keys(1, &[]), &sealed), Err(UnsealError::Changed));
        assert_eq!(unseal(&keys(1, &[]), b"short"), Err(UnsealError::TooShort));
    }

    #[test]
    fn the_same_body_is_sealed_differently_each_time() {
        assert_ne!(seal(&keys(1, &[]), b"x"), seal(&keys(1, &[]), b"x"));
    }
}
