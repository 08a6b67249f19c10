//! kratos-onboarding: the service beside Ory Kratos that offers every new user a passkey at the right moment.

pub mod admin;
pub mod ceremony;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod envelope;
pub mod kratos;
pub mod onboarding;
pub mod outbox;
pub mod page;
pub mod reconcile;
pub mod server;
pub mod site;
pub mod store;
pub mod telemetry;
pub mod webhook;
