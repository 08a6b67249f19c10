//! Every way the operators' endpoints refuse: one place that turns errors into HTTP.

use actix_web::http::StatusCode;

use super::access::AccessError;
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::NameError;
use crate::store::{CommitError, ReadError, WriteError};

/// Why there is no record to show or change.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("{0}")]
    Malformed(NameError),
    #[error("nothing is known of the identity")]
    Unknown,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What an operator wants to do cannot be put on record, and so is not done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unrecorded(pub CommitError);

impl From<Unrecorded> for Refusal {
    fn from(error: Unrecorded) -> Refusal {
        tracing::warn!(error = %error, "what an operator asked cannot be put on record, and is not done");
        Refusal::unavailable("store_unavailable", "This cannot be put on record right now, and is not done.")
    }
}

/// For the OpenAPI document: of every endpoint.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub enum AccessRefused {
    /// The token is missing or wrong
    #[response(status = 401)]
    Unauthorized(ErrorEnvelope),
    /// The host is not this listener's, or nobody is an operator
    #[response(status = 403)]
    Forbidden(ErrorEnvelope),
    /// The path does not take this method
    #[response(status = 405)]
    NotTaken(ErrorEnvelope),
}

/// For the OpenAPI document: of what is only read.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub enum ReadRefused {
    /// The request did not arrive in time
    #[response(status = 408)]
    Stalled(ErrorEnvelope),
    /// The database cannot be read
    #[response(status = 503)]
    Unavailable(ErrorEnvelope),
}

/// For the OpenAPI document: of what has a body.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub enum BodyRefused {
    /// The body did not arrive in time
    #[response(status = 408)]
    Stalled(ErrorEnvelope),
    /// The body is too large
    #[response(status = 413)]
    TooLarge(ErrorEnvelope),
    /// The body is not called JSON
    #[response(status = 415)]
    NotJson(ErrorEnvelope),
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Refusal {
        let refuse = |status, id, message: &'static str, reason: &'static str| {
            Refusal::new(status, id, message).because(reason)
        };
        match error {
            AccessError::NotReady => Refusal::unavailable("not_ready", "The service is not ready."),
            AccessError::HostNotAllowed => refuse(
                StatusCode::FORBIDDEN,
                "host_not_allowed",
                "This listener is not known by the host in the request.",
                "Use an address of serve.admin, or add the name to admin.allowed_hosts.",
            ),
            AccessError::NobodyConfigured => refuse(
                StatusCode::FORBIDDEN,
                "no_operators",
                "Nobody is configured as an operator.",
                "Set admin.operators.NAME.tokens; kratos-onboarding keygen makes a token.",
            ),
            AccessError::TokenMissing => refuse(
                StatusCode::UNAUTHORIZED,
                "operator_token_missing",
                "An operator's token is needed.",
                "Send Authorization: Bearer TOKEN, with a token of admin.operators.",
            ),
            AccessError::TokenWrong => refuse(
                StatusCode::UNAUTHORIZED,
                "operator_token_wrong",
                "The token is nobody's.",
                "Send Authorization: Bearer TOKEN, with a token of admin.operators.",
            ),
        }
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Refusal {
        match error {
            IdentityError::Malformed(why) => {
                Refusal::bad_request(format!("id: {why}; allowed is the id of an identity of Kratos, a UUID"))
            }
            IdentityError::Unknown => {
                Refusal::new(StatusCode::NOT_FOUND, "identity_unknown", "Nothing is known of this identity here.")
                    .because("The page makes a record when the person comes; kratos-onboarding reconcile makes all that are missing.")
            }
            IdentityError::Read(error) => {
                tracing::warn!(error = %error, "an operator's question cannot be answered");
                Refusal::unavailable("store_unavailable", "The database cannot be read right now.")
            }
            IdentityError::Write(_) => {
                Refusal::unavailable("store_unavailable", "This cannot be recorded right now.")
            }
        }
    }
}
