//! A test double of Ory Kratos: the endpoints that our page, our service and our demo use, with real WebAuthn.
//!
//! Shaped by what a real Kratos answered (`tests/fixtures/kratos/`), and where no recording says, by its source
//! (v26.2.0). The examples, the tests and the benchmark include it by `#[path]`; it is never part of the binary.
//! State is in memory. What it does not have: e-mail codes, OIDC, backup codes, native-app flows, the script that
//! Kratos serves for its own pages.

pub mod admin;
pub mod answer;
pub mod ceremony;
pub mod change;
pub mod clock;
pub mod config;
pub mod continuity;
pub mod cookies;
pub mod cose;
pub mod credential;
pub mod csrf;
pub mod exchange;
pub mod flow;
pub mod forms;
pub mod hooks;
pub mod identity;
pub mod kratos;
pub mod login;
pub mod messages;
pub mod nodes;
pub mod public;
pub mod random;
pub mod refusal;
pub mod registration;
pub mod return_to;
pub mod server;
pub mod session;
pub mod settings;
pub mod settings_form;
pub mod state;
pub mod submission;
pub mod submitting;
pub mod totp;
