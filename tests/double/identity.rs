//! A person and what they can sign in with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::config::{Config, Methods, WebAuthn};
use super::credential::Key;
use super::messages::Message;
use super::{clock, random};

pub const SCHEMA: &str = "person";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    pub id: Uuid,
    #[serde(default)]
    pub credentials: BTreeMap<String, Credential>,
    pub schema_id: String,
    #[serde(default)]
    pub schema_url: String,
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_changed_at: Option<String>,
    pub traits: Value,
    #[serde(default)]
    pub verifiable_addresses: Vec<Value>,
    #[serde(default)]
    pub recovery_addresses: Vec<Value>,
    #[serde(default)]
    pub metadata_public: Value,
    #[serde(default)]
    pub metadata_admin: Value,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub organization_id: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub identifiers: Vec<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub config: Value,
    #[serde(default)]
    pub version: u64,
    #[serde(default = "never")]
    pub created_at: String,
    #[serde(default = "never")]
    pub updated_at: String,
}

/// The zero time of Go: what a credential handed in by JSON Patch shows in the answer to it.
pub fn never() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

impl Credential {
    pub fn new(kind: &str, identifiers: Vec<String>, config: Value, version: u64) -> Credential {
        let now = clock::stored();
        let created_at = now.clone();
        Credential { kind: kind.to_owned(), identifiers, config, version, created_at, updated_at: now }
    }

    pub fn keys(&self) -> Vec<Key> {
        serde_json::from_value(self.config["credentials"].clone()).unwrap_or_default()
    }

    pub fn user_handle(&self) -> Option<Vec<u8>> {
        self.config["user_handle"].as_str().and_then(random::from_base64)
    }
}

impl Identity {
    pub fn new(config: &Config, traits: Value) -> Identity {
        let now = clock::stored();
        let mut identity = Identity {
            id: random::id(),
            credentials: BTreeMap::new(),
            schema_id: SCHEMA.to_owned(),
            schema_url: config.public(&format!("schemas/{}", random::base64_url(SCHEMA.as_bytes()))),
            state: "active".to_owned(),
            state_changed_at: Some(clock::now().to_string()),
            traits,
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            metadata_public: Value::Null,
            metadata_admin: Value::Null,
            created_at: now.clone(),
            updated_at: now,
            organization_id: Value::Null,
        };
        identity.follow_traits();
        identity
    }

    pub fn email(&self) -> String {
        self.traits["email"].as_str().unwrap_or_default().to_lowercase()
    }

    /// Addresses and identifiers are made of the traits, as `identity.schema.json` says.
    pub fn follow_traits(&mut self) {
        let (email, now) = (self.email(), clock::stored());
        if self.verifiable_addresses.first().is_none_or(|address| address["value"] != json!(email)) {
            self.verifiable_addresses = vec![json!({
                "id": random::id(), "value": email, "verified": false, "via": "email", "status": "pending",
                "created_at": now, "updated_at": now,
            })];
            self.recovery_addresses = vec![json!({
                "id": random::id(), "value": email, "via": "email", "created_at": now, "updated_at": now,
            })];
        }
        let handle = json!({ "user_handle": random::base64(self.id.as_bytes()) });
        for (kind, config, version) in [
            ("code", json!({ "addresses": [{ "address": email, "channel": "email" }] }), 1),
            ("password", Value::Null, 0),
            ("webauthn", handle, 1),
        ] {
            let made = || Credential::new(kind, Vec::new(), config, version);
            let credential = self.credentials.entry(kind.to_owned()).or_insert_with(made);
            if credential.identifiers != [email.clone()] {
                credential.identifiers = vec![email.clone()];
                credential.updated_at = clock::stored();
            }
        }
    }

    pub fn set_password(&mut self, password: &str) {
        let credential = self.credentials.get_mut("password").unwrap();
        let salt = random::alphanumeric(16);
        credential.config = json!({ "hashed_password": format!("{salt}${}", hash(&salt, password)) });
        credential.updated_at = clock::stored();
    }

    pub fn has_password(&self, password: &str) -> bool {
        let stored = self
            .credentials
            .get("password")
            .and_then(|credential| credential.config["hashed_password"].as_str());
        stored
            .and_then(|stored| stored.split_once('$'))
            .is_some_and(|(salt, hashed)| hash(salt, password) == hashed)
    }

    /// In base32.
    pub fn totp_secret(&self) -> Option<String> {
        let url = self.credentials.get("totp")?.config["totp_url"].as_str()?;
        Some(url.split_once("secret=")?.1.split('&').next()?.to_owned())
    }

    pub fn keys(&self, kind: &str) -> Vec<Key> {
        self.credentials.get(kind).map(Credential::keys).unwrap_or_default()
    }

    /// Ways to sign in, as Kratos counts them.
    pub fn first_factors(&self, methods: &Methods) -> usize {
        let password =
            self.credentials.get("password").is_some_and(|credential| !credential.config.is_null());
        let security_keys = self.keys("webauthn").iter().filter(|key| key.is_passwordless).count();
        usize::from(methods.password && password)
            + usize::from(methods.code)
            + if methods.passkey { self.keys("passkey").len() } else { 0 }
            + if methods.webauthn == WebAuthn::Off { 0 } else { security_keys }
    }

    pub fn second_factors(&self, methods: &Methods) -> usize {
        let security_keys = self.keys("webauthn").iter().filter(|key| !key.is_passwordless).count();
        usize::from(methods.totp && self.credentials.contains_key("totp"))
            + if methods.webauthn == WebAuthn::Off { 0 } else { security_keys }
    }

    /// As people see themselves.
    pub fn public(&self) -> Value {
        let mut view = serde_json::to_value(self).unwrap();
        let view_of = view.as_object_mut().unwrap();
        view_of.remove("credentials");
        view_of.remove("metadata_admin");
        view
    }

    /// As the admin API shows them: the configuration of a credential only where it was asked for.
    pub fn admin(&self, include: &[String]) -> Value {
        let mut view = serde_json::to_value(self).unwrap();
        for (kind, credential) in view["credentials"].as_object_mut().unwrap() {
            if !include.contains(kind) {
                credential.as_object_mut().unwrap().remove("config");
            }
        }
        view
    }
}

fn hash(salt: &str, password: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(format!("{salt}{password}")))
}

/// What `identity.schema.json` asks of the traits.
pub fn check_traits(traits: &Value) -> Result<(), Message> {
    let email = traits["email"].as_str().ok_or_else(|| Message::required("traits.email"))?;
    if email.is_empty() {
        return Err(Message::empty("traits.email", 3));
    }
    let valid = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !email.contains(char::is_whitespace)
            && !domain.contains('@')
    });
    if valid { Ok(()) } else { Err(Message::not_an_address(email)) }
}

/// Only what the schema knows, and no empty names.
pub fn traits_of(submitted: &Value) -> Value {
    let mut traits = json!({ "name": {} });
    if let Some(email) = submitted["email"].as_str() {
        traits["email"] = json!(email.trim());
    }
    for part in ["first", "last"] {
        if let Some(name) = submitted["name"][part].as_str().filter(|name| !name.is_empty()) {
            traits["name"][part] = json!(name);
        }
    }
    traits
}
