//! Who is an operator: by a token, on a host that is this listener's.

use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::config;
use crate::onboarding::OperatorName;

/// Digests of every token, so that comparing takes the same time whatever is given.
pub struct Access {
    tokens: Vec<([u8; 32], OperatorName)>,
    settings: config::Admin,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(…)")
    }
}

/// Why somebody goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    #[error("the application has no state for operators")]
    NotReady,
    /// A page of another site may have made a browser come here by a name that it chose.
    #[error("the host is not one of this listener's")]
    HostNotAllowed,
    #[error("no operator is configured")]
    NobodyConfigured,
    #[error("there is no token")]
    TokenMissing,
    #[error("the token is nobody's")]
    TokenWrong,
}

impl Access {
    pub fn new(settings: &config::Admin) -> Access {
        let tokens = settings.operators.iter().flat_map(|(name, tokens)| {
            tokens.iter().map(move |token| (digest(token.expose_secret().as_bytes()), name.clone()))
        });
        Access { tokens: tokens.collect(), settings: settings.clone() }
    }

    /// `authority`: of the request's target, where HTTP/2 has it in place of `Host`.
    pub fn admit(&self, headers: &HeaderMap, authority: Option<&str>) -> Result<OperatorName, AccessError> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or(authority);
        if !host.is_some_and(|host| self.settings.allows(host)) {
            return Err(AccessError::HostNotAllowed);
        }
        if self.tokens.is_empty() {
            return Err(AccessError::NobodyConfigured);
        }
        let token = headers.get(AUTHORIZATION).ok_or(AccessError::TokenMissing)?.as_bytes();
        self.owner(bearer(token).ok_or(AccessError::TokenMissing)?).cloned().ok_or(AccessError::TokenWrong)
    }

    /// Against all of them, so that the time says nothing of which one was right.
    fn owner(&self, token: &[u8]) -> Option<&OperatorName> {
        let given = digest(token);
        let mut found = u32::MAX;
        for (nth, (known, _)) in (0..u32::MAX).zip(&self.tokens) {
            let same: Choice = known.ct_eq(&given);
            found.conditional_assign(&nth, same);
        }
        self.tokens.get(usize::try_from(found).ok()?).map(|(_, name)| name)
    }
}

/// RFC 6750, section 2.1; the name of the scheme in any case (RFC 9110, section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii()).filter(|token| !token.is_empty())
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}
