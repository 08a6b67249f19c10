//! Ceremonies of our own that were begun.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::MadePasskey;
use super::Store;
use super::backend::{CommitError, ReadError};
use crate::ceremony::{Begun, Challenge, UserHandle};
use crate::onboarding::{IdentityId, SessionDigest};

/// How long a challenge holds.
const HOLDS: SignedDuration = SignedDuration::from_mins(5);
/// Of one person, the newest.
pub const AT_ONCE: u32 = 8;

/// Who may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    pub identity: IdentityId,
    pub session: SessionDigest,
}

/// When a challenge can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Holds {
    /// For five minutes.
    pub fn since(now: Timestamp) -> Holds {
        Holds { from: now, until: now.saturating_add(HOLDS).unwrap_or(Timestamp::MAX) }
    }

    /// And no longer than to then.
    #[must_use]
    pub fn at_most(self, until: Timestamp) -> Holds {
        Holds { until: self.until.min(until), ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceremony {
    pub whose: Whose,
    pub begun: Begun,
    /// What the passkey is to be made under.
    pub handle: UserHandle,
    pub expires_at: Timestamp,
}

/// Which user handle a passkey is to be made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handle {
    /// The one that Kratos keeps the person's passkeys under.
    Kept(UserHandle),
    /// Kratos has none: this one, unless a ceremony of the same person that still holds was begun with another. Kratos keeps
    /// all passkeys of a person under one.
    New(UserHandle),
}

/// What became of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Now,
    /// Somebody else did, at the same moment; nothing is kept.
    Before,
    /// The credential is another person's; nothing is kept.
    OfAnother,
}

/// What a database has to do for them.
#[async_trait]
pub trait Ceremonies {
    /// Durable when it returns; the handle it was begun with. Of the same person those that are over first go where there are
    /// too many, and whatever is over by now; the new one stays.
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        holds: Holds,
    ) -> Result<UserHandle, CommitError>;

    async fn ceremony(
        &self,
        challenge: Challenge,
        whose: Whose,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, ReadError>;

    /// The challenge is used up; `made`: kept with it, in one transaction.
    async fn end_ceremony(
        &self,
        challenge: Challenge,
        made: Option<&MadePasskey>,
    ) -> Result<Ended, CommitError>;
}

impl Store {
    /// Durable when it returns; what the passkey is to be made under. It can be used once.
    pub async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        holds: Holds,
    ) -> Result<UserHandle, CommitError> {
        self.shared.backend.begin_ceremony(whose, begun, handle, holds).await
    }

    /// `None`: there is none, it is another's, it is over, or it was used.
    pub async fn ceremony(
        &self,
        challenge: Challenge,
        whose: Whose,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, ReadError> {
        self.shared.backend.ceremony(challenge, whose, now).await
    }

    pub async fn end_ceremony(
        &self,
        challenge: Challenge,
        made: Option<&MadePasskey>,
    ) -> Result<Ended, CommitError> {
        self.shared.backend.end_ceremony(challenge, made).await
    }
}
