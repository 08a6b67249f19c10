//! The three cookies of Kratos: the session, the anti-CSRF secret, and what was parked.

use std::collections::BTreeMap;

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use sha2::{Digest, Sha256};

use super::config::Config;
use super::csrf::Secret;
use super::random;

pub const SESSION: &str = "ory_kratos_session";
pub const CONTINUITY: &str = "ory_kratos_continuity";
const YEAR: Duration = Duration::days(365);

/// Made of the public address, so that two Kratos on one host do not disturb each other.
pub fn csrf_name(config: &Config) -> String {
    format!("csrf_token_{}", hex::encode(Sha256::digest(config.public_url())))
}

fn cookie(domain: Option<&str>, name: String, value: String, lasts: Option<Duration>) -> Cookie<'static> {
    let mut cookie =
        Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).secure(false).finish();
    cookie.set_max_age(lasts);
    if let Some(domain) = domain {
        cookie.set_domain(domain.to_owned());
    }
    cookie
}

pub fn csrf(config: &Config, secret: Secret) -> Cookie<'static> {
    cookie(config.cookie_domain.as_deref(), csrf_name(config), secret.text(), Some(YEAR))
}

/// The value is another one every time it is issued, the token in it is not.
pub fn session(config: &Config, token: &str) -> Cookie<'static> {
    let value = random::base64_url(format!("{token}|{}", random::alphanumeric(8)).as_bytes());
    cookie(
        config.cookie_domain.as_deref(),
        SESSION.into(),
        value,
        Some(Duration::seconds(config.session_lifespan.as_secs())),
    )
}

pub fn session_token(value: &str) -> Option<String> {
    let text = String::from_utf8(random::from_base64(value)?).ok()?;
    Some(text.split_once('|')?.0.to_owned())
}

pub fn gone(config: &Config, name: &str) -> Cookie<'static> {
    let mut cookie = cookie(config.cookie_domain.as_deref(), name.to_owned(), String::new(), None);
    cookie.make_removal();
    cookie.set_path("/");
    cookie
}

/// Which submission of which method is parked where. Only Kratos's own host needs it.
pub fn continuity(parked: &BTreeMap<String, String>) -> Cookie<'static> {
    let value = random::base64_url(serde_json::to_string(parked).unwrap().as_bytes());
    cookie(None, CONTINUITY.into(), value, Some(Duration::hours(24)))
}

pub fn parked(value: Option<&str>) -> BTreeMap<String, String> {
    value
        .and_then(random::from_base64)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}
