//! What is kept of JSON that was put aside: named fields only, each only in the form it should have.
//!
//! The result is a body of our own template's shape, so it can be read again; what stood in the place of an id and
//! is none is told by its type and size. Traits, identifiers, cookies and headers are not among the fields.

use serde_json::{Map, Value, json};

use super::credentials::Left;
use super::hook::kind_from;
use super::payload::FLAT_IDS;
use super::told::Object;
use crate::onboarding::SchemaId;

const METHODS_MAX: usize = 32;

/// The allow-listed part of a body.
pub(super) fn allowed(body: &Value) -> Value {
    let Some(object) = Object::of(body) else { return describe(body) };
    let mut kept = Map::new();
    kept.insert("version".to_owned(), json!(1));
    let hook = object.text("hook").and_then(kind_from);
    put(&mut kept, "hook", hook.map(|hook| hook.as_str()));
    put(&mut kept, "method", object.method("method").map(|method| method.as_str()));
    for name in FLAT_IDS.into_iter().chain(["id"]) {
        put(&mut kept, name, object.get(name).map(id));
    }
    put(&mut kept, "flow", object.get("flow").map(|value| Object::of(value).map_or(describe(value), flow)));
    let identity = object.get("identity").map(|value| Object::of(value).map_or(describe(value), identity));
    put(&mut kept, "identity", identity);
    put(&mut kept, "session", object.object("session").map(session));
    let left = Left::of(object);
    put(&mut kept, "passkeys", left.passkeys);
    put(&mut kept, "security_keys", left.security_keys);
    Value::Object(kept)
}

fn put(kept: &mut Map<String, Value>, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
        kept.insert(name.to_owned(), value);
    }
}

fn flow(flow: Object<'_>) -> Value {
    let mut kept = Map::new();
    put(&mut kept, "id", flow.get("id").map(id));
    put(&mut kept, "type", flow.text("type").filter(|text| matches!(*text, "browser" | "api")));
    put(&mut kept, "active", flow.method("active").map(|method| method.as_str()));
    put(&mut kept, "issued_at", flow.time("issued_at"));
    Value::Object(kept)
}

fn identity(identity: Object<'_>) -> Value {
    let mut kept = Map::new();
    put(&mut kept, "id", identity.get("id").map(id));
    put(&mut kept, "schema_id", identity.parsed::<SchemaId>("schema_id"));
    put(&mut kept, "state", identity.state("state"));
    put(&mut kept, "created_at", identity.time("created_at"));
    put(&mut kept, "updated_at", identity.time("updated_at"));
    Value::Object(kept)
}

fn session(session: Object<'_>) -> Value {
    let entries = session.list("authentication_methods").unwrap_or_default().iter().filter_map(Object::of);
    let methods = entries.take(METHODS_MAX).map(|entry| {
        let mut kept = Map::new();
        put(&mut kept, "method", entry.method("method").map(|method| method.as_str()));
        put(&mut kept, "aal", entry.text("aal").filter(|aal| matches!(*aal, "aal1" | "aal2" | "aal3")));
        put(&mut kept, "completed_at", entry.time("completed_at"));
        Value::Object(kept)
    });
    json!({ "authentication_methods": methods.collect::<Vec<_>>() })
}

/// In the place of an id people send e-mail addresses and phone numbers: only what looks like a UUID is kept.
fn id(value: &Value) -> Value {
    let text = value.as_str().filter(|text| {
        matches!(text.len(), 32 | 36) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    });
    text.map_or_else(|| describe(value), Value::from)
}

fn describe(value: &Value) -> Value {
    Value::from(match value {
        Value::Null => "[null]".to_owned(),
        Value::Bool(_) => "[boolean]".to_owned(),
        Value::Number(_) => "[number]".to_owned(),
        Value::String(text) => format!("[string of {} bytes]", text.len()),
        Value::Array(_) => "[array]".to_owned(),
        Value::Object(_) => "[object]".to_owned(),
    })
}
