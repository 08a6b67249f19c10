//! What a browser brings back.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use webauthn_rp::response::register::{AttestationObject, Registration};

use super::{Challenge, NotMade, Transport};
use crate::onboarding::CredentialId;

/// As `toJSON()` of the new credential writes it (WebAuthn Level 3, section 5.1, `RegistrationResponseJSON`); what is not
/// named here is not read.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewCredential {
    response: AttestationResponse,
    #[serde(default)]
    client_extension_results: Option<ExtensionResults>,
}

#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttestationResponse {
    /// Base64url.
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    /// Base64url.
    attestation_object: String,
    /// Those that are not known are left out.
    #[serde(default)]
    transports: Option<Vec<String>>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtensionResults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cred_props: Option<CredProps>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct CredProps {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rk: Option<bool>,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewCredential(…)")
    }
}

impl NewCredential {
    /// Without what the library would refuse the rest for.
    pub(super) fn registration(&self) -> Result<Registration, NotMade> {
        let AttestationResponse { client_data_json, attestation_object, transports } = &self.response;
        let known = |told: &String| serde_json::from_value::<Transport>(told.as_str().into()).ok();
        let mut transports: Vec<Transport> = transports.iter().flatten().filter_map(known).collect();
        transports.sort_unstable();
        transports.dedup();
        let plain = json!({
            "response": {
                "clientDataJSON": client_data_json,
                "attestationObject": attestation_object,
                "transports": transports,
            },
            "clientExtensionResults": self.client_extension_results,
        });
        Registration::from_json_relaxed(plain.to_string().as_bytes()).map_err(|_| NotMade::Unreadable)
    }

    /// What it says it answers.
    pub fn challenge(&self) -> Result<Challenge, NotMade> {
        let challenge = self.registration()?.challenge_relaxed().map_err(|_| NotMade::Unreadable)?;
        Ok(Challenge(challenge.0.to_le_bytes()))
    }

    /// What it is called by its authenticator. Says nothing of whether it is what was asked for.
    pub fn id(&self) -> Result<CredentialId, NotMade> {
        let registration = self.registration()?;
        let object = AttestationObject::try_from(registration.response().attestation_object());
        let object = object.map_err(|_| NotMade::Unreadable)?;
        let id = object.auth_data().attested_credential_data().credential_id.inner().to_vec();
        CredentialId::of_bytes(id).map_err(|_| NotMade::Unreadable)
    }
}
