//! Who is signed in, how and since when.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::config::{Config, RequiredAal};
use super::exchange::Exchange;
use super::identity::Identity;
use super::refusal::Refusal;
use super::state::State;
use super::{clock, cookies, random, return_to};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aal {
    One,
    Two,
}

impl Aal {
    pub fn text(self) -> &'static str {
        match self {
            Aal::One => "aal1",
            Aal::Two => "aal2",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Session {
    pub id: Uuid,
    pub identity: Uuid,
    /// What the cookie holds, and `X-Session-Token`.
    pub token: String,
    pub logout_token: String,
    pub issued_at: Timestamp,
    pub authenticated_at: Timestamp,
    pub expires_at: Timestamp,
    pub methods: Vec<Used>,
    pub devices: Vec<Value>,
}

/// A method that was used.
#[derive(Debug, Clone)]
pub struct Used {
    pub method: String,
    pub aal: Aal,
    pub completed_at: Timestamp,
}

impl Used {
    pub fn now(method: &str, aal: Aal) -> Used {
        Used { method: method.to_owned(), aal, completed_at: clock::now() }
    }
}

impl Session {
    pub fn new(config: &Config, identity: Uuid, used: Used, exchange: &Exchange) -> Session {
        let now = clock::now();
        Session {
            id: random::id(),
            identity,
            token: format!("ory_st_{}", random::alphanumeric(32)),
            logout_token: format!("ory_lo_{}", random::alphanumeric(32)),
            issued_at: now,
            authenticated_at: now,
            expires_at: clock::after(now, config.session_lifespan),
            methods: vec![used],
            devices: vec![exchange.device(&random::id().to_string())],
        }
    }

    /// The same session, confirmed: only `issued_at` and the id stay.
    pub fn confirm(&mut self, config: &Config, used: Used) {
        let now = clock::now();
        self.authenticated_at = now;
        self.expires_at = clock::after(now, config.session_lifespan);
        self.methods.push(used);
    }

    pub fn aal(&self) -> Aal {
        self.methods.iter().map(|used| used.aal).max().unwrap_or(Aal::One)
    }

    pub fn is_privileged(&self, config: &Config) -> bool {
        clock::after(self.authenticated_at, config.privileged_session_max_age) >= clock::now()
    }

    pub fn view(&self, identity: &Identity) -> Value {
        json!({
            "id": self.id,
            "active": true,
            "expires_at": self.expires_at.to_string(),
            "authenticated_at": self.authenticated_at.to_string(),
            "authenticator_assurance_level": self.aal().text(),
            "authentication_methods": self.methods.iter().map(|used| json!({
                "method": used.method,
                "aal": used.aal.text(),
                "completed_at": used.completed_at.to_string(),
            })).collect::<Vec<_>>(),
            "issued_at": self.issued_at.to_string(),
            "identity": identity.public(),
            "devices": self.devices,
        })
    }
}

impl State {
    /// The session of a request: `X-Session-Token`, then the cookie.
    pub fn session(&self, exchange: &Exchange) -> Option<&Session> {
        let from_cookie =
            || exchange.cookies.get(cookies::SESSION).and_then(|value| cookies::session_token(value));
        let token = exchange.header("x-session-token").map(str::to_owned).or_else(from_cookie)?;
        let session = self.sessions.values().find(|session| session.token == token)?;
        let active =
            self.identities.get(&session.identity).is_some_and(|identity| identity.state == "active");
        (active && session.expires_at > clock::now()).then_some(session)
    }

    /// The session and its person.
    pub fn signed_in(&self, exchange: &Exchange) -> Option<(Session, Identity)> {
        let session = self.session(exchange)?;
        Some((session.clone(), self.identities[&session.identity].clone()))
    }
}

/// Whether the session is as strong as it could be, where that is asked for. `back` is where the second factor leads.
pub fn check_aal(
    config: &Config,
    session: &Session,
    identity: &Identity,
    back: Option<&str>,
) -> Result<(), Refusal> {
    let could_be =
        identity.first_factors(&config.methods) > 0 && identity.second_factors(&config.methods) > 0;
    if config.required_aal == RequiredAal::Aal1 || session.aal() == Aal::Two || !could_be {
        return Ok(());
    }
    let login = config.public("self-service/login/browser");
    let parameters: Vec<_> =
        [("aal", "aal2")].into_iter().chain(back.map(|back| ("return_to", back))).collect();
    Err(Refusal::aal2_required(&return_to::with_query(&login, &parameters)))
}
