//! Traits of a made-up person, as an identity schema would have them.

use serde_json::{Map, Value, json};

/// Deeper schemas are cut off.
const DEPTH_MAX: usize = 8;

/// What to put in the place of the recorded traits.
#[derive(Debug, Clone)]
pub struct Traits(Option<Value>);

impl Traits {
    /// The recorded ones stay: an e-mail address, and for some a name.
    pub fn unknown() -> Traits {
        Traits(None)
    }

    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn put_into(&self, ctx: &mut Value) {
        let Some(traits) = &self.0 else { return };
        for pointer in ["/identity", "/session/identity", "/flow/identity"] {
            if let Some(identity) = ctx.pointer_mut(pointer).and_then(Value::as_object_mut) {
                identity.insert("traits".to_owned(), traits.clone());
            }
        }
    }
}

/// Everybody's traits, and those of somebody who gave only what is required.
pub fn of_schema(schema: &Value) -> (Traits, Traits) {
    let Some(traits) = schema.pointer("/properties/traits") else { return (Traits(None), Traits(None)) };
    (Traits(Some(sample(traits, true, 0))), Traits(Some(sample(traits, false, 0))))
}

fn sample(schema: &Value, all: bool, depth: usize) -> Value {
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None if schema.get("properties").is_some() => Some("object"),
        None => Some("string"),
    };
    match kind {
        Some("object") if depth < DEPTH_MAX => {
            let required: Vec<&str> = schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let properties = schema.get("properties").and_then(Value::as_object);
            let chosen =
                properties.into_iter().flatten().filter(|(name, _)| all || required.contains(&name.as_str()));
            Value::Object(
                chosen.map(|(name, schema)| (name.clone(), sample(schema, all, depth + 1))).collect(),
            )
        }
        Some("object") => Value::Object(Map::new()),
        Some("array") if all => {
            let item = schema.get("items").filter(|items| items.is_object() && depth < DEPTH_MAX);
            item.map_or(json!([]), |item| json!([sample(item, all, depth + 1)]))
        }
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        _ => text(schema),
    }
}

fn text(schema: &Value) -> Value {
    Value::from(match schema.get("format").and_then(Value::as_str) {
        Some("email") => "ada@example.org",
        Some("tel") => "+4915112345678",
        Some("uri") => "https://example.org/ada",
        Some("date") => "1990-12-10",
        Some("date-time") => "1990-12-10T00:00:00Z",
        _ => "Ada",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_made_of_a_schema() {
        let schema = json!({ "properties": { "traits": { "type": "object", "required": ["email"], "properties": {
            "email": { "type": "string", "format": "email" },
            "name": { "type": "object", "properties": { "first": { "type": "string" } } },
            "age": { "type": ["integer", "null"] },
            "plan": { "enum": ["free", "paid"] },
            "tags": { "type": "array", "items": { "type": "string" } },
        } } } });
        let (all, required) = of_schema(&schema);
        let expected = json!({ "email": "ada@example.org", "name": { "first": "Ada" }, "age": 1, "plan": "free", "tags": ["Ada"] });
        assert_eq!(all.0.unwrap(), expected);
        assert_eq!(required.0.unwrap(), json!({ "email": "ada@example.org" }));
        assert!(!of_schema(&json!({})).0.is_known());
    }
}
