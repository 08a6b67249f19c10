//! Who may add a passkey by our own ceremony. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::kratos::{SecondFactor, Session, Standing};
use crate::onboarding::Verdict;

/// Passkeys and security keys of one person: each more makes every look at them longer.
const MOST: usize = 50;

/// A password manager that saw the password typed makes a passkey without asking.
const CONDITIONAL_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// How long after a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// `kratos.privileged_session_max_age`.
    pub privileged: SignedDuration,
    /// `webauthn.own_ceremony_max_age`.
    pub own: SignedDuration,
}

/// What decides who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub ages: Ages,
    /// `kratos.code_mfa`.
    pub code_mfa: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNot {
    #[error("the identity is not active")]
    Inactive,
    #[error("the person signed in too long ago")]
    SignedInTooLongAgo,
    #[error("the person has a second factor, and this session did not use it")]
    SecondFactor,
    #[error("it cannot be known whether the person has a second factor")]
    SecondFactorUnknown,
    /// What Kratos holds cannot be continued by us.
    #[error("what Kratos holds of the person cannot be added to here")]
    NotOurs,
    #[error("page.conditional_create is not set")]
    NeverConditional,
    #[error("no password was typed in this session in the last five minutes")]
    NoPassword,
    #[error("the person is not to be offered a passkey now")]
    NotOffered,
    #[error("the person has a passkey")]
    NotTheFirst,
}

/// Until when. `session` and `standing`: asked for just now, and nothing remembered.
pub fn may(
    session: &Session,
    standing: &Standing,
    rules: &Rules,
    now: Timestamp,
) -> Result<Timestamp, MayNot> {
    if !standing.is_active() {
        return Err(MayNot::Inactive);
    }
    if standing.keys().is_none_or(|keys| keys.len() >= MOST) {
        return Err(MayNot::NotOurs);
    }
    let ages = &rules.ages;
    let is_first = standing.keys().is_some_and(|keys| keys.is_empty());
    let longest = match is_first && session.has_registered {
        true => ages.own,
        false => ages.own.min(ages.privileged),
    };
    let until = session.facts.authenticated_at.saturating_add(longest).unwrap_or(Timestamp::MAX);
    if now >= until {
        return Err(MayNot::SignedInTooLongAgo);
    }
    match standing.second_factor(rules.code_mfa) {
        _ if session.is_aal2 => Ok(until),
        SecondFactor::None => Ok(until),
        SecondFactor::Usable => Err(MayNot::SecondFactor),
        SecondFactor::Unknown => Err(MayNot::SecondFactorUnknown),
    }
}

/// Until when a passkey may be made without asking, as far as session and decision tell: whoever is not to be asked now is not to
/// find one either.
pub fn may_conditional(session: &Session, verdict: Verdict, now: Timestamp) -> Result<Timestamp, MayNot> {
    match verdict {
        Verdict::Offer | Verdict::Required => {}
        Verdict::Later | Verdict::Done | Verdict::Never => return Err(MayNot::NotOffered),
    }
    let until = session.password_used_at.and_then(|used| used.checked_add(CONDITIONAL_WITHIN).ok());
    until.filter(|until| now < *until).ok_or(MayNot::NoPassword)
}

