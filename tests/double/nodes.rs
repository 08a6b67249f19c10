//! The parts of a form.

use serde_json::{Value, json};

use super::config::Version;
use super::messages::Message;
use super::random;

/// An input that is being put together.
pub struct Input(Value);

impl Input {
    pub fn new(group: &str, name: &str, kind: &str) -> Input {
        Input(json!({
            "type": "input",
            "group": group,
            "attributes": { "name": name, "type": kind, "disabled": false, "node_type": "input" },
            "messages": [],
            "meta": {},
        }))
    }

    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Input {
        self.0["attributes"][name] = value.into();
        self
    }

    pub fn value(self, value: impl Into<Value>) -> Input {
        self.attribute("value", value)
    }

    pub fn required(self) -> Input {
        self.attribute("required", true)
    }

    pub fn autocomplete(self, what: &str) -> Input {
        self.attribute("autocomplete", what)
    }

    /// What Kratos's own script does at a click.
    pub fn onclick(self, function: &str, argument: &str) -> Input {
        self.attribute("onclick", format!("window.{function}({argument})"))
            .attribute("onclickTrigger", function)
    }

    pub fn label(mut self, id: u64, text: &str) -> Input {
        self.0["meta"]["label"] = json!({ "id": id, "text": text, "type": "info" });
        self
    }

    pub fn labelled_with(mut self, id: u64, text: &str, context: Value) -> Input {
        self.0["meta"]["label"] = json!({ "id": id, "text": text, "type": "info", "context": context });
        self
    }

    pub fn node(self) -> Value {
        self.0
    }
}

pub fn csrf_token(token: String) -> Value {
    Input::new("default", "csrf_token", "hidden").value(token).required().node()
}

pub fn submit(group: &str, name: &str, value: &str, label: u64, text: &str) -> Value {
    Input::new(group, name, "submit").value(value).label(label, text).node()
}

/// Of the identity schema, empty or with what is known.
pub fn traits(group: &str, traits: &Value) -> Vec<Value> {
    let with = |input: Input, value: &Value| if value.is_null() { input } else { input.value(value.clone()) };
    let field = |name: &str, kind: &str, title: &str| {
        let context = json!({ "name": name, "title": title });
        Input::new(group, name, kind).labelled_with(1_070_002, title, context)
    };
    let email = field("traits.email", "email", "E-Mail").required().autocomplete("email");
    let first = field("traits.name.first", "text", "First name");
    let last = field("traits.name.last", "text", "Last name");
    vec![
        with(email, &traits["email"]).node(),
        with(first, &traits["name"]["first"]).node(),
        with(last, &traits["name"]["last"]).node(),
    ]
}

pub fn password(autocomplete: &str) -> Value {
    Input::new("password", "password", "password")
        .required()
        .autocomplete(autocomplete)
        .label(1_070_001, "Password")
        .node()
}

/// Kratos's own script. The double does not serve it: pages that need it take Kratos's.
pub fn webauthn_script(src: String) -> Value {
    json!({
        "type": "script",
        "group": "webauthn",
        "attributes": {
            "src": src,
            "async": true,
            "referrerpolicy": "no-referrer",
            "crossorigin": "anonymous",
            "integrity": "sha512-Dg0gN3fy+JoKxRp9Zda/4KYn3SlMdaKjs3fK5g6nDVQ/CVakD1dfMQyvRtJeiAtzSMEFviJbBLcVSrsBPGsFBA==",
            "type": "text/javascript",
            "id": "webauthn_script",
            "nonce": random::id(),
            "node_type": "script",
        },
        "messages": [],
        "meta": {},
    })
}

/// v1.3.1 puts passkeys first in settings, and the fields of a registration last in its second step; its labels do not
/// name the field.
pub fn as_in(version: Version, flow: &str, nodes: &mut [Value]) {
    if version != Version::V1_3_1 {
        return;
    }
    for node in nodes.iter_mut() {
        if let Some(context) = node.pointer_mut("/meta/label/context").and_then(Value::as_object_mut) {
            context.remove("name");
        }
    }
    let second_step = nodes.iter().any(|node| name(node) == "screen");
    nodes.sort_by_key(|node| {
        let is = |group: &str| node["group"] == json!(group);
        match (flow, name(node)) {
            ("settings", "passkey_register_trigger") => 0,
            ("settings", "passkey_settings_register") => 1,
            ("settings", "passkey_remove") => 2,
            ("settings", "passkey_create_data") => 3,
            ("registration", "passkey_register_trigger") => 10,
            ("registration", "csrf_token") => {
                if second_step {
                    31
                } else {
                    11
                }
            }
            ("registration", _) if is("default") => {
                if second_step {
                    30
                } else {
                    10
                }
            }
            ("registration", "passkey_register") => 11,
            ("registration", "passkey_create_data") => 12,
            ("registration", _) if is("webauthn") => 9,
            ("registration", _) => 20,
            _ => 29,
        }
    });
}

pub fn name(node: &Value) -> &str {
    node["attributes"]["name"].as_str().unwrap_or_default()
}

/// What is wrong with a field stands beside it, the rest above the form.
///
/// A field that is not in the form is put there, as a plain text: Kratos does that to the password of a registration in
/// one step.
pub fn tell(nodes: &mut Vec<Value>, messages: &mut Vec<Value>, message: &Message) {
    let Some(field) = message.field else { return messages.push(message.body()) };
    if !nodes.iter().any(|node| name(node) == field) {
        let after =
            nodes.iter().position(|node| name(node) == "traits.email").map_or(nodes.len(), |place| place + 1);
        nodes.insert(after, Input::new("default", field, "text").node());
    }
    for node in nodes.iter_mut().filter(|node| name(node) == field).take(1) {
        node["messages"].as_array_mut().unwrap().push(message.body());
    }
}

/// The form shows again what was typed.
pub fn fill_in(nodes: &mut [Value], traits: &Value) {
    for (field, value) in [
        ("traits.email", &traits["email"]),
        ("traits.name.first", &traits["name"]["first"]),
        ("traits.name.last", &traits["name"]["last"]),
    ] {
        for node in nodes.iter_mut().filter(|node| name(node) == field) {
            let attributes = node["attributes"].as_object_mut().unwrap();
            attributes.remove("value");
            if !value.is_null() {
                attributes.insert("value".into(), value.clone());
            }
        }
    }
}

/// Before a form is judged anew.
pub fn forget_messages(nodes: &mut [Value], messages: &mut Vec<Value>) {
    messages.clear();
    for node in nodes {
        node["messages"] = json!([]);
    }
}
