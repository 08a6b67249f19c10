//! The token of a form must belong to the cookie of the browser. As Kratos does it: the cookie holds 32 random bytes,
//! a token is a one-time pad followed by the bytes under it, both in base64.

use super::config::Config;
use super::exchange::Exchange;
use super::refusal::Refusal;
use super::{cookies, random};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// What the browser brought, and what it will have after the answer.
#[derive(Debug, Clone, Copy)]
pub struct Csrf {
    pub secret: Secret,
    brought: bool,
    set: bool,
}

impl Secret {
    fn new() -> Secret {
        Secret(random::bytes())
    }

    pub fn text(self) -> String {
        random::base64(&self.0)
    }

    /// Another text every time.
    pub fn token(self) -> String {
        let pad: [u8; 32] = random::bytes();
        let mut token = pad.to_vec();
        token.extend(pad.iter().zip(self.0).map(|(pad, byte)| pad ^ byte));
        random::base64(&token)
    }

    pub fn matches(self, token: &str) -> bool {
        let Some(token) = random::from_base64(token).filter(|token| token.len() == 64) else { return false };
        let (pad, masked) = token.split_at(32);
        pad.iter().zip(masked).map(|(pad, byte)| pad ^ byte).eq(self.0)
    }
}

impl Csrf {
    pub fn of(cookie: Option<&str>) -> Csrf {
        let brought =
            cookie.and_then(random::from_base64).and_then(|bytes| bytes.try_into().ok()).map(Secret);
        Csrf { secret: brought.unwrap_or_else(Secret::new), brought: brought.is_some(), set: false }
    }
}

impl Exchange {
    /// A token for a form; a browser that has no cookie gets one.
    pub fn csrf_token(&mut self, config: &Config) -> String {
        if !self.csrf.brought && !self.csrf.set {
            self.set_csrf(config);
        }
        self.csrf.secret.token()
    }

    /// After somebody signed in or out, forms made before are no longer good.
    pub fn regenerate_csrf(&mut self, config: &Config) {
        self.csrf.secret = Secret::new();
        self.set_csrf(config);
    }

    fn set_csrf(&mut self, config: &Config) {
        self.csrf.set = true;
        let cookie = cookies::csrf(config, self.csrf.secret);
        self.set.retain(|other| other.name() != cookie.name());
        self.set.push(cookie);
    }

    /// Whether the form was made for this browser.
    pub fn check_csrf(&self, token: &str) -> Result<(), Refusal> {
        if self.csrf.brought && self.csrf.secret.matches(token) { Ok(()) } else { Err(self.csrf_refusal()) }
    }

    /// Whether a flow that is read was made for this browser.
    pub fn check_csrf_of_flow(&self, secret: Secret) -> Result<(), Refusal> {
        if self.csrf.brought && self.csrf.secret == secret {
            Ok(())
        } else {
            Err(self.csrf_refusal().always_json())
        }
    }

    fn csrf_refusal(&self) -> Refusal {
        let hint = if self.is_ajax() {
            "We detected an AJAX call, please ensure that CORS is enabled and configured correctly, and that your \
             AJAX code sends cookies and has credentials enabled. For further debugging, check your Browser's \
             Network Tab to see what cookies are included or excluded."
        } else {
            "We detected a regular browser or server-side call. To debug browser calls check your Browser's Network \
             Tab to see what cookies are included or excluded. If you are calling from a server ensure that the \
             appropriate cookies are being forwarded and that the SDK method is called correctly."
        };
        let reject_reason = if self.cookies.is_empty() {
            "The HTTP Cookie Header is empty or not set."
        } else if !self.csrf.brought {
            "The HTTP Cookie Header was set but did not include the anti-CSRF cookie."
        } else {
            "The HTTP Cookie Header was set and a CSRF token was sent but they do not match. We recommend deleting \
             all cookies for this domain and retrying the flow."
        };
        Refusal::csrf(Some(hint), Some(reject_reason))
    }
}
