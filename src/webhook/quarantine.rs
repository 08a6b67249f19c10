//! Putting a delivery aside, and reading it again.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::hook::Hook;
use super::kept;
use super::payload::{Delivery, Heard, Unreadable};
use crate::onboarding::{Event, PiiKeys};
use crate::store::{Kept, NewQuarantined, SEALED_MAX, UnsealError, seal, unseal};

/// What is stored of a delivery that was not understood. `parsed` is the body, where it is JSON at all.
pub fn put_aside(
    hook: Hook,
    heard: Heard,
    why: Unreadable,
    parsed: Option<&Value>,
    body: &[u8],
    keys: &PiiKeys,
) -> NewQuarantined {
    let kept = match parsed {
        Some(value) => Kept::Json(kept::allowed(value)),
        None if body.is_empty() => Kept::None,
        None => seal(keys, body).map_or(Kept::None, Kept::Sealed),
    };
    NewQuarantined {
        id: heard.id,
        at: heard.at,
        hook: hook.name(),
        reason: why.reason(),
        dedupe: heard.dedupe,
        body_sha256: Sha256::digest(body).into(),
        size: u32::try_from(body.len()).unwrap_or(u32::MAX),
        body: kept,
    }
}

/// Why a quarantined delivery still yields no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("the hook it came by is not one of this version's")]
    UnknownHook,
    #[error("only its time and hash are left")]
    NothingKept,
    #[error("only its first 4096 bytes were kept")]
    Cut,
    #[error("the sealed body cannot be opened: {0}")]
    Sealed(#[from] UnsealError),
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

/// Reads what was kept of a quarantined delivery as if it had just come in. `hook` is the name stored with it.
///
/// `heard` should be the id, time and dedupe key of the quarantined delivery: then what is told about a point in
/// time stays in its place, and a second replay is a duplicate. JSON is read in its allow-listed form, so the
/// event names no identifiers; of a sealed body of 4 KiB or more the end may be missing, so it is not read.
pub fn replay(kept: &Kept, hook: &str, heard: Heard, keys: &PiiKeys) -> Result<Event, ReplayError> {
    if *kept == Kept::None {
        return Err(ReplayError::NothingKept);
    }
    let hook = Hook::from_name(hook).ok_or(ReplayError::UnknownHook)?;
    let delivery = match kept {
        Kept::Json(value) => Delivery::read(hook, value, keys)?,
        Kept::Sealed(sealed) => {
            let body = unseal(keys, sealed)?;
            // The beginning of a body can be JSON where the whole is not.
            if body.len() >= SEALED_MAX {
                return Err(ReplayError::Cut);
            }
            Delivery::parse(hook, &body, keys)?
        }
        Kept::None => return Err(ReplayError::NothingKept),
    };
    Ok(delivery.into_event(heard))
}

#[cfg(test)]
#[path = "quarantine_tests.rs"]
mod tests;
