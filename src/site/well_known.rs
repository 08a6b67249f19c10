//! What browsers and password managers look for at fixed places of a host.

use actix_web::{HttpRequest, HttpResponse, route, web};
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::Site;
use super::file::File;
use super::files::not_there;
use crate::config::Origin;
use crate::envelope::{ErrorEnvelope, Refusal};

/// WebAuthn Level 3, section 5.11.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedOrigins {
    origins: Vec<String>,
}

/// A Well-Known URL for Passkey Endpoints (W3C, Working Draft).
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyEndpoints {
    #[schema(format = "uri")]
    enroll: String,
    #[schema(format = "uri")]
    manage: String,
}

/// `None` where there is one origin: nobody has to be told then.
pub(super) fn related_origins(origins: &[Origin]) -> Option<File> {
    let document = RelatedOrigins { origins: origins.iter().map(|origin| origin.0.clone()).collect() };
    (origins.len() > 1).then(|| File::json(&document))
}

pub(super) fn passkey_endpoints(base_url: &Url) -> File {
    let at = |page: &str| format!("{}{page}", base_url.as_str().trim_end_matches('/'));
    File::json(&PasskeyEndpoints { enroll: at("/post-registration"), manage: at("/passkeys") })
}

/// Which origins may use passkeys of this relying party.
///
/// Browsers ask for it at `https://{webauthn.rp_id}/.well-known/webauthn`, where a page's host is neither that domain nor below
/// it; there only with several `webauthn.origins`.
#[utoipa::path(
    method(get, head),
    tag = "elements",
    operation_id = "related_origins",
    responses(
        (status = 200, description = "The origins", body = RelatedOrigins),
        (status = 304, description = "What the browser has still holds"),
        (status = 404, description = "There is one origin", body = ErrorEnvelope),
    ),
)]
#[route("/.well-known/webauthn", method = "GET", method = "HEAD")]
pub async fn webauthn(site: web::Data<Site>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    site.related_origins.as_ref().map(|file| file.answer(&request)).ok_or_else(not_there)
}

/// Where a person sets a passkey up, and looks after theirs.
#[utoipa::path(
    method(get, head),
    tag = "elements",
    operation_id = "passkey_endpoints",
    responses(
        (status = 200, description = "The two pages", body = PasskeyEndpoints),
        (status = 304, description = "What the browser has still holds"),
    ),
)]
#[route("/.well-known/passkey-endpoints", method = "GET", method = "HEAD")]
pub async fn endpoints(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    site.passkey_endpoints.answer(&request)
}
