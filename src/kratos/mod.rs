//! Calls to Kratos: whose session this is (whoami, cached) and which passkeys exist (admin API).

mod admin;
mod client;
mod credential;
mod flights;
mod held;
mod held_key;
mod session;
mod sessions;
#[cfg(test)]
mod sessions_tests;

#[cfg(test)]
pub mod recordings;

pub use admin::{Admin, AdminError};
pub use client::{CallError, ClientError};
pub use credential::{Credential, CredentialError, CredentialKind};
pub use flights::Flights;
pub use held::Held;
pub use held_key::{HeldKey, KeyKind};
pub use session::{Session, Subject};
pub use sessions::{Freshness, SessionError, Sessions};
