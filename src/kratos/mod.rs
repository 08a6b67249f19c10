//! Calls to Kratos: whose session this is (whoami, cached), which passkeys exist and taking one away (admin API).

mod admin;
mod client;
mod credential;
mod flights;
mod hand_in;
#[cfg(test)]
mod hand_in_tests;
mod held;
mod held_key;
mod identities;
#[cfg(test)]
mod identities_tests;
mod newest;
mod pace;
mod page;
#[cfg(test)]
mod patched_identity;
mod patience;
mod revoke;
#[cfg(test)]
mod revoke_tests;
mod session;
mod sessions;
#[cfg(test)]
mod sessions_tests;
mod standing;
mod throw_away;
mod told_event;

#[cfg(test)]
pub mod recordings;

pub use admin::{Admin, AdminError};
pub use client::{CallError, ClientError};
pub use credential::{Credential, CredentialError, CredentialKind};
pub use flights::Flights;
pub use hand_in::{HandInError, HandedIn, Outlook};
pub use held::{Held, Told};
pub use held_key::{HeldKey, KeyKind};
pub use identities::{AskError, Identities};
pub use pace::Pace;
pub use page::{IdentityPage, PageToken};
pub use patience::Patience;
pub use revoke::{RevokeError, Revoked};
pub use session::{Session, Subject};
pub use sessions::{Freshness, SessionError, Sessions};
pub use standing::{SecondFactor, Standing};
pub use throw_away::{DeleteError, MakeError, ThrowAway};
pub use told_event::admin_dedupe_key;
