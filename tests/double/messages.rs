//! Messages of forms, with Kratos's numbers and words.

use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub struct Message {
    body: Value,
    /// The field it is about.
    pub field: Option<&'static str>,
}

impl Message {
    fn new(id: u64, text: &str, kind: &str) -> Message {
        Message { body: json!({ "id": id, "text": text, "type": kind }), field: None }
    }

    fn error(id: u64, text: &str) -> Message {
        Message::new(id, text, "error")
    }

    fn info(id: u64, text: &str) -> Message {
        Message::new(id, text, "info")
    }

    fn about(mut self, field: &'static str) -> Message {
        self.field = Some(field);
        self
    }

    fn context(mut self, context: Value) -> Message {
        self.body["context"] = context;
        self
    }

    pub fn body(&self) -> Value {
        self.body.clone()
    }

    pub fn invalid(reason: &str) -> Message {
        Message::error(4_000_001, reason).context(json!({ "reason": reason }))
    }

    pub fn would_lock_you_out() -> Message {
        Message::invalid("unable to remove this security key because it would lock you out of your account")
            .about("webauthn_remove")
    }

    pub fn required(field: &'static str) -> Message {
        let name = field.rsplit('.').next().unwrap();
        Message::error(4_000_002, &format!("Property {name} is missing."))
            .context(json!({ "property": name }))
            .about(field)
    }

    pub fn not_an_address(address: &str) -> Message {
        Message::error(4_000_040, "Enter a valid email address")
            .context(json!({ "value": address }))
            .about("traits.email")
    }

    pub fn empty(field: &'static str, at_least: u64) -> Message {
        Message::error(4_000_003, &format!("length must be >= {at_least}, but got 0"))
            .context(json!({ "actual_length": 0, "min_length": at_least }))
            .about(field)
    }

    pub fn wrong_credentials() -> Message {
        Message::error(
            4_000_006,
            "The provided credentials are invalid, check for spelling mistakes in your password or username, email \
             address, or phone number.",
        )
    }

    pub fn exists_already() -> Message {
        Message::error(
            4_000_007,
            "An account with the same identifier (email, phone, username, ...) exists already.",
        )
    }

    pub fn wrong_code(field: Option<&'static str>) -> Message {
        let message =
            Message::error(4_000_008, "The provided authentication code is invalid, please try again.");
        Message { field, ..message }
    }

    pub fn no_totp() -> Message {
        Message::error(4_000_011, "You have no TOTP device set up.")
    }

    pub fn no_webauthn() -> Message {
        Message::error(4_000_013, "You have no WebAuthn device set up.")
    }

    pub fn no_such_webauthn_user() -> Message {
        Message::error(4_000_015, "This account does not exist or has no security key set up.")
    }

    pub fn password_too_short(actual: usize) -> Message {
        let text = format!("The password must be at least 8 characters long, but got {actual}.");
        Message::error(4_000_032, &text)
            .context(json!({ "actual_length": actual, "min_length": 8 }))
            .about("password")
    }

    pub fn no_login_strategy() -> Message {
        Message::error(
            4_010_002,
            "Could not find a strategy to log you in with. Did you fill out the form correctly?",
        )
    }

    pub fn no_registration_strategy() -> Message {
        Message::error(
            4_010_003,
            "Could not find a strategy to sign you up with. Did you fill out the form correctly?",
        )
    }

    pub fn no_settings_strategy() -> Message {
        Message::error(
            4_010_004,
            "Could not find a strategy to update your settings. Did you fill out the form correctly?",
        )
    }

    pub fn saved() -> Message {
        Message::new(1_050_001, "Your changes have been saved!", "success")
    }

    pub fn confirm_it_is_you() -> Message {
        Message::info(1_010_003, "Please confirm this action by verifying that it is you.")
    }

    pub fn second_factor() -> Message {
        Message::info(1_010_004, "Please complete the second authentication challenge.")
    }

    pub fn prepare_your_device() -> Message {
        Message::info(
            1_010_012,
            "Prepare your WebAuthn device (e.g. security key, biometrics scanner, ...) and press continue.",
        )
    }

    pub fn choose_a_credential() -> Message {
        Message::info(1_040_009, "Please choose a credential to authenticate yourself with.")
    }

    /// A flow was made in place of one that was too old.
    pub fn expired(flow: &str, minutes: f64) -> Message {
        let id = match flow {
            "login" => 4_010_001,
            "registration" => 4_040_001,
            _ => 4_050_001,
        };
        Message::error(id, &format!("The {flow} flow expired {minutes:.2} minutes ago, please try again."))
    }
}
