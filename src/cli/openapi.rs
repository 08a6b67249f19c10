//! `openapi`: the document of the public listener, as JSON.

use std::convert::Infallible;

use super::terminal::say;

pub(super) fn run() -> Result<(), Infallible> {
    say(&crate::server::openapi_document());
    Ok(())
}
