//! A form on its way, of one of the three kinds.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ceremony::Begun;
use super::config::Config;
use super::csrf::Secret;
use super::exchange::Exchange;
use super::identity::Identity;
use super::messages::Message;
use super::refusal::Refusal;
use super::session::Aal;
use super::state::State;
use super::{clock, nodes, random, return_to};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Registration,
    Login {
        refresh: bool,
        aal: Aal,
    },
    /// Whose it is.
    Settings(Uuid),
}

#[derive(Debug, Clone)]
pub struct Flow {
    pub id: Uuid,
    pub kind: Kind,
    pub request_url: String,
    pub return_to: Option<String>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    created_at: String,
    /// Of the browser it was made for.
    pub csrf: Secret,
    pub nodes: Vec<Value>,
    pub messages: Vec<Value>,
    pub state: &'static str,
    pub active: Option<&'static str>,
    /// The answer that leads to the second step of a registration shows a bit more.
    pub second_step: bool,
    pub passkey: Option<Begun>,
    pub webauthn: Option<Begun>,
    /// Base32, of the authenticator app that may be added.
    pub totp_secret: Option<String>,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Registration => "registration",
            Kind::Login { .. } => "login",
            Kind::Settings(_) => "settings",
        }
    }
}

impl Flow {
    /// Without a form yet; a `return_to` that is not allowed is refused.
    pub fn new(config: &Config, exchange: &mut Exchange, kind: Kind) -> Result<Flow, Refusal> {
        let wanted = exchange.query("return_to");
        return_to::settle(config, wanted.as_deref(), &config.default_return_url)?;
        let now = clock::now();
        exchange.csrf_token(config);
        Ok(Flow {
            id: random::id(),
            kind,
            request_url: exchange.url.to_string(),
            return_to: wanted.filter(|wanted| !wanted.is_empty()),
            issued_at: now,
            expires_at: clock::after(now, config.flow_lifespan),
            created_at: clock::stored(),
            csrf: exchange.csrf.secret,
            nodes: Vec::new(),
            messages: Vec::new(),
            state: if matches!(kind, Kind::Settings(_)) { "show_form" } else { "choose_method" },
            active: None,
            second_step: false,
            passkey: None,
            webauthn: None,
            totp_secret: None,
        })
    }

    pub fn view(&self, config: &Config, identity: Option<&Identity>) -> Value {
        let name = self.kind.name();
        let mut ui = json!({
            "action": format!("{}?flow={}", config.public(&format!("self-service/{name}")), self.id),
            "method": "POST",
            "nodes": self.nodes,
        });
        if !self.messages.is_empty() {
            ui["messages"] = json!(self.messages);
        }
        let mut view = json!({
            "id": self.id,
            "type": "browser",
            "expires_at": self.expires_at.to_string(),
            "issued_at": self.issued_at.to_string(),
            "request_url": self.request_url,
            "ui": ui,
            "state": self.state,
        });
        if let Some(return_to) = &self.return_to {
            view["return_to"] = json!(return_to);
        }
        if let Some(active) = self.active {
            view["active"] = json!(active);
        }
        if self.second_step {
            view["transient_payload"] = json!({});
        }
        match self.kind {
            Kind::Registration => view["organization_id"] = Value::Null,
            Kind::Login { refresh, aal } => {
                view["organization_id"] = Value::Null;
                view["created_at"] = json!(self.created_at);
                view["updated_at"] = json!(self.created_at);
                view["refresh"] = json!(refresh);
                view["requested_aal"] = json!(aal.text());
            }
            Kind::Settings(_) => {
                view["identity"] = identity.map(Identity::public).unwrap_or_default();
            }
        }
        view
    }

    /// Of the UI, with this flow.
    pub fn page(&self, config: &Config) -> String {
        format!("{}?flow={}", config.page(self.kind.name()), self.id)
    }

    pub fn is_expired(&self) -> bool {
        self.expires_at < clock::now()
    }

    pub fn minutes_expired(&self) -> f64 {
        (clock::now() - self.expires_at).total(jiff::Unit::Minute).unwrap_or_default()
    }

    /// The messages of the last try are gone, this one is told, and the form has a fresh token.
    pub fn tell(&mut self, token: String, message: &Message) {
        nodes::forget_messages(&mut self.nodes, &mut self.messages);
        nodes::tell(&mut self.nodes, &mut self.messages, message);
        self.renew_token(token);
    }

    pub fn renew_token(&mut self, token: String) {
        for node in &mut self.nodes {
            if nodes::name(node) == "csrf_token" {
                node["attributes"]["value"] = json!(token);
            }
        }
    }
}

impl State {
    /// The flow an address names with `?flow=` or `?id=`, of one kind.
    pub fn flow(&self, exchange: &Exchange, parameter: &str, kind: &str) -> Option<Flow> {
        let id = Uuid::parse_str(&exchange.query(parameter)?).ok()?;
        self.flows.get(&id).filter(|flow| flow.kind.name() == kind).cloned()
    }

    /// A page reads a flow that is too old.
    pub fn gone(config: &Config, flow: &Flow) -> Refusal {
        let name = flow.kind.name();
        let init = config.public(&format!("self-service/{name}/browser"));
        let redirect_to = match &flow.return_to {
            Some(return_to) => return_to::with_query(&init, &[("return_to", return_to)]),
            None => init,
        };
        let reason = format!(
            "The {name} flow has expired. Redirect the user to the {name} flow init endpoint to initialize a new \
             {name} flow."
        );
        Refusal::flow_gone(&reason, &redirect_to)
    }
}
