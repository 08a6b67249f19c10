//! `passkeys restore`: what was made here, and Kratos has lost, is handed in again. What counts as lost:
//! [`Whereabouts`](crate::ceremony::Whereabouts).

use jiff::Timestamp;

use super::super::terminal::{harmless, say};
use super::operator::named;
use super::row::date;
use super::{House, PasskeysError, RestoreArguments};
use crate::ceremony::{Absence, Found, Whereabouts};
use crate::kratos::{AskError, HandInError, HandedIn, Outlook, admin_dedupe_key};
use crate::onboarding::{Actor, Cause, CredentialId, Event, EventKind, IdentityId, OperatorName};
use crate::store::{CommitError, MadePasskey, ReadError, WriteError};

/// Identities that are looked at together.
const AT_ONCE: u32 = 100;

#[derive(Default)]
struct Sums {
    there: u64,
    put_back: u64,
    in_doubt: u64,
    /// Of identities that Kratos does not know: deleted, or younger than the backup.
    gone: u64,
    failed: u64,
}

/// What is to be done with one.
enum Outcome {
    There,
    PutBack,
    InDoubt(Option<Timestamp>),
    /// A hook that told of it is true, as was found out just now.
    Removed,
}

/// Why one was not put back.
#[derive(Debug, thiserror::Error)]
enum NotPutBack {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("what the identity holds cannot be read")]
    Unreadable,
    #[error("another change of this person's passkeys is under way: try again in a minute")]
    Busy,
    #[error("it was taken away meanwhile")]
    Removed,
    #[error(transparent)]
    HandIn(#[from] HandInError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("put back, and not on record: {0}")]
    Write(#[from] WriteError),
}

impl NotPutBack {
    /// Kratos did something that none of the recorded ones does: nothing more is to be handed to it.
    fn is_unheard_of(&self) -> bool {
        matches!(self, NotPutBack::HandIn(error) if error.outlook() == Outlook::Unheard)
    }
}

pub(super) async fn run(arguments: &RestoreArguments, house: &House) -> Result<(), PasskeysError> {
    let operator = named(arguments.operator.as_ref())?;
    let credential = arguments.credential.as_ref();
    let (dry_run, of_all) = (arguments.dry_run, arguments.whose.all);
    let mut restoring = Restoring { house, operator, credential, dry_run, of_all, sums: Sums::default() };
    let done = match arguments.whose.id {
        Some(id) => restoring.one(id).await,
        None => restoring.all().await,
    };
    restoring.say_sums();
    done?;
    match restoring.sums.failed {
        0 => Ok(()),
        failed => Err(PasskeysError::NotRestored(failed)),
    }
}

struct Restoring<'a> {
    house: &'a House,
    operator: OperatorName,
    /// That was named: only this one, and though it is in doubt.
    credential: Option<&'a CredentialId>,
    dry_run: bool,
    of_all: bool,
    sums: Sums,
}

