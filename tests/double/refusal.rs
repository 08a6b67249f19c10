//! Errors in Kratos's words, and where a browser that navigates is sent instead.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::config::Version;
use super::messages::Message;

/// Where a navigation that is refused ends up. A page that fetches always gets the JSON.
#[derive(Debug, Clone)]
pub enum Instead {
    /// The error page of the UI, which asks for the error by its id.
    ErrorPage,
    To(String),
    /// With 302.
    Found(String),
    /// The JSON all the same: an endpoint that is no place for navigations.
    Json,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{status} {body}")]
pub struct Refusal {
    pub status: u16,
    pub body: Value,
    pub instead: Instead,
}

impl Refusal {
    fn new(status: u16, id: Option<&str>, message: &str, reason: Option<&str>) -> Refusal {
        let mut error = Map::new();
        if let Some(id) = id {
            error.insert("id".into(), json!(id));
        }
        error.insert("code".into(), json!(status));
        let name = actix_web::http::StatusCode::from_u16(status).unwrap();
        error.insert("status".into(), json!(name.canonical_reason().unwrap_or_default()));
        if let Some(reason) = reason {
            error.insert("reason".into(), json!(reason));
        }
        error.insert("message".into(), json!(message));
        Refusal { status, body: json!({ "error": error }), instead: Instead::ErrorPage }
    }

    fn detail(mut self, key: &str, value: impl Into<Value>) -> Refusal {
        self.body["error"]["details"][key] = value.into();
        self
    }

    fn beside(mut self, key: &str, value: impl Into<Value>) -> Refusal {
        self.body[key] = value.into();
        self
    }

    pub fn instead(mut self, url: String) -> Refusal {
        self.instead = Instead::To(url);
        self
    }

    pub fn always_json(mut self) -> Refusal {
        self.instead = Instead::Json;
        self
    }

    pub fn bad_request(reason: &str) -> Refusal {
        let message = "The request was malformed or contained invalid parameters";
        Refusal::new(400, None, message, Some(reason))
    }

    pub fn internal(reason: &str) -> Refusal {
        let message = "An internal server error occurred, please contact the system administrator";
        Refusal::new(500, None, message, Some(reason))
    }

    pub fn not_found(reason: Option<&str>) -> Refusal {
        Refusal::new(
            404,
            None,
            if reason.is_some() {
                "The requested resource could not be found"
            } else {
                "Unable to locate the resource"
            },
            reason,
        )
    }

    pub fn conflict(reason: &str) -> Refusal {
        Refusal::new(409, None, "The resource could not be created due to a conflict", Some(reason))
    }

    pub fn forbidden(reason: &str) -> Refusal {
        Refusal::new(403, None, "The requested action was forbidden", Some(reason))
    }

    pub fn method_disabled() -> Refusal {
        let reason = "This endpoint was disabled by system administrator. Please check your url or contact the system \
                      administrator to enable it.";
        Refusal::not_found(Some(reason))
    }

    /// whoami, without a session.
    pub fn not_signed_in() -> Refusal {
        let reason = "No valid session credentials found in the request.";
        Refusal::new(401, None, "The request could not be authorized", Some(reason)).always_json()
    }

    /// Signing out, without a session.
    pub fn session_inactive() -> Refusal {
        let reason = "No active session was found in this request.";
        let message = "request does not have a valid authentication session";
        Refusal::new(401, Some("session_inactive"), message, Some(reason))
    }

    /// Starting a settings flow, without a session. v1.3.1 has no `CredentialsMissing`.
    pub fn no_settings(version: Version) -> Refusal {
        let refusal = Refusal::session_inactive();
        if version == Version::V1_3_1 { refusal } else { refusal.beside("CredentialsMissing", false) }
    }

    /// Reading or submitting a settings flow, without a session.
    pub fn session_missing(login: String) -> Refusal {
        let reason = "A valid Ory Session Cookie or Ory Session Token is missing.";
        let refusal = Refusal::new(401, None, "The request could not be authorized", Some(reason));
        Refusal { instead: Instead::Found(login), ..refusal }
    }

    pub fn registration_while_signed_in() -> Refusal {
        let reason = "A valid session was detected and thus registration is not possible.";
        Refusal::new(400, Some("session_already_available"), "you are already logged in", Some(reason))
    }

    pub fn login_while_signed_in() -> Refusal {
        let reason = "A valid session was detected and thus login is not possible. Did you forget to set \
                      `?refresh=true`?";
        Refusal::new(400, Some("session_already_available"), "you are already logged in", Some(reason))
    }

