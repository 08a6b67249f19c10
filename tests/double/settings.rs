//! The settings flow: made, read, submitted, and gone on with after signing in again.

use serde_json::{Value, json};

use super::answer::Answer;
use super::change::{self, Change};
use super::config::Config;
use super::continuity;
use super::exchange::Exchange;
use super::flow::{Flow, Kind};
use super::identity::Identity;
use super::kratos::Kratos;
use super::messages::Message;
use super::refusal::{Refusal, Trouble};
use super::session::{self, Session};
use super::state::State;
use super::submitting::{self, go_on_to};
use super::{cookies, hooks, identity, nodes, return_to, settings_form};

/// In the order in which Kratos asks them whether a submission is theirs.
pub const METHODS: [&str; 5] = ["password", "profile", "totp", "webauthn", "passkey"];

pub fn begin(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let wanted = exchange.query("return_to");
    let login = config.public("self-service/login/browser");
    let login = match &wanted {
        Some(wanted) => return_to::with_query(&login, &[("return_to", wanted)]),
        None => login,
    };
    let (session, identity) =
        state.signed_in(exchange).ok_or_else(|| Refusal::no_settings(config.kratos).instead(login))?;
    let here = exchange.url.to_string();
    session::check_aal(config, &session, &identity, wanted.as_deref().map(|_| here.as_str()))?;
    let flow = made(config, exchange, state, &identity)?;
    let answer = flow.shown(config, exchange, 200, Some(&identity));
    state.flows.insert(flow.id, flow);
    Ok(answer)
}

fn made(
    config: &Config,
    exchange: &mut Exchange,
    state: &mut State,
    identity: &Identity,
) -> Result<Flow, Refusal> {
    for method in METHODS {
        continuity::abort(state, exchange, method);
    }
    let mut flow = Flow::new(config, exchange, Kind::Settings(identity.id))?;
    settings_form::settings(config, exchange, &mut flow, identity);
    Ok(flow)
}

fn person(config: &Config, exchange: &Exchange, state: &State) -> Result<(Session, Identity), Refusal> {
    let login = config.page("login");
    state.signed_in(exchange).ok_or_else(|| Refusal::session_missing(login))
}

pub fn read(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let (session, identity) = person(config, exchange, state)?;
    let flow =
        state.flow(exchange, "id", "settings").ok_or_else(|| Refusal::not_found(None).always_json())?;
    if flow.kind != Kind::Settings(identity.id) {
        return Err(Refusal::another_identitys_flow());
    }
    session::check_aal(config, &session, &identity, Some(&flow.page(config)))
        .map_err(Refusal::always_json)?;
    if flow.is_expired() {
        return Err(State::gone(config, &flow));
    }
    Ok(Answer::Json(200, flow.view(config, Some(&identity))))
}

pub fn submit(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let (session, identity) = person(config, exchange, state)?;
    if exchange.query("flow").is_none_or(|id| uuid::Uuid::parse_str(&id).is_err()) {
        return Err(Refusal::bad_request("The flow query parameter is missing or malformed."));
    }
    let not_found = "The settings request could not be found. Please restart the flow.";
    let mut flow =
        state.flow(exchange, "flow", "settings").ok_or_else(|| Refusal::not_found(Some(not_found)))?;
    session::check_aal(config, &session, &identity, Some(exchange.url.as_str()))?;
    if flow.is_expired() {
        let new = made(config, exchange, state, &identity)?;
        return Err(submitting::replaced(config, state, &flow, new));
    }
    if flow.kind != Kind::Settings(identity.id) {
        return Err(Refusal::someone_elses_flow());
    }
    let outcome = attempt(kratos, exchange, state, &mut flow, &session, &identity);
    state.flows.insert(flow.id, flow.clone());
    submitting::settle(config, exchange, state, flow, outcome, Some(identity.id))
}