impl Restoring<'_> {
    async fn all(&mut self) -> Result<(), PasskeysError> {
        let mut after = None;
        loop {
            let identities = self.house.store.imported_identities(after, AT_ONCE).await?;
            let Some(last) = identities.last() else { return Ok(()) };
            after = Some(*last);
            for identity in identities {
                let made = self.house.store.made_passkeys(identity).await?;
                self.identity(identity, &made).await?;
            }
        }
    }

    async fn one(&mut self, identity: IdentityId) -> Result<(), PasskeysError> {
        let made = self.house.store.made_passkeys(identity).await?;
        if let Some(credential) = self.credential {
            match made.iter().find(|made| made.passkey.made.id == *credential) {
                None => return Err(PasskeysError::NotMadeHere),
                Some(MadePasskey { removed_at: Some(at), .. }) => return Err(PasskeysError::Removed(*at)),
                Some(MadePasskey { imported_at: None, .. }) => return Err(PasskeysError::NeverImported),
                Some(_) => {}
            }
        }
        self.identity(identity, &made).await
    }

    /// `made`: read before Kratos is asked.
    async fn identity(&mut self, identity: IdentityId, made: &[MadePasskey]) -> Result<(), PasskeysError> {
        let found = self.found(identity).await;
        if let (Ok(found), false) = (&found, self.dry_run) {
            // Putting the first one back makes the identity newer: what is lost is written down before that.
            self.house.store.passkeys_found(made, found, self.house.clock.now()).await?;
        }
        let is_meant = |made: &&MadePasskey| {
            made.is_wanted() && self.credential.is_none_or(|named| made.passkey.made.id == *named)
        };
        for made in made.iter().filter(is_meant).collect::<Vec<_>>() {
            let done = match &found {
                Ok(found) => self.passkey(made, found).await,
                // Whoever names one wants to know.
                Err(NotPutBack::Ask(AskError::Gone)) if self.of_all => {
                    self.sums.gone += 1;
                    continue;
                }
                Err(error) => {
                    self.failed(made, error);
                    continue;
                }
            };
            match done {
                Ok(Outcome::There) => self.sums.there += 1,
                Ok(Outcome::PutBack) => {
                    self.sums.put_back += 1;
                    line(made, if self.dry_run { "would be put back" } else { "put back" });
                }
                Ok(Outcome::InDoubt(since)) => {
                    self.sums.in_doubt += 1;
                    let since = since.map(|since| format!(" since {}", date(since))).unwrap_or_default();
                    line(made, &format!("in doubt{since}, not put back"));
                }
                Ok(Outcome::Removed) => line(made, "taken away, not put back"),
                Err(error) => {
                    self.failed(made, &error);
                    if error.is_unheard_of() {
                        return Err(PasskeysError::NotRestored(self.sums.failed));
                    }
                }
            }
        }
        Ok(())
    }

    async fn found(&self, identity: IdentityId) -> Result<Found, NotPutBack> {
        let standing = self.house.identities.standing(identity).await?;
        standing.found().ok_or(NotPutBack::Unreadable)
    }

    async fn passkey(&self, made: &MadePasskey, found: &Found) -> Result<Outcome, NotPutBack> {
        match made.whereabouts(found) {
            Whereabouts::Held => return Ok(Outcome::There),
            Whereabouts::Absent(Absence::Lost) => {}
            Whereabouts::Removed => return Ok(Outcome::Removed),
            Whereabouts::Absent(_) if self.credential.is_some() => {}
            Whereabouts::Absent(_) => {
                return Ok(Outcome::InDoubt(made.absent.map(|(_, since)| since)));
            }
        }
        if self.dry_run {
            return Ok(Outcome::PutBack);
        }
        let House { store, clock, .. } = self.house;
        let (identity, id) = (made.whose.identity, &made.passkey.made.id);
        let record = store.record(identity).await?;
        let turn = store.passkey_turn(identity).await?.ok_or(NotPutBack::Busy)?;
        let handed_in = self.hand_in(made).await;
        store.end_passkey_turn(turn).await;
        let observed = handed_in?.now.event(record.as_deref(), Cause::Cli, clock);
        let event_id = clock.event_id();
        let event = Event {
            id: event_id,
            dedupe: admin_dedupe_key(identity, &[b"restored", event_id.0.as_bytes()]),
            actor: Actor::Operator(self.operator.clone()),
            kind: EventKind::PasskeyRestored { credential: id.clone() },
            ..observed
        };
        store.apply(event).await?;
        Ok(Outcome::PutBack)
    }

    /// In our turn.
    async fn hand_in(&self, made: &MadePasskey) -> Result<HandedIn, NotPutBack> {
        let House { identities, store, clock, .. } = self.house;
        let (identity, id) = (made.whose.identity, &made.passkey.made.id);
        // Its person, or an operator, may have been quicker.
        let now = store.made_passkeys(identity).await?;
        if !now.iter().any(|now| now.passkey.made.id == *id && now.is_wanted()) {
            return Err(NotPutBack::Removed);
        }
        let handed_in = identities.hand_in(identity, &made.passkey, &|_| true).await?;
        store.passkey_imported(id, clock.now(), handed_in.before).await?;
        Ok(handed_in)
    }

    fn failed(&mut self, made: &MadePasskey, why: &NotPutBack) {
        self.sums.failed += 1;
        line(made, &why.to_string());
    }

    fn say_sums(&self) {
        let Sums { there, put_back, in_doubt, gone, failed } = self.sums;
        let done = if self.dry_run { "would be put back" } else { "put back" };
        let mut sums = format!("{put_back} {done}, {there} are there, {failed} could not be");
        if gone > 0 {
            sums.push_str(&format!(", {gone} are of identities that Kratos does not know"));
        }
        if in_doubt > 0 {
            sums.push_str(&format!(
                ", {in_doubt} in doubt: their people may have taken them away; put one back with --id ID --credential CREDENTIAL"
            ));
        }
        say(&sums);
    }
}

fn line(made: &MadePasskey, outcome: &str) {
    let (identity, passkey) = (made.whose.identity, &made.passkey);
    say(&format!("{identity}  {}  {}: {outcome}", passkey.made.id, harmless(&passkey.name)));
}
