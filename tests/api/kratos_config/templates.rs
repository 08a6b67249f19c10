//! The templates make shape version 1 of whatever Kratos has, and let nothing else out.

use serde_json::{Value, json};

use super::contexts::{Template, pointers, recordings, small_context, without};
use super::{FLOWS, LIMIT, assert_keys, template_source, texts};

fn assert_text_or_null(object: &Value, keys: &[&str], what: &str) {
    for key in keys {
        let value = &object[*key];
        assert!(value.is_null() || value.is_string(), "{what}.{key}: {value}");
    }
}

/// Exactly the fields of shape version 1, at every level, and nothing but plain values in them.
fn assert_shape(flow: &str, out: &Value) {
    let top: &[&str] = match flow {
        "registration" => &["version", "hook", "method", "flow", "identity"],
        "login" => &["version", "hook", "method", "flow", "identity", "session"],
        _ => &["version", "hook", "method", "flow", "identity", "session", "passkeys", "security_keys"],
    };
    assert_keys(out, top, flow);
    assert_eq!(out["version"], json!(1));
    assert_eq!(out["hook"], json!(flow));
    assert_text_or_null(out, &["method"], flow);

    let texts = ["id", "type", "issued_at"];
    assert_text_or_null(&out["flow"], &texts, "flow");
    if flow == "login" {
        assert_keys(&out["flow"], &["id", "type", "issued_at", "refresh"], "flow");
        assert!(out["flow"]["refresh"].is_null() || out["flow"]["refresh"].is_boolean());
    } else {
        assert_keys(&out["flow"], &texts, "flow");
    }

    let texts = ["id", "schema_id", "state", "created_at", "updated_at"];
    assert_text_or_null(&out["identity"], &texts, "identity");
    assert_keys(&out["identity"], &[&texts[..], &["identifiers"]].concat(), "identity");
    for entry in out["identity"]["identifiers"].as_array().unwrap() {
        assert_keys(entry, &["via", "value"], "identifier");
        assert_text_or_null(entry, &["via"], "identifier");
        assert!(entry["value"].is_string());
    }

    if !out["session"].is_null() {
        assert_keys(&out["session"], &["authenticated_at", "authentication_methods"], "session");
        assert_text_or_null(&out["session"], &["authenticated_at"], "session");
        for entry in out["session"]["authentication_methods"].as_array().unwrap() {
            assert_keys(entry, &["method", "aal", "completed_at"], "authentication method");
            assert_text_or_null(entry, &["method", "aal", "completed_at"], "authentication method");
        }
    }
    for set in ["passkeys", "security_keys"] {
        if let Some(ids) = out[set].as_array() {
            assert!(ids.iter().all(Value::is_string), "{set}: {}", out[set]);
        } else {
            assert!(out[set].is_null(), "{set}: {}", out[set]);
        }
    }
}

