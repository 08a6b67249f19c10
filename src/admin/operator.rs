//! The extractor every endpoint begins with.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::Desk;
use super::access::AccessError;
use super::refusals::Unrecorded;
use crate::envelope::Refusal;
use crate::onboarding::{Actor, IdentityId, OperatorName};
use crate::store::{LogEntry, OperatorAction};

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

    /// Puts on record what is no event of the identity. Before it is done: what is not on record does not happen.
    pub(super) async fn on_record(
        &self,
        action: OperatorAction,
        subject: Option<IdentityId>,
        detail: Value,
    ) -> Result<(), Unrecorded> {
        let (id, at) = (self.desk.clock.event_id(), self.desk.clock.now());
        let entry = LogEntry { id, at, operator: self.name.clone(), action, subject, detail };
        self.desk.store.log_operator(&entry).await.map_err(Unrecorded)
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
