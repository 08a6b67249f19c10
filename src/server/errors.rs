//! Every refusal in the same envelope, with the request's id: those of the rooms, and those of the framework.

use std::borrow::Cow;

use actix_router::ResourceDef;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use tracing_actix_web::RequestId;
use utoipa::openapi::OpenApi;

use crate::envelope::Refusal;

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives refusals their envelope and every response its `X-Request-Id`.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let (request, answer) = match next.call(request).await {
        Ok(response) => {
            let refusal = refusal_of(&response);
            let (request, response) = response.into_parts();
            match refusal {
                Some(refusal) => {
                    let mut answer = refusal.respond(&id);
                    keep_headers(&response, &mut answer);
                    (request, answer)
                }
                None => (request, response.map_into_boxed_body()),
            }
        }
        Err(error) => return Err(error),
    };
    let mut answer = answer;
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    Ok(ServiceResponse::new(request, answer))
}

fn refusal_of<B: MessageBody>(response: &ServiceResponse<B>) -> Option<Refusal> {
    let status = response.status();
    if let Some(error) = response.response().error() {
        return Some(match error.as_error::<Refusal>() {
            Some(refusal) => refusal.clone(),
            None => of_framework(status),
        });
    }
    // A response the framework made without an error, such as its own 405.
    let bare = (status.is_client_error() || status.is_server_error())
        && response.response().headers().get(header::CONTENT_TYPE).is_none();
    bare.then(|| of_framework(status))
}

/// Nothing of the framework's own text is sent: it may quote what was sent to us.
fn of_framework(status: StatusCode) -> Refusal {
    let (id, message) = match status {
        StatusCode::NOT_FOUND => ("not_found", "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "This path does not take this method."),
        StatusCode::PAYLOAD_TOO_LARGE => ("payload_too_large", "The body is too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "The body has to be JSON."),
        StatusCode::REQUEST_TIMEOUT => ("request_timeout", "The request took too long to arrive."),
        status if status.is_client_error() => ("bad_request", "The request cannot be understood."),
        _ => ("internal_error", "Something went wrong here; the log has more under the request's id."),
    };
    Refusal::new(status, id, message)
}

fn keep_headers(from: &HttpResponse<impl MessageBody>, to: &mut HttpResponse) {
    for (name, value) in from.headers() {
        if *name != header::CONTENT_TYPE
            && *name != header::CONTENT_LENGTH
            && !to.headers().contains_key(name)
        {
            to.headers_mut().append(name.clone(), value.clone());
        }
    }
}

/// Which methods each path takes, read from the OpenAPI document: it has them all.
#[derive(Debug, Clone)]
pub struct Paths(Vec<(ResourceDef, String)>);

impl Paths {
    pub fn of(document: &OpenApi, base_path: &str) -> Paths {
        let methods = |item: &utoipa::openapi::PathItem| {
            let named = [
                (item.get.is_some(), "GET"),
                (item.head.is_some(), "HEAD"),
                (item.post.is_some(), "POST"),
                (item.put.is_some(), "PUT"),
                (item.patch.is_some(), "PATCH"),
                (item.delete.is_some(), "DELETE"),
            ];
            let named: Vec<_> = named.into_iter().filter(|(there, _)| *there).map(|(_, name)| name).collect();
            named.join(", ")
        };
        let paths = document.paths.paths.iter();
        Paths(
            paths
                .map(|(path, item)| (ResourceDef::new(format!("{base_path}{path}")), methods(item)))
                .collect(),
        )
    }

    fn allowed(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(path)).map(|(_, methods)| methods.as_str())
    }
}

/// Whatever no handler took: 405 with `Allow` where the path exists, else 404.
pub async fn not_taken(request: HttpRequest, paths: web::Data<Paths>) -> HttpResponse {
    let Some(allowed) = paths.allowed(request.path()) else {
        return HttpResponse::from_error(of_framework(StatusCode::NOT_FOUND).because(
            match *request.method() {
                Method::POST => {
                    Cow::Borrowed("Hooks go to /api/kratos/hooks/{registration|settings|login}/{method}.")
                }
                _ => Cow::Borrowed("/openapi.json lists the paths there are."),
            },
        ));
    };
    let refusal = of_framework(StatusCode::METHOD_NOT_ALLOWED).because(format!("Allowed: {allowed}."));
    let mut response = HttpResponse::from_error(refusal);
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}
