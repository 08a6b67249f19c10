//! One call, and what came of it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use url::Url;

/// Enough for a settings flow with many credentials.
const LARGEST: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A text of the JSON it holds.
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.json().pointer(pointer)?.as_str().map(str::to_owned)
    }

    /// `error.id` of Ory's envelope, and of ours.
    pub fn error_id(&self) -> Option<String> {
        self.text("/error/id")
    }
}

pub(super) fn client(within: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(within)
        .timeout(within)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "-doctor/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// `path` below a base that may have a path of its own.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Or why there is no answer, in a few words that hold nothing of what was sent.
pub(super) async fn send(request: RequestBuilder) -> Result<Answer, String> {
    let mut response = request.send().await.map_err(|error| why(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > LARGEST {
            return Err("it answered more than a megabyte".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    // The innermost cause says it: "connection refused", "invalid peer certificate".
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
