//! WebAuthn: the options a browser is given, and whether what it brings back is genuine.
//!
//! Two differences from Kratos, neither of which a page can act on: a challenge has 16 bytes instead of 32, and of the
//! ten algorithms that are offered four are verified (ES256, ES384, EdDSA, RS256).

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{
    AuthenticationVerificationOptions, AuthenticatorAttachmentEnforcement,
    DiscoverableCredentialRequestOptions, SignatureCounterEnforcement,
};
use webauthn_rp::request::register::{
    AuthenticatorAttachmentReq, Extension, PublicKeyCredentialUserEntity, RegistrationVerificationOptions,
    ResidentKeyRequirement, UserHandle64,
};
use webauthn_rp::request::{AsciiDomain, RpId, UserVerificationRequirement};
use webauthn_rp::response::auth::DiscoverableAuthenticatorAssertion;
use webauthn_rp::response::register::error::RegCeremonyErr;
use webauthn_rp::response::register::{
    AuthenticatorAttestation, AuthenticatorExtensionOutputStaticState, ClientExtensionsOutputs,
    CredentialProtectionPolicy, DynamicState, StaticState,
};
use webauthn_rp::response::{AuthTransports, AuthenticatorAttachment, Backup, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication, DiscoverableAuthenticationServerState,
    PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
};

use super::config::RelyingParty;
use super::credential::{Authenticator, Flags, Key};
use super::{clock, cose, random};

/// The verifier wants user handles of one length; which it is does not matter, because no signature covers it.
const NOBODY: [u8; 64] = [0; 64];
/// As long as a flow may live: Kratos sets no other limit.
const AN_HOUR: NonZeroU32 = NonZeroU32::new(3_600_000).unwrap();
const ALGORITHMS: [i32; 10] = [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Passkey,
    SecurityKey,
}

/// What a flow remembers of a ceremony until the browser comes back. It may be tried more than once.
#[derive(Debug, Clone)]
pub struct Begun {
    state: Vec<u8>,
    pub user_handle: Vec<u8>,
    pub options: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("Parse error for Registration")]
    Unreadable,
    #[error("{0}")]
    NotGenuine(String),
}

fn rp_id(rp: &RelyingParty) -> RpId {
    RpId::Domain(AsciiDomain::try_from(rp.id.clone()).unwrap())
}

fn challenge_text(challenge: u128) -> String {
    random::base64_url(&challenge.to_le_bytes())
}

/// `account` is what the browser shows; Kratos names the relying party where it knows nobody yet.
pub fn begin_registration(rp: &RelyingParty, kind: Kind, user_handle: Vec<u8>, account: &str) -> Begun {
    let id = rp_id(rp);
    let nobody = UserHandle64::from(NOBODY);
    let user =
        PublicKeyCredentialUserEntity { name: "nobody".try_into().unwrap(), id: &nobody, display_name: None };
    let mut wanted = PublicKeyCredentialCreationOptions::passkey(&id, user, Vec::new());
    wanted.timeout = AN_HOUR;
    wanted.extensions = Extension::default();
    // The page may ask for more than Kratos does, or for another authenticator: what comes back is taken either way.
    wanted.authenticator_selection.authenticator_attachment = AuthenticatorAttachmentReq::default();
    wanted.authenticator_selection.resident_key = ResidentKeyRequirement::Preferred;
    wanted.authenticator_selection.user_verification = UserVerificationRequirement::Preferred;
    let challenge = challenge_text(wanted.challenge.as_data());
    let (state, _) = wanted.start_ceremony().unwrap();
    let (timeout, selection) = match kind {
        Kind::Passkey => (
            300_000,
            json!({ "authenticatorAttachment": "platform", "requireResidentKey": true, "residentKey": "required",
                    "userVerification": "preferred" }),
        ),
        Kind::SecurityKey => (120_000, json!({ "userVerification": "discouraged" })),
    };
    let options = json!({ "publicKey": {
        "rp": { "name": rp.name, "id": rp.id },
        "user": { "name": account, "displayName": account, "id": random::base64_url(&user_handle) },
        "challenge": challenge,
        "pubKeyCredParams": ALGORITHMS.map(|algorithm| json!({ "type": "public-key", "alg": algorithm })),
        "timeout": timeout,
        "authenticatorSelection": selection,
    } });
    Begun { state: state.encode().unwrap(), user_handle, options }
}

