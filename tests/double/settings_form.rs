//! What the settings form holds: always what is true now.

use serde_json::{Value, json};

use super::ceremony::{self, Kind};
use super::config::{Config, WebAuthn};
use super::credential::Key;
use super::exchange::Exchange;
use super::flow::Flow;
use super::forms::{self, SCRIPT};
use super::identity::Identity;
use super::nodes::{self, Input};
use super::totp;

pub fn settings(config: &Config, exchange: &mut Exchange, flow: &mut Flow, identity: &Identity) {
    let (rp, methods) = (&config.rp, &config.methods);
    let last = identity.first_factors(methods) < 2;
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    flow.nodes.extend(nodes::traits("profile", &identity.traits));
    flow.nodes.push(nodes::submit("profile", "method", "profile", 1_070_003, "Save"));
    if methods.password {
        flow.nodes.push(nodes::password("new-password"));
        flow.nodes.push(nodes::submit("password", "method", "password", 1_070_003, "Save"));
    }
    if methods.webauthn != WebAuthn::Off {
        for key in identity.keys("webauthn") {
            let words = ("webauthn", 1_050_018, "Remove security key");
            flow.nodes.push(remove(words, &key, key.is_passwordless && last));
        }
        let handle = identity.id.as_bytes().to_vec();
        let begun = ceremony::begin_registration(rp, Kind::SecurityKey, handle, &rp.name);
        flow.nodes.extend(forms::add_security_key(&begun.options, 1_050_012, "Add security key"));
        flow.webauthn = Some(begun);
    }
    if methods.webauthn != WebAuthn::Off || methods.passkey {
        flow.nodes.push(nodes::webauthn_script(config.public(SCRIPT)));
    }
    if methods.passkey {
        for key in identity.keys("passkey") {
            flow.nodes.push(remove(("passkey", 1_050_020, "Remove passkey"), &key, last));
        }
        let begun = ceremony::begin_registration(rp, Kind::Passkey, forms::user_handle(), &identity.email());
        flow.nodes.push(
            Input::new("passkey", "passkey_register_trigger", "button")
                .value("")
                .onclick("oryPasskeySettingsRegistration", "")
                .label(1_050_019, "Add passkey")
                .node(),
        );
        flow.nodes.push(Input::new("passkey", "passkey_settings_register", "hidden").node());
        let options = begun.options.to_string();
        flow.nodes.push(Input::new("passkey", "passkey_create_data", "hidden").value(options).node());
        flow.passkey = Some(begun);
    }
    if methods.totp {
        if identity.credentials.contains_key("totp") {
            flow.totp_secret = None;
            let unlink = Input::new("totp", "totp_unlink", "submit").value("true").required();
            flow.nodes.push(unlink.label(1_050_004, "Unlink TOTP Authenticator App").node());
        } else {
            let (secret, qr) = totp::new(&identity.email(), &rp.name);
            flow.nodes.extend(add_authenticator_app(&secret, qr));
            flow.totp_secret = Some(secret);
        }
    }
    nodes::as_in(config.kratos, "settings", &mut flow.nodes);
}

fn remove((group, label, words): (&str, u64, &str), key: &Key, disabled: bool) -> Value {
    let name = if key.display_name.is_empty() { "unnamed" } else { &key.display_name };
    let unix = key.added_at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).unwrap_or_default();
    let context = json!({ "added_at": key.added_at, "added_at_unix": unix, "display_name": name });
    Input::new(group, &format!("{group}_remove"), "submit")
        .value(key.hex_id())
        .attribute("disabled", disabled)
        .labelled_with(label, &format!("{words} \"{name}\""), context)
        .node()
}

fn add_authenticator_app(secret: &str, qr: String) -> Vec<Value> {
    let label = |id: u64, text: &str| json!({ "label": { "id": id, "text": text, "type": "info" } });
    let image = json!({
        "src": format!("data:image/png;base64,{qr}"), "id": "totp_qr", "width": 256, "height": 256, "node_type": "img",
    });
    let shown = json!({ "id": 1_050_006, "text": secret, "type": "info", "context": { "secret": secret } });
    let told = "This is your authenticator app secret. Use it if you can not scan the QR code.";
    vec![
        json!({ "type": "img", "group": "totp", "attributes": image, "messages": [],
                "meta": label(1_050_005, "Authenticator app QR code") }),
        json!({ "type": "text", "group": "totp",
                "attributes": { "text": shown, "id": "totp_secret_key", "node_type": "text" }, "messages": [],
                "meta": label(1_050_017, told) }),
        Input::new("totp", "totp_code", "text").required().label(1_070_006, "Verify code").node(),
        nodes::submit("totp", "method", "totp", 1_070_003, "Save"),
    ]
}
