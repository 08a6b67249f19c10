//! Newtypes parsed at the edge. A value of one of these types is within its limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Why a name was refused. Carries the rule, never the value: the value may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("is empty")]
    Empty,
    #[error("is longer than {0} characters")]
    TooLong(usize),
    #[error("has a character that is not allowed")]
    Character,
    #[error("is not an even number of the digits 0-9 a-f")]
    NotHex,
    #[error("is not a UUID")]
    NotUuid,
    #[error("is the all-zero UUID, which Kratos sends before the identity is stored")]
    Zero,
}

/// `identity.id` of Kratos: a UUID that is not all zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Uuid", into = "Uuid")]
pub struct IdentityId(Uuid);

impl IdentityId {
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl TryFrom<Uuid> for IdentityId {
    type Error = NameError;

    fn try_from(value: Uuid) -> Result<Self, NameError> {
        if value.is_nil() { Err(NameError::Zero) } else { Ok(Self(value)) }
    }
}

impl From<IdentityId> for Uuid {
    fn from(value: IdentityId) -> Uuid {
        value.0
    }
}

impl FromStr for IdentityId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // Kratos writes the hyphenated form; the others the parser knows (braces, urn) are not identities.
        if text.len() != 36 {
            return Err(NameError::NotUuid);
        }
        Uuid::try_parse(text).map_err(|_| NameError::NotUuid)?.try_into()
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityId({})", self.0)
    }
}

/// Of this service: UUID v7, so that event rows grow at the end of their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub Uuid);

/// What makes two deliveries the same one: SHA-256 over the Trigger-ID or over hook, flow, identity and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey(pub [u8; 32]);

impl DedupeKey {
    /// SHA-256 of `domain` and the parts, each after its length: no two different lists look the same.
    pub fn of(domain: &[u8], parts: &[&[u8]]) -> DedupeKey {
        let mut hash = Sha256::new_with_prefix(domain);
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        DedupeKey(hash.finalize().into())
    }
}

/// HMAC of a Kratos session id: tells two sessions apart without keeping either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionDigest(#[serde(with = "hex::serde")] pub [u8; 16]);

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Longest value allowed, in characters.
            pub const MAX: usize = $max;

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() {
                    Err(NameError::Empty)
                } else if text.chars().count() > Self::MAX {
                    Err(NameError::TooLong(Self::MAX))
                } else if !text.chars().all(allowed) {
                    Err(NameError::Character)
                } else {
                    Ok(Self(text.to_owned()))
                }
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

bounded_text!(
    /// `identity.schema_id`: 1 to 255 characters, none of them a control character.
    SchemaId, 255, |c| !c.is_control()
);
bounded_text!(
    /// One try at a ceremony, named by the page: 1 to 64 of `A-Z a-z 0-9 _ -`.
    AttemptId, 64, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-'
);
bounded_text!(
    /// Name of a DOMException (WebIDL, "DOMException names"): 1 to 64 ASCII letters and digits.
    ExceptionName, 64, |c| c.is_ascii_alphanumeric()
);

bounded_text!(
    /// Those of whom a passkey is required, as the setting `policy.required` names them: 1 to 64 of `a-z 0-9 _ -`.
    CohortName, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-'
);
bounded_text!(
    /// Who an operator is here, as the setting `admin.tokens` names them: 1 to 64 of `a-z 0-9 _ -`.
    OperatorName, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-'
);
bounded_text!(
    /// Who is told of transitions, as the setting `events.receivers` names them: 1 to 64 of `a-z 0-9 _ -`.
    ReceiverName, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-'
);

/// The id of a public key credential (WebAuthn Level 3, section 4): 1 to 1023 bytes, written in lower-case hex as the
/// remove nodes of Kratos's settings flow do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// In bytes.
    pub const MAX: usize = 1023;

    pub fn of_bytes(bytes: Vec<u8>) -> Result<CredentialId, NameError> {
        match bytes.len() {
            0 => Err(NameError::Empty),
            1..=Self::MAX => Ok(CredentialId(bytes)),
            _ => Err(NameError::TooLong(Self::MAX * 2)),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for CredentialId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        CredentialId::of_bytes(hex::decode(text).map_err(|_| NameError::NotHex)?)
    }
}

impl TryFrom<String> for CredentialId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<CredentialId> for String {
    fn from(id: CredentialId) -> String {
        hex::encode(id.0)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({self})")
    }
}

/// A Kratos self-service method. `Other` keeps what a newer Kratos may name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Password,
    Oidc,
    Saml,
    Code,
    Link,
    Webauthn,
    Passkey,
    Totp,
    LookupSecret,
    Profile,
    DeviceAuthn,
    IdentifierFirst,
    Other,
}

impl Method {
    pub const ALL: [Method; 13] = [
        Method::Password,
        Method::Oidc,
        Method::Saml,
        Method::Code,
        Method::Link,
        Method::Webauthn,
        Method::Passkey,
        Method::Totp,
        Method::LookupSecret,
        Method::Profile,
        Method::DeviceAuthn,
        Method::IdentifierFirst,
        Method::Other,
    ];

    /// Kratos's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Password => "password",
            Method::Oidc => "oidc",
            Method::Saml => "saml",
            Method::Code => "code",
            Method::Link => "link",
            Method::Webauthn => "webauthn",
            Method::Passkey => "passkey",
            Method::Totp => "totp",
            Method::LookupSecret => "lookup_secret",
            Method::Profile => "profile",
            Method::DeviceAuthn => "deviceauthn",
            Method::IdentifierFirst => "identifier_first",
            Method::Other => "other",
        }
    }

    /// `None` for an empty or absurd name; `Other` for one this version does not know.
    pub fn from_kratos(text: &str) -> Option<Method> {
        if text.is_empty()
            || text.len() > 64
            || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        {
            return None;
        }
        let known = Method::ALL.into_iter().find(|m| m.as_str() == text);
        Some(known.unwrap_or(Method::Other))
    }
}

/// The methods a deployment enrols people with: the setting `methods`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EnrolMethod {
    Passkey,
    /// Kratos's `webauthn` with `passwordless: true`. With `false` its keys are a second factor: leave it out.
    Webauthn,
}

/// `identity.state` of Kratos.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum IdentityState {
    Active,
    Inactive,
}