/// What must never leave Kratos: cookies, headers, anti-forgery tokens, traits other than addresses.
fn private_texts(ctx: &Value) -> Vec<String> {
    let mut found: Vec<&str> = texts(&ctx["request_cookies"]);
    found.extend(texts(&ctx["request_headers"]));
    found.extend(texts(&ctx["identity"]["traits"]["name"]));
    for node in ctx["flow"]["ui"]["nodes"].as_array().unwrap() {
        let attributes = &node["attributes"];
        if attributes["name"] == "csrf_token" || attributes["id"] == "totp_secret_key" {
            found.extend(texts(attributes));
        }
    }
    found.retain(|text| !text.is_empty());
    found.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_template_makes_its_shape_of_every_recorded_context() {
    let recordings = recordings();
    for flow in FLOWS {
        let template = Template::load(flow);
        for recording in &recordings {
            let out = template.evaluate(&recording.ctx).unwrap();
            assert_shape(flow, &out);
            assert!(out.to_string().len() < LIMIT, "{}/{}", recording.version, recording.name);
        }
    }
}

#[test]
fn what_kratos_said_is_passed_on_unchanged() {
    let templates = FLOWS.map(|flow| (flow, Template::load(flow)));
    for recording in recordings() {
        let (_, template) = templates.iter().find(|(flow, _)| *flow == recording.flow()).unwrap();
        let out = template.evaluate(&recording.ctx).unwrap();
        let ctx = recording.value();
        let what = format!("{}/{}", recording.version, recording.name);
        for key in ["id", "schema_id", "state", "created_at", "updated_at"] {
            assert!(ctx["identity"][key].is_string(), "{what}: identity.{key}");
            assert_eq!(out["identity"][key], ctx["identity"][key], "{what}: identity.{key}");
        }
        for key in ["id", "type", "issued_at"] {
            assert_eq!(out["flow"][key], ctx["flow"][key], "{what}: flow.{key}");
        }
        let email = &ctx["identity"]["traits"]["email"];
        assert_eq!(out["identity"]["identifiers"], json!([{ "via": "email", "value": email }]), "{what}");
        assert_eq!(out["method"], ctx["flow"].get("active").cloned().unwrap_or(Value::Null), "{what}");
        if recording.flow() == "login" {
            assert_eq!(out["flow"]["refresh"], ctx["flow"]["refresh"], "{what}");
        }
        if recording.flow() != "registration" {
            assert_eq!(out["session"].is_null(), ctx.get("session").is_none(), "{what}");
            for key in ["authenticated_at", "authentication_methods"] {
                assert_eq!(out["session"][key], ctx["session"][key], "{what}: session.{key}");
            }
        }
    }
}

#[test]
fn nothing_private_leaves_kratos() {
    let templates = FLOWS.map(Template::load);
    let mut cookies = 0;
    for recording in recordings() {
        let ctx = recording.value();
        cookies += ctx["request_cookies"].as_object().unwrap().len();
        let private = private_texts(&ctx);
        assert!(!private.is_empty());
        for template in &templates {
            let out = template.evaluate(&recording.ctx).unwrap();
            for text in texts(&out) {
                for secret in &private {
                    let leaks = text == secret || (secret.len() >= 8 && text.contains(secret.as_str()));
                    assert!(!leaks, "{}/{}: {secret:?} in {text:?}", recording.version, recording.name);
                }
            }
        }
    }
    assert!(cookies > 20, "the recordings hold cookies, or this test proves nothing");
}

#[test]
fn the_sets_are_the_ones_the_recordings_are_named_after() {
    let template = Template::load("settings");
    let mut counted = 0;
    for recording in recordings() {
        let Some((passkeys, security_keys)) = recording.left() else { continue };
        let out = template.evaluate(&recording.ctx).unwrap();
        let what = format!("{}/{}", recording.version, recording.name);
        for (set, expected) in [("passkeys", passkeys), ("security_keys", security_keys)] {
            let ids = out[set].as_array().unwrap_or_else(|| panic!("{what}: {set} is unknown"));
            assert_eq!(ids.len(), expected, "{what}: {set}");
            for id in ids {
                let id = id.as_str().unwrap();
                assert!(id.len() >= 32 && hex::decode(id).is_ok() && id == id.to_lowercase(), "{what}: {id}");
            }
        }
        counted += 1;
    }
    assert_eq!(counted, 15, "five settings changes on three versions");
}

#[test]
fn a_form_that_does_not_show_the_method_is_unknown_and_not_zero() {
    let template = Template::load("settings");
    let mut seen = Vec::new();
    for recording in recordings() {
        if !recording.name.starts_with("settings-") || !recording.name.contains(".api.") {
            continue;
        }
        let out = template.evaluate(&recording.ctx).unwrap();
        // The person in these recordings holds one passkey and no security key.
        let passkeys = out["passkeys"].as_array().map(Vec::len);
        let expected = if recording.version == "v1.3.1" { None } else { Some(1) };
        assert_eq!(passkeys, expected, "{}/{}", recording.version, recording.name);
        assert!(out["security_keys"].is_null(), "{}/{}", recording.version, recording.name);
        seen.push(recording.version);
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn template_and_context_fit_into_the_buffer_of_kratos() {
    for flow in FLOWS {
        let source = template_source(flow);
        assert!(source.len() < 4096, "{flow}.jsonnet: its text is taken from what the context may hold");
        for recording in recordings().iter().filter(|recording| recording.flow() == flow) {
            let ctx = recording.value().to_string();
            let sent = json!({ "Snippet": source, "TLACodes": [{ "Key": "ctx", "Value": ctx }] }).to_string();
            assert!(sent.len() < LIMIT / 2, "{}/{}: {}", recording.version, recording.name, sent.len());
        }
    }
}

#[test]
fn a_context_broken_anywhere_still_makes_the_shape() {
    let whole = small_context();
    let mut places = Vec::new();
    pointers(&whole, "", &mut places);
    assert!(places.len() > 50);
    let wrong = [json!(null), json!(7), json!("text"), json!([]), json!({}), json!([[null, 1, "x", {}]])];
    for flow in FLOWS {
        let template = Template::load(flow);
        for place in &places {
            let mut broken: Vec<Value> = Vec::new();
            for value in &wrong {
                let mut ctx = whole.clone();
                *ctx.pointer_mut(place).unwrap() = value.clone();
                broken.push(ctx);
            }
            if !place.is_empty() {
                broken.push(without(whole.clone(), place));
            }
            for ctx in broken {
                let out =
                    template.evaluate(&ctx.to_string()).unwrap_or_else(|error| panic!("{ctx}: {error}"));
                assert_shape(flow, &out);
            }
        }
    }
}

#[test]
fn identifiers_are_told_once_and_traits_fill_the_gaps() {
    let template = Template::load("registration");
    let identifiers = |identity: Value| {
        let ctx = json!({ "identity": identity }).to_string();
        template.evaluate(&ctx).unwrap()["identity"]["identifiers"].clone()
    };
    assert_eq!(
        identifiers(small_context()["identity"].clone()),
        json!([
            { "via": "email", "value": "a@b.co" },
            { "via": "email", "value": "c@b.co" },
            { "via": "sms", "value": "+1" },
        ])
    );
    // A schema that declares neither verification nor recovery.
    assert_eq!(
        identifiers(json!({ "traits": { "email": "Ada@Example.org" } })),
        json!([{ "via": "email", "value": "Ada@Example.org" }])
    );
    assert_eq!(identifiers(json!({ "traits": { "username": "ada" } })), json!([]));
}

#[test]
fn a_person_with_very_many_keys_stays_under_the_limit() {
    let mut ctx = small_context();
    let nodes = ctx["flow"]["ui"]["nodes"].as_array_mut().unwrap();
    for number in 0..100 {
        let id = format!("{number:064x}");
        nodes.push(json!({ "attributes": { "name": "passkey_remove", "value": id }, "group": "passkey" }));
    }
    let out = Template::load("settings").evaluate(&ctx.to_string()).unwrap();
    assert_eq!(out["passkeys"].as_array().unwrap().len(), 101);
    assert!(out.to_string().len() < LIMIT);
}
