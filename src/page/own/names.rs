//! What a new passkey is called, in Kratos's settings flow and in lists.

use crate::ceremony::Made;
use crate::envelope::{BodyError, Fields};
use crate::onboarding::provider;

const ALLOWED: &str = "1 to 64 characters without control characters, or null";

/// What the page sends to call it by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The person's own word.
    pub name: Option<String>,
    /// What the browser says it runs on.
    pub device: Option<String>,
}

impl Names {
    pub fn read(body: &Fields) -> Result<Names, BodyError> {
        Ok(Names {
            name: body.text("name", ALLOWED, plausible)?,
            device: body.text("device", ALLOWED, plausible)?,
        })
    }

    /// The person's word, else the provider's name, else the device's.
    pub fn of(self, made: &Made) -> String {
        let provider = provider(made.aaguid).map(|provider| provider.name.to_owned());
        self.name.or(provider).or(self.device).unwrap_or_else(|| "Passkey".to_owned())
    }
}

fn plausible(text: &str) -> Option<String> {
    let text = text.trim();
    let is_one = (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    is_one.then(|| text.to_owned())
}
