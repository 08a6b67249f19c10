//! `GET /post-registration` and `GET /passkeys`: a document around an element each.
//!
//! Neither asks whose session it is: what a person is shown is between the element and the API.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, route, web};
use askama::Template;
use url::Url;

use super::Site;
use super::file::NOSNIFF;
use super::language::Language;
use super::words::Words;
use crate::config;
use crate::envelope::Refusal;
use crate::page::Pages;

/// What a deployment calls itself; every part only where it is set.
#[derive(Debug)]
pub struct Brand {
    pub name: Option<String>,
    /// Absolute.
    pub logo: Option<Url>,
    pub colour: Option<String>,
    pub support_url: Option<Url>,
}

impl Brand {
    pub fn of(brand: &config::Brand, base_url: &Url) -> Brand {
        let config::Brand { name, logo, colour, support_url } = brand.clone();
        let logo = logo.and_then(|logo| match logo {
            config::Logo::Url(url) => Some(url),
            config::Logo::Path(path) => base_url.join(&path).ok(),
        });
        Brand { name, logo, colour, support_url }
    }
}

/// What both templates are filled with.
struct Shown<'s> {
    site: &'s Site,
    language: Language,
    words: &'static Words,
    /// Allowed, and absolute.
    return_to: &'s str,
}

#[derive(Template)]
#[template(path = "post-registration.html")]
struct PostRegistration<'s> {
    shown: Shown<'s>,
}

#[derive(Template)]
#[template(path = "passkeys.html")]
struct Passkeys<'s> {
    shown: Shown<'s>,
}

/// The page after a registration: offers a passkey, and goes on.
#[utoipa::path(
    method(get, head),
    tag = "pages",
    operation_id = "post_registration",
    params(
        ("return_to" = Option<String>, Query,
            description = "Where it goes on to, if that is allowed; else to page.default_return_url"),
        ("Accept-Language" = Option<String>, Header, description = "Of en, de, fr, es, ja and ar; else it is en"),
    ),
    responses((status = 200, description = "A document", body = String, content_type = "text/html")),
)]
#[route("/post-registration", method = "GET", method = "HEAD")]
pub async fn post_registration(
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
) -> HttpResponse {
    answer(&site, &pages, &request, |shown| PostRegistration { shown }.render())
}

/// The passkeys of the account: shows them, adds and removes some.
#[utoipa::path(
    method(get, head),
    tag = "pages",
    operation_id = "passkeys_page",
    params(
        ("return_to" = Option<String>, Query,
            description = "Where it leads back to, if that is allowed; else to page.default_return_url"),
        ("Accept-Language" = Option<String>, Header, description = "Of en, de, fr, es, ja and ar; else it is en"),
    ),
    responses((status = 200, description = "A document", body = String, content_type = "text/html")),
)]
#[route("/passkeys", method = "GET", method = "HEAD")]
pub async fn passkeys(site: web::Data<Site>, pages: web::Data<Pages>, request: HttpRequest) -> HttpResponse {
    answer(&site, &pages, &request, |shown| Passkeys { shown }.render())
}

fn answer(
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    render: impl FnOnce(Shown<'_>) -> askama::Result<String>,
) -> HttpResponse {
    let language = Language::wanted(request);
    let asked = url::form_urlencoded::parse(request.query_string().as_bytes());
    let wanted = asked.filter(|(name, _)| name == "return_to").last();
    let return_to = pages.destination(wanted.as_ref().map(|(_, return_to)| return_to.as_ref()));
    let shown = Shown { site, language, words: language.words(), return_to: return_to.as_str() };
    let document = match render(shown) {
        Ok(document) => document,
        Err(error) => {
            tracing::error!(error = %error, "a page cannot be written down");
            return HttpResponse::from_error(Refusal::internal());
        }
    };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")))
        .insert_header((CONTENT_LANGUAGE, HeaderValue::from_static(language.tag())))
        // It names the files of this version, and its address may hold what a destination wants to know of a person.
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((VARY, HeaderValue::from_static("Accept-Language")))
        .insert_header((CONTENT_SECURITY_POLICY, site.content_security_policy.clone()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, NOSNIFF))
        // Not `no-referrer`: under it `Origin` is `null` in some requests (the Fetch standard, "append a request
        // `Origin` header"), and reports need it. The path and its query go to nobody all the same.
        .insert_header((REFERRER_POLICY, HeaderValue::from_static("strict-origin")))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")))
        .insert_header((PERMISSIONS_POLICY, PERMISSIONS))
        .body(document)
}

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("publickey-credentials-create=(self), publickey-credentials-get=(self)");
