//! What the forms of registration and login hold.

use serde_json::{Value, json};

use super::ceremony::{self, Begun};
use super::config::{Config, Version, WebAuthn};
use super::exchange::Exchange;
use super::flow::Flow;
use super::identity::Identity;
use super::messages::Message;
use super::nodes::{self, Input};
use super::random;
use super::session::{Aal, Session};

pub const SCRIPT: &str = ".well-known/ory/webauthn.js";

fn text(value: &Value) -> String {
    value.to_string()
}

/// First step: who are you.
pub fn registration(config: &Config, exchange: &mut Exchange, flow: &mut Flow, traits: &Value) {
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    flow.nodes.extend(nodes::traits("default", traits));
    flow.nodes.push(nodes::submit("profile", "method", "profile", 1_040_001, "Sign up"));
    nodes::as_in(config.kratos, "registration", &mut flow.nodes);
}

/// Second step: how will you sign in. The first is kept in hidden fields.
pub fn credential_selection(config: &Config, exchange: &mut Exchange, flow: &mut Flow, traits: &Value) {
    let (rp, methods) = (&config.rp, &config.methods);
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    for mut node in nodes::traits("default", traits) {
        node["attributes"]["type"] = json!("hidden");
        flow.nodes.push(node);
    }
    if methods.webauthn == WebAuthn::Passwordless {
        let handle = random::bytes::<16>().to_vec();
        let begun = flow.webauthn.get_or_insert_with(|| {
            ceremony::begin_registration(rp, ceremony::Kind::SecurityKey, handle, &rp.name)
        });
        flow.nodes.extend(add_security_key(&begun.options, 1_040_004, "Sign up with security key"));
    }
    if methods.webauthn == WebAuthn::Passwordless || methods.passkey {
        flow.nodes.push(nodes::webauthn_script(config.public(SCRIPT)));
    }
    if methods.passkey {
        let begun = flow.passkey.get_or_insert_with(|| {
            ceremony::begin_registration(rp, ceremony::Kind::Passkey, user_handle(), &rp.name)
        });
        let data = json!({ "credentialOptions": begun.options, "displayNameFieldName": "traits.email" });
        flow.nodes.push(Input::new("passkey", "passkey_register", "hidden").node());
        flow.nodes.push(
            Input::new("passkey", "passkey_register_trigger", "button")
                .onclick("oryPasskeyRegistration", "")
                .label(1_040_007, "Sign up with passkey")
                .node(),
        );
        flow.nodes.push(Input::new("passkey", "passkey_create_data", "hidden").value(text(&data)).node());
    }
    if methods.password {
        flow.nodes.push(nodes::password("new-password"));
        flow.nodes.push(nodes::submit("password", "method", "password", 1_040_001, "Sign up"));
    }
    flow.nodes.push(nodes::submit("profile", "screen", "previous", 1_040_008, "Back"));
    nodes::as_in(config.kratos, "registration", &mut flow.nodes);
    flow.messages = vec![Message::choose_a_credential().body()];
}

/// Another one in every flow, in letters and digits because Kratos keeps it as a text.
pub fn user_handle() -> Vec<u8> {
    random::alphanumeric(64).into_bytes()
}

/// The three nodes that add a security key.
pub fn add_security_key(options: &Value, label: u64, words: &str) -> Vec<Value> {
    let options = text(options);
    vec![
        Input::new("webauthn", "webauthn_register_displayname", "text")
            .value("")
            .label(1_050_013, "Name of the security key")
            .node(),
        Input::new("webauthn", "webauthn_register", "hidden").value("").node(),
        Input::new("webauthn", "webauthn_register_trigger", "button")
            .value(options.clone())
            .onclick("oryWebAuthnRegistration", &options)
            .label(label, words)
            .node(),
    ]
}

fn sign_in_with_security_key(begun: &Begun, label: u64, words: &str) -> [Value; 2] {
    let options = text(&begun.options);
    [
        Input::new("webauthn", "webauthn_login_trigger", "button")
            .value(options.clone())
            .onclick("oryWebAuthnLogin", &options)
            .label(label, words)
            .node(),
        Input::new("webauthn", "webauthn_login", "hidden").value("").node(),
    ]
}

fn sign_in_with_passkey(config: &Config, begun: &Begun, autocomplete: bool) -> Vec<Value> {
    let mut trigger = Input::new("passkey", "passkey_login_trigger", "button")
        .value("")
        .onclick("oryPasskeyLogin", "")
        .label(1_010_021, "Sign in with passkey");
    let mut login = Input::new("passkey", "passkey_login", "hidden");
    if autocomplete {
        let (function, call) =
            ("oryPasskeyLoginAutocompleteInit", "window.oryPasskeyLoginAutocompleteInit()");
        login = login.attribute("onload", call).attribute("onloadTrigger", function);
        if config.kratos == Version::V1_3_1 {
            trigger = trigger.attribute("onload", call).attribute("onloadTrigger", function);
        }
    }
    let challenge = Input::new("passkey", "passkey_challenge", "hidden").value(text(&begun.options));
    vec![trigger.node(), login.node(), challenge.node()]
}

