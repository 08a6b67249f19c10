//! Reading the body of a delivery: bounded in size and in time.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// Kratos renders no body over 64 KiB (v1.3 to v26.2), so nothing larger is its.
pub const BODY_MAX: usize = 65_536;
/// From the head of the request to the end of its body.
pub const BODY_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is longer than 65536 bytes")]
    TooLarge,
    #[error("the body did not arrive in time")]
    Stalled,
    #[error("the body ended early or is not framed as HTTP demands")]
    Broken,
}

/// Reads the whole body. A length that is announced as too large is refused before anything is read.
pub async fn read<S, E>(headers: &HeaderMap, body: S, deadline: Duration) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|length| length > BODY_MAX as u64) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(deadline, collect(body)).await.unwrap_or(Err(BodyError::Stalled))
}

async fn collect<S, E>(mut body: S) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if first.len() + whole.len() + chunk.len() > BODY_MAX {
            return Err(BodyError::TooLarge);
        }
        // Most bodies are one chunk: it is handed on as it is.
        if first.is_empty() && whole.is_empty() {
            first = chunk;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&chunk);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use futures_util::stream;

    use super::*;

    fn chunks(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, ()>> + Unpin {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok(Bytes::from(vec![b'x'; *size]))).collect();
        stream::iter(chunks)
    }

    async fn length(sizes: &[usize]) -> Result<usize, BodyError> {
        read(&HeaderMap::new(), chunks(sizes), BODY_DEADLINE).await.map(|body| body.len())
    }

    #[actix_web::test]
    async fn the_limit_is_64_kib_however_it_arrives() {
        assert_eq!(length(&[]).await, Ok(0));
        assert_eq!(length(&[0, 3, 0, 4]).await, Ok(7));
        assert_eq!(length(&[BODY_MAX]).await, Ok(BODY_MAX));
        assert_eq!(length(&[BODY_MAX - 1, 1]).await, Ok(BODY_MAX));
        assert_eq!(length(&[BODY_MAX + 1]).await, Err(BodyError::TooLarge));
        assert_eq!(length(&[1, BODY_MAX]).await, Err(BodyError::TooLarge));
    }

    #[actix_web::test]
    async fn a_length_that_is_announced_too_large_is_not_read() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("65537"));
        let unread =
            stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, ()>>> { panic!("was read") });
        assert_eq!(read(&headers, unread, BODY_DEADLINE).await, Err(BodyError::TooLarge));
    }

    #[actix_web::test]
    async fn a_body_that_stalls_is_given_up() {
        let stalled = chunks(&[10]).chain(stream::pending());
        let read = read(&HeaderMap::new(), stalled, Duration::from_millis(20)).await;
        assert_eq!(read, Err(BodyError::Stalled));
    }

    #[actix_web::test]
    async fn a_body_that_breaks_off_is_no_delivery() {
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(())]);
        assert_eq!(read(&HeaderMap::new(), broken, BODY_DEADLINE).await, Err(BodyError::Broken));
    }
}
