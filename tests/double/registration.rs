//! Signing up: in two steps, or at once as a password with traits.

use serde_json::{Value, json};

use super::answer::Answer;
use super::ceremony::{self, Unfit};
use super::config::{Config, WebAuthn};
use super::exchange::Exchange;
use super::flow::{Flow, Kind};
use super::forms;
use super::identity::{self, Credential, Identity};
use super::kratos::Kratos;
use super::messages::Message;
use super::refusal::{Refusal, Trouble};
use super::session::{Aal, Session, Used};
use super::state::State;
use super::submitting::{self, go_on_to};
use super::{hooks, nodes, random, return_to};

pub fn begin(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    if state.session(exchange).is_some() {
        let to =
            return_to::settle(config, exchange.query("return_to").as_deref(), &config.default_return_url)?;
        return Err(Refusal::registration_while_signed_in().instead(to));
    }
    let flow = made(config, exchange)?;
    let answer = flow.shown(config, exchange, 200, None);
    state.flows.insert(flow.id, flow);
    Ok(answer)
}

fn made(config: &Config, exchange: &mut Exchange) -> Result<Flow, Refusal> {
    let mut flow = Flow::new(config, exchange, Kind::Registration)?;
    forms::registration(config, exchange, &mut flow, &Value::Null);
    Ok(flow)
}

pub fn read(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let flow =
        state.flow(exchange, "id", "registration").ok_or_else(|| Refusal::not_found(None).always_json())?;
    exchange.check_csrf_of_flow(flow.csrf)?;
    if flow.is_expired() {
        return Err(State::gone(&kratos.config, &flow));
    }
    Ok(Answer::Json(200, flow.view(&kratos.config, None)))
}

pub fn submit(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    if state.session(exchange).is_some() {
        return Err(Refusal::registration_while_signed_in().instead(config.default_return_url.clone()));
    }
    let mut flow = state.flow(exchange, "flow", "registration").ok_or_else(|| Refusal::not_found(None))?;
    if flow.is_expired() {
        let new = made(config, exchange)?;
        return Err(submitting::replaced(config, state, &flow, new));
    }
    let outcome = attempt(kratos, exchange, state, &mut flow);
    state.flows.insert(flow.id, flow.clone());
    submitting::settle(config, exchange, state, flow, outcome, None)
}

fn attempt(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &mut Flow,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let method = exchange.submitted("method").to_owned();
    let traits = identity::traits_of(&exchange.body["traits"]);
    if method == "profile" || !exchange.submitted("screen").is_empty() {
        return two_steps(config, exchange, flow, &traits);
    }
    let submitted = |name: &str| {
        Some(exchange.submitted(name).to_owned()).filter(|text| !text.is_empty() && text != "true")
    };
    if let Some(made) = submitted("passkey_register") {
        if !config.methods.passkey {
            return Err(Refusal::method_disabled().into());
        }
        exchange.check_csrf(exchange.submitted("csrf_token"))?;
        return with_key(kratos, exchange, state, flow, &traits, "passkey", &made);
    }
    if let Some(made) = submitted("webauthn_register") {
        if config.methods.webauthn != WebAuthn::Passwordless {
            return Err(Refusal::method_disabled().into());
        }
        exchange.check_csrf(exchange.submitted("csrf_token"))?;
        return with_key(kratos, exchange, state, flow, &traits, "webauthn", &made);
    }
    if method == "password" {
        if !config.methods.password {
            return Err(Refusal::method_disabled().into());
        }
        exchange.check_csrf(exchange.submitted("csrf_token"))?;
        let password = exchange.submitted("password").to_owned();
        if let Err(message) = check(&password, &traits) {
            nodes::fill_in(&mut flow.nodes, &traits);
            return Err(message.into());
        }
        let mut identity = Identity::new(config, traits);
        identity.set_password(&password);
        return signed_up(kratos, exchange, state, flow, identity, "password");
    }
    identity::check_traits(&traits)?;
    Err(Message::no_registration_strategy().into())
}

fn check(password: &str, traits: &Value) -> Result<(), Message> {
    if password.is_empty() {
        return Err(Message::required("password"));
    }
    identity::check_traits(traits)?;
    match password.chars().count() {
        short if short < 8 => Err(Message::password_too_short(short)),
        _ => Ok(()),
    }
}

fn two_steps(
    config: &Config,
    exchange: &mut Exchange,
    flow: &mut Flow,
    traits: &Value,
) -> Result<Answer, Trouble> {
    flow.messages.clear();
    if exchange.submitted("screen") == "previous" || exchange.submitted("method") == "profile:back" {
        forms::registration(config, exchange, flow, traits);
    } else {
        exchange.check_csrf(exchange.submitted("csrf_token"))?;
        identity::check_traits(traits)?;
        forms::credential_selection(config, exchange, flow, traits);
        flow.second_step = true;
    }
    let answer = flow.shown(config, exchange, 400, None);
    flow.second_step = false;
    Ok(answer)
}

/// A passkey or a security key instead of a password.
fn with_key(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &Flow,
    traits: &Value,
    kind: &'static str,
    made: &str,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let begun = if kind == "passkey" { &flow.passkey } else { &flow.webauthn };
    let nothing_begun = || Refusal::internal("Expected WebAuthN in internal context to be an object.");
    let begun = begun.as_ref().ok_or_else(nothing_begun)?;
    let name = if kind == "passkey" { "" } else { exchange.submitted("webauthn_register_displayname") };
    let key = ceremony::finish_registration(&config.rp, begun, made, name, true).map_err(unfit)?;
    identity::check_traits(traits)?;
    let mut identity = Identity::new(config, traits.clone());
    let identifiers = if kind == "passkey" {
        vec![String::from_utf8_lossy(&begun.user_handle).into_owned()]
    } else {
        vec![identity.email()]
    };
    let stored = json!({ "credentials": [key], "user_handle": random::base64(&begun.user_handle) });
    identity.credentials.insert(kind.to_owned(), Credential::new(kind, identifiers, stored, 1));
    signed_up(kratos, exchange, state, flow, identity, kind)
}

/// What Kratos says of an attestation it does not take.
pub fn unfit(unfit: Unfit) -> Trouble {
    match unfit {
        Unfit::Unreadable => Message::invalid(&format!("Unable to parse WebAuthn response: {unfit}")).into(),
        Unfit::NotGenuine(reason) => {
            Refusal::internal(&format!("Unable to create WebAuthn credential: {reason}")).into()
        }
    }
}

fn signed_up(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &Flow,
    identity: Identity,
    method: &'static str,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    if state.taken(&identity) {
        return Err(Message::exists_already().into());
    }
    let to = flow.destination(config, &config.after_registration_url)?;
    let session = Session::new(config, identity.id, Used::now(method, Aal::One), exchange);
    let context = hooks::context(config, exchange, flow, &identity, None);
    kratos.hooks.send("registration", method, context);
    state.identities.insert(identity.id, identity.clone());
    submitting::sign_in(config, exchange, state, &session);
    if !exchange.fetches() {
        return Ok(Answer::To(to));
    }
    let body = json!({
        "session": session.view(&identity),
        "identity": identity.public(),
        "continue_with": go_on_to(&to),
    });
    Ok(Answer::Json(200, body))
}
