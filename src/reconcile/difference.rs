//! Where Kratos and a record differ, and the event that makes the record right.
//!
//! An answer of Kratos may be old by the time it is applied: a hook may have come since. Two things keep it from setting an
//! identity back. It is dated by what Kratos says (`updated_at`), so what was told of a later change speaks. And what it
//! may outrank is what the record knew BEFORE Kratos was asked ([`Settlement`]): taken from a record that was read after
//! the answer came, it would outrank a hook that came in between and knew better.
//!
//! A page cannot be asked for by the records that will be on it. So a page only raises suspicion: whose record differs is
//! asked about again, now with the record read before. Who has no record needs no second question: nothing was told that
//! could be outranked, and the date alone decides.

use std::fmt;

use serde::Serialize;

use crate::clock::Clock;
use crate::kratos::{Told, admin_dedupe_key};
use crate::onboarding::{
    Actor, Cause, Event, EventKind, IdentityId, Observed, Profile, Reading, Record, Stage,
};

/// What is not as Kratos says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Nothing was known of the identity.
    Created,
    /// It was thought to be gone.
    Returned,
    /// There are more passkeys or security keys than was known.
    Up,
    /// There are fewer.
    Down,
    /// How many there are was not known for sure.
    Learned,
    /// Schema, state or identifiers.
    Profile,
    /// Kratos knows it no more.
    Gone,
}

impl Difference {
    pub const ALL: [Difference; 7] = [
        Difference::Created,
        Difference::Returned,
        Difference::Up,
        Difference::Down,
        Difference::Learned,
        Difference::Profile,
        Difference::Gone,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Difference::Created => "created",
            Difference::Returned => "returned",
            Difference::Up => "up",
            Difference::Down => "down",
            Difference::Learned => "learned",
            Difference::Profile => "profile",
            Difference::Gone => "gone",
        }
    }

    /// `None`: the record says what Kratos says. That it would know since when, or from whom, is no difference: nothing is
    /// written for it.
    fn between(before: &Record, after: &Record) -> Option<Difference> {
        let is_gone = |record: &Record| record.stage() == Stage::Gone;
        match (is_gone(before), is_gone(after)) {
            (true, false) => return Some(Difference::Returned),
            (false, true) => return Some(Difference::Gone),
            _ => {}
        }
        let (here, kratos) = (Counts::of(before), Counts::of(after));
        let counts = [(here.passkeys, kratos.passkeys), (here.security_keys, kratos.security_keys)];
        let counted = counts.into_iter().find_map(|(before, after)| of_counts(before, after));
        let (before, after) = (profile(before), profile(after));
        counted.or_else(|| (before != after).then_some(Difference::Profile))
    }
}

fn of_counts(before: Reading, after: Reading) -> Option<Difference> {
    match (before, after) {
        (before, after) if before == after => None,
        (Reading::Exactly(before), Reading::Exactly(after)) if before < after => Some(Difference::Up),
        (Reading::Exactly(_), Reading::Exactly(_)) | (Reading::AtLeastOne, Reading::Exactly(0)) => {
            Some(Difference::Down)
        }
        _ => Some(Difference::Learned),
    }
}

fn profile(record: &Record) -> impl PartialEq + use<'_> {
    let Record { schema_id, state, identifiers, .. } = record;
    (
        schema_id.as_ref().map(|known| &known.value),
        state.as_ref().map(|known| known.value),
        identifiers.as_ref().map(|known| &known.value),
    )
}

/// How many there are, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passkeys: Reading,
    /// That sign in on their own.
    pub security_keys: Reading,
}

impl Counts {
    pub fn of(record: &Record) -> Counts {
        Counts {
            passkeys: record.passkeys.reading(),
            security_keys: record.security_keys.passwordless_reading(),
        }
    }
}

impl fmt::Display for Counts {
    /// `1 passkey`, `no passkey, 2 security keys`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        told(f, self.passkeys, "passkey")?;
        if matches!(self.security_keys, Reading::Exactly(0) | Reading::Unknown) {
            return Ok(());
        }
        f.write_str(", ")?;
        told(f, self.security_keys, "security key")
    }
}

fn told(f: &mut fmt::Formatter<'_>, reading: Reading, what: &str) -> fmt::Result {
    match reading {
        Reading::Unknown => write!(f, "{what}s unknown"),
        Reading::Disputed => write!(f, "{what}s disputed"),
        Reading::AtLeastOne => write!(f, "at least 1 {what}"),
        Reading::Exactly(0) => write!(f, "no {what}"),
        Reading::Exactly(1) => write!(f, "1 {what}"),
        Reading::Exactly(count) => write!(f, "{count} {what}s"),
    }
}

/// One identity whose record is not as Kratos says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub identity: IdentityId,
    pub difference: Difference,
    /// What the record says; `None`: there is no record.
    pub here: Option<Counts>,
    /// What Kratos says; `None`: there is no such identity.
    pub kratos: Option<Counts>,
    /// Makes it right.
    pub event: Event,
}

impl Found {
    /// `record`: read before Kratos was asked for `told`.
    pub fn compare(record: Option<&Record>, told: &Told, clock: &Clock) -> Option<Found> {
        let event = told.event(record, Cause::Reconcile, clock);
        let (after, difference) = match record {
            None => (Record::begin(&event).0, Difference::Created),
            Some(record) => {
                let mut after = record.clone();
                after.apply(&event);
                let difference = Difference::between(record, &after)?;
                (after, difference)
            }
        };
        Some(Found {
            identity: told.identity,
            difference,
            here: record.map(Counts::of),
            kratos: Some(Counts::of(&after)),
            event,
        })
    }

    /// What differs, how that may have come, and what to do.
    pub fn in_words(&self) -> String {
        let told = |counts: Option<Counts>| counts.map_or("nothing".to_owned(), |counts| counts.to_string());
        let (here, kratos) = (told(self.here), told(self.kratos));
        match self.difference {
            Difference::Created => {
                format!("Kratos {kratos}, here nothing is known: no hook came; `reconcile` creates the record")
            }
            Difference::Returned => {
                format!("Kratos {kratos}, here the identity is gone; `reconcile` corrects it")
            }
            Difference::Up | Difference::Down | Difference::Learned => {
                format!("Kratos {kratos}, here {here}: a hook was missed; `reconcile` corrects it")
            }
            Difference::Profile => {
                "schema, state or identifiers here are not those at Kratos: a hook was missed; `reconcile` corrects it".to_owned()
            }
            Difference::Gone => {
                format!("Kratos knows no such identity, here {here}; `reconcile` marks it as gone")
            }
        }
    }

    /// `record` is of an identity that Kratos answered "not found" about.
    pub fn gone(record: &Record, clock: &Clock) -> Found {
        let key = [b"gone".as_slice(), &record.version.to_be_bytes()];
        Found {
            identity: record.identity,
            difference: Difference::Gone,
            here: Some(Counts::of(record)),
            kratos: None,
            event: Event {
                id: clock.event_id(),
                identity: record.identity,
                at: clock.now(),
                dedupe: admin_dedupe_key(record.identity, &key),
                actor: Actor::Service,
                cause: Cause::Reconcile,
                profile: Profile::default(),
                observed: Observed::default(),
                kind: EventKind::IdentityGone,
            },
        }
    }
}