fn attempt(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &mut Flow,
    session: &Session,
    identity: &Identity,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let (method, submission, parked) = match resumed(exchange, state, flow, identity)? {
        Some((method, submission)) => (method, submission, true),
        None if exchange.method == "GET" => {
            let reason = "Unable to decode body because HTTP Request Method was \"GET\" but only [POST PUT PATCH] are \
                          supported.";
            return Err(Message::invalid(reason).into());
        }
        None => {
            let method = responsible(&exchange.body).ok_or_else(Message::no_settings_strategy)?;
            (method, exchange.body.clone(), false)
        }
    };
    if !config.methods.has(method) {
        return Err(Refusal::method_disabled().into());
    }
    if method == "webauthn" {
        security_key_has_a_name(&submission)?;
    }
    exchange.check_csrf(submission["csrf_token"].as_str().unwrap_or_default())?;
    if method == "profile" {
        nodes::fill_in(&mut flow.nodes, &identity::traits_of(&submission["traits"]));
    }
    let changed = change::of(config, flow, session, identity, method, &submission);
    let change = match changed {
        Err(Change::NeedsPrivilege) => {
            // What was gone on with is not parked a second time.
            if !parked {
                continuity::park(state, exchange, method, identity.id, flow.id);
            }
            let here = format!("{}?flow={}", config.public("self-service/settings"), flow.id);
            let login = config.public("self-service/login/browser");
            let to = return_to::with_query(&login, &[("refresh", "true"), ("return_to", &here)]);
            return Err(Refusal::refresh_required(&to).into());
        }
        Err(Change::Refused(trouble)) => return Err(trouble),
        Ok(change) => change,
    };
    if state.taken(&change.identity) {
        return Err(Message::exists_already().into());
    }
    changed_to(kratos, exchange, state, flow, session, method, change)
}

/// What waits for this person in this flow; only a browser that navigates goes on with it.
fn resumed(
    exchange: &mut Exchange,
    state: &mut State,
    flow: &Flow,
    identity: &Identity,
) -> Result<Option<(&'static str, Value)>, Refusal> {
    if exchange.fetches() {
        return Ok(None);
    }
    for method in METHODS {
        if let Some(parked) = continuity::resume(state, exchange, method, identity.id)?
            && parked.flow == flow.id
        {
            return Ok(Some((method, parked.submission)));
        }
    }
    Ok(None)
}

/// Kratos looks at the form before it looks at the key.
fn security_key_has_a_name(submission: &Value) -> Result<(), Message> {
    let field = "webauthn_register_displayname";
    if submission["webauthn_register"].as_str().unwrap_or_default().is_empty() {
        return Ok(());
    }
    match submission[field].as_str() {
        None | Some("") => Err(Message::required(field)),
        Some(_) => Ok(()),
    }
}

/// Whose submission it is.
fn responsible(submission: &Value) -> Option<&'static str> {
    let has = |name: &str| submission[name].as_str().is_some_and(|text| !text.is_empty());
    let method = submission["method"].as_str().unwrap_or_default();
    let unlinks = submission["totp_unlink"] == json!(true) || submission["totp_unlink"] == json!("true");
    METHODS.into_iter().find(|candidate| match *candidate {
        "webauthn" => has("webauthn_register") || has("webauthn_remove"),
        "passkey" => has("passkey_settings_register") || has("passkey_remove"),
        "totp" => method == "totp" || unlinks,
        named => method == named,
    })
}

fn changed_to(
    kratos: &Kratos,
    exchange: &mut Exchange,
    state: &mut State,
    flow: &mut Flow,
    session: &Session,
    method: &'static str,
    change: change::Made,
) -> Result<Answer, Trouble> {
    let config = &kratos.config;
    let identity = change.identity;
    state.identities.insert(identity.id, identity.clone());
    if let (Some(used), Some(session)) = (change.used, state.sessions.get_mut(&session.id)) {
        session.methods.push(used);
    }
    for method in METHODS {
        continuity::abort(state, exchange, method);
    }
    settings_form::settings(config, exchange, flow, &identity);
    flow.messages = vec![Message::saved().body()];
    flow.state = "success";
    let to = flow.destination(config, &flow.page(config))?;
    let context = hooks::context(config, exchange, flow, &identity, Some(session.view(&identity)));
    kratos.hooks.send("settings", method, context);
    exchange.set.push(cookies::session(config, &session.token));
    if !exchange.fetches() {
        return Ok(Answer::To(to));
    }
    let mut body = flow.view(config, Some(&identity));
    body["continue_with"] = go_on_to(&to);
    Ok(Answer::Json(200, body))
}
