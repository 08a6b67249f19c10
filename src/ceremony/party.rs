//! The relying party: for whom a passkey is, and where it may be made.

use url::Host;
use webauthn_rp::request::{AsciiDomain, RpId};

/// The same as Kratos's `selfservice.methods.passkey.config.rp`: Kratos is what the passkey signs in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// A domain, without scheme and port (WebAuthn Level 3, section 4, "RP ID").
    id: String,
    pub name: String,
    /// As browsers write them: scheme, host, and the port where it is not the usual one.
    pub origins: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a domain in lower-case ASCII")]
pub struct PartyError;

impl Party {
    pub fn new(id: String, name: String, origins: Vec<String>) -> Result<Party, PartyError> {
        let party = Party { id, name, origins };
        party.rp_id().map(|_| party)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn rp_id(&self) -> Result<RpId, PartyError> {
        let is_domain = matches!(Host::parse(&self.id), Ok(Host::Domain(domain)) if domain == self.id);
        let domain = AsciiDomain::try_from(self.id.clone()).map_err(|_| PartyError)?;
        if is_domain { Ok(RpId::Domain(domain)) } else { Err(PartyError) }
    }
}
