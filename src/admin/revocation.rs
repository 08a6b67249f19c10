//! An operator takes a passkey or security key away: what must not happen by accident is refused, and who did it is on
//! record.
//!
//! The intent is stored before Kratos is asked. The other order could leave a person without their passkey and nobody who
//! knows why: the service may die in between, or the database be out of reach. In this order the audit log can hold an
//! attempt that failed; the observation of what is left, which follows it in every case where Kratos can be asked, says so.

use std::time::Duration;

use crate::clock::Clock;
use crate::kratos::{AskError, HeldKey, Identities, RevokeError, Revoked, Told, admin_dedupe_key};
use crate::onboarding::{
    Actor, Cause, CredentialId, Event, EventKind, IdentityId, Observed, OperatorName, Profile, Record,
};
use crate::store::{CommitError, Store, Stored, WriteError};

/// An operator waits; not for ever.
const STORED_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(
        "another change of this person's passkeys is under way; nothing was taken away: try again in a minute"
    )]
    Busy,
    #[error("nothing was taken away, because the database cannot be written: {0}")]
    NoTurn(#[from] CommitError),
    #[error("the identity holds no such passkey or security key")]
    NoSuchKey,
    #[error("it is the only way the person has to sign in; --force takes it away all the same")]
    LastWay,
    #[error(
        "it may be the only way the person has to sign in: Kratos does not say whether a password or a code is set up; --force takes it away all the same"
    )]
    MayBeLastWay,
    #[error("nothing was taken away, because it cannot be put on record: {0}")]
    Write(#[from] WriteError),
    #[error("nothing was taken away, because the database refuses to put it on record")]
    NotRecorded,
    #[error(transparent)]
    Revoke(#[from] RevokeError),
}

/// Who takes keys away, and by which way.
#[derive(Debug, Clone)]
pub struct Revocation<'a> {
    pub identities: &'a Identities,
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub operator: OperatorName,
    pub cause: Cause,
}

/// What would be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub told: Told,
    pub key: HeldKey,
    /// `None`: that cannot be known.
    pub is_last_way: Option<bool>,
}

/// It is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenAway {
    pub revoked: Revoked,
    /// Whether what is left is on record. If not, reconciliation will see to it.
    pub recorded: bool,
}

impl Looked {
    /// Whether it may be taken away: what is, or may be, the last way to sign in only by force.
    pub fn allow(&self, force: bool) -> Result<(), RevocationError> {
        match self.is_last_way {
            Some(true) if !force => Err(RevocationError::LastWay),
            None if !force => Err(RevocationError::MayBeLastWay),
            _ => Ok(()),
        }
    }
}

impl Revocation<'_> {
    pub async fn look(
        &self,
        identity: IdentityId,
        credential: &CredentialId,
    ) -> Result<Looked, RevocationError> {
        let told = self.identities.one(identity).await?;
        let key = told.held.keys.iter().find(|key| key.id == credential.as_bytes());
        let key = key.cloned().ok_or(RevocationError::NoSuchKey)?;
        let is_last_way = told.held.is_last_way(&key);
        Ok(Looked { told, key, is_last_way })
    }

    /// `force`: even if it is, or may be, the last way to sign in. Beside an addition it waits for its turn, for 8 s: where Kratos
    /// takes but the whole list (v1.3.1), the addition would bring back what is taken away.
    pub async fn carry_out(
        &self,
        identity: IdentityId,
        credential: &CredentialId,
        force: bool,
    ) -> Result<TakenAway, RevocationError> {
        let turn = self.store.passkey_turn(identity).await?.ok_or(RevocationError::Busy)?;
        let done = self.in_turn(identity, credential, force).await;
        self.store.end_passkey_turn(turn).await;
        done
    }

    async fn in_turn(
        &self,
        identity: IdentityId,
        credential: &CredentialId,
        force: bool,
    ) -> Result<TakenAway, RevocationError> {
        let made = self.store.made_passkeys(identity).await;
        // Again, however lately it was looked at: another may have been taken away since.
        let looked = self.look(identity, credential).await?;
        looked.allow(force)?;
        if let (Ok(made), Some(found)) = (made, looked.told.held.found()) {
            // What Kratos lost is seen before the identity becomes newer.
            self.store.passkeys_found(&made, &found, self.clock.now()).await?;
        }
        let record =
            match self.store.apply_patiently(&self.intent(identity, credential), STORED_WITHIN).await? {
                Stored::Applied { record, .. } | Stored::Duplicate { record } => record,
                Stored::Quarantined => return Err(RevocationError::NotRecorded),
            };
        match self.identities.revoke(identity, credential).await {
            Ok(revoked) => {
                let recorded = self.observe(&record, &revoked.left).await;
                self.never_put_back(identity, credential).await;
                Ok(TakenAway { revoked, recorded })
            }
            Err(error) => {
                if let Ok(told) = self.identities.one(identity).await {
                    self.observe(&record, &told).await;
                }
                Err(error.into())
            }
        }
    }

    async fn never_put_back(&self, identity: IdentityId, credential: &CredentialId) {
        let removed =
            self.store.passkeys_removed(identity, std::slice::from_ref(credential), self.clock.now());
        if let Err(error) = removed.await {
            tracing::warn!(error = %error, "that a passkey was taken away is not on record; reconciliation will find it missing");
        }
    }

    fn intent(&self, identity: IdentityId, credential: &CredentialId) -> Event {
        let id = self.clock.event_id();
        Event {
            id,
            identity,
            at: self.clock.now(),
            // Each is an act of its own.
            dedupe: admin_dedupe_key(identity, &[b"revoked", id.0.as_bytes()]),
            actor: Actor::Operator(self.operator.clone()),
            cause: self.cause,
            profile: Profile::default(),
            observed: Observed::default(),
            kind: EventKind::PasskeyRevoked { credential: credential.clone() },
        }
    }

    /// `record`: as it was before Kratos was asked. Whether it is stored.
    async fn observe(&self, record: &Record, told: &Told) -> bool {
        let event = told.event(Some(record), self.cause, self.clock);
        match self.store.apply_patiently(&event, STORED_WITHIN).await {
            Ok(Stored::Applied { .. } | Stored::Duplicate { .. }) => true,
            Ok(Stored::Quarantined) | Err(_) => {
                tracing::warn!(
                    "what is left after a revocation is not on record; reconciliation will see to it"
                );
                false
            }
        }
    }
}
