//! What an operator asks, on the admin listener: look somebody up, change what is asked of them, see what was done.

mod access;
mod changes;
mod erase;
mod funnel;
mod identity;
mod list;
mod log;
mod lookup;
mod operator;
mod parameters;
mod passkeys;
mod record;
mod refusals;
mod revocation;
mod trail;

use std::sync::Arc;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Clock;
use crate::config::{self, PolicyInForce};
use crate::kratos::Identities;
use crate::onboarding::{IdentityId, PiiKeys, Record};
use crate::store::Store;

pub use operator::{Operator, security_scheme};
pub use record::{ExplanationDocument, RecordDocument, RuleDocument, RulingName};

pub use revocation::{Looked, Revocation, RevocationError, TakenAway};

use access::Access;
use refusals::IdentityError;

/// What the operators' endpoints are made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// With every name of the listener among its hosts.
    pub settings: &'a config::Admin,
    pub policy: Arc<PolicyInForce>,
    pub keys: PiiKeys,
    /// Only where `kratos.admin_url` is set.
    pub identities: Option<Identities>,
    pub store: Store,
    pub clock: Clock,
}

/// The state of the operators' endpoints.
#[derive(Debug)]
pub struct Desk {
    access: Access,
    policy: Arc<PolicyInForce>,
    keys: PiiKeys,
    identities: Option<Identities>,
    store: Store,
    clock: Clock,
}

impl Desk {
    pub fn new(parts: Parts<'_>) -> Desk {
        let Parts { settings, policy, keys, identities, store, clock } = parts;
        Desk { access: Access::new(settings), policy, keys, identities, store, clock }
    }

    async fn record(&self, identity: IdentityId) -> Result<Arc<Record>, IdentityError> {
        self.store.record(identity).await?.ok_or(IdentityError::Unknown)
    }
}

/// Registers the endpoints. The application's data must hold a `web::Data<Desk>`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(lookup::lookup)
        .service(list::list)
        .service(identity::show)
        .service(identity::decision)
        .service(trail::audit)
        .service(changes::reset)
        .service(changes::snooze)
        .service(changes::dismiss)
        .service(changes::require)
        .service(passkeys::passkeys)
        .service(passkeys::revoke)
        .service(erase::erase)
        .service(log::log)
        .service(funnel::funnel);
}

/// An identity's id from a path.
fn identity_of(path: &web::Path<String>) -> Result<IdentityId, IdentityError> {
    path.parse().map_err(IdentityError::Malformed)
}