/// For somebody nobody knows yet.
pub fn login(config: &Config, exchange: &mut Exchange, flow: &mut Flow) {
    let methods = &config.methods;
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    let mut identifier = Input::new("default", "identifier", "text").value("").required().labelled_with(
        1_070_002,
        "E-Mail",
        json!({ "name": "traits.email", "title": "E-Mail" }),
    );
    if methods.passkey || methods.webauthn == WebAuthn::Passwordless {
        identifier = identifier.autocomplete("username webauthn");
    }
    flow.nodes.push(identifier.node());
    if methods.passkey {
        flow.nodes.push(nodes::webauthn_script(config.public(SCRIPT)));
    }
    if methods.webauthn == WebAuthn::Passwordless {
        flow.nodes.push(nodes::submit(
            "webauthn",
            "method",
            "webauthn",
            1_010_008,
            "Sign in with hardware key",
        ));
    }
    if methods.passkey {
        let begun = ceremony::begin_login(&config.rp, ceremony::Kind::Passkey, &[]);
        flow.nodes.extend(sign_in_with_passkey(config, &begun, true));
        flow.passkey = Some(begun);
    }
    if methods.password {
        flow.nodes.push(nodes::password("current-password"));
        flow.nodes.push(nodes::submit("password", "method", "password", 1_010_022, "Sign in with password"));
    }
    nodes::as_in(config.kratos, "login", &mut flow.nodes);
}

/// For somebody who is signed in and confirms it: only what they have.
pub fn confirmation(config: &Config, exchange: &mut Exchange, flow: &mut Flow, identity: &Identity) {
    let methods = &config.methods;
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    let passwordless = methods.webauthn == WebAuthn::Passwordless;
    let security_keys: Vec<_> =
        identity.keys("webauthn").into_iter().filter(|key| passwordless && key.is_passwordless).collect();
    let passkeys = if methods.passkey { identity.keys("passkey") } else { Vec::new() };
    flow.nodes.push(if methods.code && security_keys.is_empty() && passkeys.is_empty() {
        // The code method asks who it is, although that is known.
        let context = json!({ "name": "traits.email", "title": "E-Mail" });
        let asked = Input::new("default", "identifier", "text").value("").required();
        asked.labelled_with(1_070_002, "E-Mail", context).node()
    } else {
        Input::new("default", "identifier", "hidden").value(identity.email()).node()
    });
    if !security_keys.is_empty() {
        let begun = ceremony::begin_login(&config.rp, ceremony::Kind::SecurityKey, &security_keys);
        let [trigger, login] = sign_in_with_security_key(&begun, 1_010_008, "Sign in with hardware key");
        flow.nodes.extend([login, nodes::webauthn_script(config.public(SCRIPT)), trigger]);
        flow.webauthn = Some(begun);
    }
    if !passkeys.is_empty() {
        let begun = ceremony::begin_login(&config.rp, ceremony::Kind::Passkey, &passkeys);
        if flow.webauthn.is_none() {
            flow.nodes.push(nodes::webauthn_script(config.public(SCRIPT)));
        }
        flow.nodes.extend(sign_in_with_passkey(config, &begun, false));
        flow.passkey = Some(begun);
    }
    let has_password =
        identity.credentials.get("password").is_some_and(|credential| !credential.config.is_null());
    if methods.password && has_password {
        flow.nodes.push(nodes::password("current-password"));
        flow.nodes.push(nodes::submit("password", "method", "password", 1_010_001, "Sign in"));
    }
    flow.messages.push(Message::confirm_it_is_you().body());
}

/// The second factor.
pub fn second_factor(
    config: &Config,
    exchange: &mut Exchange,
    flow: &mut Flow,
    session: &Session,
    identity: &Identity,
) {
    let methods = &config.methods;
    flow.nodes = vec![nodes::csrf_token(exchange.csrf_token(config))];
    let security_keys: Vec<_> =
        identity.keys("webauthn").into_iter().filter(|key| !key.is_passwordless).collect();
    if methods.webauthn == WebAuthn::SecondFactor && !security_keys.is_empty() {
        let begun = ceremony::begin_login(&config.rp, ceremony::Kind::SecurityKey, &security_keys);
        flow.nodes.push(Input::new("default", "identifier", "hidden").value(identity.email()).node());
        flow.nodes.push(nodes::webauthn_script(config.public(SCRIPT)));
        flow.nodes.extend(sign_in_with_security_key(&begun, 1_010_008, "Sign in with hardware key"));
        flow.webauthn = Some(begun);
    }
    if methods.totp && identity.credentials.contains_key("totp") {
        let code = Input::new("totp", "totp_code", "text")
            .value("")
            .required()
            .label(1_010_006, "Authentication code");
        flow.nodes.push(code.node());
        flow.nodes.push(nodes::submit("totp", "method", "totp", 1_010_009, "Use Authenticator"));
    }
    if session.aal() < Aal::Two {
        flow.messages.push(Message::second_factor().body());
    }
}

/// The identifier is known, now the key.
pub fn security_key_challenge(
    config: &Config,
    exchange: &mut Exchange,
    flow: &mut Flow,
    identifier: &str,
    identity: &Identity,
) {
    let keys: Vec<_> = identity.keys("webauthn").into_iter().filter(|key| key.is_passwordless).collect();
    let begun = ceremony::begin_login(&config.rp, ceremony::Kind::SecurityKey, &keys);
    flow.nodes = vec![
        Input::new("default", "identifier", "hidden").value(identifier).required().node(),
        nodes::csrf_token(exchange.csrf_token(config)),
        nodes::webauthn_script(config.public(SCRIPT)),
    ];
    flow.nodes.extend(sign_in_with_security_key(&begun, 1_010_013, "Continue"));
    flow.messages.push(Message::prepare_your_device().body());
    flow.webauthn = Some(begun);
}
