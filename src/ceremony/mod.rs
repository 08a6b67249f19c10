//! A passkey made by our own ceremony (WebAuthn Level 3, section 7.1): what the browser is asked for, and whether what it
//! brings back is that. Pure: what is kept between the two is the store's, and Kratos is told by [`crate::kratos`].

mod begun;
mod brought;
mod cose;
mod made;
mod nobodys;
mod options;
mod party;
mod user_handle;
mod whereabouts;

#[cfg(test)]
#[path = "../../tests/webauthn/authenticator.rs"]
mod authenticator;
#[cfg(test)]
mod tests;

pub use begun::{BeginError, Begun, Challenge};
pub use brought::NewCredential;
pub use made::{Flags, Made, NotMade, Passkey, Transport};
pub use nobodys::NoRandomError;
pub use options::{Account, CreationOptions, Known};
pub use party::{Party, PartyError};
pub use user_handle::{UserHandle, UserHandleError};
pub use whereabouts::{Absence, Found, Whereabouts};
