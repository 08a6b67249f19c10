//! What Kratos says about a session: the answer of `GET /sessions/whoami`.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::CallError;
use crate::onboarding::{
    Identifier, IdentityId, IdentityState, Observed, PiiKeys, Profile, SchemaId, SessionDigest, SessionFacts,
};

/// Kratos issues the session of a registration in the request that creates the identity; recorded are 2 to 70 ms.
const REGISTERED_WITHIN: SignedDuration = SignedDuration::from_secs(2);
/// More are not kept of one person.
const IDENTIFIERS: usize = 16;

/// Names a person in a session to their page, and tells neither: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An active session, and what it tells about its person. No traits, no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub identity: IdentityId,
    pub subject: Subject,
    pub facts: SessionFacts,
    pub profile: Profile,
    /// Its authenticator assurance level is 2.
    pub is_aal2: bool,
    /// It is the one that the person registered with.
    pub has_registered: bool,
    /// When a password was last typed in it.
    pub password_used_at: Option<Timestamp>,
}

impl Session {
    const DIGEST: &'static str = "kratos-onboarding/session/v1";
    const SUBJECT: &'static str = "kratos-onboarding/subject/v1";

    /// `Ok(None)`: a session that is not active.
    pub(super) fn parse(body: &[u8], keys: &PiiKeys) -> Result<Option<Session>, CallError> {
        // What serde says may quote the body.
        let whoami: Whoami = serde_json::from_slice(body).map_err(|_| CallError::Body)?;
        Ok(whoami.active.unwrap_or(true).then(|| whoami.read(keys)))
    }

    /// What an event of this session tells about credentials.
    pub fn observed(&self) -> Observed {
        Observed {
            passkey_used_at: self.facts.passkey_used_at,
            security_key_used_at: self.facts.security_key_used_at,
            ..Observed::default()
        }
    }
}

#[derive(Deserialize)]
struct Whoami {
    id: Uuid,
    active: Option<bool>,
    expires_at: Option<Timestamp>,
    authenticated_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    authenticator_assurance_level: Option<String>,
    authentication_methods: Option<Vec<AuthenticationMethod>>,
    identity: WhoamiIdentity,
}

#[derive(Deserialize)]
struct AuthenticationMethod {
    method: Option<String>,
    aal: Option<String>,
    completed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct WhoamiIdentity {
    id: IdentityId,
    #[serde(flatten)]
    told: ToldIdentity,
}

/// What the public and the admin API both tell about an identity.
#[derive(Deserialize)]
pub(super) struct ToldIdentity {
    schema_id: Option<String>,
    state: Option<String>,
    created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    verifiable_addresses: Option<Vec<Address>>,
    recovery_addresses: Option<Vec<Address>>,
    traits: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Address {
    value: Option<String>,
}

impl Whoami {
    fn read(self, keys: &PiiKeys) -> Session {
        let methods = self.authentication_methods.unwrap_or_default();
        let newest = |counts: fn(&AuthenticationMethod) -> bool| {
            methods.iter().filter(|method| counts(method)).filter_map(|method| method.completed_at).max()
        };
        let profile = self.identity.told.profile(keys);
        let mut both = [0; 32];
        for (to, from) in both.iter_mut().zip(self.identity.id.as_bytes().iter().chain(self.id.as_bytes())) {
            *to = *from;
        }
        let [digest, subject] = [(Session::DIGEST, self.id.as_bytes().as_slice()), (Session::SUBJECT, &both)]
            .map(|(domain, message)| half(keys.first().mac(domain, message)));
        let lag =
            self.issued_at.zip(profile.created_at).map(|(issued, created)| issued.duration_since(created));
        Session {
            is_aal2: self.authenticator_assurance_level.as_deref() == Some("aal2"),
            has_registered: lag.is_some_and(|lag| lag >= SignedDuration::ZERO && lag < REGISTERED_WITHIN),
            password_used_at: newest(|used| used.method.as_deref() == Some("password")),
            identity: self.identity.id,
            subject: Subject(hex::encode(subject)),
            facts: SessionFacts {
                digest: SessionDigest(digest),
                // Kratos always says it; without it the session counts as one that is never privileged.
                authenticated_at: self.authenticated_at.or(self.issued_at).unwrap_or(Timestamp::UNIX_EPOCH),
                expires_at: self.expires_at,
                state: profile.state,
                schema_id: profile.schema_id.clone(),
                passkey_used_at: newest(|used| used.method.as_deref() == Some("passkey")),
                security_key_used_at: newest(|used| {
                    used.method.as_deref() == Some("webauthn") && used.aal.as_deref() == Some("aal1")
                }),
            },
            profile,
        }
    }
}

impl ToldIdentity {
    pub(super) fn profile(&self, keys: &PiiKeys) -> Profile {
        Profile {
            as_of: self.updated_at,
            created_at: self.created_at,
            schema_id: self.schema_id.as_deref().and_then(|id| id.parse::<SchemaId>().ok()),
            state: match self.state.as_deref() {
                Some("active") => Some(IdentityState::Active),
                Some("inactive") => Some(IdentityState::Inactive),
                Some(_) | None => None,
            },
            identifiers: self.identifiers(keys),
        }
    }

