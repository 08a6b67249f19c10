//! What is served from `web/`: the two pages, and the elements for them and for pages elsewhere.

mod embedded;
mod file;
mod files;
mod language;
mod modules;
mod pages;
mod policy;
mod specifiers;
mod well_known;
mod words;

use std::collections::HashMap;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, web};
use url::Url;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::config;
use file::{File, Kept};
use modules::{Modules, Published, hashed};

/// Everything that is served, made once at the start.
#[derive(Debug)]
pub struct Site {
    /// `elements/v1.js`. `None` where the modules do not fit together, which a test forbids: the pages then show what
    /// they show without JavaScript.
    entry: Option<File>,
    /// By the path below `elements/v1/`.
    modules: HashMap<String, File>,
    /// Paths below `elements/v1/` of what the entry needs.
    preloaded: Vec<String>,
    style_name: String,
    style: File,
    brand: pages::Brand,
    content_security_policy: HeaderValue,
    related_origins: Option<File>,
    passkey_endpoints: File,
}

impl Site {
    /// `base_url`: how browsers reach this service, scheme to path.
    pub fn new(
        base_url: &Url,
        kratos: &config::Kratos,
        page: &config::Page,
        webauthn: &config::Webauthn,
    ) -> Site {
        let modules = Modules::publish(&embedded::modules())
            .inspect_err(|error| tracing::error!(error = %error, "the elements cannot be served"))
            .ok();
        let (entry, modules, preloaded) = match modules {
            Some(Modules { entry, files, preloaded }) => (Some(entry), files, preloaded),
            None => (None, HashMap::new(), Vec::new()),
        };
        let modules = modules.into_iter();
        let style = Published::of(embedded::STYLE.to_owned());
        let brand = pages::Brand::of(&page.brand, base_url);
        let logo = brand.logo.as_ref();
        Site {
            entry: entry.map(|entry| File::javascript(entry, Kept::Revalidated)),
            modules: modules.map(|(name, file)| (name, File::javascript(file, Kept::Forever))).collect(),
            preloaded,
            style_name: hashed("page.css", &style.hash),
            style: File::css(style),
            content_security_policy: policy::content_security_policy(base_url, &kratos.browser_url, logo),
            brand,
            related_origins: well_known::related_origins(&webauthn.origins),
            passkey_endpoints: well_known::passkey_endpoints(base_url),
        }
    }
}

/// What is looked for at the root of a host, wherever the service lies below it.
pub fn at_root(app: &mut web::ServiceConfig) {
    app.service(well_known::webauthn).service(well_known::endpoints);
}

/// Registers what is served. The application's data must hold a `web::Data<Site>` and a `web::Data<page::Pages>`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(files::entry)
        .service(files::module)
        .service(files::style)
        .service(pages::post_registration)
        .service(pages::passkeys)
        .service(well_known::webauthn)
        .service(well_known::endpoints);
    // Its path has slashes, which the OpenAPI document, asked for the methods of a path, cannot say.
    config.map(|config| {
        let only_read =
            || async { HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).finish() };
        config.service(web::resource("/elements/v1/{file:.+}").default_service(web::to(only_read)))
    });
}
