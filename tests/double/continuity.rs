//! A submission that had to wait because the person must sign in first. It is kept here, a cookie says where, and
//! whoever comes back to the flow as a navigation goes on with it. Kratos calls it continuity.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::exchange::Exchange;
use super::refusal::Refusal;
use super::state::State;
use super::{clock, cookies, random};

const KEPT: SignedDuration = SignedDuration::from_mins(15);

pub struct Parked {
    pub identity: Uuid,
    pub flow: Uuid,
    pub submission: Value,
    expires_at: Timestamp,
}

fn key(method: &str) -> String {
    format!("ory_kratos_settings_{method}")
}

pub fn park(state: &mut State, exchange: &mut Exchange, method: &str, identity: Uuid, flow: Uuid) {
    let id = random::id();
    let submission = exchange.body.clone();
    let expires_at = clock::after(clock::now(), KEPT);
    state.parked.insert(id, Parked { identity, flow, submission, expires_at });
    change(exchange, |parked| {
        parked.insert(key(method), id.to_string());
    });
}

/// Takes what is parked for this method. Only the person who submitted it may go on; it is gone then.
pub fn resume(
    state: &mut State,
    exchange: &mut Exchange,
    method: &str,
    identity: Uuid,
) -> Result<Option<Parked>, Refusal> {
    let kept = cookies::parked(exchange.cookies.get(cookies::CONTINUITY).map(String::as_str));
    let Some(id) = kept.get(&key(method)).and_then(|id| Uuid::parse_str(id).ok()) else { return Ok(None) };
    let Some(parked) = state.parked.get(&id).filter(|parked| parked.expires_at > clock::now()) else {
        abort(state, exchange, method);
        return Ok(None);
    };
    if parked.identity != identity {
        return Err(Refusal::parked_by_another());
    }
    let parked = state.parked.remove(&id);
    abort(state, exchange, method);
    Ok(parked)
}

/// A new settings flow starts afresh.
pub fn abort(state: &mut State, exchange: &mut Exchange, method: &str) {
    let kept = cookies::parked(exchange.cookies.get(cookies::CONTINUITY).map(String::as_str));
    if let Some(id) = kept.get(&key(method)) {
        state.parked.retain(|parked, _| parked.to_string() != *id);
        change(exchange, |parked| {
            parked.remove(&key(method));
        });
    }
}

fn change(exchange: &mut Exchange, change: impl FnOnce(&mut std::collections::BTreeMap<String, String>)) {
    let mut parked = cookies::parked(exchange.cookies.get(cookies::CONTINUITY).map(String::as_str));
    change(&mut parked);
    let cookie = cookies::continuity(&parked);
    exchange.cookies.insert(cookies::CONTINUITY.to_owned(), cookie.value().to_owned());
    exchange.set.retain(|other| other.name() != cookies::CONTINUITY);
    exchange.set.push(cookie);
}
