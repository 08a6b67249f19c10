//! What the page asks: the decision, what it reports, and the stream of changes.

mod answer;
mod caller;
mod cors;
mod decision;
mod document;
mod events;
mod learning;
mod links;
mod origins;
mod own;
mod passkeys;
mod query;
mod refusals;
mod report;
mod report_body;
mod tag;
mod waiting;

#[cfg(test)]
mod tag_properties;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::header::ALLOW;
use actix_web::{HttpResponse, web};
use tokio_util::sync::CancellationToken;
use url::Url;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::clock::Clock;
use crate::config::{self, PolicyInForce};
use crate::kratos::{Admin, Sessions};
use crate::store::Store;
use crate::telemetry::Metrics;

pub use caller::security_schemes;
pub use cors::{Cors, CorsService, cors};
pub use document::{Completed, Document};
pub use own::{Ages, Importing, Mediations, Own, PATIENCE as OWN_PATIENCE, Rules};

use learning::Lookups;
use links::Links;
use origins::Origins;
use waiting::Waiting;

/// What the page's endpoints are made of.
#[derive(Debug)]
pub struct Parts<'a> {
    pub policy: Arc<PolicyInForce>,
    pub kratos: &'a config::Kratos,
    pub page: &'a config::Page,
    /// How browsers reach this service, scheme to path.
    pub base_url: &'a Url,
    pub sessions: Arc<Sessions>,
    /// Only where `kratos.admin_url` is set.
    pub admin: Option<Arc<Admin>>,
    /// Only where our own ceremony can be held.
    pub own: Option<Own>,
    pub store: Store,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// Cancelled when the service stops: whoever waits is answered at once.
    pub stopping: CancellationToken,
}

/// The state of the page's endpoints.
#[derive(Debug)]
pub struct Pages {
    policy: Arc<PolicyInForce>,
    origins: Origins,
    links: Links,
    sessions: Arc<Sessions>,
    lookups: Option<Lookups>,
    own: Option<Own>,
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
    waiting: Waiting,
}

impl Pages {
    pub fn new(parts: Parts<'_>) -> Pages {
        let Parts { policy, kratos, page, base_url, sessions, admin, own, store, clock, metrics, stopping } =
            parts;
        Pages {
            policy,
            origins: Origins::new(base_url, &page.allowed_origins),
            links: Links::new(
                base_url,
                &kratos.browser_url,
                &page.default_return_url,
                &page.allowed_return_urls,
            ),
            lookups: admin.map(|admin| Lookups::new(admin, store.clone(), clock.clone())),
            waiting: Waiting::new(metrics.clone()),
            sessions,
            own,
            store,
            clock,
            metrics,
            stopping,
        }
    }

    /// Where a page goes on to: there, if that is allowed, else to `page.default_return_url`.
    pub fn destination(&self, return_to: Option<&str>) -> Url {
        self.links.destination(return_to)
    }
}

/// Registers the endpoints. The application's data must hold a `web::Data<Pages>`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(decision::decision)
        .service(events::events)
        .service(passkeys::passkeys)
        .service(own::passkey_options)
        .service(own::add_passkey);
    // Before the reports, which would take them for names of an action; the envelope is the server's.
    config.map(|config| {
        let only_get = || async { HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET")).finish() };
        config.service(web::resource("/api/onboarding/events").default_service(web::to(only_get)));
        for (path, allowed) in
            [("/api/onboarding/passkeys", "GET, POST"), ("/api/onboarding/passkeys/options", "POST")]
        {
            let not_so = move || async move {
                HttpResponse::MethodNotAllowed().insert_header((ALLOW, allowed)).finish()
            };
            config.service(web::resource(path).default_service(web::to(not_so)));
        }
        config
    });
    config.service(report::post_report);
}
