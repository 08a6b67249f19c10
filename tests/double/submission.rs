//! What a form or a script submits: `traits.name.first` and `{traits: {name: {first}}}` are the same.

use serde_json::{Map, Value, json};

pub fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).ok().filter(Value::is_object).map_or_else(|| json!({}), nested)
}

pub fn form(body: &[u8]) -> Value {
    let mut all = json!({});
    for (name, value) in url::form_urlencoded::parse(body) {
        put(&mut all, &name, json!(value));
    }
    all
}

fn nested(flat: Value) -> Value {
    let Value::Object(flat) = flat else { return flat };
    let mut all = json!({});
    for (name, value) in flat {
        put(&mut all, &name, value);
    }
    all
}

fn put(all: &mut Value, name: &str, value: Value) {
    let mut place = all;
    for part in name.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = place.as_object_mut().unwrap().entry(part).or_insert(Value::Null);
    }
    *place = value;
}
