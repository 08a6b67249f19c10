//! Which rooms answer on which listener.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, web};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use url::Url;
use utoipa::openapi::{InfoBuilder, OpenApi, ServerBuilder};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use super::StartError;
use super::errors::{Paths, not_taken};
use super::health::{self, Document, Readiness};
use crate::admin::{self as operators, Desk};
use crate::ceremony::Party;
use crate::clock::Clock;
use crate::config::{self, PolicyInForce, Settings};
use crate::kratos::{Admin, ClientError, Identities, Patience, Sessions};
use crate::onboarding::EnrolMethod;
use crate::page::{self, Ages, Importing, Mediations, OWN_PATIENCE, Own, Pages, Parts, Rules};
use crate::site::{self, Site};
use crate::store::{Elsewhere, Store};
use crate::telemetry::Metrics;
use crate::webhook::{self, Hooks};

/// An operator waits for Kratos; the request that asks does not wait for ever.
const OPERATORS_PATIENCE: Patience =
    Patience { answer_within: Duration::from_secs(5), tries_for: Duration::from_secs(5) };

/// What the handlers share; one for all workers.
#[derive(Clone)]
pub struct Rooms {
    hooks: web::Data<Hooks>,
    pub pages: web::Data<Pages>,
    /// Only where our own ceremony can be held.
    pub importing: Option<Arc<Importing>>,
    desk: web::Data<Desk>,
    site: web::Data<Site>,
    readiness: web::Data<Readiness>,
    metrics: web::Data<Metrics>,
    public_document: web::Data<Document>,
    admin_document: web::Data<Document>,
    public_paths: web::Data<Paths>,
    admin_paths: web::Data<Paths>,
}

impl Rooms {
    pub fn build(
        settings: &Settings,
        public_url: &Url,
        store: Store,
        clock: Clock,
        metrics: Arc<Metrics>,
        waiting: CancellationToken,
        policy: Arc<PolicyInForce>,
    ) -> Result<Rooms, StartError> {
        let sessions = Arc::new(Sessions::new(
            &settings.kratos,
            settings.secrets.pii.clone(),
            clock.clone(),
            metrics.clone(),
        )?);
        let admin =
            Admin::new(&settings.kratos, settings.secrets.pii.clone(), metrics.clone())?.map(Arc::new);
        let forgetting = sessions.clone();
        store.on_elsewhere(move |elsewhere| match elsewhere {
            Elsewhere::Wrote(identities) => {
                identities.iter().for_each(|identity| forgetting.forget(*identity))
            }
            Elsewhere::Anything => forgetting.forget_all(),
        });
        let forgetting = sessions.clone();
        let hooks = Hooks::new(
            &settings.webhook,
            settings.secrets.pii.clone(),
            store.clone(),
            clock.clone(),
            metrics.clone(),
        )
        .on_event(move |identity| forgetting.forget(identity));
        let desk = Desk::new(operators::Parts {
            settings: &settings.admin_by_every_name(),
            policy: policy.clone(),
            keys: settings.secrets.pii.clone(),
            identities: Identities::new(
                &settings.kratos,
                settings.secrets.pii.clone(),
                OPERATORS_PATIENCE,
                metrics.clone(),
            )?,
            store: store.clone(),
            clock: clock.clone(),
        });
        let own = own(settings, public_url, &store, &metrics)?;
        let importing = own.as_ref().map(|own| own.importing.clone());
        let pages = Pages::new(Parts {
            policy,
            kratos: &settings.kratos,
            page: &settings.page,
            base_url: public_url,
            sessions,
            admin,
            own,
            store: store.clone(),
            clock,
            metrics: metrics.clone(),
            stopping: waiting,
        });
        let (public_path, admin_path) =
            (&settings.serve.public.base_path, &settings.serve.admin.listener.base_path);
        let public = public_document(
            public_path,
            &settings.webhook.api_key_name,
            &settings.kratos.session_cookie_name,
        );
        let operators = admin_document(admin_path);
        Ok(Rooms {
            hooks: web::Data::new(hooks),
            pages: web::Data::new(pages),
            desk: web::Data::new(desk),
            site: web::Data::new(Site::new(public_url, &settings.kratos, &settings.page, &settings.webauthn)),
            readiness: web::Data::new(Readiness::of(store, importing.clone())),
            importing,
            metrics: web::Data::from(metrics),
            public_paths: web::Data::new(Paths::of(&public, public_path)),
            admin_paths: web::Data::new(Paths::of(&operators, admin_path)),
            public_document: web::Data::new(Document(public.to_json().unwrap_or_default())),
            admin_document: web::Data::new(Document(operators.to_json().unwrap_or_default())),
        })
    }
}

/// For Kratos, browsers and load balancers.
pub fn public(app: &mut web::ServiceConfig, rooms: &Rooms, base_path: &str) {
    app.app_data(rooms.hooks.clone())
        .app_data(rooms.pages.clone())
        .app_data(rooms.site.clone())
        .app_data(rooms.readiness.clone())
        .app_data(rooms.public_document.clone())
        .app_data(rooms.public_paths.clone())
        .configure(site::at_root)
        .service(web::scope(base_path).configure(|scope| public_routes(&mut ServiceConfig::new(scope))))
        .default_service(web::to(not_taken));
}

