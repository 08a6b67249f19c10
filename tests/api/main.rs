//! The specification: the real binary on port 0, spoken to over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(missing_debug_implementations)]

mod database;
mod double;
mod recordings;
mod service;
mod wire;

mod cli;
mod config;
mod durability;
mod kratos_config;
mod page;
mod quarantine;
mod run;
mod tls;
mod webhook;