/// What is made without asking is a person's first.
pub fn holds_none(standing: &Standing) -> Result<(), MayNot> {
    match standing.keys().is_some_and(|keys| keys.is_empty()) {
        true => Ok(()),
        false => Err(MayNot::NotTheFirst),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kratos::recordings;

    const MINUTE: i64 = 60;
    const AGES: Ages = Ages { privileged: SignedDuration::from_mins(15), own: SignedDuration::from_mins(15) };
    const LONGER: Ages = Ages { own: SignedDuration::from_mins(60), ..AGES };

    fn standing(state: &str, credentials: &Value) -> Standing {
        let identity = json!({ "id": "5eddbeec", "state": state, "credentials": credentials });
        Standing::parse(identity.to_string().as_bytes()).unwrap()
    }

    fn nothing() -> Standing {
        standing("active", &json!({ "password": {} }))
    }

    fn one() -> Standing {
        let key = json!({ "id": "AAE=" });
        standing("active", &json!({ "passkey": { "config": { "credentials": [key] } } }))
    }

    fn after(minutes: i64, session: &Session, standing: &Standing, ages: &Ages) -> Result<(), MayNot> {
        let now = session.facts.authenticated_at + SignedDuration::from_secs(minutes * MINUTE);
        may(session, standing, &Rules { ages: *ages, code_mfa: false }, now).map(drop)
    }

    #[test]
    fn by_default_kratos_s_own_clock_decides() {
        let session = recordings::session("whoami-fresh");
        for standing in [nothing(), one()] {
            assert_eq!(after(14, &session, &standing, &AGES), Ok(()));
            assert_eq!(after(15, &session, &standing, &AGES), Err(MayNot::SignedInTooLongAgo));
        }
    }

    #[test]
    fn a_longer_age_is_for_the_first_passkey_in_the_session_that_registered() {
        let (registered, later) = (recordings::session("whoami-fresh"), recordings::session("whoami-login"));
        assert_eq!(after(20, &registered, &nothing(), &LONGER), Ok(()));
        assert_eq!(after(60, &registered, &nothing(), &LONGER), Err(MayNot::SignedInTooLongAgo));
        assert_eq!(after(20, &registered, &one(), &LONGER), Err(MayNot::SignedInTooLongAgo));
        assert_eq!(after(20, &later, &nothing(), &LONGER), Err(MayNot::SignedInTooLongAgo));
        assert_eq!(after(14, &later, &one(), &LONGER), Ok(()));
    }

    #[test]
    fn a_shorter_age_is_for_everybody() {
        let shorter = Ages { own: SignedDuration::from_mins(5), ..AGES };
        let session = recordings::session("whoami-fresh");
        assert_eq!(after(4, &session, &nothing(), &shorter), Ok(()));
        assert_eq!(after(5, &session, &nothing(), &shorter), Err(MayNot::SignedInTooLongAgo));
    }

    #[test]
    fn a_second_factor_is_not_gone_around() {
        let aal1 = recordings::session("whoami-fresh");
        let aal2 = Session { is_aal2: true, ..aal1.clone() };
        let totp = standing("active", &json!({ "totp": {} }));
        let unreadable = json!({ "webauthn": { "config": { "credentials": [{ "id": "AAE=", "is_passwordless": "?" }] } } });
        let unknown = standing("active", &unreadable);
        assert_eq!(after(1, &aal1, &totp, &AGES), Err(MayNot::SecondFactor));
        assert_eq!(after(1, &aal1, &unknown, &AGES), Err(MayNot::SecondFactorUnknown));
        for standing in [totp, unknown] {
            assert_eq!(after(1, &aal2, &standing, &AGES), Ok(()));
        }
    }

    #[test]
    fn without_asking_only_who_would_be_asked_and_typed_a_password_just_now() {
        for version in recordings::VERSIONS {
            let session = recordings::session_of(version, "whoami-login");
            let typed = session.password_used_at.unwrap();
            let at = |second| typed + SignedDuration::from_secs(second);
            let until = at(5 * MINUTE);
            for (verdict, second, expected) in [
                (Verdict::Offer, 0, Ok(until)),
                (Verdict::Required, 299, Ok(until)),
                (Verdict::Offer, 300, Err(MayNot::NoPassword)),
                (Verdict::Later, 0, Err(MayNot::NotOffered)),
                (Verdict::Never, 0, Err(MayNot::NotOffered)),
                (Verdict::Done, 0, Err(MayNot::NotOffered)),
            ] {
                assert_eq!(
                    may_conditional(&session, verdict, at(second)),
                    expected,
                    "{version} {verdict:?} {second}"
                );
            }
            let code = Session { password_used_at: None, ..session };
            assert_eq!(may_conditional(&code, Verdict::Offer, at(0)), Err(MayNot::NoPassword));
        }
    }

    #[test]
    fn whoever_is_inactive_adds_nothing() {
        let session = recordings::session("whoami-fresh");
        assert_eq!(after(1, &session, &standing("inactive", &json!({})), &AGES), Err(MayNot::Inactive));
    }
}
