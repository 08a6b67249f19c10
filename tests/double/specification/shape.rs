//! Whether an answer of the double has the shape of a recorded one: the same keys in the same places, the same types,
//! the same nodes in the same order with the same labels. Values that differ from one run to the next may differ.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Methods that the recorded Kratos had and the double does not.
const NOT_HERE: [&str; 3] = ["oidc", "lookup_secret", "code"];
/// Their values are the same in every Kratos.
const FIXED: [&str; 16] = [
    "action",
    "active",
    "code",
    "group",
    "method",
    "node_type",
    "onclickTrigger",
    "onloadTrigger",
    "reason",
    "required",
    "autocomplete",
    "state",
    "status",
    "message",
    "requested_aal",
    "via",
];

pub fn recorded(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos").join(path);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// `path` names a recording with a status and a body.
#[track_caller]
pub fn is_like(path: &str, status: u16, body: &Value) {
    let recording = recorded(path);
    if let Some(recorded) = recording["status"].as_u64() {
        assert_eq!(u64::from(status), recorded, "{path}: status");
    }
    compare(path, "", &normal(&recording["body"]), &normal(body));
}

/// Without what cannot be the same.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, value) in fields {
                let value = match key.as_str() {
                    "nodes" => nodes(value),
                    // Whatever people are called.
                    "traits" => json!({}),
                    "credentials" if value.is_object() => credentials(value),
                    // JSON in a text: options of WebAuthn.
                    "value" => value
                        .as_str()
                        .and_then(|text| serde_json::from_str(text).ok())
                        .unwrap_or(value.clone()),
                    _ => value.clone(),
                };
                kept.insert(key.clone(), normal(&value));
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        other => other.clone(),
    }
}

fn nodes(all: &Value) -> Value {
    let here = |node: &&Value| !NOT_HERE.iter().any(|group| node["group"] == json!(group));
    let nameless = |mut node: Value| {
        // Not everybody gave a name, and the recorded schema has no titles for it.
        if node["attributes"]["name"].as_str().is_some_and(|name| name.starts_with("traits.name")) {
            node["attributes"].as_object_mut().unwrap().remove("value");
            node["meta"] = json!({});
        }
        node
    };
    all.as_array().unwrap().iter().filter(here).cloned().map(nameless).collect()
}

fn credentials(all: &Value) -> Value {
    let here = |(kind, _): &(&String, &Value)| !["lookup_secret", "oidc"].contains(&kind.as_str());
    Value::Object(
        all.as_object().unwrap().iter().filter(here).map(|(kind, one)| (kind.clone(), one.clone())).collect(),
    )
}

#[track_caller]
fn compare(path: &str, place: &str, recorded: &Value, live: &Value) {
    match (recorded, live) {
        (Value::Object(recorded), Value::Object(live)) => {
            let keys = |fields: &Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(keys(recorded), keys(live), "{path}{place}: recorded and live");
            for (key, value) in recorded {
                compare(path, &format!("{place}/{key}"), value, &live[key]);
            }
        }
        (Value::Array(recorded), Value::Array(live)) => {
            // Lists of one kind of thing, but for forms, may be of any length.
            let ordered = place.ends_with("/nodes") || place.ends_with("/messages");
            if ordered {
                let names = |all: &[Value]| all.iter().map(summary).collect::<Vec<_>>();
                assert_eq!(names(recorded), names(live), "{path}{place}: recorded and live");
            }
            for (number, (recorded, live)) in recorded.iter().zip(live).enumerate() {
                compare(path, &format!("{place}/{number}"), recorded, live);
            }
        }
        _ => {
            let kind = |value: &Value| std::mem::discriminant(value);
            assert_eq!(kind(recorded), kind(live), "{path}{place}: {recorded} and {live}");
            let key = place.rsplit('/').next().unwrap_or_default();
            if FIXED.contains(&key) && !varies(recorded) {
                assert_eq!(recorded, live, "{path}{place}");
            }
        }
    }
}

/// Addresses and ids in the value.
fn varies(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("http"))
}

fn summary(node: &Value) -> Value {
    let attributes = &node["attributes"];
    json!([
        node["group"],
        attributes["name"],
        attributes["id"],
        attributes["type"],
        node["meta"]["label"]["id"],
        node["id"],
        node["text"],
    ])
}
