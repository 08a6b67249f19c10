//! The JSON that comes with a request: read within limits, understood field by field.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Refusal;

/// Bytes, unless an endpoint takes more.
const LONGEST: usize = 4096;
const WITHIN: Duration = Duration::from_secs(5);

/// Why a body was not understood. Names the field and what is allowed, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("Send it with Content-Type: application/json.")]
    NotJson,
    #[error("At most {0} bytes are taken.")]
    TooLarge(usize),
    #[error("The body did not arrive within {} seconds.", WITHIN.as_secs())]
    Stalled,
    #[error("The body did not arrive whole.")]
    Broken,
    #[error("The body is not valid JSON (line {line}, column {column}).")]
    Syntax { line: usize, column: usize },
    #[error("{field}: given {given}; allowed: {allowed}")]
    Field { field: &'static str, given: &'static str, allowed: &'static str },
    #[error("The body has a field that is not known; known: {0}")]
    Unknown(&'static str),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Refusal {
        let refuse =
            |code, id, message: &'static str| Refusal::new(code, id, message).because(error.to_string());
        match error {
            BodyError::NotJson => refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body has to be JSON.",
            ),
            BodyError::TooLarge(_) => {
                refuse(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large.")
            }
            BodyError::Stalled => {
                refuse(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request took too long to arrive.")
            }
            BodyError::Broken
            | BodyError::Syntax { .. }
            | BodyError::Field { .. }
            | BodyError::Unknown(_) => Refusal::bad_request(error.to_string()),
        }
    }
}

/// As [`read_within`], of at most 4096 bytes.
pub async fn read<S, E>(headers: &HeaderMap, body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    read_within(LONGEST, headers, body).await
}

/// Reads the whole body. A body needs to be called JSON; none needs no name.
pub async fn read_within<S, E>(longest: usize, headers: &HeaderMap, body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let named = headers.get(CONTENT_TYPE).map(|value| is_json(value.as_bytes()));
    if named == Some(false) {
        return Err(BodyError::NotJson);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > longest as u64) {
        return Err(BodyError::TooLarge(longest));
    }
    let whole =
        tokio::time::timeout(WITHIN, collect(longest, body)).await.map_err(|_| BodyError::Stalled)??;
    if named.is_none() && !whole.is_empty() {
        return Err(BodyError::NotJson);
    }
    Ok(whole)
}

async fn collect<S, E>(longest: usize, mut body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if whole.len().saturating_add(chunk.len()) > longest {
            return Err(BodyError::TooLarge(longest));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// The fields of the object that a body is. An empty body is `{}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub fn parse(body: &[u8]) -> Result<Fields, BodyError> {
        let body = match body.trim_ascii() {
            b"" => return Ok(Fields(Map::new())),
            body => serde_json::from_slice(body)
                .map_err(|error| BodyError::Syntax { line: error.line(), column: error.column() })?,
        };
        match body {
            Value::Object(fields) => Ok(Fields(fields)),
            other => Err(wrong("body", &other, "an object")),
        }
    }

    /// Refuses whatever else there is: an operator's slip must not do less than was meant. `names` are for the message.
    pub fn only(self, known: &[&str], names: &'static str) -> Result<Fields, BodyError> {
        match self.0.keys().all(|name| known.contains(&name.as_str())) {
            true => Ok(self),
            false => Err(BodyError::Unknown(names)),
        }
    }

    /// The fields of a field; none where it is absent or null.
    pub fn object(&self, field: &'static str) -> Result<Option<Fields>, BodyError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields(fields.clone()))),
            Some(other) => Err(wrong(field, other, "an object or null")),
        }
    }

    /// `field`: its whole name, for the message.
    pub fn truth(&self, name: &str, field: &'static str) -> Result<Option<bool>, BodyError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(wrong(field, other, "true, false or null")),
        }
    }

    pub fn whole(
        &self,
        field: &'static str,
        most: u64,
        allowed: &'static str,
    ) -> Result<Option<u64>, BodyError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number <= most => Ok(Some(number)),
                Some(_) => Err(BodyError::Field { field, given: "a larger number", allowed }),
                None => Err(wrong(field, value, allowed)),
            },
        }
    }

    /// A field of a shape of its own.
    pub fn value<T: DeserializeOwned>(
        &self,
        field: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, BodyError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            // What serde says may quote the body.
            Some(value @ Value::Object(_)) => T::deserialize(value).map(Some).map_err(|_| BodyError::Field {
                field,
                given: "another object",
                allowed,
            }),
            Some(other) => Err(wrong(field, other, allowed)),
        }
    }

    pub fn text<T>(
        &self,
        field: &'static str,
        allowed: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, BodyError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(value)) => {
                parse(value).map(Some).ok_or(BodyError::Field { field, given: "another text", allowed })
            }
            Some(other) => Err(wrong(field, other, allowed)),
        }
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

    use super::*;

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
        assert_eq!(take(Some("application/json"), LONGEST + 1).await, Err(BodyError::TooLarge(LONGEST)));
    }
}