/// For operators.
pub fn admin(app: &mut web::ServiceConfig, rooms: &Rooms, base_path: &str) {
    app.app_data(rooms.metrics.clone())
        .app_data(rooms.desk.clone())
        .app_data(rooms.admin_document.clone())
        .app_data(rooms.readiness.clone())
        .app_data(rooms.admin_paths.clone())
        .service(web::scope(base_path).configure(|scope| admin_routes(&mut ServiceConfig::new(scope))))
        .default_service(web::to(not_taken));
}

fn public_routes(routes: &mut ServiceConfig) {
    routes
        .configure(webhook::configure)
        .configure(page::configure)
        .configure(site::configure)
        .service(health::alive)
        .service(health::ready)
        .service(health::version)
        .service(health::openapi);
}

fn admin_routes(routes: &mut ServiceConfig) {
    routes
        .configure(operators::configure)
        .service(health::metrics)
        .service(health::alive)
        .service(health::ready)
        .service(health::version)
        .service(health::openapi);
}

fn public_document(base_path: &str, api_key_name: &str, session_cookie_name: &str) -> OpenApi {
    let (_, mut document) = App::new().into_utoipa_app().configure(public_routes).split_for_parts();
    introduce(
        &mut document,
        base_path,
        "kratos-onboarding",
        "Hooks from Ory Kratos in, one decision about offering a passkey out.",
    );
    for item in document.paths.paths.values_mut() {
        // Both are one handler with one name, and a document may hold a name once.
        if let Some(id) = item.head.as_mut().and_then(|head| head.operation_id.as_mut()) {
            id.push_str("_head");
        }
    }
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    for (name, scheme) in
        webhook::security_schemes(api_key_name).into_iter().chain(page::security_schemes(session_cookie_name))
    {
        schemes.insert(name.to_owned(), scheme.into());
    }
    document
}

fn admin_document(base_path: &str) -> OpenApi {
    let (_, mut document) = App::new().into_utoipa_app().configure(admin_routes).split_for_parts();
    introduce(
        &mut document,
        base_path,
        "kratos-onboarding, for operators",
        "Look people up, change what is asked of them, see what was done. Every endpoint below /admin wants an \
         operator's token.",
    );
    let (name, scheme) = operators::security_scheme();
    document.components.get_or_insert_default().security_schemes.insert(name.to_owned(), scheme.into());
    document
}

fn introduce(document: &mut OpenApi, base_path: &str, title: &str, description: &str) {
    document.info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .build();
    if !base_path.is_empty() {
        document.servers = Some(vec![ServerBuilder::new().url(base_path).build()]);
    }
}

/// As JSON, with the default names of key and cookie.
pub fn public_openapi_document() -> String {
    public_document("", "X-Onboarding-Key", "ory_kratos_session").to_pretty_json().unwrap_or_default()
}

/// As JSON.
pub fn admin_openapi_document() -> String {
    admin_document("").to_pretty_json().unwrap_or_default()
}

/// Our own ceremony, where it is known for whom and there is somebody to hand it in to.
fn own(
    settings: &Settings,
    public_url: &Url,
    store: &Store,
    metrics: &Arc<Metrics>,
) -> Result<Option<Own>, StartError> {
    let config::Webauthn { rp_id, rp_name, origins, import, own_ceremony_max_age } = &settings.webauthn;
    let keys = settings.secrets.pii.clone();
    let identities = Identities::new(&settings.kratos, keys, OWN_PATIENCE, metrics.clone())?;
    // Kratos would let nobody sign in with it.
    let is_wanted = settings.policy.enrol.contains(&EnrolMethod::Passkey)
        && *import
        && settings.page.ceremony != config::Ceremony::Settings;
    let (Some(rp_id), Some(identities), true) = (rp_id, identities, is_wanted) else { return Ok(None) };
    let mut origins = origins.clone();
    if origins.is_empty() {
        origins.push(config::Origin(public_url.origin().ascii_serialization()));
        // The elements may stand in pages of the app.
        origins.extend(settings.page.allowed_origins.iter().filter(|app| app.is_at(rp_id)).cloned());
    }
    let origins = origins.into_iter().map(|origin| origin.0).collect();
    // It was checked when the settings were read.
    let Ok(party) = Party::new(rp_id.clone(), rp_name.clone(), origins) else { return Ok(None) };
    let ages = Ages { privileged: settings.kratos.privileged_session_max_age, own: *own_ceremony_max_age };
    let rules = Rules { ages, code_mfa: settings.kratos.code_mfa };
    if ages.own > ages.privileged {
        tracing::warn!(
            own_ceremony_max_age = %ages.own,
            privileged_session_max_age = %ages.privileged,
            "webauthn.own_ceremony_max_age is longer than Kratos's: whoever has just registered may add a first passkey later \
             than Kratos itself would allow"
        );
    }
    let runtime = Handle::try_current().map_err(|_| ClientError::NoRuntime)?;
    let importing = Arc::new(Importing::new(store.clone(), metrics.clone(), runtime.clone()));
    let mediations = match settings.page.conditional_create {
        true => Mediations::AlsoConditional,
        false => Mediations::Optional,
    };
    Ok(Some(Own::new(mediations, party, rules, Arc::new(identities), importing, runtime)))
}
