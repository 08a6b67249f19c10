//! Codes of an authenticator app (RFC 6238).

use totp_rs::{Builder, Secret, Totp};

fn of(secret: Secret, account: &str, issuer: &str) -> Totp {
    Builder::new().with_secret(secret).with_account_name(account).with_issuer(Some(issuer)).build().unwrap()
}

/// A secret in base32, and a picture of it: PNG in base64.
pub fn new(account: &str, issuer: &str) -> (String, String) {
    let secret = Secret::generate();
    let text = secret.to_base32();
    (text, of(secret, account, issuer).to_qr_base64().unwrap())
}

pub fn is_right(secret: &str, code: &str) -> bool {
    let Ok(secret) = Secret::try_from_base32(secret) else { return false };
    of(secret, "person", "issuer").check_current(code).is_some()
}
