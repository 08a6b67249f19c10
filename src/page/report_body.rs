//! What the page sends with a report: read within limits, understood field by field.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::onboarding::{AttemptId, ExceptionName, FailureKind, PageAction};

const LONGEST: usize = 4096;
const WITHIN: Duration = Duration::from_secs(5);
/// A day.
const LONGEST_DURATION: u64 = 86_400_000;
const KINDS: &str = "one of timeout, no_gesture, already_registered, config, network, kratos, \
                     privilege_not_gained, unsupported, unknown";

/// Why a report was not understood. Names the field and what is allowed, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("Send it with Content-Type: application/json.")]
    NotJson,
    #[error("At most {LONGEST} bytes are taken.")]
    TooLarge,
    #[error("The body did not arrive within {} seconds.", WITHIN.as_secs())]
    Stalled,
    #[error("The body did not arrive whole.")]
    Broken,
    #[error("The body is not valid JSON (line {line}, column {column}).")]
    Syntax { line: usize, column: usize },
    #[error("{field}: given {given}; allowed: {allowed}")]
    Field { field: &'static str, given: &'static str, allowed: &'static str },
}

/// All fields are optional but `kind`, which `failed` and `unavailable` need. An empty body is `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
pub struct Report {
    /// One try at a ceremony, named by the page.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub attempt_id: Option<AttemptId>,
    pub device: Option<Device>,
    #[schema(maximum = 86400000)]
    pub duration_ms: Option<u32>,
    /// Why it did not end in a passkey.
    pub kind: Option<FailureKind>,
    /// Name of the DOMException.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{1,64}$")]
    pub exception: Option<ExceptionName>,
}

/// What the device can do; null where the browser does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
pub struct Device {
    /// A passkey can be kept on this device.
    pub platform: Option<bool>,
    /// A phone can be used instead.
    pub hybrid: Option<bool>,
}

/// Reads the whole body. A body needs to be called JSON; none needs no name.
pub async fn read<S, E>(headers: &HeaderMap, body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let named = headers.get(CONTENT_TYPE).map(|value| is_json(value.as_bytes()));
    if named == Some(false) {
        return Err(BodyError::NotJson);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LONGEST as u64) {
        return Err(BodyError::TooLarge);
    }
    let whole = tokio::time::timeout(WITHIN, collect(body)).await.map_err(|_| BodyError::Stalled)??;
    if named.is_none() && !whole.is_empty() {
        return Err(BodyError::NotJson);
    }
    Ok(whole)
}

async fn collect<S, E>(mut body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if whole.len().saturating_add(chunk.len()) > LONGEST {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

impl Report {
    /// Fields it does not know are ignored: pages are newer than services.
    pub fn parse(body: &[u8], action: PageAction) -> Result<Report, BodyError> {
        let body = match body.trim_ascii() {
            b"" => Value::Object(Map::new()),
            body => serde_json::from_slice(body)
                .map_err(|error| BodyError::Syntax { line: error.line(), column: error.column() })?,
        };
        let Value::Object(body) = body else { return Err(wrong("body", &body, "an object")) };
        let report = Report {
            attempt_id: text(&body, "attempt_id", "1 to 64 of A-Z a-z 0-9 _ -, or null", |id| {
                id.parse().ok()
            })?,
            device: device(&body)?,
            duration_ms: duration(&body)?,
            kind: text(&body, "kind", KINDS, failure_kind)?,
            exception: text(&body, "exception", "1 to 64 letters and digits, or null", |name| {
                name.parse().ok()
            })?,
        };
        let needs_kind = matches!(action, PageAction::Failed | PageAction::Unavailable);
        if needs_kind && report.kind.is_none() {
            return Err(BodyError::Field { field: "kind", given: "nothing", allowed: KINDS });
        }
        Ok(report)
    }
}

fn failure_kind(name: &str) -> Option<FailureKind> {
    FailureKind::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name)).ok()
}

fn device(body: &Map<String, Value>) -> Result<Option<Device>, BodyError> {
    match body.get("device") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(device)) => Ok(Some(Device {
            platform: truth(device, "platform", "device.platform")?,
            hybrid: truth(device, "hybrid", "device.hybrid")?,
        })),
        Some(other) => Err(wrong("device", other, "an object or null")),
    }
}

