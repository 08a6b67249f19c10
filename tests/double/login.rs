//! Signing in, confirming it, and the second factor.

use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::ceremony;
use super::config::{Config, WebAuthn};
use super::exchange::Exchange;
use super::flow::{Flow, Kind};
use super::forms;
use super::identity::Identity;
use super::kratos::Kratos;
use super::messages::Message;
use super::refusal::{Instead, Refusal, Trouble};
use super::session::{self, Aal, Session, Used};
use super::state::State;
use super::submitting::{self, go_on_to};
use super::{hooks, nodes, return_to, totp};

const NO_ID: Uuid = Uuid::nil();

pub fn begin(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let flow = match made(config, exchange, state)? {
        Made::Flow(flow) => *flow,
        // Nobody is asked again: without `refresh=true` a signed-in person goes straight on.
        Made::SignedInAlready => {
            let to = return_to::settle(
                config,
                exchange.query("return_to").as_deref(),
                &config.default_return_url,
            )?;
            return Err(Refusal::login_while_signed_in().instead(to));
        }
    };
    let answer = flow.shown(config, exchange, 200, None);
    state.flows.insert(flow.id, flow);
    Ok(answer)
}

enum Made {
    Flow(Box<Flow>),
    SignedInAlready,
}

fn made(config: &Config, exchange: &mut Exchange, state: &State) -> Result<Made, Refusal> {
    let session = state.session(exchange).cloned();
    let aal = match exchange.query("aal").as_deref() {
        None | Some("" | "aal1") => Aal::One,
        Some("aal2") => Aal::Two,
        Some(other) => {
            let reason = format!("Unable to parse AuthenticationMethod Assurance Level (AAL): {other}");
            return Err(Refusal::bad_request(&reason));
        }
    };
    let asked =
        exchange.query("refresh").is_some_and(|value| matches!(value.as_str(), "true" | "1" | "t" | "TRUE"));
    let refresh = asked && session.is_some();
    let mut flow = Flow::new(config, exchange, Kind::Login { refresh, aal })?;
    let Some(session) = session else {
        if aal == Aal::Two {
            return Err(Refusal::aal1_required());
        }
        forms::login(config, exchange, &mut flow);
        return Ok(Made::Flow(Box::new(flow)));
    };
    if !refresh && aal <= session.aal() {
        return Ok(Made::SignedInAlready);
    }
    let identity = &state.identities[&session.identity];
    match aal {
        Aal::One => forms::confirmation(config, exchange, &mut flow, identity),
        Aal::Two => {
            if refresh {
                flow.messages.push(Message::confirm_it_is_you().body());
            }
            forms::second_factor(config, exchange, &mut flow, &session, identity);
        }
    }
    Ok(Made::Flow(Box::new(flow)))
}

pub fn read(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let flow = state.flow(exchange, "id", "login").ok_or_else(|| Refusal::not_found(None).always_json())?;
    exchange.check_csrf_of_flow(flow.csrf)?;
    if flow.is_expired() {
        return Err(State::gone(&kratos.config, &flow));
    }
    Ok(Answer::Json(200, flow.view(&kratos.config, None)))
}

pub fn submit(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let mut flow = state.flow(exchange, "flow", "login").ok_or_else(|| Refusal::not_found(None))?;
    let Kind::Login { refresh, aal } = flow.kind else { return Err(Refusal::not_found(None)) };
    let session = state.session(exchange).cloned();
    match &session {
        Some(session) if !refresh && aal <= session.aal() => {
            return Err(Refusal::login_while_signed_in().instead(config.default_return_url.clone()));
        }
        None if aal == Aal::Two => return Err(Refusal::aal1_required()),
        _ => {}
    }
    if flow.is_expired() {
        let new = match made(config, exchange, state)? {
            Made::Flow(flow) => *flow,
            Made::SignedInAlready => return Err(Refusal::login_while_signed_in()),
        };
        return Err(submitting::replaced(config, state, &flow, new));
    }
    let outcome = attempt(kratos, exchange, state, &mut flow, session);
    state.flows.insert(flow.id, flow.clone());
    submitting::settle(config, exchange, state, flow, outcome, None)
}

