//! `openapi`: the document of a listener, as JSON.

use std::convert::Infallible;

use clap::Args;

use super::terminal::say;
use crate::server::{admin_openapi_document, public_openapi_document};

#[derive(Debug, Args)]
pub(super) struct OpenapiArguments {
    /// Of the admin listener, in place of the public one.
    #[arg(long)]
    admin: bool,
}

pub(super) fn run(arguments: &OpenapiArguments) -> Result<(), Infallible> {
    say(&if arguments.admin { admin_openapi_document() } else { public_openapi_document() });
    Ok(())
}
