//! Who asks: the extractor every endpoint of the page begins with.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, ORIGIN};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};

use super::Pages;
use super::query::{Query, QueryError};
use crate::envelope::Refusal;
use crate::kratos::{Credential, CredentialError, CredentialKind, Freshness, Session};

/// A person with an active session, allowed to do what this request's method does.
#[derive(Debug, Clone)]
pub struct Caller {
    pub session: Arc<Session>,
    /// To look at the session again.
    pub credential: Credential,
    pub query: Query,
    pub pages: Data<Pages>,
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Caller, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = Asked::read(request);
        let pages = request.app_data::<Data<Pages>>().cloned();
        Box::pin(async move { find(asked).await.map_err(|refusal| with_way_in(refusal, pages.as_ref())) })
    }
}

impl Caller {
    /// Whether it is still the person whom the page was told of, where it says so.
    pub fn is_still(&self, headers: &HeaderMap) -> Result<(), CallerError> {
        let told = headers.get("if-subject");
        match told.is_none_or(|told| told.as_bytes() == self.session.subject.as_str().as_bytes()) {
            true => Ok(()),
            false => Err(CallerError::IdentityChanged),
        }
    }
}

async fn find(asked: Result<Asked, CallerError>) -> Result<Caller, Refusal> {
    let Asked { pages, credential, query, freshness } = asked?;
    let session = pages.sessions.session(&credential, freshness).await?;
    Ok(Caller { session, credential, query, pages })
}

/// Whoever is not signed in is told where to.
fn with_way_in(mut refusal: Refusal, pages: Option<&Data<Pages>>) -> Refusal {
    if let Some(pages) = pages
        && refusal.status == StatusCode::UNAUTHORIZED
    {
        refusal.redirect_browser_to = Some(pages.links.plain().sign_in.clone());
    }
    refusal
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    #[error("the application has no state for the page")]
    NotReady,
    #[error("a change by cookie from an origin that is not allowed")]
    OriginNotAllowed,
    #[error("somebody else is signed in than the page was told of")]
    IdentityChanged,
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

struct Asked {
    pages: Data<Pages>,
    credential: Credential,
    query: Query,
    freshness: Freshness,
}

impl Asked {
    fn read(request: &HttpRequest) -> Result<Asked, CallerError> {
        let Some(pages) = request.app_data::<Data<Pages>>().cloned() else {
            return Err(CallerError::NotReady);
        };
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let found = Credential::find(headers, pages.sessions.cookie_name());
        let changes = !request.method().is_safe();
        // Before anything else: another site's page can make a browser send the cookie, and nothing more.
        let by_cookie = found.as_ref().is_ok_and(|credential| credential.kind() == CredentialKind::Cookie);
        if changes && by_cookie {
            let origin = request.headers().get(ORIGIN).map(|origin| origin.as_bytes());
            if !origin.is_some_and(|origin| pages.origins.allow(origin)) {
                return Err(CallerError::OriginNotAllowed);
            }
        }
        let credential = found?;
        let query = Query::parse(request.query_string())?;
        let freshness = if changes { Freshness::Fresh } else { query.freshness };
        Ok(Asked { pages, credential, query, freshness })
    }
}

/// How a person is recognised, for the OpenAPI document. The name of the cookie is a setting.
pub fn security_schemes(session_cookie_name: &str) -> [(&'static str, SecurityScheme); 3] {
    [
        ("session_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session_cookie_name)))),
        ("session_token", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Session-Token")))),
        ("session_bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
    ]
}
