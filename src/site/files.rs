//! `GET /elements/v1.js` and the files named by their content.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, route, web};

use super::Site;
use super::file::File;
use crate::envelope::{ErrorEnvelope, Refusal};

/// The elements: a module for a page here or on any other origin.
///
/// To be asked for each time: it names the files of one version by their content.
#[utoipa::path(
    method(get, head),
    tag = "elements",
    operation_id = "elements",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of what the browser has")),
    responses(
        (status = 200, description = "A JavaScript module", body = String, content_type = "text/javascript"),
        (status = 304, description = "What the browser has still holds"),
        (status = 404, description = "This build has none", body = ErrorEnvelope),
    ),
)]
#[route("/elements/v1.js", method = "GET", method = "HEAD")]
pub async fn entry(site: web::Data<Site>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    site.entry.as_ref().map(|file| file.answer(&request)).ok_or_else(not_there)
}

/// A module the elements import, named by its content.
#[utoipa::path(
    method(get, head),
    tag = "elements",
    operation_id = "elements_file",
    params(
        ("file" = String, Path, description = "Path and hash, as another module names it"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the browser has"),
    ),
    responses(
        (status = 200, description = "A JavaScript module, for ever the same", body = String,
            content_type = "text/javascript"),
        (status = 304, description = "What the browser has still holds"),
        (status = 404, description = "There is none of that name, or there is no longer", body = ErrorEnvelope),
    ),
)]
#[route("/elements/v1/{file:.+}", method = "GET", method = "HEAD")]
pub async fn module(
    site: web::Data<Site>,
    file: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    site.modules.get(file.as_str()).map(|file| file.answer(&request)).ok_or_else(not_there)
}

/// The style sheet of the pages, named by its content.
#[utoipa::path(
    method(get, head),
    tag = "elements",
    operation_id = "pages_file",
    params(
        ("file" = String, Path, description = "Name and hash, as a page names it"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the browser has"),
    ),
    responses(
        (status = 200, description = "A style sheet, for ever the same", body = String, content_type = "text/css"),
        (status = 304, description = "What the browser has still holds"),
        (status = 404, description = "There is none of that name, or there is no longer", body = ErrorEnvelope),
    ),
)]
#[route("/pages/{file}", method = "GET", method = "HEAD")]
pub async fn style(
    site: web::Data<Site>,
    file: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let style: Option<&File> = (*file == site.style_name).then_some(&site.style);
    style.map(|file| file.answer(&request)).ok_or_else(not_there)
}

pub(super) fn not_there() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.").because(
        "Files are named by their content: one of another version is gone. Get /elements/v1.js again.",
    )
}
