//! What a request shows to say whose it is.

use std::fmt;

/// Kratos's tokens: `ory_st_` and 32 characters; its cookies: about 300, more with a long cookie payload.
const SHORTEST: usize = 16;
const LONGEST: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// Sent by the browser on its own, so a change needs an allowed `Origin` too.
    Cookie,
    /// `X-Session-Token`, or `Authorization: Bearer`: another site cannot make a browser send it.
    Header,
}

/// A plausible session token. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    kind: CredentialKind,
    token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("the request carries no session")]
    Missing,
    #[error("what the request carries cannot be a session token")]
    Implausible,
}

impl Credential {
    /// A token in a header wins, cookies are then ignored. `headers` yields name (any case) and value of each.
    pub fn find<'a>(
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        cookie_name: &str,
    ) -> Result<Credential, CredentialError> {
        let (mut token, mut bearer, mut cookie) = (None, None, None);
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("x-session-token") {
                token = token.or(Some(value));
            } else if name.eq_ignore_ascii_case("authorization") {
                bearer = bearer.or_else(|| bearer_token(value));
            } else if name.eq_ignore_ascii_case("cookie") {
                cookie = cookie.or_else(|| cookie_value(value, cookie_name));
            }
        }
        let (kind, token) = match (token.or(bearer), cookie) {
            (Some(token), _) => (CredentialKind::Header, token),
            (None, Some(value)) => (CredentialKind::Cookie, value),
            (None, None) => return Err(CredentialError::Missing),
        };
        match std::str::from_utf8(token) {
            Ok(text) if is_plausible(text) => Ok(Credential { kind, token: text.to_owned() }),
            Ok(_) | Err(_) => Err(CredentialError::Implausible),
        }
    }

    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({:?}, …)", self.kind)
    }
}

fn is_plausible(token: &str) -> bool {
    // The cookie-octets of RFC 6265, section 4.1.1: nothing that could end a cookie or a header.
    let octet = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\');
    (SHORTEST..=LONGEST).contains(&token.len()) && token.bytes().all(octet)
}

/// `None` for another scheme: that is not meant for us.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The first of that name, as Kratos takes it.
fn cookie_value<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    header.split(|b| *b == b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COOKIE: &str = "ory_kratos_session";
    const TOKEN: &str = "ory_st_abcdefghijklmnopqrstuvwxyz012345";

    fn find(headers: &[(&str, &str)]) -> Result<Credential, CredentialError> {
        Credential::find(headers.iter().map(|(name, value)| (*name, value.as_bytes())), COOKIE)
    }

    #[test]
    fn a_header_token_wins_over_the_cookie() {
        let cookie = format!("a=b; {COOKIE}=MTc2NDAwMDAwMHxjb29raWU=");
        let by_cookie = find(&[("cookie", &cookie)]).unwrap();
        assert_eq!(by_cookie.kind(), CredentialKind::Cookie);
        assert_eq!(by_cookie.token(), "MTc2NDAwMDAwMHxjb29raWU=");
        for header in [("X-Session-Token", TOKEN.to_owned()), ("Authorization", format!("bearer {TOKEN}"))] {
            let found = find(&[("Cookie", &cookie), (header.0, &header.1)]).unwrap();
            assert_eq!((found.kind(), found.token()), (CredentialKind::Header, TOKEN));
        }
    }

    #[test]
    fn a_broken_header_token_does_not_fall_back_to_the_cookie() {
        let cookie = format!("{COOKIE}={TOKEN}");
        let found = find(&[("Cookie", &cookie), ("X-Session-Token", "short")]);
        assert_eq!(found.unwrap_err(), CredentialError::Implausible);
    }

    #[test]
    fn other_cookies_and_schemes_are_no_session() {
        let none = find(&[("cookie", &format!("x{COOKIE}={TOKEN}; {COOKIE}x={TOKEN}"))]);
        assert_eq!(none.unwrap_err(), CredentialError::Missing);
        assert_eq!(find(&[("authorization", "Basic abc")]).unwrap_err(), CredentialError::Missing);
        assert_eq!(find(&[]).unwrap_err(), CredentialError::Missing);
    }

    #[test]
    fn it_never_shows_the_token() {
        let found = find(&[("x-session-token", TOKEN)]).unwrap();
        assert!(!format!("{found:?}").contains("ory_st"));
    }

    proptest! {
        #[test]
        fn whatever_is_found_is_safe_in_a_header(
            header in prop::sample::select(vec!["cookie", "authorization", "x-session-token"]),
            value in prop::collection::vec(any::<u8>(), 0..5000),
        ) {
            let mut cookie = format!("{COOKIE}=").into_bytes();
            cookie.extend(&value);
            let value = if header == "cookie" { cookie } else { value };
            if let Ok(found) = Credential::find([(header, value.as_slice())].into_iter(), COOKIE) {
                prop_assert!(found.token().bytes().all(|b| b.is_ascii_graphic() && b != b';'));
                prop_assert!((SHORTEST..=LONGEST).contains(&found.token().len()));
            }
        }
    }
}
