//! The passkeys that came of our own ceremony, and what has become of them since: [`Whereabouts`].

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::backend::{CommitError, ReadError};
use super::{Store, Whose};
use crate::ceremony::{Absence, Found, Passkey, Whereabouts};
use crate::onboarding::{CeremonyKind, CredentialId, IdentityId};

/// A hook may be ahead of what Kratos answers: some come before the change is stored, and a replica lags. So long what Kratos still
/// holds is asked about again.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

/// Somebody else changed the same passkey meanwhile: so many times at most.
const TRIES: usize = 3;

/// A passkey that was made here, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadePasskey {
    pub whose: Whose,
    pub kind: CeremonyKind,
    pub passkey: Passkey,
    /// The newest date of the identity right before the hand-in, by Kratos's clock.
    pub before: Option<Timestamp>,
    /// Since when Kratos has it.
    pub imported_at: Option<Timestamp>,
    /// Since when it is no longer wanted.
    pub removed_at: Option<Timestamp>,
    /// Why Kratos does not hold it, and since when that is thought.
    pub absent: Option<(Absence, Timestamp)>,
    /// Since when Kratos knows no such identity.
    pub gone_at: Option<Timestamp>,
    /// Moves with each change of the five above, or of the passkey.
    pub version: i64,
}

impl MadePasskey {
    /// Kratos is to have it.
    pub fn is_wanted(&self) -> bool {
        self.imported_at.is_some() && self.removed_at.is_none()
    }

    /// What has become of it, as Kratos says; this was read before Kratos was asked.
    pub fn whereabouts(&self, found: &Found) -> Whereabouts {
        let known = self.absent.map(|(absence, _)| absence);
        Whereabouts::of(&self.passkey.made.id, known, self.before, found)
    }

    /// Whether it is not where it was thought to be.
    pub fn has_moved(&self, found: &Found, now: Timestamp) -> bool {
        self.placed(found, now).is_some()
    }

    /// What to write down.
    fn placed(&self, found: &Found, now: Timestamp) -> Option<Placing> {
        let whereabouts = self.whereabouts(found);
        let known = match self.absent {
            None => Whereabouts::Held,
            Some((absence, _)) => Whereabouts::Absent(absence),
        };
        let is_known = whereabouts == known && self.gone_at.is_none() && self.imported_at.is_some();
        // One that was never there may be on its way.
        let is_on_its_way = self.imported_at.is_none() && whereabouts != Whereabouts::Held;
        let may_be_ahead = whereabouts == Whereabouts::Held
            && self.absent.is_some_and(|(absence, since)| {
                absence == Absence::Unasked && now.duration_since(since) < AHEAD
            });
        if self.removed_at.is_some() || is_known || is_on_its_way || may_be_ahead {
            return None;
        }
        Some(self.placing(whereabouts))
    }

    fn placing(&self, whereabouts: Whereabouts) -> Placing {
        Placing { credential: self.passkey.made.id.clone(), version: self.version, whereabouts }
    }
}

/// What has become of a passkey, where it is still as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placing {
    pub credential: CredentialId,
    pub version: i64,
    pub whereabouts: Whereabouts,
}

/// What a database has to do for them.
#[async_trait]
pub trait MadePasskeys {
    /// Those of these people, in the order of people and ids.
    async fn made_passkeys(&self, identities: &[IdentityId]) -> Result<Vec<MadePasskey>, ReadError>;

    /// Kratos has it; since `at` if that is new. `before`: kept where there is one.
    async fn passkey_imported(
        &self,
        credential: &CredentialId,
        at: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<(), CommitError>;

    /// Those of the person are no longer wanted since then.
    async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError>;

    /// In one transaction. How many there were.
    async fn place_passkeys(&self, placings: &[Placing], at: Timestamp) -> Result<u64, CommitError>;

    /// Kratos knows no such identity since then.
    async fn passkeys_gone(&self, identity: IdentityId, at: Timestamp) -> Result<u64, CommitError>;

    /// People who have any that Kratos should have, in the order of their ids.
    async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError>;

    /// People who have any that Kratos is to be asked about, in the order of their ids.
    async fn unasked_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError>;
}

impl Store {
    /// Those of a person, in the order of their ids.
    pub async fn made_passkeys(&self, identity: IdentityId) -> Result<Vec<MadePasskey>, ReadError> {
        self.shared.backend.made_passkeys(&[identity]).await
    }

