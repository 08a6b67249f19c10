//! One change in the settings: what the person is like afterwards, or why it was not made.

use serde_json::{Value, json};

use super::ceremony::{self, Begun};
use super::config::{Config, Version, WebAuthn};
use super::credential::Key;
use super::flow::Flow;
use super::identity::{self, Credential, Identity};
use super::messages::Message;
use super::refusal::{Refusal, Trouble};
use super::registration::unfit;
use super::session::{Aal, Session, Used};
use super::{clock, random, totp};

pub struct Made {
    pub identity: Identity,
    /// Whoever adds a method has used it.
    pub used: Option<Used>,
}

pub enum Change {
    /// The sign-in is too long ago.
    NeedsPrivilege,
    Refused(Trouble),
}

impl<Cause: Into<Trouble>> From<Cause> for Change {
    fn from(cause: Cause) -> Change {
        Change::Refused(cause.into())
    }
}

/// `method` is one of `settings::METHODS`.
pub fn of(
    config: &Config,
    flow: &Flow,
    session: &Session,
    identity: &Identity,
    method: &str,
    submission: &Value,
) -> Result<Made, Change> {
    let text = |name: &str| submission[name].as_str().unwrap_or_default();
    let privileged = session.is_privileged(config);
    let mut changed = identity.clone();
    let mut used = None;
    if method == "profile" {
        let traits = identity::traits_of(&submission["traits"]);
        identity::check_traits(&traits)?;
        changed.traits = traits;
        // An address is what people sign in with.
        if changed.email() != identity.email() && !privileged {
            return Err(Change::NeedsPrivilege);
        }
        changed.state_changed_at = None;
        changed.follow_traits();
    } else if !privileged {
        return Err(Change::NeedsPrivilege);
    } else {
        match method {
            "password" => set_password(&mut changed, text("password"))?,
            "totp" if identity.credentials.contains_key("totp") => {
                changed.credentials.remove("totp");
            }
            "totp" => {
                add_totp(config, flow, &mut changed, text("totp_code"))?;
                used = Some(Used::now("totp", Aal::Two));
            }
            "webauthn" if !text("webauthn_register").is_empty() => {
                let name = text("webauthn_register_displayname");
                let passwordless = config.methods.webauthn == WebAuthn::Passwordless;
                add_key(
                    config,
                    &mut changed,
                    "webauthn",
                    &flow.webauthn,
                    text("webauthn_register"),
                    name,
                    passwordless,
                )?;
                used = Some(Used::now("webauthn", if passwordless { Aal::One } else { Aal::Two }));
            }
            "webauthn" => remove_key(config, &mut changed, "webauthn", text("webauthn_remove"))?,
            // Kratos looks at the removal first.
            _ if !text("passkey_remove").is_empty() => {
                remove_key(config, &mut changed, "passkey", text("passkey_remove"))?;
            }
            _ => {
                add_key(
                    config,
                    &mut changed,
                    "passkey",
                    &flow.passkey,
                    text("passkey_settings_register"),
                    "",
                    true,
                )?;
                used = Some(Used::now("passkey", Aal::One));
            }
        }
    }
    if config.kratos != Version::V1_3_1 {
        changed.updated_at = clock::stored();
    }
    Ok(Made { identity: changed, used })
}

fn set_password(identity: &mut Identity, password: &str) -> Result<(), Trouble> {
    if password.is_empty() {
        return Err(Message::required("password").into());
    }
    if password.chars().count() < 8 {
        return Err(Message::password_too_short(password.chars().count()).into());
    }
    identity.set_password(password);
    Ok(())
}

fn add_totp(config: &Config, flow: &Flow, identity: &mut Identity, code: &str) -> Result<(), Trouble> {
    let secret = flow
        .totp_secret
        .as_deref()
        .ok_or_else(|| Refusal::internal("Could not find the TOTP key in the internal context."))?;
    if code.is_empty() {
        return Err(Message::required("totp_code").into());
    }
    if !totp::is_right(secret, code) {
        return Err(Message::wrong_code(Some("totp_code")).into());
    }
    let url = format!("otpauth://totp/{}:{}?secret={secret}", config.rp.name, identity.email());
    let credential = Credential::new("totp", vec![identity.id.to_string()], json!({ "totp_url": url }), 0);
    identity.credentials.insert("totp".into(), credential);
    Ok(())
}

fn add_key(
    config: &Config,
    identity: &mut Identity,
    kind: &str,
    begun: &Option<Begun>,
    made: &str,
    name: &str,
    passwordless: bool,
) -> Result<(), Trouble> {
    let nothing_begun = || Refusal::internal("Expected WebAuthN in internal context to be an object.");
    let begun = begun.as_ref().ok_or_else(nothing_begun)?;
    let key = ceremony::finish_registration(&config.rp, begun, made, name, passwordless).map_err(unfit)?;
    let mut keys = identity.keys(kind);
    keys.push(key);
    let credential = identity
        .credentials
        .entry(kind.to_owned())
        .or_insert_with(|| Credential::new(kind, Vec::new(), json!({}), 1));
    if kind == "passkey" {
        credential.identifiers.push(String::from_utf8_lossy(&begun.user_handle).into_owned());
    }
    credential.config = json!({ "credentials": keys, "user_handle": random::base64(&begun.user_handle) });
    credential.updated_at = clock::stored();
    Ok(())
}

fn remove_key(config: &Config, identity: &mut Identity, kind: &str, id: &str) -> Result<(), Trouble> {
    let keys = identity.keys(kind);
    let (gone, left): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(|key| key.hex_id() == id);
    let Some(gone) = gone.first() else {
        let reason = if !identity.credentials.contains_key(kind) {
            "You tried to remove a WebAuthn but you have no WebAuthn set up."
        } else if kind == "passkey" {
            "You tried to remove a passkey which does not exist."
        } else {
            "You tried to remove a WebAuthn credential which does not exist."
        };
        return Err(Message::invalid(reason).into());
    };
    if gone.is_passwordless && identity.first_factors(&config.methods) < 2 {
        return Err(Message::would_lock_you_out().into());
    }
    if !left.is_empty() {
        let credential = identity.credentials.get_mut(kind).unwrap();
        credential.config["credentials"] = json!(left);
        credential.updated_at = clock::stored();
    } else {
        // The schema brings a security key's credential back at once, with its user handle and without keys.
        identity.credentials.remove(kind);
        identity.follow_traits();
    }
    Ok(())
}
