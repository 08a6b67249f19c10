//! Ceremonies of our own that were begun, and the passkeys that came of them.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::Store;
use super::backend::{CommitError, ReadError};
use crate::ceremony::{Begun, Challenge, Passkey, UserHandle};
use crate::onboarding::{CeremonyKind, CredentialId, IdentityId, SessionDigest};

/// How long a challenge holds.
pub const HOLDS: SignedDuration = SignedDuration::from_mins(5);
/// Of one person, the newest.
pub const AT_ONCE: u32 = 8;

/// Another one of the same person is handed in by then, or its process is gone: longer than a hand-in ever takes.
const TURN: Duration = Duration::from_secs(60);
const WAIT_FOR_TURN: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Whose turn it is to change the passkeys of an identity, on whichever instance.
#[derive(Debug)]
#[must_use = "it is to be given back"]
pub struct PasskeyTurn {
    identity: IdentityId,
    holder: i64,
}

fn role(identity: IdentityId) -> String {
    format!("import:{identity}")
}

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

/// A passkey that was made here, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadePasskey {
    pub whose: Whose,
    pub kind: CeremonyKind,
    pub passkey: Passkey,
    /// Since when Kratos has it.
    pub imported_at: Option<Timestamp>,
    /// Since when it is no longer wanted.
    pub removed_at: Option<Timestamp>,
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
    /// Durable when it returns; the handle it was begun with. Of the same person the oldest go where there are too many, and
    /// whatever is over by `now`.
    async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        times: Holds,
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

    /// Those of a person, in the order of their ids.
    async fn made_passkeys(&self, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError>;

    async fn passkey_imported(&self, credential: &CredentialId, at: Timestamp) -> Result<(), CommitError>;

    /// Those of the person are no longer wanted since then.
    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError>;

    /// People who have any that Kratos should have, in the order of their ids.
    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError>;
}

impl Store {
    /// Durable when it returns; what the passkey is to be made under. It holds for five minutes from `now`, once.
    pub async fn begin_ceremony(
        &self,
        whose: Whose,
        begun: &Begun,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<UserHandle, CommitError> {
        let times = Holds { from: now, until: now.saturating_add(HOLDS).unwrap_or(Timestamp::MAX) };
        self.shared.backend.begin_ceremony(whose, begun, handle, times).await
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

    /// Waits for a while. `None`: somebody else's passkey takes long.
    pub async fn passkey_turn(&self, identity: IdentityId) -> Result<Option<PasskeyTurn>, CommitError> {
        let mut holder = [0; 8];
        getrandom::fill(&mut holder).map_err(|error| CommitError::Unavailable(error.to_string().into()))?;
        let turn = PasskeyTurn { identity, holder: i64::from_le_bytes(holder) };
        let (until, mut wait) = (Instant::now() + WAIT_FOR_TURN, LOOK_AGAIN);
        while !self.lease(&role(identity), turn.holder, TURN).await? {
            if Instant::now() >= until {
                return Ok(None);
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(Some(turn))
    }

    pub async fn end_passkey_turn(&self, turn: PasskeyTurn) {
        if let Err(error) = self.release(&role(turn.identity), turn.holder).await {
            tracing::debug!(error = %error, "a turn to change passkeys lapses");
        }
    }

    pub async fn made_passkeys(&self, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError> {
        self.shared.backend.made_passkeys(identity).await
    }

    pub async fn passkey_imported(
        &self,
        credential: &CredentialId,
        at: Timestamp,
    ) -> Result<(), CommitError> {
        self.shared.backend.passkey_imported(credential, at).await
    }

    /// The person, or an operator, had left only these at that time: others of before are never put back. How many there
    /// were.
    pub async fn passkeys_left(
        &self,
        identity: IdentityId,
        left: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        // Hardly anybody has any that is gone: nothing is written for the others.
        let Ok(made) = self.made_passkeys(identity).await else {
            return Err(CommitError::Unavailable("the passkeys that were made here cannot be read".into()));
        };
        // One that was still on its way is not among those that were left, and not gone.
        let is_gone = |made: &MadePasskey| {
            made.removed_at.is_none()
                && made.imported_at.is_some_and(|imported| imported < at)
                && !left.contains(&made.passkey.made.id)
        };
        let gone: Vec<_> =
            made.iter().filter(|made| is_gone(made)).map(|made| made.passkey.made.id.clone()).collect();
        if gone.is_empty() {
            return Ok(0);
        }
        self.shared.backend.passkeys_removed(identity, &gone, at).await
    }

    pub async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.shared.backend.imported_identities(after, limit).await
    }
}

/// As both databases keep them.
pub(super) mod columns {
    use crate::ceremony::Transport;

    pub fn transports(transports: &[Transport]) -> String {
        let names: Vec<String> = transports
            .iter()
            .filter_map(|transport| serde_json::to_value(transport).ok()?.as_str().map(str::to_owned))
            .collect();
        names.join(",")
    }

    pub fn read_transports(text: &str) -> Vec<Transport> {
        text.split(',').filter_map(|name| serde_json::from_value(name.into()).ok()).collect()
    }
}
