//! The Kratos configuration we hand out: the templates on every context a real Kratos was recorded with,
//! and `kratos.yml` against the rules that a deployment breaks first.

mod contexts;
mod examples;
mod templates;
mod yml;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

const FLOWS: [&str; 3] = ["registration", "settings", "login"];

/// Kratos reads template and context through a buffer of this size, and we accept no longer body.
const LIMIT: usize = 64 * 1024;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn template_source(flow: &str) -> String {
    fs::read_to_string(root().join(format!("kratos-config/hooks/{flow}.jsonnet"))).unwrap()
}

fn assert_keys(object: &Value, expected: &[&str], what: &str) {
    let Value::Object(map) = object else { panic!("{what}: {object} is no object") };
    let keys: BTreeSet<_> = map.keys().map(String::as_str).collect();
    assert_eq!(keys, expected.iter().copied().collect(), "{what}");
}

/// All texts in a value, at any depth.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
