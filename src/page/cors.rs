//! Cross-origin requests with credentials, for exactly the allowed origins (the Fetch standard, "HTTP extensions").
//!
//! Not actix-cors (0.7.2): it answers a preflight it refuses in plain text and without `Vary`.

use std::future::{Ready, ready};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::{Error, HttpResponse};
use futures_util::future::LocalBoxFuture;

use super::Pages;
use super::origins::Origins;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Subject, Last-Event-ID, X-Request-Id, \
     X-Session-Token",
);
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("ETag, Retry-After, X-Request-Id");
/// Seconds a browser may remember a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Middleware for the whole public listener, outside of what gives refusals their envelope: errors need the headers
/// too.
#[derive(Debug, Clone)]
pub struct Cors(Origins);

pub fn cors(pages: &Pages) -> Cors {
    Cors(pages.origins.clone())
}

impl<S, B> Transform<S, ServiceRequest> for Cors
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = CorsService<S>;
    type Future = Ready<Result<CorsService<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(CorsService { origins: self.0.clone(), service }))
    }
}

#[derive(Debug)]
pub struct CorsService<S> {
    origins: Origins,
    service: S,
}

impl<S, B> Service<ServiceRequest> for CorsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let origin = request.headers().get(ORIGIN);
        let allowed = origin.filter(|origin| self.origins.allow(origin.as_bytes())).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && origin.is_some()
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight {
            let mut response = HttpResponse::NoContent().finish();
            permit(response.headers_mut(), allowed, true);
            return Box::pin(ready(Ok(request.into_response(response).map_into_right_body())));
        }
        let answer = self.service.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(mut response) => {
                    permit(response.headers_mut(), allowed, false);
                    Ok(response.map_into_left_body())
                }
                Err(mut error) => {
                    error.add_response_mapper(move |mut response| {
                        permit(response.headers_mut(), allowed.clone(), false);
                        response
                    });
                    Err(error)
                }
            }
        })
    }
}

fn permit(headers: &mut HeaderMap, origin: Option<HeaderValue>, is_preflight: bool) {
    // What everybody may read says so itself, and is the same for every origin.
    if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if is_preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};

    use super::*;
    use crate::envelope::Refusal;
    use crate::page::refusals;

    const APP: &str = "https://app.example.org";

    async fn ask(request: TestRequest) -> ServiceResponse {
        let base = "https://id.example.org".parse().unwrap();
        let cors = Cors(Origins::new(&base, &[crate::config::Origin(APP.to_owned())]));
        let refuse = || async { Err::<HttpResponse, Refusal>(refusals::no_such_action()) };
        let app = App::new().route("/refused", web::get().to(refuse)).wrap(cors);
        call_service(&init_service(app).await, request.to_request()).await.map_into_boxed_body()
    }

    fn header(response: &ServiceResponse, name: &str) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[actix_web::test]
    async fn a_preflight_needs_no_session() {
        let preflight = |origin: &'static str| {
            TestRequest::with_uri("/nowhere")
                .method(Method::OPTIONS)
                .insert_header((ORIGIN, origin))
                .insert_header((ACCESS_CONTROL_REQUEST_METHOD, "POST"))
        };
        let allowed = ask(preflight(APP)).await;
        assert_eq!(allowed.status(), 204);
        assert_eq!(header(&allowed, "access-control-allow-origin").as_deref(), Some(APP));
        assert_eq!(header(&allowed, "access-control-allow-credentials").as_deref(), Some("true"));
        let headers = header(&allowed, "access-control-allow-headers").unwrap();
        assert!(headers.contains("If-Subject") && headers.contains("Idempotency-Key"));
        for foreign in ["https://evil.example", "null"] {
            let refused = ask(preflight(foreign)).await;
            assert_eq!(header(&refused, "access-control-allow-origin"), None, "{foreign}");
            assert_eq!(header(&refused, "vary").as_deref(), Some("Origin"));
        }
    }

    #[actix_web::test]
    async fn errors_can_be_read_by_the_allowed_and_vary_for_all() {
        for path in ["/refused", "/nowhere"] {
            let allowed = ask(TestRequest::with_uri(path).insert_header((ORIGIN, APP))).await;
            assert!(allowed.status().is_client_error());
            assert_eq!(header(&allowed, "access-control-allow-origin").as_deref(), Some(APP));
            assert!(header(&allowed, "access-control-expose-headers").unwrap().contains("ETag"));
            let foreign =
                ask(TestRequest::with_uri(path).insert_header((ORIGIN, "https://evil.example"))).await;
            assert_eq!(header(&foreign, "access-control-allow-origin"), None);
            for response in [allowed, foreign, ask(TestRequest::with_uri(path)).await] {
                assert_eq!(header(&response, "vary").as_deref(), Some("Origin"));
            }
        }
    }
}
