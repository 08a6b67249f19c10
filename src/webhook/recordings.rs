//! The recorded hooks of `tests/fixtures/kratos`, for the tests of this folder.

use std::fs;
use std::path::Path;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::authenticate::Sender;
use super::hook::Hook;
use super::payload::{Delivery, Heard};
use crate::onboarding::{EventId, PiiKey, PiiKeys};

/// One attempt, as Kratos sent it.
#[derive(Debug, Deserialize)]
pub(super) struct Attempt {
    pub(super) headers: std::collections::BTreeMap<String, String>,
    pub(super) body: String,
}

pub(super) struct Recorded {
    /// `v26.2.0__registration-password.ctx`
    pub(super) name: String,
    pub(super) hook: Hook,
    pub(super) attempts: Vec<Attempt>,
}

impl Recorded {
    pub(super) fn is_parse_true(&self) -> bool {
        self.name.ends_with(".parse-true")
    }

    pub(super) fn body(&self) -> &str {
        &self.attempts[0].body
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap()
    }
}

impl Attempt {
    pub(super) fn headers(&self) -> HeaderMap {
        let pairs = self.headers.iter();
        let pairs = pairs.map(|(name, value)| {
            (HeaderName::try_from(name.as_str()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    pub(super) fn heard(&self, hook: Hook) -> Heard {
        let delivery = Delivery::parse(hook, self.body.as_bytes(), &keys());
        let named = delivery.map(|delivery| delivery.named()).unwrap_or_default();
        let dedupe = super::dedupe::key(hook, &self.headers(), &Sender::Key, named, self.body.as_bytes());
        Heard { dedupe, ..heard() }
    }
}

pub(super) fn keys() -> PiiKeys {
    PiiKeys::new(PiiKey::new(vec![7; 32]).unwrap(), vec![])
}

pub(super) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(super) fn heard() -> Heard {
    Heard { id: EventId(Uuid::from_u128(1)), at: now(), dedupe: crate::onboarding::DedupeKey([0; 32]) }
}

/// Every recorded hook of every version, by name.
pub(super) fn all() -> Vec<Recorded> {
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos");
    let mut all = Vec::new();
    for version in fs::read_dir(versions).unwrap() {
        let version = version.unwrap();
        for file in fs::read_dir(version.path().join("hooks")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap().replace(".json", "");
            let recorded: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
            let attempts = if recorded.is_array() { recorded } else { Value::Array(vec![recorded]) };
            let hook = match name.split('.').next().unwrap() {
                "retries" => Hook::from_path("registration", "password"),
                address => address.split_once('-').and_then(|(kind, method)| Hook::from_path(kind, method)),
            };
            all.push(Recorded {
                name: format!("{}__{name}", version.file_name().into_string().unwrap()),
                hook: hook.unwrap(),
                attempts: serde_json::from_value(attempts).unwrap(),
            });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
