//! What an authenticator made, once it is known to be what was asked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use webauthn_rp::request::register::RegistrationVerificationOptions;
use webauthn_rp::response::register::AttestationObject;
use webauthn_rp::response::register::error::RegCeremonyErr;
use webauthn_rp::response::{AuthTransports, AuthenticatorTransport, Backup};

use super::{Begun, NewCredential, Party, UserHandle, cose};
use crate::onboarding::CredentialId;

/// Of its authenticator data, as they came (WebAuthn Level 3, section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    pub user_present: bool,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backup_state: bool,
}

impl Flags {
    const BITS: [u8; 4] = [1, 1 << 2, 1 << 3, 1 << 4];

    /// As authenticator data has them: UP, UV, BE and BS.
    pub fn bits(self) -> u8 {
        let told = [self.user_present, self.user_verified, self.backup_eligible, self.backup_state];
        Flags::BITS.iter().zip(told).filter(|(_, is)| *is).map(|(bit, _)| bit).sum()
    }

    pub fn of_bits(bits: u8) -> Flags {
        let [user_present, user_verified, backup_eligible, backup_state] =
            Flags::BITS.map(|bit| bits & bit != 0);
        Flags { user_present, user_verified, backup_eligible, backup_state }
    }
}

/// How an authenticator is reached (WebAuthn Level 3, section 5.8.4), as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    Ble,
    Hybrid,
    Internal,
    Nfc,
    SmartCard,
    Usb,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub id: CredentialId,
    /// COSE.
    pub public_key: Vec<u8>,
    /// All zeros where it does not say.
    pub aaguid: Uuid,
    pub sign_count: u32,
    pub flags: Flags,
    pub transports: Vec<Transport>,
}

/// One that was made here, as it is handed in to Kratos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    pub made: Made,
    /// What it was made under.
    pub handle: UserHandle,
    /// For Kratos's settings flow and for lists.
    pub name: String,
    pub made_at: Timestamp,
}

/// Why it is not what was asked for. Holds nothing of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    #[error("is not a new credential as a browser's toJSON() writes it")]
    Unreadable,
    #[error("answers another challenge")]
    Challenge,
    #[error("was made on an origin that is none of webauthn.origins")]
    Origin,
    #[error("was made inside of a page of another origin")]
    CrossOrigin,
    #[error("was made for another relying party than webauthn.rp_id")]
    RelyingParty,
    #[error("was made without the person")]
    NotPresent,
    #[error("was made without the authenticator verifying the person")]
    NotVerified,
    #[error("has a key that is none of ES256, EdDSA, ES384 and RS256, or no valid one")]
    Key,
    #[error("is not kept by its authenticator, so it could not be found at a sign-in")]
    NotResident,
    #[error("comes with an attestation that was not asked for")]
    Attestation,
}

impl Made {
    pub fn verified(brought: &NewCredential, begun: &Begun, party: &Party) -> Result<Made, NotMade> {
        let registration = brought.registration()?;
        let state = begun.state().ok_or(NotMade::Challenge)?;
        let rp_id = party.rp_id().map_err(|_| NotMade::RelyingParty)?;
        let options = RegistrationVerificationOptions::<'_, '_, String, String> {
            allowed_origins: &party.origins,
            // A password manager may add what nobody asked for.
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let registered = state.verify(&rp_id, &registration, &options)?;
        let object = AttestationObject::try_from(registration.response().attestation_object())
            .map_err(|_| NotMade::Unreadable)?;
        let data = object.auth_data();
        let (dynamic, metadata) = (registered.dynamic_state(), registered.metadata());
        Ok(Made {
            id: CredentialId::of_bytes(registered.id().inner().to_vec()).map_err(|_| NotMade::Unreadable)?,
            public_key: cose::key(registered.static_state().credential_public_key),
            aaguid: Uuid::from_slice(metadata.aaguid.data()).map_err(|_| NotMade::Unreadable)?,
            sign_count: dynamic.sign_count,
            flags: Flags {
                user_present: data.flags().user_present,
                user_verified: dynamic.user_verified,
                backup_eligible: !matches!(dynamic.backup, Backup::NotEligible),
                backup_state: matches!(dynamic.backup, Backup::Exists),
            },
            transports: transports(registered.transports()),
        })
    }
}

impl From<RegCeremonyErr> for NotMade {
    fn from(error: RegCeremonyErr) -> NotMade {
        use RegCeremonyErr as E;
        match error {
            E::Timeout | E::ChallengeMismatch => NotMade::Challenge,
            E::OriginMismatch => NotMade::Origin,
            E::CrossOrigin | E::TopOriginMismatch => NotMade::CrossOrigin,
            E::RpIdHashMismatch => NotMade::RelyingParty,
            E::UserNotPresent => NotMade::NotPresent,
            E::UserNotVerified => NotMade::NotVerified,
            E::PubKey(_) | E::PublicKeyAlgorithmMismatch => NotMade::Key,
            E::AttestationSignature => NotMade::Attestation,
            E::Credential(_) => NotMade::NotResident,
            E::CollectedClientData(_)
            | E::CollectedClientDataRelaxed(_)
            | E::AttestationObject(_)
            | E::Extension(_)
            | E::BackupEligible
            | E::BackupNotEligible
            | E::BackupDoesNotExist
            | E::MissingAuthenticatorAttachment
            | E::AuthenticatorAttachmentMismatch => NotMade::Unreadable,
        }
    }
}

fn transports(told: AuthTransports) -> Vec<Transport> {
    let all = [
        (AuthenticatorTransport::Ble, Transport::Ble),
        (AuthenticatorTransport::Hybrid, Transport::Hybrid),
        (AuthenticatorTransport::Internal, Transport::Internal),
        (AuthenticatorTransport::Nfc, Transport::Nfc),
        (AuthenticatorTransport::SmartCard, Transport::SmartCard),
        (AuthenticatorTransport::Usb, Transport::Usb),
    ];
    all.into_iter().filter(|(theirs, _)| told.contains(*theirs)).map(|(_, ours)| ours).collect()
}
