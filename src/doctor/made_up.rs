//! Traits of a made-up person, as an identity schema would have them.

use serde_json::{Map, Value, json};

/// Deeper schemas are cut off.
const DEPTH_MAX: usize = 8;
/// Items of a list, and characters that a text is made longer by.
const PADDING_MAX: u64 = 64;

/// What is put in where a trait says who somebody is.
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
    pub tel: String,
    /// For what is no address.
    pub name: String,
    pub url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Whatever the schema names.
    Everything,
    /// What it asks for, and nothing else.
    Required,
    /// What it asks for, and what one signs in with.
    Identified,
}

impl Person {
    /// `None`: the schema says nothing of traits. `$ref` and `pattern` are not followed.
    pub fn traits(&self, schema: &Value, extent: Extent) -> Option<Value> {
        Some(self.sample(schema.pointer("/properties/traits")?, extent, 0))
    }

    fn sample(&self, schema: &Value, extent: Extent, depth: usize) -> Value {
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
                let required = schema.get("required").and_then(Value::as_array);
                let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
                let properties = schema.get("properties").and_then(Value::as_object);
                let is_chosen = |name: &str, schema: &Value| match extent {
                    Extent::Everything => true,
                    Extent::Required => required.contains(&name),
                    Extent::Identified => required.contains(&name) || is_identifier(schema),
                };
                let chosen =
                    properties.into_iter().flatten().filter(|(name, schema)| is_chosen(name, schema));
                Value::Object(
                    chosen
                        .map(|(name, schema)| (name.clone(), self.sample(schema, extent, depth + 1)))
                        .collect(),
                )
            }
            Some("object") => Value::Object(Map::new()),
            Some("array") => {
                let item = schema.get("items").filter(|items| items.is_object() && depth < DEPTH_MAX);
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or_default();
                let count = least.min(PADDING_MAX).max(u64::from(extent == Extent::Everything));
                let item = item.map(|item| self.sample(item, extent, depth + 1));
                item.map_or(json!([]), |item| (0..count).map(|_| item.clone()).collect())
            }
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            _ => self.text(schema),
        }
    }

    fn text(&self, schema: &Value) -> Value {
        let format = schema.get("format").and_then(Value::as_str);
        match (format, via(schema)) {
            (Some("email"), _) | (None, Some("email")) => json!(self.email),
            (Some("tel"), _) | (None, Some("sms")) => json!(self.tel),
            (Some("uri"), _) => json!(self.url),
            (Some("date"), _) => json!("1990-12-10"),
            (Some("date-time"), _) => json!("1990-12-10T00:00:00Z"),
            // Whoever wrote the pattern may have written down what it takes.
            _ if schema.get("pattern").is_some() => {
                let first = schema.get("examples").and_then(|examples| examples.get(0));
                let known = first.or(schema.get("default")).filter(|known| known.is_string());
                known.cloned().unwrap_or_else(|| json!(self.name))
            }
            _ => json!(fitting(&self.name, schema)),
        }
    }
}

/// No shorter and no longer than the schema allows.
fn fitting(name: &str, schema: &Value) -> String {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    let least = usize::try_from(limit("minLength").unwrap_or_default().min(PADDING_MAX)).unwrap_or_default();
    let most = limit("maxLength").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    // The end is what tells made-up people apart.
    let dropped = name.chars().count().saturating_sub(most);
    let kept: String = name.chars().skip(dropped).collect();
    let padding = least.saturating_sub(kept.chars().count());
    format!("{kept}{}", "a".repeat(padding))
}

fn marks(schema: &Value) -> impl Iterator<Item = &Value> {
    let ory = schema.get("ory.sh/kratos");
    let credentials = ory.and_then(|ory| ory.get("credentials")?.as_object());
    let ways = ["verification", "recovery"].into_iter().filter_map(move |way| ory?.get(way));
    credentials.into_iter().flat_map(Map::values).chain(ways)
}

/// How somebody is reached by it: `email`, `sms`.
fn via(schema: &Value) -> Option<&str> {
    marks(schema).find_map(|mark| mark.get("via")?.as_str())
}

fn is_identifier(schema: &Value) -> bool {
    marks(schema).any(|mark| mark.get("identifier") == Some(&json!(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person {
            email: "a@doctor.invalid".to_owned(),
            tel: "+12025550100".to_owned(),
            name: "doctor-1".to_owned(),
            url: "https://doctor.invalid/".to_owned(),
        }
    }

    fn made(traits: &Value, extent: Extent) -> Value {
        person().traits(&json!({ "properties": { "traits": traits } }), extent).unwrap()
    }

    #[test]
    fn what_one_signs_in_with_is_there_also_where_it_need_not_be() {
        let identifier = json!({ "credentials": { "password": { "identifier": true } } });
        let traits = json!({ "type": "object", "required": ["plan"], "properties": {
            "user": { "type": "string", "ory.sh/kratos": identifier },
            "mail": { "type": "string", "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "email" } } } },
            "phone": { "type": "string", "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "sms" } } } },
            "plan": { "enum": ["free"] },
            "motto": { "type": "string" },
        } });
        let identified = json!({ "user": "doctor-1", "mail": "a@doctor.invalid", "phone": "+12025550100", "plan": "free" });
        assert_eq!(made(&traits, Extent::Identified), identified);
        assert_eq!(made(&traits, Extent::Required), json!({ "plan": "free" }));
        assert_eq!(made(&traits, Extent::Everything)["motto"], "doctor-1");
    }

    #[test]
    fn lengths_are_kept() {
        let traits = json!({ "required": ["short", "long", "list"], "properties": {
            "short": { "type": "string", "maxLength": 3 },
            "long": { "type": "string", "minLength": 12 },
            "list": { "type": "array", "minItems": 2, "items": { "type": "integer", "minimum": 7 } },
            "code": { "type": "string", "pattern": "^[A-Z]{2}$", "examples": ["DE"] },
        } });
        let all = json!({ "short": "r-1", "long": "doctor-1aaaa", "list": [7, 7], "code": "DE" });
        assert_eq!(made(&traits, Extent::Everything), all);
    }
}