/// Who it is, by which method.
enum Outcome {
    Is(Box<Identity>, &'static str, Aal),
    Shown(Answer),
}

fn attempt(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &mut Flow,
    session: Option<Session>,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let Kind::Login { aal, .. } = flow.kind else { return Err(Refusal::not_found(None).into()) };
    let method = exchange.submitted("method").to_owned();
    let has = |name: &str| !exchange.submitted(name).is_empty();
    let person =
        |state: &State| session.as_ref().and_then(|session| state.identities.get(&session.identity).cloned());
    let outcome = match aal {
        Aal::One if has("passkey_login") || method == "passkey" => by_passkey(config, exchange, state, flow)?,
        Aal::One if has("webauthn_login") || method == "webauthn" => {
            by_security_key(config, exchange, state, flow)?
        }
        Aal::One if method == "password" => by_password(config, exchange, state, flow)?,
        Aal::Two if has("webauthn_login") => by_second_security_key(config, exchange, person(state), flow)?,
        Aal::Two if method == "totp" => by_totp(config, exchange, person(state))?,
        _ => return Err(Message::no_login_strategy().into()),
    };
    match outcome {
        Outcome::Shown(answer) => Ok(answer),
        Outcome::Is(identity, method, aal) => {
            flow.active = Some(method);
            signed_in(kratos, exchange, state, flow, *identity, Used::now(method, aal), session)
        }
    }
}

fn by_password(
    config: &Config,
    exchange: &Exchange,
    state: &State,
    flow: &mut Flow,
) -> Result<Outcome, Trouble> {
    if !config.methods.password {
        return Err(Refusal::method_disabled().into());
    }
    exchange.check_csrf(exchange.submitted("csrf_token"))?;
    for node in flow.nodes.iter_mut().filter(|node| nodes::name(node) == "identifier") {
        node["attributes"]["value"] = json!(exchange.submitted("identifier"));
    }
    for field in ["identifier", "password"] {
        if exchange.submitted(field).is_empty() {
            return Err(Message::required(field).into());
        }
    }
    let identity = state
        .find("password", exchange.submitted("identifier"))
        .filter(|identity| identity.has_password(exchange.submitted("password")))
        .ok_or_else(Message::wrong_credentials)?;
    Ok(Outcome::Is(Box::new(identity.clone()), "password", Aal::One))
}

fn by_totp(config: &Config, exchange: &Exchange, person: Option<Identity>) -> Result<Outcome, Trouble> {
    if !config.methods.totp {
        return Err(Refusal::method_disabled().into());
    }
    exchange.check_csrf(exchange.submitted("csrf_token"))?;
    let identity = person.ok_or_else(Refusal::aal1_required)?;
    let secret = identity.totp_secret().ok_or_else(Message::no_totp)?;
    if !totp::is_right(&secret, exchange.submitted("totp_code")) {
        return Err(Message::wrong_code(None).into());
    }
    Ok(Outcome::Is(Box::new(identity), "totp", Aal::Two))
}

fn unreadable() -> Message {
    Message::invalid("Unable to parse WebAuthn response.")
}

/// The person is found by the user handle in the answer of the browser.
fn by_passkey(
    config: &Config,
    exchange: &mut Exchange,
    state: &State,
    flow: &mut Flow,
) -> Result<Outcome, Trouble> {
    if !config.methods.passkey {
        return Err(Refusal::method_disabled().into());
    }
    exchange.check_csrf(exchange.submitted("csrf_token"))?;
    if exchange.submitted("passkey_login").is_empty() {
        forms::login(config, exchange, flow);
        return Err(Refusal::browser_location_change(&flow.page(config)).into());
    }
    let assertion = ceremony::read_assertion(exchange.submitted("passkey_login")).ok_or_else(unreadable)?;
    let handle = assertion.user_handle.clone().ok_or_else(Message::no_such_webauthn_user)?;
    let by_webauthn_handle = || {
        let has = |identity: &&Identity| {
            identity.credentials.get("webauthn").and_then(|credential| credential.user_handle()).as_ref()
                == Some(&handle)
        };
        Some((state.identities.values().find(has)?, "webauthn"))
    };
    let (identity, kind) = state
        .find("passkey", &String::from_utf8_lossy(&handle))
        .map(|identity| (identity, "passkey"))
        .or_else(by_webauthn_handle)
        .ok_or_else(Message::no_such_webauthn_user)?;
    let begun = flow.passkey.as_ref().ok_or_else(|| {
        Refusal::internal(
            "Expected WebAuthN in internal context to be an object but got: unexpected end of JSON input",
        )
    })?;
    let keys: Vec<_> = identity.keys(kind).into_iter().filter(|key| key.is_passwordless).collect();
    ceremony::finish_login(&config.rp, begun, assertion, &keys).map_err(|_| Message::wrong_code(None))?;
    flow.passkey = None;
    Ok(Outcome::Is(Box::new(identity.clone()), "passkey", Aal::One))
}

/// In two steps: the identifier, then the key. A page that fetches is told to go to the second one.
fn by_security_key(
    config: &Config,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &mut Flow,
) -> Result<Outcome, Trouble> {
    if config.methods.webauthn != WebAuthn::Passwordless {
        return Err(Refusal::method_disabled().into());
    }
    exchange.check_csrf(exchange.submitted("csrf_token"))?;
    let identifier = exchange.submitted("identifier").to_owned();
    match exchange.body["identifier"].as_str() {
        None => return Err(Message::required("identifier").into()),
        Some("") => return Err(Message::empty("identifier", 1).into()),
        Some(_) => {}
    }
    let identity = state.find("webauthn", &identifier).cloned().ok_or_else(Message::no_such_webauthn_user)?;
    let keys: Vec<_> = identity.keys("webauthn").into_iter().filter(|key| key.is_passwordless).collect();
    let brought = exchange.submitted("webauthn_login").to_owned();
    if brought.is_empty() {
        if keys.is_empty() {
            return Err(Message::no_such_webauthn_user().into());
        }
        forms::security_key_challenge(config, exchange, flow, &identifier, &identity);
        let refusal = Refusal::browser_location_change(&flow.page(config));
        let answer = if exchange.fetches() { refusal.answer() } else { Answer::To(flow.page(config)) };
        return Ok(Outcome::Shown(answer));
    }
    finish_security_key(config, flow, &brought, &keys)?;
    Ok(Outcome::Is(Box::new(identity), "webauthn", Aal::One))
}

fn by_second_security_key(
    config: &Config,
    exchange: &Exchange,
    person: Option<Identity>,
    flow: &mut Flow,
) -> Result<Outcome, Trouble> {
    if config.methods.webauthn != WebAuthn::SecondFactor {
        return Err(Refusal::method_disabled().into());
    }
    exchange.check_csrf(exchange.submitted("csrf_token"))?;
    let identity = person.ok_or_else(Refusal::aal1_required)?;
    let keys: Vec<_> = identity.keys("webauthn").into_iter().filter(|key| !key.is_passwordless).collect();
    finish_security_key(config, flow, exchange.submitted("webauthn_login"), &keys)?;
    Ok(Outcome::Is(Box::new(identity), "webauthn", Aal::Two))
}

fn finish_security_key(
    config: &Config,
    flow: &mut Flow,
    brought: &str,
    keys: &[super::credential::Key],
) -> Result<(), Trouble> {
    if keys.is_empty() {
        return Err(Message::no_webauthn().into());
    }
    let assertion = ceremony::read_assertion(brought).ok_or_else(unreadable)?;
    let begun = flow.webauthn.as_ref().ok_or_else(|| {
        Refusal::internal(
            "Expected WebAuthN in internal context to be an object but got: unexpected end of JSON input",
        )
    })?;
    ceremony::finish_login(&config.rp, begun, assertion, keys).map_err(|_| Message::wrong_code(None))?;
    flow.webauthn = None;
    Ok(())
}

fn signed_in(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &Flow,
    identity: Identity,
    used: Used,
    before: Option<Session>,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let method = used.method.clone();
    // Who confirms as somebody else gets a session of their own.
    let kept = before.filter(|session| session.identity == identity.id);
    let confirmed = kept.is_some();
    let session = match kept {
        Some(mut session) => {
            session.confirm(config, used);
            session
        }
        None => Session::new(config, identity.id, used, exchange),
    };
    let to = flow.destination(config, &config.default_return_url)?;
    // In the answer, and in the hook, a confirmed session shows what is not kept: a new `issued_at` and device.
    let mut shown = session.clone();
    shown.issued_at = session.authenticated_at;
    if confirmed {
        shown.devices.push(exchange.device(&NO_ID.to_string()));
    }
    let mut in_hook = shown.view(&identity);
    if !confirmed {
        in_hook["id"] = json!(NO_ID);
        in_hook["devices"][0]["id"] = json!(NO_ID);
    }
    let context = hooks::context(config, exchange, flow, &identity, Some(in_hook));
    kratos.hooks.send("login", &method, context);
    submitting::sign_in(config, exchange, state, &session);
    let back = return_to_of(flow);
    if let Err(refusal) = session::check_aal(config, &session, &identity, back.as_deref()) {
        if let Instead::To(second) = &refusal.instead {
            return Err(Refusal::browser_location_change(second).into());
        }
        return Err(refusal.into());
    }
    if !exchange.fetches() {
        return Ok(Answer::To(to));
    }
    Ok(Answer::Json(200, json!({ "session": shown.view(&identity), "continue_with": go_on_to(&to) })))
}

/// Handed on to the second factor.
fn return_to_of(flow: &Flow) -> Option<String> {
    let url = url::Url::parse(&flow.request_url).ok()?;
    url.query_pairs().find(|(key, _)| key == "return_to").map(|(_, value)| value.into_owned())
}
