//! A passkey that nobody can sign in with, to try something on.

use jiff::Timestamp;
use rustls::crypto::ring::kx_group::SECP256R1;
use uuid::Uuid;
use webauthn_rp::response::register::{UncompressedP256PubKey, UncompressedPubKey};

use super::{Flags, Made, Passkey, UserHandle, cose};
use crate::onboarding::CredentialId;

/// Coordinates of a point on P-256, each of so many bytes (SEC 1, section 2.3.3).
const COORDINATE: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomError;

impl Passkey {
    /// Its private key is forgotten before it is returned.
    pub fn of_nobody(handle: UserHandle, name: String, made_at: Timestamp) -> Result<Passkey, NoRandomError> {
        let mut id = vec![0; 32];
        getrandom::fill(&mut id).map_err(|_| NoRandomError)?;
        let made = Made {
            id: CredentialId::of_bytes(id).map_err(|_| NoRandomError)?,
            public_key: public_key()?,
            aaguid: Uuid::nil(),
            sign_count: 0,
            flags: Flags {
                user_present: true,
                user_verified: true,
                backup_eligible: false,
                backup_state: false,
            },
            transports: Vec::new(),
        };
        Ok(Passkey { made, handle, name, made_at })
    }
}

/// A fresh one, whose private key is never kept: that of a key exchange that is not gone on with.
fn public_key() -> Result<Vec<u8>, NoRandomError> {
    let exchange = SECP256R1.start().map_err(|_| NoRandomError)?;
    let point = exchange.pub_key().get(1..).and_then(|point| point.split_at_checked(COORDINATE));
    let point = point.ok_or(NoRandomError)?;
    let key = UncompressedP256PubKey::try_from(point).map_err(|_| NoRandomError)?;
    Ok(cose::key(UncompressedPubKey::P256(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_looks_like_one_of_an_authenticator() {
        let handle = UserHandle::random().unwrap();
        let [one, other] = [(), ()].map(|()| {
            Passkey::of_nobody(handle.clone(), "x".to_owned(), Timestamp::UNIX_EPOCH).unwrap().made
        });
        assert!(one.id != other.id && one.public_key != other.public_key);
        let real = crate::ceremony::authenticator::p256();
        assert_eq!((one.public_key.len(), &one.public_key[..10]), (real.len(), &real[..10]));
    }
}
