//! `passkeys restore`: what was made here, and Kratos no longer has, is handed in again.

use std::cell::Cell;

use super::super::terminal::{harmless, say};
use super::operator::named;
use super::{House, PasskeysError, RestoreArguments};
use crate::kratos::{Outlook, admin_dedupe_key};
use crate::onboarding::{Actor, Cause, Event, EventKind, IdentityId, OperatorName};
use crate::store::MadePasskey;

/// Identities that are looked at together.
const AT_ONCE: u32 = 100;

#[derive(Default)]
struct Sums {
    there: u64,
    put_back: u64,
    failed: u64,
}

pub(super) async fn run(arguments: &RestoreArguments, house: &House) -> Result<(), PasskeysError> {
    let operator = named(arguments.operator.as_ref())?;
    let mut restoring = Restoring {
        house,
        operator,
        dry_run: arguments.dry_run,
        sums: Sums::default(),
        is_unheard_of: Cell::default(),
    };
    match arguments.whose.id {
        Some(id) => restoring.identity(id).await?,
        None => restoring.all().await?,
    }
    let Sums { there, put_back, failed } = restoring.sums;
    let done = if arguments.dry_run { "would be put back" } else { "put back" };
    say(&format!("{put_back} {done}, {there} are there, {failed} could not be"));
    if failed > 0 { Err(PasskeysError::NotRestored(failed)) } else { Ok(()) }
}

struct Restoring<'a> {
    house: &'a House,
    operator: OperatorName,
    dry_run: bool,
    sums: Sums,
    /// Kratos did something that none of the recorded ones does: nothing more is handed to it.
    is_unheard_of: Cell<bool>,
}

impl Restoring<'_> {
    async fn all(&mut self) -> Result<(), PasskeysError> {
        let mut after = None;
        loop {
            let identities = self.house.store.imported_identities(after, AT_ONCE).await?;
            let Some(last) = identities.last() else { return Ok(()) };
            after = Some(*last);
            for identity in identities {
                self.identity(identity).await?;
            }
        }
    }

    /// Only what Kratos had once, and nobody took away since.
    async fn identity(&mut self, identity: IdentityId) -> Result<(), PasskeysError> {
        let made = self.house.store.made_passkeys(identity).await?;
        for made in made.iter().filter(|made| made.imported_at.is_some() && made.removed_at.is_none()) {
            match self.passkey(made).await {
                Ok(Outcome::There) => self.sums.there += 1,
                Ok(Outcome::PutBack) => {
                    self.sums.put_back += 1;
                    self.line(made, if self.dry_run { "would be put back" } else { "put back" });
                }
                Err(why) => {
                    self.sums.failed += 1;
                    self.line(made, &why);
                }
            }
            if self.is_unheard_of.get() {
                return Err(PasskeysError::NotRestored(self.sums.failed));
            }
        }
        Ok(())
    }

    fn line(&self, made: &MadePasskey, outcome: &str) {
        let (identity, passkey) = (made.whose.identity, &made.passkey);
        say(&format!("{identity}  {}  {}: {outcome}", passkey.made.id, harmless(&passkey.name)));
    }

    async fn passkey(&self, made: &MadePasskey) -> Result<Outcome, String> {
        let House { identities, store, clock, .. } = self.house;
        let (identity, passkey) = (made.whose.identity, &made.passkey);
        let standing = identities.standing(identity).await.map_err(|error| error.to_string())?;
        match standing.keys() {
            Some(keys) if keys.contains(&passkey.made.id) => return Ok(Outcome::There),
            Some(_) => {}
            None => return Err("what the identity holds cannot be read".to_owned()),
        }
        if self.dry_run {
            return Ok(Outcome::PutBack);
        }
        let record = store.record(identity).await.map_err(|error| error.to_string())?;
        let turn = store.passkey_turn(identity).await.map_err(|error| error.to_string())?;
        let turn = turn.ok_or("somebody else changes this person's passkeys")?;
        let handed_in = identities.hand_in(identity, passkey, &|_| true).await;
        store.end_passkey_turn(turn).await;
        let handed_in = handed_in.map_err(|error| {
            self.is_unheard_of.set(error.outlook() == Outlook::Unheard);
            error.to_string()
        })?;
        let id = clock.event_id();
        let observed = handed_in.now.event(record.as_deref(), Cause::Cli, clock);
        let event = Event {
            id,
            dedupe: admin_dedupe_key(identity, &[b"restored", id.0.as_bytes()]),
            actor: Actor::Operator(self.operator.clone()),
            kind: EventKind::PasskeyRestored { credential: passkey.made.id.clone() },
            ..observed
        };
        match store.apply(event).await {
            Ok(_) => Ok(Outcome::PutBack),
            Err(error) => Err(format!("put back, and not on record: {error}")),
        }
    }
}

enum Outcome {
    There,
    PutBack,
}
