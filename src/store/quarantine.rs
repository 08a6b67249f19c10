//! Deliveries that were authenticated but could not be understood: put aside, bounded, never lost in silence.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::onboarding::{Actor, Cause, DedupeKey, Event, EventId, EventKind, IdentityId, Observed, Profile};

/// Bodies kept for each hook and reason; older ones keep time and hash only.
pub const BODIES_KEPT: u32 = 100;
/// Rows kept for each hook and reason, with or without a body.
pub const ROWS_KEPT: u32 = 10_000;
/// A body that did not parse may hold a session cookie: it is encrypted, and gone after this.
pub const SEALED_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// Kratos renders templates through a 64 KiB buffer; what does not fit arrives with no body at all (seen on v26.2.0).
    Empty,
    NotJson,
    NotAnObject,
    NoIdentity,
    WrongType,
    ContentType,
    /// All zeros: Kratos sends it with `response.parse: true`, before the identity is stored.
    ZeroIdentity,
    BadValue,
    /// Understood, but the database refused it.
    Poison,
}

impl QuarantineReason {
    pub const ALL: [QuarantineReason; 9] = [
        QuarantineReason::Empty,
        QuarantineReason::NotJson,
        QuarantineReason::NotAnObject,
        QuarantineReason::NoIdentity,
        QuarantineReason::WrongType,
        QuarantineReason::ContentType,
        QuarantineReason::ZeroIdentity,
        QuarantineReason::BadValue,
        QuarantineReason::Poison,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            QuarantineReason::Empty => "empty",
            QuarantineReason::NotJson => "not_json",
            QuarantineReason::NotAnObject => "not_an_object",
            QuarantineReason::NoIdentity => "no_identity",
            QuarantineReason::WrongType => "wrong_type",
            QuarantineReason::ContentType => "content_type",
            QuarantineReason::ZeroIdentity => "zero_identity",
            QuarantineReason::BadValue => "bad_value",
            QuarantineReason::Poison => "poison",
        }
    }

    pub fn parse(text: &str) -> Option<QuarantineReason> {
        QuarantineReason::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// What is left of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Allow-listed fields only.
    Json(serde_json::Value),
    /// Encrypted; see `webhook`.
    Sealed(Vec<u8>),
    None,
}

impl Kept {
    /// From the columns of its row.
    pub(super) fn read(kept: &str, body: Option<Vec<u8>>) -> Result<Kept, serde_json::Error> {
        Ok(match (kept, body) {
            ("json", Some(body)) => Kept::Json(serde_json::from_slice(&body)?),
            ("sealed", Some(body)) => Kept::Sealed(body),
            _ => Kept::None,
        })
    }

    /// What its row holds.
    pub(super) fn bytes(&self) -> Result<Option<Vec<u8>>, serde_json::Error> {
        Ok(match self {
            Kept::Json(json) => Some(serde_json::to_vec(json)?),
            Kept::Sealed(bytes) => Some(bytes.clone()),
            Kept::None => None,
        })
    }

    pub fn as_str(&self) -> &'static str {
        match self {
            Kept::Json(_) => "json",
            Kept::Sealed(_) => "sealed",
            Kept::None => "none",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewQuarantined {
    pub id: EventId,
    pub at: Timestamp,
    /// `registration/password`; a closed set, so the bounds hold.
    pub hook: String,
    pub reason: QuarantineReason,
    pub dedupe: DedupeKey,
    pub body_sha256: [u8; 32],
    /// Bytes received.
    pub size: u32,
    pub body: Kept,
}

/// An event that the database refused, but for what its row says. It names nobody, so it is kept whole.
#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    identity_id: IdentityId,
    actor: Actor,
    cause: Cause,
    event: EventKind,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    observed: Observed,
}

impl NewQuarantined {
    /// An event that the database refused.
    pub fn refused(event: &Event) -> NewQuarantined {
        let refused = Refused {
            identity_id: event.identity,
            actor: event.actor.clone(),
            cause: event.cause,
            event: event.kind.clone(),
            profile: event.profile.clone(),
            observed: event.observed.clone(),
        };
        let body = serde_json::to_value(refused).unwrap_or_default();
        let text = body.to_string();
        NewQuarantined {
            id: event.id,
            at: event.at,
            hook: event.cause.as_str().to_owned(),
            reason: QuarantineReason::Poison,
            dedupe: event.dedupe,
            body_sha256: Sha256::digest(&text).into(),
            size: u32::try_from(text.len()).unwrap_or(u32::MAX),
            body: Kept::Json(body),
        }
    }
}

/// A row, as the verbs show it.
#[derive(Debug, Clone)]
pub struct Quarantined {
    pub id: EventId,
    pub at: Timestamp,
    pub hook: String,
    pub reason: QuarantineReason,
    pub dedupe: DedupeKey,
    pub body_sha256: [u8; 32],
    pub size: u32,
    pub body: Kept,
}

impl Quarantined {
    /// The event that it was, where the database refused one and the body is still there.
    pub fn refused_event(&self) -> Option<Event> {
        let (QuarantineReason::Poison, Kept::Json(body)) = (self.reason, &self.body) else { return None };
        let refused = Refused::deserialize(body).ok()?;
        Some(Event {
            id: self.id,
            identity: refused.identity_id,
            at: self.at,
            dedupe: self.dedupe,
            actor: refused.actor,
            cause: refused.cause,
            profile: refused.profile,
            observed: refused.observed,
            kind: refused.event,
        })
    }
}

#[derive(Debug, Clone, Default)]
pub struct QuarantineFilter {
    pub hook: Option<String>,
    pub reason: Option<QuarantineReason>,
    /// 0: the default of 100.
    pub limit: u32,
}