    /// The same ones that `kratos-config/hooks` sends.
    fn identifiers(&self, keys: &PiiKeys) -> Option<BTreeSet<crate::onboarding::IdentifierDigest>> {
        let addresses = self.verifiable_addresses.iter().chain(&self.recovery_addresses).flatten();
        let known = addresses.filter_map(|address| address.value.as_deref());
        let traits = ["email", "phone"]
            .into_iter()
            .filter_map(|name| self.traits.as_ref().and_then(|traits| traits.get(name)?.as_str()));
        let digests: BTreeSet<_> = known
            .chain(traits)
            .filter_map(Identifier::parse)
            .map(|identifier| keys.digest(&identifier))
            .take(IDENTIFIERS)
            .collect();
        (!digests.is_empty()).then_some(digests)
    }
}

fn half(mac: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(mac) {
        *to = from;
    }
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recordings::{self, VERSIONS};
    use super::*;

    #[test]
    fn the_session_of_a_registration_is_told_from_a_later_one() {
        for version in VERSIONS {
            for (name, registered) in [
                ("whoami-fresh", true),
                ("whoami-after-refresh", true),
                ("whoami-oidc", true),
                ("whoami-login", false),
                ("whoami-passkey-login", false),
            ] {
                let session = parse(version, name);
                assert_eq!(
                    (session.has_registered, session.is_aal2),
                    (registered, false),
                    "{version} {name}"
                );
            }
        }
    }

    fn parse(version: &str, name: &str) -> Session {
        let body = recordings::body(version, &format!("public/{name}.json"));
        Session::parse(&body, &recordings::keys()).unwrap().unwrap()
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn every_recorded_session_is_read() {
        for version in VERSIONS {
            for name in recordings::names(version, "public/whoami-") {
                let session = parse(version, name.trim_end_matches(".json").trim_start_matches("public/"));
                assert_eq!(
                    session.profile.schema_id.as_ref().unwrap().as_str(),
                    "person",
                    "{version} {name}"
                );
                assert_eq!(session.profile.state, Some(IdentityState::Active));
                assert_eq!(
                    session.profile.identifiers.as_ref().unwrap().len(),
                    1,
                    "one address, told three times"
                );
                assert!(session.facts.expires_at > Some(session.facts.authenticated_at));
                assert_eq!(session.subject.as_str().len(), 32);
            }
        }
    }

    #[test]
    fn a_passkey_used_or_added_is_seen() {
        let fresh = parse("v26.2.0", "whoami-fresh");
        assert_eq!(fresh.facts.passkey_used_at, None);
        let added = parse("v26.2.0", "whoami-after-add");
        assert_eq!(added.facts.passkey_used_at, at("2026-11-22T04:34:58.564003756Z"));
        assert_eq!(added.subject, fresh.subject);
        assert_eq!(added.facts.digest, fresh.facts.digest);
        let key = parse("v26.2.0", "whoami-webauthn-login");
        assert_eq!(key.facts.security_key_used_at, at("2026-11-22T05:14:47.853816249Z"));
    }

    #[test]
    fn a_security_key_at_aal2_was_a_second_factor() {
        let body = recordings::body("v26.2.0", "public/whoami-webauthn-login.json");
        let body = String::from_utf8(body).unwrap().replace("\"aal\":\"aal1\"", "\"aal\":\"aal2\"");
        let session = Session::parse(body.as_bytes(), &recordings::keys()).unwrap().unwrap();
        assert_eq!(session.facts.security_key_used_at, None);
    }

    #[test]
    fn another_session_of_the_same_person_is_another_subject() {
        let (fresh, login) = (parse("v26.2.0", "whoami-fresh"), parse("v26.2.0", "whoami-login"));
        assert_eq!(fresh.identity, login.identity);
        assert_ne!(fresh.subject, login.subject);
        assert_ne!(fresh.facts.digest, login.facts.digest);
    }

    #[test]
    fn a_refresh_moves_when_they_authenticated() {
        let session = parse("v26.2.0", "whoami-after-refresh");
        assert_eq!(Some(session.facts.authenticated_at), at("2026-11-22T04:29:37.795349603Z"));
    }

    #[test]
    fn an_inactive_session_is_none() {
        let body = recordings::body("v26.2.0", "public/whoami-fresh.json");
        let body = String::from_utf8(body).unwrap().replace("\"active\":true", "\"active\":false");
        assert_eq!(Session::parse(body.as_bytes(), &recordings::keys()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = Session::parse(&body, &recordings::keys());
        }

        #[test]
        fn a_cut_body_is_an_error(cut in 0_usize..1000) {
            let body = recordings::body("v26.2.0", "public/whoami-fresh.json");
            prop_assert!(Session::parse(&body[..cut.min(body.len() - 1)], &recordings::keys()).is_err());
        }
    }
}
