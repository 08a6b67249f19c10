//! A ceremony that was begun: what its end is compared with.

use std::fmt;
use std::num::NonZeroU32;

use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::register::{
    AuthenticatorSelectionCriteria, CoseAlgorithmIdentifiers, Extension, PublicKeyCredentialCreationOptions,
    PublicKeyCredentialUserEntity, RegistrationServerState, UserHandle64,
};
use webauthn_rp::request::{Challenge as Drawn, CredentialMediationRequirement, UserVerificationRequirement};

use super::{Party, PartyError};
use crate::onboarding::CeremonyKind;

/// How long it holds is for whoever keeps it, by the clock of the service; the library has one of its own.
const LONG_ENOUGH: NonZeroU32 = NonZeroU32::MAX;

/// 16 random bytes that are used once (WebAuthn Level 3, section 13.4.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Challenge(pub [u8; 16]);

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error("webauthn.rp_id: {0}")]
    Party(#[from] PartyError),
    #[error("a ceremony cannot be begun")]
    Library,
}

/// What is kept until the browser comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    pub kind: CeremonyKind,
    pub challenge: Challenge,
    /// The library's own; of the version that made it.
    pub state: Vec<u8>,
}

impl fmt::Debug for Begun {
    /// The state holds the challenge.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Begun {
    pub fn new(kind: CeremonyKind, party: &Party) -> Result<Begun, BeginError> {
        let rp_id = party.rp_id()?;
        // Neither handle nor names come back from an authenticator: nothing is compared with them.
        let handle = UserHandle64::new();
        let challenge = Drawn::new();
        let drawn = challenge.as_data();
        let options = PublicKeyCredentialCreationOptions {
            mediation: match kind {
                CeremonyKind::Asked => CredentialMediationRequirement::Optional,
                CeremonyKind::Conditional => CredentialMediationRequirement::Conditional,
            },
            rp_id: &rp_id,
            user: PublicKeyCredentialUserEntity {
                name: "kratos".try_into().map_err(|_| BeginError::Library)?,
                id: &handle,
                display_name: None,
            },
            challenge,
            pub_key_cred_params: CoseAlgorithmIdentifiers::ALL,
            timeout: LONG_ENOUGH,
            exclude_credentials: Vec::new(),
            authenticator_selection: AuthenticatorSelectionCriteria {
                user_verification: match kind {
                    CeremonyKind::Asked => UserVerificationRequirement::Required,
                    CeremonyKind::Conditional => UserVerificationRequirement::Preferred,
                },
                ..AuthenticatorSelectionCriteria::passkey()
            },
            extensions: Extension::default(),
        };
        let (state, _) = options.start_ceremony().map_err(|_| BeginError::Library)?;
        Ok(Begun {
            kind,
            // As the library writes it into `challenge`.
            challenge: Challenge(drawn.to_le_bytes()),
            state: state.encode().map_err(|_| BeginError::Library)?,
        })
    }

    pub(super) fn state(&self) -> Option<RegistrationServerState<64>> {
        RegistrationServerState::decode(&self.state).ok()
    }
}
