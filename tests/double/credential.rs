//! One passkey or security key, as Kratos keeps it.

use serde::{Deserialize, Serialize};

use super::random;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Base64, as `public_key` and the AAGUID.
    pub id: String,
    /// A COSE key.
    pub public_key: String,
    pub attestation_type: String,
    pub authenticator: Authenticator,
    pub display_name: String,
    pub added_at: String,
    pub is_passwordless: bool,
    pub flags: Flags,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Authenticator {
    pub aaguid: String,
    pub sign_count: u32,
    pub clone_warning: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flags {
    pub user_present: bool,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backup_state: bool,
}

impl Key {
    pub fn raw_id(&self) -> Vec<u8> {
        random::from_base64(&self.id).unwrap_or_default()
    }

    /// As the settings form names it.
    pub fn hex_id(&self) -> String {
        hex::encode(self.raw_id())
    }
}
