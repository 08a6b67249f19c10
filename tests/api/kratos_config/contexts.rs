//! The recorded contexts, and a template that can be evaluated on them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jrsonnet_evaluator::{EvaluationState, ManifestFormat, Val};
use serde_json::{Value, json};

use super::{FLOWS, root, template_source};

/// One template, parsed once, evaluated on any number of contexts.
pub struct Template {
    state: EvaluationState,
    function: Val,
}

impl Template {
    pub fn load(flow: &str) -> Self {
        let state = EvaluationState::default();
        state.with_stdlib();
        state.set_manifest_format(ManifestFormat::Json(0));
        let path = Path::new("template.jsonnet").into();
        let function = state.evaluate_snippet_raw(path, template_source(flow).into()).unwrap();
        Self { state, function }
    }

    pub fn evaluate(&self, ctx: &str) -> Result<Value, String> {
        let run = || {
            self.state.add_tla_code("ctx".into(), ctx.into())?;
            let value = self.state.with_tla(self.function.clone())?;
            self.state.manifest(value)
        };
        let text = run().map_err(|error| self.state.stringify_err(&error))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

pub struct Recording {
    pub version: String,
    pub name: String,
    pub ctx: String,
}

impl Recording {
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.ctx).unwrap()
    }

    /// `settings-passkey.ctx.1-passkeys-0-security-keys.json` is a settings hook.
    pub fn flow(&self) -> &str {
        // The recorded retries are of a registration.
        FLOWS.into_iter().find(|flow| self.name.starts_with(flow)).unwrap_or("registration")
    }

    /// The numbers in `.N-passkeys-M-security-keys`.
    pub fn left(&self) -> Option<(usize, usize)> {
        let (passkeys, rest) = self.name.split_once("-passkeys-")?;
        let (security_keys, _) = rest.split_once("-security-keys")?;
        Some((passkeys.rsplit_once('.')?.1.parse().ok()?, security_keys.parse().ok()?))
    }
}

/// Every recorded body made by `function(ctx) ctx`.
pub fn recordings() -> Vec<Recording> {
    let mut found = Vec::new();
    for version in fs::read_dir(root().join("tests/fixtures/kratos")).unwrap() {
        let version = version.unwrap();
        for file in fs::read_dir(version.path().join("hooks")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if !name.contains(".ctx.") {
                continue;
            }
            let recorded: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
            let attempts = recorded.as_array().cloned().unwrap_or_else(|| vec![recorded.clone()]);
            for attempt in attempts {
                found.push(Recording {
                    version: version.file_name().into_string().unwrap(),
                    name: name.clone(),
                    ctx: attempt["body"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
    found.sort_by(|left, right| (&left.version, &left.name).cmp(&(&right.version, &right.name)));
    let versions: BTreeSet<_> = found.iter().map(|recording| recording.version.as_str()).collect();
    assert_eq!(versions, BTreeSet::from(["main-2026-04", "v1.3.1", "v26.2.0"]));
    found
}

/// A context with every field the templates read, small enough to be broken in every place.
pub fn small_context() -> Value {
    let node = |name: &str, value: &str| json!({ "attributes": { "name": name, "value": value } });
    json!({
        "flow": {
            "id": "f", "type": "browser", "issued_at": "t", "active": "passkey", "refresh": true,
            "ui": { "nodes": [
                node("passkey_register_trigger", ""), node("passkey_remove", "aa"),
                node("webauthn_register_trigger", ""), node("webauthn_remove", "bb"),
                { "attributes": { "id": "webauthn_script", "node_type": "script" } },
            ] },
        },
        "identity": {
            "id": "i", "schema_id": "person", "state": "active", "created_at": "t", "updated_at": "t",
            "traits": { "email": "A@b.co", "phone": "+1" },
            "verifiable_addresses": [{ "via": "email", "value": "a@b.co" }],
            "recovery_addresses": [{ "via": "email", "value": "c@b.co" }],
        },
        "session": {
            "authenticated_at": "t",
            "authentication_methods": [{ "method": "password", "aal": "aal1", "completed_at": "t" }],
        },
    })
}

/// JSON pointers to everything below a value, itself included.
pub fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointers(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

pub fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(key)),
        Some(Value::Array(items)) => drop(items.remove(key.parse().unwrap())),
        other => panic!("{pointer}: {other:?}"),
    }
    value
}
