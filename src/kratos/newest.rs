//! When an identity was changed last, by Kratos's clock.
//!
//! v25.4, v26.2.0 and main move `identity.updated_at` with every change. v1.3.1 leaves it, and writes every credential anew
//! with each change: what is left of them tells. Where none is left, a change may have left no date.

use jiff::Timestamp;

/// The newest of all dates, in microseconds as databases keep them. `None`: none of a credential is told, and so what was changed
/// last cannot be known.
pub(super) fn newest(
    identity: Option<Timestamp>,
    credentials: impl Iterator<Item = Option<Timestamp>>,
) -> Option<Timestamp> {
    // Go writes a time that was never set as the year 1.
    let credentials = credentials.flatten().filter(|at| *at > Timestamp::UNIX_EPOCH).max()?;
    let newest = identity.map_or(credentials, |identity| identity.max(credentials));
    Timestamp::from_microsecond(newest.as_microsecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::recordings::{self, VERSIONS};
    use super::super::{Held, Standing};
    use super::*;

    fn newest_of(version: &str, name: &str) -> Option<Timestamp> {
        let body = recordings::body(version, &format!("admin/identity-{name}.json"));
        let standing = Standing::parse(&body).unwrap().found();
        let held = Held::parse(&body, &recordings::keys()).unwrap().found();
        let [standing, held] = [standing, held].map(|found| found.and_then(|found| found.newest));
        assert_eq!(standing, held, "{version}: both ways of reading it say the same");
        standing
    }

    #[test]
    fn a_removal_makes_every_recorded_identity_newer() {
        for version in VERSIONS {
            let (before, after) =
                (newest_of(version, "password-passkey"), newest_of(version, "after-remove"));
            assert!(before.is_some() && before < after, "{version}: {before:?} {after:?}");
        }
    }

    #[test]
    fn a_hand_in_makes_every_recorded_identity_newer() {
        for version in VERSIONS {
            let body = |name: &str| recordings::body(version, &format!("import/{name}.json"));
            let read = |name: &str| Standing::parse(&body(name)).unwrap().found().unwrap().newest.unwrap();
            let created: Timestamp = serde_json::from_slice::<serde_json::Value>(&body("get-after-patch"))
                .unwrap()["created_at"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!(created < read("get-after-patch"), "{version}");
        }
    }

    #[test]
    fn without_a_dated_credential_nothing_is_known() {
        let at = |second| Timestamp::from_second(second).ok();
        let unset = "0001-01-01T00:00:00Z".parse().ok();
        assert_eq!(newest(at(9), [].into_iter()), None);
        assert_eq!(newest(at(9), [None, unset].into_iter()), None);
        assert_eq!(newest(at(9), [at(5), unset].into_iter()), at(9));
        assert_eq!(newest(at(3), [at(5)].into_iter()), at(5));
        assert_eq!(newest(None, [at(5)].into_iter()), at(5));
        let finer = "1970-01-01T00:00:05.000000999Z".parse().ok();
        assert_eq!(newest(finer, [at(5)].into_iter()), at(5), "two that differ by less are one");
    }
}
