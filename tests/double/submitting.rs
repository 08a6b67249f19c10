//! What the three kinds of flow have in common when they are submitted.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::config::Config;
use super::exchange::Exchange;
use super::flow::{Flow, Kind};
use super::identity::Identity;
use super::messages::Message;
use super::refusal::{Refusal, Trouble};
use super::session::Session;
use super::state::State;
use super::{cookies, return_to};

impl Flow {
    /// Where it ends: its own `return_to`, else the one in the address that started it, else `default`.
    pub fn destination(&self, config: &Config, default: &str) -> Result<String, Refusal> {
        let started = url::Url::parse(&self.request_url).ok();
        let in_address = started.and_then(|url| {
            url.query_pairs().find(|(key, _)| key == "return_to").map(|(_, value)| value.into_owned())
        });
        return_to::settle(config, self.return_to.as_deref().or(in_address.as_deref()), default)
    }

    /// The same flow again as JSON, or its page.
    pub fn shown(
        &self,
        config: &Config,
        exchange: &Exchange,
        status: u16,
        identity: Option<&Identity>,
    ) -> Answer {
        if exchange.fetches() {
            Answer::Json(status, self.view(config, identity))
        } else {
            Answer::To(self.page(config))
        }
    }
}

/// Keeps the flow, and shows it again where the form was not taken.
pub fn settle(
    config: &Config,
    exchange: &mut Exchange,
    state: &mut State,
    mut flow: Flow,
    outcome: Result<Answer, Trouble>,
    identity: Option<Uuid>,
) -> Result<Answer, Refusal> {
    match outcome {
        Ok(answer) => Ok(answer),
        Err(Trouble::Refused(refusal)) => Err(refusal),
        Err(Trouble::Form(message)) => {
            let token = exchange.csrf_token(config);
            flow.tell(token, &message);
            let identity = identity.and_then(|id| state.identities.get(&id));
            let answer = match flow.shown(config, exchange, 400, identity) {
                Answer::To(page) if flow.kind == Kind::Registration => Answer::Found(page),
                answer => answer,
            };
            state.flows.insert(flow.id, flow);
            Ok(answer)
        }
    }
}

/// A flow that is too old was replaced by this one.
pub fn replaced(config: &Config, state: &mut State, old: &Flow, mut new: Flow) -> Refusal {
    let minutes = old.minutes_expired();
    new.request_url.clone_from(&old.request_url);
    new.messages.push(Message::expired(old.kind.name(), minutes).body());
    let refusal =
        Refusal::flow_expired(minutes, &old.expires_at.to_string(), &new.id.to_string(), new.page(config));
    state.flows.insert(new.id, new);
    refusal
}

/// The browser has this session from now on. Where it is another person's than before, older forms are no longer good.
pub fn sign_in(config: &Config, exchange: &mut Exchange, state: &mut State, session: &Session) {
    if state.session(exchange).is_none_or(|old| old.identity != session.identity) {
        exchange.regenerate_csrf(config);
    }
    exchange.set.push(cookies::session(config, &session.token));
    state.sessions.insert(session.id, session.clone());
}

pub fn go_on_to(url: &str) -> Value {
    json!([{ "action": "redirect_browser_to", "redirect_browser_to": url }])
}
