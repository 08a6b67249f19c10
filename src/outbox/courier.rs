//! One try: a request, and what its answer means.

use std::error::Error as _;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::time::Instant;
use url::Url;

use super::connect::{NotPublic, Reach};
use super::pauses::retry_after;
use super::signature::Signer;
use crate::clock::Clock;
use crate::onboarding::EventId;

/// Of an answer, so that its connection can be used again. Nobody looks at it.
const READ_AT_MOST: usize = 4096;
const READ_WITHIN: Duration = Duration::from_millis(500);

/// Why a receiver did not take what it was told. Holds nothing that was sent, received or configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("no answer in time")]
    Slow,
    #[error("cannot be connected to")]
    Unreachable,
    #[error("the connection broke")]
    Broken,
    #[error(transparent)]
    NotPublic(#[from] NotPublic),
    #[error("the time to tell it was over")]
    Late,
    /// A fault of ours.
    #[error("the try itself broke off")]
    BrokeOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// It wants nothing more of this: 410.
    Gone,
    Refused {
        why: Refused,
        /// `Retry-After`.
        asked: Option<SignedDuration>,
    },
}

impl Answer {
    fn refused(why: impl Into<Refused>) -> Answer {
        Answer::Refused { why: why.into(), asked: None }
    }
}

/// To one receiver.
#[derive(Clone)]
pub struct Courier {
    pub client: reqwest::Client,
    pub reach: Reach,
    pub url: Url,
    pub signer: Signer,
    pub timeout: Duration,
    pub clock: Clock,
}

impl std::fmt::Debug for Courier {
    /// Without the URL, which may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Courier").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Courier {
    /// Over by `until`, whatever becomes of it.
    pub async fn bring(&self, event: EventId, body: String, until: Instant) -> Answer {
        if let Err(refused) = self.reach.judge(&self.url) {
            return Answer::refused(refused);
        }
        // This thread may have been late to begin.
        if Instant::now() + self.timeout > until {
            return Answer::refused(Refused::Late);
        }
        let now = self.clock.now();
        let mut request = self.client.post(self.url.clone()).timeout(self.timeout);
        for (name, value) in self.signer.headers(event, now, &body) {
            request = request.header(name, value);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        match tokio::time::timeout_at(until, request.send()).await {
            Ok(Ok(response)) => self.answer(response).await,
            Ok(Err(error)) => Answer::refused(reason(&error)),
            Err(_) => Answer::refused(Refused::Slow),
        }
    }

    async fn answer(&self, mut response: reqwest::Response) -> Answer {
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asked = asked.and_then(|value| retry_after(value, self.clock.now()));
        let drained = async {
            let mut read = 0;
            while read < READ_AT_MOST
                && let Ok(Some(chunk)) = response.chunk().await
            {
                read += chunk.len();
            }
        };
        let _ = tokio::time::timeout(READ_WITHIN, drained).await;
        match status {
            status if status.is_success() => Answer::Taken,
            StatusCode::GONE => Answer::Gone,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Answer::Refused { why: Refused::Status(status), asked }
            }
            status => Answer::refused(Refused::Status(status)),
        }
    }
}

fn reason(error: &reqwest::Error) -> Refused {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<NotPublic>() {
            return (*refused).into();
        }
        source = cause.source();
    }
    match error {
        error if error.is_timeout() => Refused::Slow,
        error if error.is_connect() => Refused::Unreachable,
        _ => Refused::Broken,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::super::connect::client;
    use super::*;

    #[tokio::test]
    async fn a_try_that_could_outlast_the_turn_is_not_begun() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let courier = Courier {
            client: client(Reach::Anywhere, false).unwrap(),
            reach: Reach::Anywhere,
            url: format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap(),
            signer: Signer::new(&[]),
            timeout: Duration::from_secs(60),
            clock: Clock::system(),
        };
        let event = EventId(Uuid::nil());
        // Somebody else's turn may begin then.
        let until = Instant::now() + Duration::from_secs(59);
        let late = courier.bring(event, String::new(), until);
        tokio::select! {
            answer = late => assert_eq!(answer, Answer::refused(Refused::Late)),
            _ = listener.accept() => panic!("it was begun"),
        }
        assert!(listener.accept().now_or_never().is_none());
        let until = Instant::now() + Duration::from_secs(120);
        tokio::select! {
            answer = courier.bring(event, String::new(), until) => panic!("not begun: {answer:?}"),
            _ = listener.accept() => {}
        }
    }
}
