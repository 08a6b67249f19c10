//! The error envelope every refusal is answered with, in the shape Ory's services use (herodot):
//! `{"error": {"id", "code", "status", "reason", "message", "request"}}`.

mod body;
mod idempotency;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

pub use body::{BodyError, Fields, read, read_within};
pub use idempotency::{KeyError, idempotency_key};

/// What a handler answers when it does not do what was asked. Holds nothing secret or personal: it is sent and logged.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    /// Stable, for programs: `session_inactive`, `identity_changed`, …
    pub id: &'static str,
    /// What is wrong, for a person.
    pub message: Cow<'static, str>,
    /// Why, or what to do.
    pub reason: Cow<'static, str>,
    /// Seconds.
    pub retry_after: Option<u32>,
    pub redirect_browser_to: Option<String>,
    /// The decision, where the refusal is about it.
    pub details: Option<serde_json::Value>,
}

impl Refusal {
    pub fn new(status: StatusCode, id: &'static str, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal {
            status,
            id,
            message: message.into(),
            reason: Cow::Borrowed(""),
            retry_after: None,
            redirect_browser_to: None,
            details: None,
        }
    }

    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Refusal {
        self.reason = reason.into();
        self
    }

    /// 400; the reason names what is wrong and what is allowed.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_request", "The request cannot be understood.")
            .because(reason)
    }

    /// 503 with `Retry-After: 1`: something we need is slow or down; asking again is right.
    pub fn unavailable(id: &'static str, message: impl Into<Cow<'static, str>>) -> Refusal {
        let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, id, message);
        refusal.retry_after = Some(1);
        refusal.because("Try again in a second.")
    }

    /// 500: nothing the caller could do differently.
    pub fn internal() -> Refusal {
        let message = "Something went wrong here; the log has more under the request's id.";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    /// The response, with the id of the request it answers.
    pub fn respond(&self, request: &str) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        // It is about one person at one moment, as what it stands for would have been.
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("private, no-cache")));
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        response.json(self.envelope(request))
    }

    pub fn envelope(&self, request: &str) -> ErrorEnvelope {
        ErrorEnvelope {
            error: ErrorDetail {
                id: self.id.to_owned(),
                code: self.status.as_u16(),
                status: self.status.canonical_reason().unwrap_or("").to_owned(),
                reason: self.reason.clone().into_owned(),
                message: self.message.clone().into_owned(),
                request: request.to_owned(),
                details: self.details.clone(),
            },
            redirect_browser_to: self.redirect_browser_to.clone(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.message)
    }
}

/// The server's middleware answers with [`Refusal::respond`] and the request's id; this is what would be sent without it.
impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

/// The body of every 4xx and 5xx.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorEnvelope {
    pub error: ErrorDetail,
    /// Where Kratos wants the browser to go, with `session_aal2_required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_browser_to: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable, for programs.
    pub id: String,
    /// The HTTP status.
    pub code: u16,
    pub status: String,
    /// Why, or what to do.
    pub reason: String,
    pub message: String,
    /// Id of the request; also in `X-Request-Id` and in the log.
    pub request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}
