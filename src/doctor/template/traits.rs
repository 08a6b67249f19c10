//! Whose traits a template is tried on.

use serde_json::Value;

use crate::doctor::made_up::{Extent, Person};

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
    let ada = Person {
        email: "ada@example.org".to_owned(),
        tel: "+4915112345678".to_owned(),
        name: "Ada".to_owned(),
        url: "https://example.org/ada".to_owned(),
    };
    let made = |extent| Traits(ada.traits(schema, extent));
    (made(Extent::Everything), made(Extent::Required))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