    pub fn aal1_required() -> Refusal {
        let reason = "You can not requested a higher AAL (AAL2/AAL3) without an active session.";
        let message = "aal2 and aal3 can only be requested if a session exists already";
        Refusal::new(401, Some("session_aal1_required"), message, Some(reason))
    }

    pub fn aal2_required(to: &str) -> Refusal {
        let reason = "An active session was found but it does not fulfill the requested Authenticator Assurance \
                      Level. Please verify yourself with a second factor to resolve this issue.";
        let message = "Session does not fulfill the requested Authenticator Assurance Level";
        Refusal::new(403, Some("session_aal2_required"), message, Some(reason))
            .detail("redirect_browser_to", to)
            .beside("redirect_browser_to", to)
            .instead(to.to_owned())
    }

    pub fn refresh_required(to: &str) -> Refusal {
        let reason = "The login session is too old and thus not allowed to update these fields. Please \
                      re-authenticate.";
        let message = "The requested action was forbidden";
        Refusal::new(403, Some("session_refresh_required"), message, Some(reason))
            .beside("redirect_browser_to", to)
            .instead(to.to_owned())
    }

    /// A settings flow of somebody else is submitted.
    pub fn someone_elses_flow() -> Refusal {
        let reason = "The request was initiated by someone else and has been blocked for security reasons. Please \
                      go back and try again.";
        Refusal::new(
            403,
            Some("security_identity_mismatch"),
            "The requested action was forbidden",
            Some(reason),
        )
    }

    /// A settings flow of somebody else is read.
    pub fn another_identitys_flow() -> Refusal {
        let reason = "The request was made for another identity and has been blocked for security reasons.";
        Refusal::new(
            403,
            Some("security_identity_mismatch"),
            "The requested action was forbidden",
            Some(reason),
        )
        .always_json()
    }

    /// What was parked is somebody else's.
    pub fn parked_by_another() -> Refusal {
        let reason =
            "The flow has been blocked for security reasons because it was initiated by another person..";
        Refusal::new(403, None, "The requested action was forbidden", Some(reason))
    }

    pub fn csrf(hint: Option<&str>, reject_reason: Option<&str>) -> Refusal {
        let reason = "Please retry the flow and optionally clear your cookies. The request was rejected to protect \
                      you from Cross-Site-Request-Forgery (CSRF) which could cause account takeover, leaking \
                      personal information, and other serious security issues.";
        let message = "the request was rejected to protect you from Cross-Site-Request-Forgery";
        let mut refusal = Refusal::new(403, Some("security_csrf_violation"), message, Some(reason))
            .detail("docs", "https://www.ory.sh/kratos/docs/debug/csrf");
        for (key, value) in [("hint", hint), ("reject_reason", reject_reason)] {
            if let Some(value) = value {
                refusal = refusal.detail(key, value);
            }
        }
        refusal
    }

    pub fn return_to_forbidden(url: &str) -> Refusal {
        let reason = format!("Requested return_to URL \"{url}\" is not allowed.");
        let message = "The request was malformed or contained invalid parameters";
        Refusal::new(400, Some("self_service_flow_return_to_forbidden"), message, Some(&reason))
    }

    pub fn browser_location_change(to: &str) -> Refusal {
        let reason = format!("In order to complete this flow please redirect the browser to: {to}");
        let message = "browser location change required";
        Refusal::new(422, Some("browser_location_change_required"), message, Some(&reason))
            .beside("redirect_browser_to", to)
            .instead(to.to_owned())
    }

    /// A flow that is read is too old.
    pub fn flow_gone(reason: &str, redirect_to: &str) -> Refusal {
        let message =
            "The requested resource is no longer available because it has expired or is otherwise invalid.";
        Refusal::new(410, Some("self_service_flow_expired"), message, Some(reason))
            .detail("redirect_to", redirect_to)
            .always_json()
    }

    /// A flow that is submitted is too old; another was made in its place.
    pub fn flow_expired(minutes: f64, expired_at: &str, use_flow: &str, page: String) -> Refusal {
        let reason = format!("The self-service flow expired {minutes:.2} minutes ago, initialize a new one.");
        Refusal::new(410, Some("self_service_flow_expired"), "self-service flow expired", Some(&reason))
            .beside("expired_at", expired_at)
            .beside("since", (minutes * 60e9).round())
            .beside("use_flow_id", use_flow)
            .instead(page)
    }

    pub fn answer(&self) -> Answer {
        Answer::Json(self.status, self.body.clone())
    }
}

/// Why a form was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    /// The form is shown again, with this.
    #[error("{0:?}")]
    Form(Message),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<Message> for Trouble {
    fn from(message: Message) -> Trouble {
        Trouble::Form(message)
    }
}
