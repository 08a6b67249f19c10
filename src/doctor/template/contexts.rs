//! What Kratos hands to a template (`ctx`): of every flow and method, shortened from recordings of v26.2.0.

use serde_json::{Value, json};

use super::traits::Traits;
use crate::onboarding::HookKind;

/// In the place of what must not travel; a body that holds one sends it.
pub const COOKIE: &str = "DOCTOR-COOKIE-";
pub const HEADER: &str = "DOCTOR-HEADER-";
pub const CSRF: &str = "DOCTOR-CSRF";
pub const DEVICE: &str = "DOCTOR-DEVICE";

/// One `ctx`, and whose it is.
#[derive(Debug, Clone)]
pub struct Context {
    /// `a registration by password in a native app`.
    pub name: String,
    pub value: Value,
}

const REGISTRATION: [(&str, &str); 5] = [
    ("password", include_str!("contexts/registration-password.json")),
    ("code", include_str!("contexts/registration-code.json")),
    ("oidc", include_str!("contexts/registration-oidc.json")),
    ("passkey", include_str!("contexts/registration-passkey.json")),
    ("webauthn", include_str!("contexts/registration-webauthn.json")),
];
const LOGIN: [(&str, &str); 3] = [
    ("password", include_str!("contexts/login-password.json")),
    ("code", include_str!("contexts/login-code.json")),
    ("passkey", include_str!("contexts/login-passkey.json")),
];
const SETTINGS: [(&str, &str); 3] = [
    ("passkey", include_str!("contexts/settings-passkey.json")),
    ("webauthn", include_str!("contexts/settings-webauthn.json")),
    ("profile", include_str!("contexts/settings-profile.json")),
];
const REGISTRATION_APP: &str = include_str!("contexts/registration-password-app.json");
const SETTINGS_APP: &str = include_str!("contexts/settings-password-app.json");

/// Every context that a hook of this flow and method may meet, in a browser and in a native app.
pub fn contexts(flow: HookKind, method: &str, traits: &Traits) -> Vec<Context> {
    let named = |how: &str| match flow {
        HookKind::Registration => format!("a registration by {method}{how}"),
        HookKind::Login => format!("a login by {method}{how}"),
        HookKind::Settings => format!("a change of {method} in the settings{how}"),
    };
    let mut found = Vec::new();
    let mut add = |text: &str, how: &str, adapt: &dyn Fn(&mut Value)| {
        // A recording that is part of this program is JSON; a test reads every one.
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return };
        adapt(&mut value);
        traits.put_into(&mut value);
        found.push(Context { name: named(how), value });
    };
    let recorded =
        |list: &[(&str, &'static str)]| list.iter().find(|(name, _)| *name == method).map(|(_, text)| *text);
    match flow {
        HookKind::Registration => {
            add(recorded(&REGISTRATION).unwrap_or(REGISTRATION[0].1), "", &|_| {});
            if matches!(method, "password" | "code") {
                add(REGISTRATION_APP, " in a native app", &|ctx| {
                    if method == "code" {
                        set(ctx, "/flow", "active", json!("code"));
                    }
                });
            }
        }
        HookKind::Login => match recorded(&LOGIN) {
            Some(text) => add(text, "", &|_| {}),
            // Of the others there is no recording: they differ in the method that is named.
            None => add(LOGIN[0].1, "", &|ctx| {
                set(ctx, "/flow", "active", json!(method));
                let second = matches!(method, "totp" | "lookup_secret");
                let used = json!({ "method": method, "aal": if second { "aal2" } else { "aal1" },
                    "completed_at": "2026-11-22T04:34:48.128482421Z" });
                set(ctx, "/session", "authentication_methods", json!([used]));
            }),
        },
        HookKind::Settings => {
            add(recorded(&SETTINGS).unwrap_or(SETTINGS[2].1), "", &|_| {});
            add(SETTINGS_APP, " in a native app", &|_| {});
            // Kratos up to v1.3.1 leaves the session out.
            add(recorded(&SETTINGS).unwrap_or(SETTINGS[2].1), " without a session (Kratos v1.3.1)", &|ctx| {
                if let Some(ctx) = ctx.as_object_mut() {
                    ctx.remove("session");
                }
            });
        }
    }
    found
}

fn set(ctx: &mut Value, pointer: &str, key: &str, value: Value) {
    if let Some(object) = ctx.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.insert(key.to_owned(), value);
    }
}

/// The same, of somebody with large cookies, a payload from the page, and many buttons in the form; just small enough for
/// Kratos to hand it to a short template.
pub fn large(context: &Context) -> Context {
    let mut value = context.value.clone();
    let long = |length: usize| Value::from("x".repeat(length));
    set(&mut value, "/request_cookies", "large", long(7_000));
    set(&mut value, "/request_headers", "Referer", json!([long(2_000)]));
    set(&mut value, "/flow", "transient_payload", json!({ "from_the_page": long(8_000) }));
    if let Some(nodes) = value.pointer_mut("/flow/ui/nodes").and_then(Value::as_array_mut) {
        for index in 0..60 {
            nodes.push(json!({
                "type": "input", "group": "passkey", "messages": [],
                "attributes": { "type": "submit", "name": "passkey_remove", "value": format!("{index:064x}"),
                    "disabled": false, "node_type": "input" },
                "meta": { "label": { "id": 1050020, "text": "Remove passkey \"unnamed\"", "type": "info",
                    "context": { "added_at": "2026-11-22T04:34:48.128Z", "added_at_unix": 1_795_322_088, "display_name": "unnamed" } } },
            }));
        }
    }
    Context { name: format!("{} with much in it", context.name), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::hook::{LOGIN_METHODS, REGISTRATION_METHODS, SETTINGS_METHODS};

    #[test]
    fn every_flow_and_method_has_contexts_with_an_identity() {
        for (flow, methods) in [
            (HookKind::Registration, &REGISTRATION_METHODS[..]),
            (HookKind::Login, &LOGIN_METHODS),
            (HookKind::Settings, &SETTINGS_METHODS),
        ] {
            for method in methods {
                let found = contexts(flow, method, &Traits::unknown());
                assert!(!found.is_empty());
                for context in found {
                    assert!(context.value["identity"]["id"].is_string(), "{}", context.name);
                    assert!(context.value["identity"]["traits"]["email"].is_string(), "{}", context.name);
                    let large = large(&context).value.to_string();
                    assert!((20_000..62_000).contains(&large.len()), "{}: {}", context.name, large.len());
                }
            }
        }
    }

    #[test]
    fn what_must_not_travel_is_marked() {
        let context = &contexts(HookKind::Settings, "passkey", &Traits::unknown())[0];
        let text = context.value.to_string();
        for mark in [COOKIE, HEADER, CSRF, DEVICE] {
            assert!(text.contains(mark), "{mark}");
        }
    }
}
