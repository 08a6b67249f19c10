//! Every way the page's endpoints refuse: one place that turns errors into HTTP.

use actix_web::http::StatusCode;

use super::caller::CallerError;
use super::document::Document;
use super::waiting::TooMany;
use crate::envelope::Refusal;
use crate::kratos::{CredentialError, SessionError};
use crate::store::WriteError;

/// By then a tab of the person has probably been answered.
const WAIT_AGAIN_IN: u32 = 5;

impl From<CallerError> for Refusal {
    fn from(error: CallerError) -> Refusal {
        match error {
            CallerError::NotReady => Refusal::unavailable("not_ready", "The service is not ready."),
            CallerError::OriginNotAllowed => origin_not_allowed(),
            CallerError::IdentityChanged => identity_changed(),
            CallerError::Credential(CredentialError::Missing) => session_inactive(
                "no_session_cookie: the request carried no session. If the person is signed in, the cookie's domain \
                 does not cover this host, its name is not kratos.session_cookie_name, or the page fetches without \
                 credentials.",
            ),
            CallerError::Credential(CredentialError::Implausible) => {
                session_inactive("session_malformed: what the request carried cannot be a session.")
            }
            CallerError::Query(error) => Refusal::bad_request(error.to_string()),
        }
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Refusal {
        match error {
            SessionError::Inactive => session_inactive(
                "session_ended: Kratos knows no active session for what the request carried.",
            ),
            SessionError::Aal2Required { redirect_browser_to } => {
                let mut refusal = Refusal::new(
                    StatusCode::FORBIDDEN,
                    "session_aal2_required",
                    "The session has to be confirmed with a second factor.",
                )
                .because("Go to redirect_browser_to.");
                refusal.redirect_browser_to = redirect_browser_to;
                refusal
            }
            SessionError::Unreachable(_) => Refusal::unavailable(
                "kratos_unavailable",
                "Kratos cannot say right now whose session this is.",
            ),
        }
    }
}

impl From<TooMany> for Refusal {
    fn from(_: TooMany) -> Refusal {
        let mut refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_waiting",
            "Too many pages wait for a change.",
        )
        .because("At most 8 tabs of a person wait at once. Ask without `wait`, or again later.");
        refusal.retry_after = Some(WAIT_AGAIN_IN);
        refusal
    }
}

impl From<WriteError> for Refusal {
    fn from(_: WriteError) -> Refusal {
        Refusal::unavailable("store_unavailable", "This cannot be recorded right now.")
    }
}

fn session_inactive(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "session_inactive", "Nobody is signed in.").because(reason)
}

fn origin_not_allowed() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "origin_not_allowed", "This origin may not change anything.").because(
        "A change by cookie needs an Origin header that is this service's own or one of page.allowed_origins.",
    )
}

pub fn no_such_action() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is no such action.")
        .because("Actions are offered, started, skip, dismiss, cancelled, failed, unavailable and completed.")
}

fn identity_changed() -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        "identity_changed",
        "Somebody else, or another session, is signed in now.",
    )
    .because("Nothing was recorded. Get the decision again.")
}

/// Carries the decision that stands against it.
pub fn not_allowed(action: &'static str, document: &Document) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::CONFLICT, "not_allowed", "This is not allowed now.")
        .because(format!("{action}: the decision in details does not allow it. Nothing was recorded."));
    refusal.details = serde_json::to_value(document).ok();
    refusal
}