fn duration(body: &Map<String, Value>) -> Result<Option<u32>, BodyError> {
    let allowed = "a whole number of milliseconds from 0 to 86400000, or null";
    match body.get("duration_ms") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(ms @ 0..=LONGEST_DURATION) => Ok(u32::try_from(ms).ok()),
            Some(_) => Err(BodyError::Field { field: "duration_ms", given: "a larger number", allowed }),
            None => Err(wrong("duration_ms", value, allowed)),
        },
    }
}

fn truth(object: &Map<String, Value>, name: &str, field: &'static str) -> Result<Option<bool>, BodyError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(other) => Err(wrong(field, other, "true, false or null")),
    }
}

fn text<T>(
    object: &Map<String, Value>,
    field: &'static str,
    allowed: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BodyError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => {
            parse(value).map(Some).ok_or(BodyError::Field { field, given: "another text", allowed })
        }
        Some(other) => Err(wrong(field, other, allowed)),
    }
}

fn wrong(field: &'static str, given: &Value, allowed: &'static str) -> BodyError {
    let given = match given {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    BodyError::Field { field, given, allowed }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Result<Report, String> {
        Report::parse(body.as_bytes(), PageAction::Started).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_report_is_understood() {
        let body = r#"{"attempt_id":"a-1","device":{"platform":true,"hybrid":null},"duration_ms":86400000,
            "kind":"no_gesture","exception":"NotAllowedError","later":{"than":"this"}}"#;
        let report = parse(body).unwrap();
        assert_eq!(report.attempt_id.unwrap().as_str(), "a-1");
        assert_eq!(report.device, Some(Device { platform: Some(true), hybrid: None }));
        assert_eq!((report.duration_ms, report.kind), (Some(86_400_000), Some(FailureKind::NoGesture)));
        assert_eq!(parse(""), Ok(Report::default()));
        assert_eq!(parse(" {} "), Ok(Report::default()));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for (body, expected) in [
            (
                r#"{"device":{"platform":"secret"}}"#,
                "device.platform: given a text; allowed: true, false or null",
            ),
            (r#"{"device":[]}"#, "device: given an array; allowed: an object or null"),
            (r#"{"attempt_id":"secret secret"}"#, "attempt_id: given another text;"),
            (r#"{"duration_ms":86400001}"#, "duration_ms: given a larger number;"),
            (r#"{"duration_ms":-1}"#, "duration_ms: given a number;"),
            (r#"{"duration_ms":1.5}"#, "duration_ms: given a number;"),
            (r#"{"kind":"secret"}"#, "kind: given another text; allowed: one of timeout,"),
            (r#"{"exception":7}"#, "exception: given a number;"),
            ("[]", "body: given an array; allowed: an object"),
            ("secret", "The body is not valid JSON (line 1, column 1)."),
        ] {
            let said = parse(body).unwrap_err();
            assert!(said.starts_with(expected), "{body}: {said}");
            assert!(!said.contains("secret"));
        }
    }

    #[test]
    fn a_failure_needs_its_kind() {
        for action in [PageAction::Failed, PageAction::Unavailable] {
            assert!(Report::parse(b"{}", action).unwrap_err().to_string().starts_with("kind: given nothing"));
            assert!(Report::parse(br#"{"kind":"timeout"}"#, action).is_ok());
        }
    }

    async fn take(content_type: Option<&'static str>, size: usize) -> Result<usize, BodyError> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let body = stream::iter([Ok::<_, ()>(Bytes::from(vec![b' '; size]))]);
        read(&headers, body).await.map(|body| body.len())
    }

    #[actix_web::test]
    async fn a_body_is_called_json_and_is_short() {
        assert_eq!(take(Some("application/json; charset=utf-8"), LONGEST).await, Ok(LONGEST));
        assert_eq!(take(Some("Application/JSON"), 2).await, Ok(2));
        assert_eq!(take(None, 0).await, Ok(0));
        assert_eq!(take(None, 2).await, Err(BodyError::NotJson));
        assert_eq!(take(Some("text/plain"), 0).await, Err(BodyError::NotJson));
        assert_eq!(take(Some("application/json"), LONGEST + 1).await, Err(BodyError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Report::parse(&body, PageAction::Failed);
        }

        #[test]
        fn no_value_of_a_field_panics(field in "attempt_id|device|duration_ms|kind|exception", value in "[ -~]{0,40}") {
            let _ = Report::parse(format!("{{\"{field}\":{value}}}").as_bytes(), PageAction::Started);
        }
    }
}
