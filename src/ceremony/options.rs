//! What the browser is asked to make.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Begun, Party, Transport, UserHandle};
use crate::onboarding::{CeremonyKind, CredentialId};

/// ES256, EdDSA, ES384, RS256 (the IANA registry of COSE algorithms): what both Kratos and authenticators know.
const ALGORITHMS: [i32; 4] = [-7, -8, -35, -257];
/// Milliseconds: as long as the challenge holds.
const TIMEOUT: u32 = 300_000;

/// Whose passkey it will be, in the words of authenticators. Nothing of it is ever written down.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub handle: UserHandle,
    /// What the person signs in with.
    pub name: String,
    pub display_name: String,
}

/// One that Kratos holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: CredentialId,
    pub transports: Vec<Transport>,
}

/// As `PublicKeyCredential.parseCreationOptionsFromJSON()` takes it (WebAuthn Level 3, section 5.1.9).
#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    rp: Rp,
    user: User,
    /// Base64url.
    challenge: String,
    pub_key_cred_params: Vec<Parameter>,
    timeout: u32,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
    extensions: Extensions,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RelyingParty)]
struct Rp {
    id: String,
    name: String,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserEntity)]
struct User {
    /// Base64url.
    id: String,
    name: String,
    display_name: String,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CredentialParameters)]
struct Parameter {
    r#type: &'static str,
    alg: i32,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CredentialDescriptor)]
struct Descriptor {
    r#type: &'static str,
    /// Base64url.
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transports: Vec<Transport>,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuthenticatorSelection)]
struct Selection {
    resident_key: &'static str,
    /// For browsers that do not know `residentKey`.
    require_resident_key: bool,
    user_verification: &'static str,
}

#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreationExtensions)]
struct Extensions {
    cred_props: bool,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

impl fmt::Debug for CreationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreationOptions(…)")
    }
}

impl CreationOptions {
    pub fn of(begun: &Begun, party: &Party, account: &Account, known: &[Known]) -> CreationOptions {
        let descriptor = |known: &Known| Descriptor {
            r#type: "public-key",
            id: URL_SAFE_NO_PAD.encode(known.id.as_bytes()),
            transports: known.transports.clone(),
        };
        CreationOptions {
            rp: Rp { id: party.id().to_owned(), name: party.name.clone() },
            user: User {
                id: URL_SAFE_NO_PAD.encode(account.handle.as_str()),
                name: account.name.clone(),
                display_name: account.display_name.clone(),
            },
            challenge: URL_SAFE_NO_PAD.encode(begun.challenge.0),
            pub_key_cred_params: ALGORITHMS.map(|alg| Parameter { r#type: "public-key", alg }).into(),
            timeout: TIMEOUT,
            exclude_credentials: known.iter().map(descriptor).collect(),
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification: match begun.kind {
                    CeremonyKind::Asked => "required",
                    CeremonyKind::Conditional => "preferred",
                },
            },
            attestation: "none",
            extensions: Extensions { cred_props: true },
        }
    }
}