    /// Those of several people, in the order of people and ids; at most [`Store::AT_ONCE`] are asked for in one statement.
    pub async fn made_passkeys_of(&self, identities: &[IdentityId]) -> Result<Vec<MadePasskey>, ReadError> {
        let mut made = Vec::new();
        for some in identities.chunks(Store::AT_ONCE) {
            made.extend(self.shared.backend.made_passkeys(some).await?);
        }
        Ok(made)
    }

    /// It was seen there. `before`: the newest date of the identity right before it was handed in, where that was now.
    pub async fn passkey_imported(
        &self,
        credential: &CredentialId,
        at: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<(), CommitError> {
        self.shared.backend.passkey_imported(credential, at, before).await
    }

    /// An operator took them away: they are never put back. How many there were.
    pub async fn passkeys_removed(
        &self,
        identity: IdentityId,
        gone: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        self.shared.backend.passkeys_removed(identity, gone, at).await
    }

    /// A settings hook lists only these: Kratos is to be asked about the others, and until then they are not put back. How many
    /// there are.
    pub async fn passkeys_left(
        &self,
        identity: IdentityId,
        left: &[CredentialId],
        at: Timestamp,
    ) -> Result<u64, CommitError> {
        for _ in 0..TRIES {
            // Hardly anybody has any that is missing: nothing is written for the others.
            let Ok(made) = self.made_passkeys(identity).await else {
                return Err(CommitError::Unavailable(
                    "the passkeys that were made here cannot be read".into(),
                ));
            };
            // One that is still on its way is not listed, and not missing.
            let missing =
                made.iter().filter(|made| made.is_wanted() && !left.contains(&made.passkey.made.id));
            let placings: Vec<Placing> = missing
                .filter_map(|made| {
                    let known = made.absent.map(|(absence, _)| absence);
                    let now = Absence::by_hook(known);
                    (known != Some(now)).then(|| made.placing(Whereabouts::Absent(now)))
                })
                .collect();
            if placings.is_empty() {
                return Ok(0);
            }
            let placed = self.shared.backend.place_passkeys(&placings, at).await?;
            self.shared.unasked.notify_one();
            if placed == placings.len() as u64 {
                return Ok(placed);
            }
        }
        Err(CommitError::Unavailable("somebody else changes the same passkeys again and again".into()))
    }

    /// What has become of them, as Kratos says. `made`: of the person of `found`, read before Kratos was asked for it. What
    /// somebody changed since stays as it is. Where those are that were not where they were thought to be.
    pub async fn passkeys_found(
        &self,
        made: &[MadePasskey],
        found: &Found,
        at: Timestamp,
    ) -> Result<Vec<Whereabouts>, CommitError> {
        let placings: Vec<Placing> = made.iter().filter_map(|made| made.placed(found, at)).collect();
        if !placings.is_empty() {
            self.shared.backend.place_passkeys(&placings, at).await?;
        }
        Ok(placings.into_iter().map(|placing| placing.whereabouts).collect())
    }

    /// Kratos knows no such identity: until it is found again, its passkeys are forgotten after a while. How many they are.
    pub async fn passkeys_gone(&self, identity: IdentityId, at: Timestamp) -> Result<u64, CommitError> {
        self.shared.backend.passkeys_gone(identity, at).await
    }

    pub async fn imported_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.shared.backend.imported_identities(after, limit).await
    }

    /// People with passkeys that a hook did not list, and that Kratos was not asked about since.
    pub async fn unasked_identities(
        &self,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<IdentityId>, ReadError> {
        self.shared.backend.unasked_identities(after, limit).await
    }

    /// Woken when there may be such people, by this process.
    pub fn unasked(&self) -> Arc<Notify> {
        self.shared.unasked.clone()
    }
}

/// As both databases keep them.
pub(super) mod columns {
    use jiff::Timestamp;

    use super::super::backend::{ReadError, corrupt};
    use crate::ceremony::{Absence, Transport, Whereabouts};

    pub fn absence(whereabouts: Whereabouts) -> Option<&'static str> {
        match whereabouts {
            Whereabouts::Absent(absence) => Some(absence.as_str()),
            Whereabouts::Held | Whereabouts::Removed => None,
        }
    }

    pub fn absent(
        absence: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Option<(Absence, Timestamp)>, ReadError> {
        let Some(absence) = absence else { return Ok(None) };
        let read = Absence::parse(absence).zip(since);
        read.map(Some).ok_or_else(|| corrupt("why a passkey is absent"))
    }

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
