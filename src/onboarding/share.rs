//! A part of all identities, always the same ones.

use std::fmt;

use sha2::{Digest, Sha256};

use super::IdentityId;

/// What a share is for. Each draws its own lots, so that two shares of one size are not the same people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lots {
    Rollout,
    HoldOut,
}

impl Lots {
    fn domain(self) -> &'static [u8] {
        match self {
            Lots::Rollout => b"kratos-onboarding/rollout/v1",
            Lots::HoldOut => b"kratos-onboarding/hold-out/v1",
        }
    }
}

/// Hundredths of a percent, 0 to 10 000. Whoever is in a share is in every larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

impl Share {
    pub const NONE: Share = Share(0);
    pub const ALL: Share = Share(10_000);

    /// `None` above 10 000.
    pub fn of_basis_points(points: u16) -> Option<Share> {
        (points <= Share::ALL.0).then_some(Share(points))
    }

    pub fn holds(self, lots: Lots, identity: IdentityId) -> bool {
        Share::place(lots, identity) < u64::from(self.0)
    }

    /// 0 to 9999.
    fn place(lots: Lots, identity: IdentityId) -> u64 {
        let hash = Sha256::new().chain_update(lots.domain()).chain_update(identity.as_bytes()).finalize();
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(Share::ALL.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match (hundredths, hundredths % 10) {
            (0, _) => write!(f, "{whole}%"),
            (_, 0) => write!(f, "{whole}.{}%", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn people() -> impl Iterator<Item = IdentityId> {
        (1..=20_000u128).map(|n| Uuid::from_u128(n << 64 | 0x4000_8000_0000).try_into().unwrap())
    }

    #[test]
    fn a_share_is_about_as_large_as_it_says() {
        for (points, expected) in
            [(0, 0..=0), (100, 140..=260), (2_500, 4_700..=5_300), (10_000, 20_000..=20_000)]
        {
            let share = Share::of_basis_points(points).unwrap();
            let held = people().filter(|identity| share.holds(Lots::Rollout, *identity)).count();
            assert!(expected.contains(&held), "{share}: {held}");
        }
    }

    #[test]
    fn a_larger_share_takes_nobody_out() {
        let (small, large) = (Share(1_000), Share(3_000));
        assert!(
            people().filter(|id| small.holds(Lots::Rollout, *id)).all(|id| large.holds(Lots::Rollout, id))
        );
    }

    #[test]
    fn the_hold_out_is_drawn_apart_from_the_rollout() {
        let share = Share(5_000);
        let both = people().filter(|id| share.holds(Lots::Rollout, *id) && share.holds(Lots::HoldOut, *id));
        assert!((4_700..=5_300).contains(&both.count()));
    }

    #[test]
    fn a_share_is_written_as_people_write_it() {
        assert_eq!(
            [0, 2_500, 250, 125, 10_000].map(|points| Share(points).to_string()),
            ["0%", "25%", "2.5%", "1.25%", "100%"]
        );
    }
}
