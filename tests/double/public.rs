//! Who is signed in, signing out, and what the error page shows.

use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::exchange::Exchange;
use super::kratos::Kratos;
use super::refusal::Refusal;
use super::state::State;
use super::{clock, cookies, return_to, session};

pub fn whoami(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let session = state.session(exchange).ok_or_else(Refusal::not_signed_in)?;
    let identity = &state.identities[&session.identity];
    session::check_aal(&kratos.config, session, identity, None).map_err(Refusal::always_json)?;
    let header = ("x-kratos-authenticated-identity-id", identity.id.to_string());
    Ok(Answer::With(200, header, session.view(identity)))
}

pub fn begin_logout(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let (session, _) = state.signed_in(exchange).ok_or_else(Refusal::session_inactive)?;
    let mut parameters = vec![("token", session.logout_token.clone())];
    if let Some(wanted) = exchange.query("return_to") {
        parameters.push(("return_to", return_to::settle(config, Some(&wanted), &config.page("login"))?));
    }
    let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let url = return_to::with_query(&config.public("self-service/logout"), &parameters);
    Ok(Answer::Json(200, json!({ "logout_url": url, "logout_token": session.logout_token })))
}

pub fn logout(kratos: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let config = &kratos.config;
    let token = exchange.query("token").unwrap_or_default();
    if token.is_empty() {
        return Err(Refusal::bad_request("Please include a token in the URL query."));
    }
    let (session, _) = state.signed_in(exchange).ok_or_else(Refusal::session_inactive)?;
    if session.logout_token != token {
        let reason =
            "Unable to log out because the logout token in the URL query does not match the session cookie.";
        return Err(Refusal::forbidden(reason));
    }
    let to = return_to::settle(config, exchange.query("return_to").as_deref(), &config.page("login"))?;
    state.sessions.remove(&session.id);
    exchange.set.push(cookies::gone(config, cookies::SESSION));
    exchange.regenerate_csrf(config);
    Ok(if exchange.fetches() { Answer::Nothing } else { Answer::To(to) })
}

pub fn error(_: &Kratos, exchange: &mut Exchange, state: &mut State) -> Result<Answer, Refusal> {
    let id = exchange.query("id").and_then(|id| Uuid::parse_str(&id).ok());
    let (id, kept) = id
        .and_then(|id| state.errors.get(&id).map(|kept| (id, kept)))
        .ok_or_else(|| Refusal::not_found(None).always_json())?;
    let now = clock::stored();
    Ok(Answer::Json(200, json!({ "id": id, "error": kept, "created_at": now, "updated_at": now })))
}
