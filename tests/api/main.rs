//! The specification: the real binary on port 0, spoken to over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(missing_debug_implementations)]

#[path = "../webauthn/authenticator.rs"]
mod authenticator;
#[path = "../postgres/cluster.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest of it")]
mod cluster;
mod database;
mod directory;
mod double;
mod recordings;
mod service;
mod wire;

mod cleanup;
mod cli;
mod config;
mod dashboard;
mod doctor;
mod durability;
mod events;
mod faults;
mod kratos_config;
mod operators;
mod page;
mod passkeys;
mod policy;
mod postgres;
mod quarantine;
mod reconcile;
mod run;
mod site;
mod tls;
mod webhook;
