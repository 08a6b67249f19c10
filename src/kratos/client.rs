//! The HTTP client of all calls: bounded in time and size, and going nowhere but where it was sent.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::runtime::Handle;
use url::Url;

/// In bytes. A session of a person with many devices and addresses is under 20 KB.
pub const LARGEST_OF_ONE: usize = 256 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
const IDLE_CONNECTIONS: usize = 64;

/// Why Kratos cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("its HTTP client: {0}")]
    Http(#[source] reqwest::Error),
    #[error("the operating system gives no random bytes")]
    Random,
    #[error("there is no tokio runtime")]
    NoRuntime,
}

/// Why Kratos's answer is missing. Never holds what was sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("it did not answer in time")]
    Slow,
    #[error("it cannot be connected to, or the connection broke")]
    Down,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it answered more than {0} bytes")]
    TooLarge(usize),
    #[error("it answered something that cannot be read")]
    Body,
}

/// A client for the Kratos at `base`; `within` bounds one call from connecting to the last byte.
pub fn client(base: &Url, within: Duration) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_WITHIN)
        .timeout(within)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if base.scheme() == "http" {
        // Reading the machine's certificates takes longer than the rest of the start, for nothing.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build().map_err(ClientError::Http)
}

/// The runtime calls are made on: it outlives an actix worker and the request that asked, and so do the connections.
pub fn runtime() -> Result<Handle, ClientError> {
    Handle::try_current().map_err(|_| ClientError::NoRuntime)
}

/// `base` may end with a slash or hold a path of its own.
pub fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Asks for what the passkeys and security keys of an identity are.
pub fn with_credentials(mut url: Url) -> Url {
    url.query_pairs_mut()
        .append_pair("include_credential", "passkey")
        .append_pair("include_credential", "webauthn");
    url
}

/// Status and body of an answer about one identity or session. For questions that change nothing: a connection that was kept
/// may be closed by Kratos at the moment it is used again, and the question is then asked once more.
pub async fn send(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), CallError> {
    let again = request.try_clone();
    let answered = match (request.send().await, again) {
        (Err(error), Some(again)) if !error.is_timeout() && !error.is_connect() => again.send().await,
        (answered, _) => answered,
    };
    read(answered, LARGEST_OF_ONE).await.map(|answer| (answer.status, answer.body))
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// `largest`: bytes of a body that are taken.
pub async fn receive(request: reqwest::RequestBuilder, largest: usize) -> Result<Answer, CallError> {
    read(request.send().await, largest).await
}

async fn read(
    answered: Result<reqwest::Response, reqwest::Error>,
    largest: usize,
) -> Result<Answer, CallError> {
    let mut response = answered.map_err(|error| reason(&error))?;
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len().saturating_add(chunk.len()) > largest {
            return Err(CallError::TooLarge(largest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

fn reason(error: &reqwest::Error) -> CallError {
    if error.is_timeout() { CallError::Slow } else { CallError::Down }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::recordings;
    use super::*;

    async fn asked(stream: &mut TcpStream) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
            head.extend(byte);
        }
    }

    async fn answer(stream: &mut TcpStream) {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_when_it_is_used_again_costs_nobody_an_answer() {
        recordings::install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let kratos = tokio::spawn(async move {
            let (mut kept, _) = listener.accept().await.unwrap();
            asked(&mut kept).await;
            answer(&mut kept).await;
            // As where its time is up just when the next question arrives.
            asked(&mut kept).await;
            drop(kept);
            let (mut new, _) = listener.accept().await.unwrap();
            asked(&mut new).await;
            answer(&mut new).await;
        });
        let http = client(&url, Duration::from_secs(20)).unwrap();
        for _ in 0..2 {
            assert_eq!(send(http.get(url.clone())).await, Ok((200, b"{}".to_vec())));
        }
        kratos.await.unwrap();
    }
}
