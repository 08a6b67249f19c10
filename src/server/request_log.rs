//! One line a request. No query string, token, cookie, e-mail or body: of the path only the matched pattern is logged.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

#[derive(Debug, Clone, Copy)]
struct Begun(Instant);

/// The span of a request, and its line at the end.
#[derive(Debug)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Begun(Instant::now()));
        let span =
            tracing::info_span!("request", id = tracing::field::Empty, trace_id = tracing::field::Empty);
        if !span.is_disabled() {
            if let Some(id) = request.extensions().get::<RequestId>() {
                span.record("id", tracing::field::display(id));
            }
            if let Some(trace) = trace_id(request.headers()) {
                span.record("trace_id", trace);
            }
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let Ok(response) = outcome else { return };
        let _entered = span.enter();
        let request = response.request();
        let milliseconds =
            request.extensions().get::<Begun>().map(|begun| begun.0.elapsed().as_secs_f64() * 1000.0);
        tracing::info!(
            method = %request.method(),
            route = request.match_pattern().as_deref().unwrap_or("(none)"),
            status = response.status().as_u16(),
            ms = milliseconds.map(|ms| (ms * 1000.0).round() / 1000.0),
            "request"
        );
    }
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2): 32 lower-case hex digits, not all zero.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let valid = version.len() == 2
        && version != "ff"
        && is_hex(version)
        && trace.len() == 32
        && is_hex(trace)
        && trace.bytes().any(|b| b != b'0');
    valid.then_some(trace)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn trace_id(value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("traceparent"), HeaderValue::from_static(value));
        super::trace_id(&headers).map(str::to_owned)
    }

    #[test]
    fn kratos_names_the_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(),
            Some(trace)
        );
        for wrong in ["", "00-0-0-0", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-xyz"] {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }
}
