//! Kratos does not hold a passkey that it was handed: taken away, or lost?
//!
//! A person who removes one, an operator who revokes one, and a Kratos that was restored from a backup of before it was
//! handed in all leave the same identity without it. What tells them apart:
//!
//! - **Kratos's own date of the identity.** What is in a backup from before the hand-in is no newer than the identity was
//!   right before it; a removal makes it newer than that. v25.4, v26.2.0 and main move `identity.updated_at` with every
//!   change; v1.3.1 leaves it, and writes every credential anew instead, so that their dates tell (recordings:
//!   `admin/identity-after-remove.json`, `import/`). Both dates are Kratos's, so that no clock of ours is in it. Where v1.3.1
//!   has no credential left to date, nothing is known.
//! - **A settings hook** whose list lacks it: its person has just changed something. Its date is not looked at: it may be late,
//!   and v1.3.1 dates it by the beginning of the flow. Kratos is asked.
//!
//! So what is older than the hand-in is lost, and is put back. What is newer was removed where a hook tells of it, and never
//! comes back; without a hook it may have been a lost hook as well as a backup that somebody changed something in since, and is
//! in doubt: nobody puts it back who does not name it. Doubt ends only when Kratos has it again. A loss that was seen stays one
//! whatever becomes of the identity afterwards, except that a hook makes it doubtful: a newer backup may have had it meanwhile.
//! Neither a sign-in nor a whoami makes an identity newer (tests/kratos/dates.rs), so a loss is still seen days after it.
//!
//! What cannot be known: a removal of which no hook came, and that nobody looked at before an older backup took Kratos back to
//! before the hand-in, looks like a loss. A pass of reconciliation after the removal is enough.

use jiff::Timestamp;

use crate::onboarding::CredentialId;

/// What Kratos holds of an identity, asked just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Every passkey and security key.
    pub keys: Vec<CredentialId>,
    /// When the identity was changed last, by Kratos's clock; `None` where a change may have left no date.
    pub newest: Option<Timestamp>,
}

/// Why Kratos does not hold a passkey that it was handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// A settings hook did not list it; Kratos was not asked since.
    Unasked,
    /// By Kratos, as when it was restored from an older backup.
    Lost,
    /// Its person may have taken it away.
    InDoubt,
}

impl Absence {
    pub const ALL: [Absence; 3] = [Absence::Unasked, Absence::Lost, Absence::InDoubt];

    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Absence::Unasked => "unasked",
            Absence::Lost => "lost",
            Absence::InDoubt => "in_doubt",
        }
    }

    pub fn parse(text: &str) -> Option<Absence> {
        Absence::ALL.into_iter().find(|absence| absence.as_str() == text)
    }

    /// A settings hook does not list it. `known`: what was thought before.
    pub fn by_hook(known: Option<Absence>) -> Absence {
        match known {
            None | Some(Absence::Unasked) => Absence::Unasked,
            // It may have been there again meanwhile, of a newer backup.
            Some(Absence::Lost | Absence::InDoubt) => Absence::InDoubt,
        }
    }
}

/// What has become of a passkey that Kratos was handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    Held,
    Absent(Absence),
    /// Its person took it away: it is never put back.
    Removed,
}

impl Whereabouts {
    /// `known`: what was thought before. `before`: the newest date of the identity right before the hand-in, by Kratos's clock.
    pub fn of(
        passkey: &CredentialId,
        known: Option<Absence>,
        before: Option<Timestamp>,
        found: &Found,
    ) -> Whereabouts {
        if found.keys.contains(passkey) {
            return Whereabouts::Held;
        }
        let is_older = before.zip(found.newest).is_some_and(|(before, newest)| newest <= before);
        match known {
            Some(Absence::Lost) => Whereabouts::Absent(Absence::Lost),
            Some(Absence::InDoubt) => Whereabouts::Absent(Absence::InDoubt),
            Some(Absence::Unasked) if is_older => Whereabouts::Absent(Absence::InDoubt),
            Some(Absence::Unasked) => Whereabouts::Removed,
            None if is_older => Whereabouts::Absent(Absence::Lost),
            None => Whereabouts::Absent(Absence::InDoubt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn passkey(nth: u8) -> CredentialId {
        CredentialId::of_bytes(vec![nth; 16]).unwrap()
    }

    fn found(newest: Option<Timestamp>) -> Found {
        Found { keys: vec![passkey(2)], newest }
    }

    fn of(known: Option<Absence>, before: Option<Timestamp>, newest: Option<Timestamp>) -> Whereabouts {
        Whereabouts::of(&passkey(1), known, before, &found(newest))
    }

    const LOST: Whereabouts = Whereabouts::Absent(Absence::Lost);
    const IN_DOUBT: Whereabouts = Whereabouts::Absent(Absence::InDoubt);

    #[test]
    fn what_kratos_holds_is_held_whatever_was_thought() {
        for known in [None, Some(Absence::Unasked), Some(Absence::Lost), Some(Absence::InDoubt)] {
            let held = Whereabouts::of(&passkey(2), known, Some(at(5)), &found(Some(at(1))));
            assert_eq!(held, Whereabouts::Held, "{known:?}");
        }
    }

    #[test]
    fn an_identity_that_is_no_newer_than_before_the_hand_in_is_of_a_backup() {
        for newest in [0, 5] {
            assert_eq!(of(None, Some(at(5)), Some(at(newest))), LOST);
        }
        assert_eq!(of(None, Some(at(5)), Some(at(6))), IN_DOUBT, "no hook came of it");
    }

    #[test]
    fn without_a_date_it_is_in_doubt() {
        for (before, newest) in [(None, Some(at(0))), (Some(at(5)), None), (None, None)] {
            assert_eq!(of(None, before, newest), IN_DOUBT, "{before:?} {newest:?}");
        }
    }

    #[test]
    fn what_a_hook_does_not_list_was_removed_where_kratos_says_so_too() {
        let unasked = Some(Absence::Unasked);
        for newest in [Some(at(6)), None] {
            assert_eq!(of(unasked, Some(at(5)), newest), Whereabouts::Removed, "{newest:?}");
        }
        assert_eq!(
            of(unasked, Some(at(5)), Some(at(5))),
            IN_DOUBT,
            "a backup came between hook and question"
        );
    }

    #[test]
    fn a_loss_and_a_doubt_that_were_seen_stay() {
        for newest in [Some(at(0)), Some(at(9)), None] {
            assert_eq!(of(Some(Absence::Lost), Some(at(5)), newest), LOST, "{newest:?}");
            assert_eq!(of(Some(Absence::InDoubt), Some(at(5)), newest), IN_DOUBT, "{newest:?}");
        }
        assert_eq!(Absence::by_hook(Some(Absence::Lost)), Absence::InDoubt);
        assert_eq!(Absence::by_hook(Some(Absence::InDoubt)), Absence::InDoubt);
        assert_eq!(Absence::by_hook(None), Absence::Unasked);
    }

    #[test]
    fn each_is_kept_under_a_name_of_its_own() {
        for absence in Absence::ALL {
            assert_eq!(Absence::parse(absence.as_str()), Some(absence));
        }
        assert_eq!(Absence::parse("?"), None);
    }
}
