//! `Idempotency-Key`: a request that is sent again with the same key is done once.

use actix_web::http::header::HeaderMap;

use super::Refusal;

const LONGEST_KEY: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Idempotency-Key: allowed are 1 to {LONGEST_KEY} visible ASCII characters")]
pub struct KeyError;

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Refusal {
        Refusal::bad_request(error.to_string())
    }
}

/// `None`: there is none.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, KeyError> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let is_allowed =
        (1..=LONGEST_KEY).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    key.to_str().ok().filter(|_| is_allowed).map(Some).ok_or(KeyError)
}
