//! The extractor every endpoint begins with.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::Desk;
use super::access::AccessError;
use crate::envelope::Refusal;
use crate::onboarding::{Actor, OperatorName};

/// Somebody whose token was right.
#[derive(Debug, Clone)]
pub struct Operator {
    pub name: OperatorName,
    pub(super) desk: Data<Desk>,
}

impl Operator {
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.name.clone())
    }

    fn find(request: &HttpRequest) -> Result<Operator, AccessError> {
        let desk = request.app_data::<Data<Desk>>().cloned().ok_or(AccessError::NotReady)?;
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let name = desk.access.admit(request.headers(), authority)?;
        Ok(Operator { name, desk })
    }
}

impl FromRequest for Operator {
    type Error = Refusal;
    type Future = Ready<Result<Operator, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Operator::find(request).map_err(Refusal::from))
    }
}

/// For the OpenAPI document.
pub fn security_scheme() -> (&'static str, SecurityScheme) {
    ("operator_token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
}