/// Without `allowed` the browser looks for a discoverable one.
pub fn begin_login(rp: &RelyingParty, kind: Kind, allowed: &[Key]) -> Begun {
    let id = rp_id(rp);
    let mut wanted = DiscoverableCredentialRequestOptions::passkey(&id);
    wanted.0.timeout = AN_HOUR;
    wanted.0.user_verification = UserVerificationRequirement::Preferred;
    let challenge = challenge_text(wanted.0.challenge.as_data());
    let (state, _) = wanted.start_ceremony().unwrap();
    let (timeout, verification) = match kind {
        Kind::Passkey => (300_000, "preferred"),
        Kind::SecurityKey => (120_000, "discouraged"),
    };
    let mut options = json!({ "publicKey": {
        "challenge": challenge, "timeout": timeout, "rpId": rp.id, "userVerification": verification,
    } });
    if !allowed.is_empty() {
        let descriptor = |key: &Key| json!({ "type": "public-key", "id": random::base64_url(&key.raw_id()) });
        options["publicKey"]["allowCredentials"] = allowed.iter().map(descriptor).collect();
    }
    Begun { state: state.encode().unwrap(), user_handle: Vec::new(), options }
}

#[derive(Deserialize)]
struct Brought<Response> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attested {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asserted {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

fn read<'a, Response: Deserialize<'a>>(text: &'a str) -> Option<Brought<Response>> {
    let brought: Brought<Response> = serde_json::from_str(text).ok()?;
    (brought.kind == "public-key" && !brought.id.is_empty()).then_some(brought)
}

/// Kratos does not look at the page around a frame (v26.2.0), so whichever it is, it is allowed.
fn page_around(client_data: &[u8]) -> Vec<String> {
    let said: Option<Value> = serde_json::from_slice(client_data).ok();
    said.and_then(|said| Some(said.get("topOrigin")?.as_str()?.to_owned())).into_iter().collect()
}

/// The credential that was made, if it answers this challenge, at one of the origins, and holds together.
pub fn finish_registration(
    rp: &RelyingParty,
    begun: &Begun,
    text: &str,
    display_name: &str,
    is_passwordless: bool,
) -> Result<Key, Unfit> {
    let brought = read::<Attested>(text).ok_or(Unfit::Unreadable)?;
    let bytes = |text: &str| random::from_base64(text).ok_or(Unfit::Unreadable);
    let client_data = bytes(&brought.response.client_data)?;
    let around = page_around(&client_data);
    let attestation = AuthenticatorAttestation::new(
        client_data,
        bytes(&brought.response.attestation_object)?,
        AuthTransports::NONE,
    );
    let extensions = ClientExtensionsOutputs { cred_props: None, prf: None };
    let registration = Registration::new(attestation, AuthenticatorAttachment::None, extensions);
    let options = RegistrationVerificationOptions::<'_, '_, String, String> {
        allowed_origins: &rp.origins,
        allowed_top_origins: Some(&around),
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    let state = RegistrationServerState::<64>::decode(begun.state.as_slice())
        .map_err(|_| Unfit::NotGenuine("the ceremony is over".into()))?;
    let made = state.verify(&rp_id(rp), &registration, &options).map_err(|error| match error {
        RegCeremonyErr::AttestationObject(_)
        | RegCeremonyErr::CollectedClientData(_)
        | RegCeremonyErr::CollectedClientDataRelaxed(_) => Unfit::Unreadable,
        other => Unfit::NotGenuine(other.to_string()),
    })?;
    let now = made.dynamic_state();
    Ok(Key {
        id: random::base64(made.id().as_ref()),
        public_key: random::base64(&cose::encode(made.static_state().credential_public_key)),
        attestation_type: "none".into(),
        authenticator: Authenticator {
            aaguid: random::base64(made.metadata().aaguid.data()),
            sign_count: now.sign_count,
            clone_warning: false,
        },
        display_name: display_name.to_owned(),
        added_at: clock::seconds().to_string(),
        is_passwordless,
        flags: Flags {
            user_present: true,
            user_verified: now.user_verified,
            backup_eligible: now.backup != Backup::NotEligible,
            backup_state: now.backup == Backup::Exists,
        },
    })
}

/// An assertion that could be read, before anybody knows whose it is.
pub struct Assertion {
    credential: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    pub user_handle: Option<Vec<u8>>,
}

pub fn read_assertion(text: &str) -> Option<Assertion> {
    let brought = read::<Asserted>(text)?;
    let user_handle = brought.response.user_handle.as_deref().filter(|handle| !handle.is_empty());
    Some(Assertion {
        credential: random::from_base64(&brought.raw_id)?,
        client_data: random::from_base64(&brought.response.client_data)?,
        authenticator_data: random::from_base64(&brought.response.authenticator_data)?,
        signature: random::from_base64(&brought.response.signature)?,
        user_handle: user_handle.and_then(random::from_base64),
    })
}

/// Whether one of the keys signed this challenge, at one of the origins.
pub fn finish_login(
    rp: &RelyingParty,
    begun: &Begun,
    assertion: Assertion,
    keys: &[Key],
) -> Result<(), Unfit> {
    let not_genuine = |reason: &str| Unfit::NotGenuine(reason.to_owned());
    let key = keys
        .iter()
        .find(|key| key.raw_id() == assertion.credential)
        .ok_or_else(|| not_genuine("no such credential"))?;
    let public_key = random::from_base64(&key.public_key)
        .and_then(|bytes| cose::decode(&bytes))
        .ok_or_else(|| not_genuine("no usable public key"))?;
    let nobody = UserHandle64::from(NOBODY);
    let backup = match (key.flags.backup_eligible, key.flags.backup_state) {
        (false, _) => Backup::NotEligible,
        (true, false) => Backup::Eligible,
        (true, true) => Backup::Exists,
    };
    let id = key.raw_id();
    let mut known = AuthenticatedCredential::new(
        CredentialId::try_from(id.as_slice()).map_err(|_| not_genuine("no credential id"))?,
        &nobody,
        StaticState {
            credential_public_key: public_key,
            extensions: AuthenticatorExtensionOutputStaticState {
                cred_protect: CredentialProtectionPolicy::None,
                hmac_secret: None,
            },
        },
        DynamicState {
            user_verified: key.flags.user_verified,
            backup,
            sign_count: key.authenticator.sign_count,
            authenticator_attachment: AuthenticatorAttachment::None,
        },
    )
    .map_err(|error| Unfit::NotGenuine(error.to_string()))?;
    let around = page_around(&assertion.client_data);
    let response = DiscoverableAuthenticatorAssertion::new(
        assertion.client_data,
        assertion.authenticator_data,
        assertion.signature,
        nobody,
    );
    let credential =
        CredentialId::try_from(assertion.credential).map_err(|_| not_genuine("no credential id"))?;
    let authentication = DiscoverableAuthentication::new(credential, response, AuthenticatorAttachment::None);
    let options = AuthenticationVerificationOptions::<'_, '_, String, String> {
        allowed_origins: &rp.origins,
        allowed_top_origins: Some(&around),
        error_on_unsolicited_extensions: false,
        auth_attachment_enforcement: AuthenticatorAttachmentEnforcement::Ignore(false),
        // Kratos only warns of a counter that did not move.
        sig_counter_enforcement: SignatureCounterEnforcement::Ignore,
        ..Default::default()
    };
    DiscoverableAuthenticationServerState::decode(begun.state.as_slice())
        .map_err(|_| not_genuine("the ceremony is over"))?
        .verify(&rp_id(rp), &authentication, &mut known, &options)
        .map(|_| ())
        .map_err(|error| Unfit::NotGenuine(error.to_string()))
}
