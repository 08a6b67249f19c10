//! E-mail addresses and the like, kept only as keyed digests so that an operator can look a person up.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A normalised identifier, in memory only. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier(String);

impl Identifier {
    /// Longest identifier kept, in bytes; RFC 5321 allows an address 254.
    pub const MAX: usize = 320;

    /// Normalised as Kratos does (`x/normalize.go`, v26.2): an address with `@` is trimmed and lower-cased, a number
    /// with a leading `+` becomes E.164, anything else is trimmed. `None` when nothing usable is left.
    pub fn parse(raw: &str) -> Option<Identifier> {
        let text = raw.trim();
        if text.is_empty() || text.len() > Self::MAX || text.contains('\0') {
            return None;
        }
        if text.contains('@') {
            return Some(Identifier(text.to_lowercase()));
        }
        if let Some(number) = text.strip_prefix('+') {
            let separator = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
            if number.chars().all(|c| c.is_ascii_digit() || separator(c)) {
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                return (!digits.is_empty()).then(|| Identifier(format!("+{digits}")));
            }
        }
        Some(Identifier(text.to_owned()))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier(…)")
    }
}

/// HMAC-SHA-256 of an identifier, with the name of the key that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentifierDigest {
    #[serde(with = "hex::serde")]
    pub key: [u8; 4],
    #[serde(with = "hex::serde")]
    pub mac: [u8; 32],
}

/// One of `secrets.pii`: 32 bytes or more.
#[derive(Clone)]
pub struct PiiKey {
    id: [u8; 4],
    secret: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has {0} bytes; 32 or more are needed")]
pub struct PiiKeyError(pub usize);

impl PiiKey {
    pub fn new(secret: Vec<u8>) -> Result<PiiKey, PiiKeyError> {
        if secret.len() < 32 {
            return Err(PiiKeyError(secret.len()));
        }
        let name = Sha256::new().chain_update(b"kratos-onboarding/pii-key-id/v1").chain_update(&secret);
        let mut id = [0; 4];
        for (to, from) in id.iter_mut().zip(name.finalize()) {
            *to = from;
        }
        Ok(PiiKey { id, secret })
    }

    /// Names the key in rows; says nothing about it.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// A key for one purpose; `domain` keeps purposes apart.
    pub fn mac(&self, domain: &str, message: &[u8]) -> [u8; 32] {
        // HMAC takes a key of any length (RFC 2104), so this cannot fail; an empty tag would match nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return [0; 32] };
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for PiiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PiiKey({})", hex::encode(self.id))
    }
}

/// `secrets.pii`: the first writes, all look up. Never empty.
#[derive(Debug, Clone)]
pub struct PiiKeys {
    first: PiiKey,
    older: Vec<PiiKey>,
}

impl PiiKeys {
    const IDENTIFIER: &'static str = "kratos-onboarding/identifier/v1";

    pub fn new(first: PiiKey, older: Vec<PiiKey>) -> PiiKeys {
        PiiKeys { first, older }
    }

    /// The key that writes.
    pub fn first(&self) -> &PiiKey {
        &self.first
    }

    pub fn all(&self) -> impl Iterator<Item = &PiiKey> {
        std::iter::once(&self.first).chain(&self.older)
    }

    /// For a row.
    pub fn digest(&self, identifier: &Identifier) -> IdentifierDigest {
        Self::digest_with(&self.first, identifier)
    }

    /// For a look-up: one digest a key.
    pub fn digests(&self, identifier: &Identifier) -> Vec<IdentifierDigest> {
        self.all().map(|key| Self::digest_with(key, identifier)).collect()
    }

    fn digest_with(key: &PiiKey, identifier: &Identifier) -> IdentifierDigest {
        IdentifierDigest { key: key.id, mac: key.mac(Self::IDENTIFIER, identifier.0.as_bytes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: u8, older: &[u8]) -> PiiKeys {
        let key = |byte: u8| PiiKey::new(vec![byte; 32]).unwrap();
        PiiKeys::new(key(first), older.iter().map(|b| key(*b)).collect())
    }

    #[test]
    fn spelled_differently_is_the_same_person() {
        let keys = keys(1, &[]);
        let digest = |raw: &str| keys.digest(&Identifier::parse(raw).unwrap());
        assert_eq!(digest(" Ada@Example.ORG "), digest("ada@example.org"));
        assert_eq!(digest("+49 (151) 234-567"), digest("+49151234567"));
        assert_ne!(digest("Ada"), digest("ada"), "a user name keeps its case, as in Kratos");
    }

    #[test]
    fn every_key_of_the_list_looks_up_what_it_wrote() {
        let person = Identifier::parse("ada@example.org").unwrap();
        let before = keys(1, &[]).digest(&person);
        assert!(keys(2, &[1]).digests(&person).contains(&before));
        assert!(!keys(2, &[]).digests(&person).contains(&before));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(PiiKey::new(vec![0; 31]).unwrap_err(), PiiKeyError(31));
    }
}
