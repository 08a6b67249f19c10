//! One passkey or security key of an identity, as the admin API tells it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::onboarding::CredentialId;

/// What Kratos calls it: its name for the credential type, but for the word people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PasskeyKind)]
pub enum KeyKind {
    /// Of Kratos's `passkey` method.
    Passkey,
    /// Of its `webauthn` method; as a second factor too.
    SecurityKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// The credential's id (WebAuthn Level 3, section 4).
    pub id: Vec<u8>,
    pub kind: KeyKind,
    /// What its owner called it.
    pub name: Option<String>,
    /// Of what made it; all zeros where that does not say.
    pub aaguid: Option<Uuid>,
    pub added_at: Option<Timestamp>,
    /// It is kept elsewhere too (its flag `BS`).
    pub backed_up: Option<bool>,
    /// Signs in on its own; a second factor does not.
    pub signs_in: bool,
}

impl HeldKey {
    /// An item of `credentials.{passkey,webauthn}.config.credentials`; `None` where it has no id that can be read.
    pub(super) fn read(kind: KeyKind, told: &Value) -> Option<HeldKey> {
        let told = Told::deserialize(told).ok()?;
        let aaguid = told.authenticator.and_then(|by| STANDARD.decode(by.aaguid?).ok());
        Some(HeldKey {
            id: STANDARD.decode(told.id).ok().filter(|id| !id.is_empty())?,
            kind,
            // Kratos's own words for one without a name.
            name: told.display_name.filter(|name| !matches!(name.trim(), "" | "unnamed")),
            aaguid: aaguid.and_then(|bytes| Uuid::from_slice(&bytes).ok()),
            // Go's zero time, where it was never set.
            added_at: told.added_at.and_then(|at| at.parse().ok()).filter(|at| *at > Timestamp::UNIX_EPOCH),
            backed_up: told.flags.and_then(|flags| flags.backup_state),
            signs_in: kind == KeyKind::Passkey || told.is_passwordless == Some(true),
        })
    }
}

/// Of an item of the same lists; `None` where it has none that can be read.
pub(super) fn id_of(told: &Value) -> Option<CredentialId> {
    let bytes = STANDARD.decode(told.get("id")?.as_str()?).ok()?;
    CredentialId::of_bytes(bytes).ok()
}

#[derive(Deserialize)]
struct Told {
    /// Standard base64.
    id: String,
    display_name: Option<String>,
    authenticator: Option<Authenticator>,
    added_at: Option<String>,
    flags: Option<Flags>,
    is_passwordless: Option<bool>,
}

#[derive(Deserialize)]
struct Authenticator {
    /// Standard base64 of 16 bytes.
    aaguid: Option<String>,
}

#[derive(Deserialize)]
struct Flags {
    backup_state: Option<bool>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_told_is_not_known() {
        let key = HeldKey::read(KeyKind::SecurityKey, &json!({ "id": "AAE=" })).unwrap();
        let expected = HeldKey {
            id: vec![0, 1],
            kind: KeyKind::SecurityKey,
            name: None,
            aaguid: None,
            added_at: None,
            backed_up: None,
            signs_in: false,
        };
        assert_eq!(key, expected);
    }

    #[test]
    fn a_name_of_kratos_is_no_name_and_its_zero_time_no_time() {
        for name in ["", " ", "unnamed"] {
            let told = json!({ "id": "AAE=", "display_name": name, "added_at": "0001-01-01T00:00:00Z", "flags": {} });
            let key = HeldKey::read(KeyKind::Passkey, &told).unwrap();
            assert_eq!((key.name, key.added_at, key.backed_up), (None, None, None), "{name:?}");
        }
    }

    #[test]
    fn without_an_id_it_is_none() {
        for told in [json!({}), json!({ "id": "" }), json!({ "id": "?" }), json!({ "id": 5 }), json!([])] {
            assert_eq!(HeldKey::read(KeyKind::Passkey, &told), None, "{told}");
        }
    }
}
