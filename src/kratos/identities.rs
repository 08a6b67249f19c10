//! Kratos's admin API for those who can wait: verbs, reconciliation, operators. Bounded in size and time, asks again when
//! there is trouble, and no faster than it is told to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::client::{Answer, LARGEST_OF_ONE, client, endpoint, receive, with_credentials};
use super::held::Told;
use super::page::{IdentityPage, PageToken};
use super::patience::{Patience, Tries};
use super::{CallError, ClientError, Pace};
use crate::config;
use crate::onboarding::{IdentityId, PiiKeys};
use crate::telemetry::Metrics;

/// Bytes of a page; 500 identities of 8 KB each are a quarter of it.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;
/// Ids of one question. v25.4 and later take 500, v1.3.1 any number; but proxies refuse a URL beyond 8 KB, and an id is 41
/// bytes of it.
const AT_ONCE: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("Kratos knows no such identity")]
    Gone,
    /// Of another Kratos, or of another version of it.
    #[error("Kratos refuses the token of a page")]
    Token,
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(#[from] CallError),
}

/// Which credentials identities hold, one, some or all of them. Traits are read for their digests and thrown away.
#[derive(Debug)]
pub struct Identities {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    keys: PiiKeys,
    patience: Patience,
    pace: Option<Pace>,
    metrics: Arc<Metrics>,
}

impl Identities {
    /// `None` without a `kratos.admin_url`. Needs rustls's process-wide provider where that is `https`.
    pub fn new(
        kratos: &config::Kratos,
        keys: PiiKeys,
        patience: Patience,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Identities>, ClientError> {
        let Some(url) = kratos.admin_url.clone() else { return Ok(None) };
        Identities::at(url, keys, patience, metrics).map(Some)
    }

    /// Of the admin API at `url`.
    pub fn at(
        url: Url,
        keys: PiiKeys,
        patience: Patience,
        metrics: Arc<Metrics>,
    ) -> Result<Identities, ClientError> {
        let http = client(&url, patience.answer_within)?;
        Ok(Identities { http, url, keys, patience, pace: None, metrics })
    }

    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// No more questions a second than that, tries included.
    pub fn at_most(mut self, a_second: NonZeroU32) -> Identities {
        self.pace = Some(Pace::of(a_second));
        self
    }

    /// In the order of their ids. `size`: at most so many; Kratos gives at most 500. A page that would be too large is asked
    /// for in parts.
    pub async fn page(&self, from: Option<&PageToken>, size: NonZeroU32) -> Result<IdentityPage, AskError> {
        let mut size = size.get();
        loop {
            let mut url = with_credentials(endpoint(&self.url, "/admin/identities"));
            url.query_pairs_mut().append_pair("page_size", &size.to_string());
            if let Some(token) = from {
                url.query_pairs_mut().append_pair("page_token", token.as_str());
            }
            let answered = self.ask("identities", LARGEST_PAGE, || self.http.get(url.clone())).await;
            let answer = match answered {
                Err(CallError::TooLarge(_)) if size > 1 => {
                    size /= 2;
                    continue;
                }
                answered => answered?,
            };
            return match answer.status {
                200 => {
                    let page = IdentityPage::parse(&answer.headers, &answer.body, &self.keys)?;
                    // Else the same page would come for ever.
                    if page.next.is_some() && page.next.as_ref() == from {
                        return Err(CallError::Body.into());
                    }
                    Ok(page)
                }
                400 if from.is_some() => Err(AskError::Token),
                status => Err(CallError::Status(status).into()),
            };
        }
    }

    /// Those of them that there are, in any order. One that cannot be understood is missing.
    pub async fn those(&self, identities: &[IdentityId]) -> Result<Vec<Told>, AskError> {
        let mut told = Vec::with_capacity(identities.len());
        for some in identities.chunks(AT_ONCE) {
            let url = Self::some(with_credentials(endpoint(&self.url, "/admin/identities")), some);
            let answer = self.ask("identities", LARGEST_PAGE, || self.http.get(url.clone())).await?;
            told.extend(self.listed(&answer)?);
        }
        Ok(told)
    }

    /// Which of them there are, in any order, asked for without what they hold.
    pub async fn there(&self, identities: &[IdentityId]) -> Result<Vec<IdentityId>, AskError> {
        #[derive(Deserialize)]
        struct Named {
            id: IdentityId,
        }
        let mut there = Vec::with_capacity(identities.len());
        for some in identities.chunks(AT_ONCE) {
            let url = Self::some(endpoint(&self.url, "/admin/identities"), some);
            let answer = self.ask("identities", LARGEST_PAGE, || self.http.get(url.clone())).await?;
            if answer.status != 200 {
                return Err(CallError::Status(answer.status).into());
            }
            let named: Vec<Named> = serde_json::from_slice(&answer.body).map_err(|_| CallError::Body)?;
            there.extend(named.into_iter().map(|named| named.id));
        }
        Ok(there)
    }

    /// Those who sign in with exactly this: an e-mail address, a phone number, a name, as Kratos normalises it. Not found
    /// are people who hold nothing but a passkey, of which Kratos keeps no such identifier.
    pub async fn by_identifier(&self, identifier: &str) -> Result<Vec<Told>, AskError> {
        let mut url = with_credentials(endpoint(&self.url, "/admin/identities"));
        url.query_pairs_mut().append_pair("credentials_identifier", identifier);
        let answer = self.ask("identities", LARGEST_PAGE, || self.http.get(url.clone())).await?;
        self.listed(&answer)
    }

    pub async fn one(&self, identity: IdentityId) -> Result<Told, AskError> {
        let body = self.body_of(identity).await?;
        Ok(Told::parse(&body, &self.keys)?)
    }

    /// The answer about one as Kratos gives it.
    pub(super) async fn body_of(&self, identity: IdentityId) -> Result<Vec<u8>, AskError> {
        let url = with_credentials(self.of(identity));
        let answer = self.ask("identity", LARGEST_OF_ONE, || self.http.get(url.clone())).await?;
        match answer.status {
            200 => Ok(answer.body),
            404 => Err(AskError::Gone),
            status => Err(CallError::Status(status).into()),
        }
    }

    /// JSON Patch (RFC 6902), once: it changes something. The status it was answered with.
    pub(super) async fn patch(
        &self,
        call: &'static str,
        identity: IdentityId,
        patch: &Value,
    ) -> Result<u16, CallError> {
        let request = self.http.patch(self.of(identity)).header(CONTENT_TYPE, "application/json");
        self.once(call, LARGEST_OF_ONE, request.body(patch.to_string())).await.map(|answer| answer.status)
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<Told, CallError> {
        Told::parse(body, &self.keys)
    }

    pub(super) fn of(&self, identity: IdentityId) -> Url {
        endpoint(&self.url, &format!("/admin/identities/{identity}"))
    }

    fn some(mut url: Url, identities: &[IdentityId]) -> Url {
        let ids = identities.iter().map(|identity| ("ids", identity.to_string()));
        url.query_pairs_mut().append_pair("page_size", &AT_ONCE.to_string()).extend_pairs(ids);
        url
    }

    fn listed(&self, answer: &Answer) -> Result<Vec<Told>, AskError> {
        match answer.status {
            200 => Ok(IdentityPage::parse(&answer.headers, &answer.body, &self.keys)?.told),
            status => Err(CallError::Status(status).into()),
        }
    }

    /// Again and again while it may pass. Only for questions that change nothing.
    async fn ask(
        &self,
        call: &'static str,
        largest: usize,
        question: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, CallError> {
        let mut tries = Tries::of(&self.patience);
        loop {
            let answered = self.once(call, largest, question()).await;
            let Some(wait) = tries.again(&answered) else { return answered };
            if let Err(error) = &answered {
                tracing::debug!(call, error = %error, "Kratos is asked again");
            }
            sleep(wait).await;
        }
    }

    pub(super) async fn once(
        &self,
        call: &'static str,
        largest: usize,
        question: reqwest::RequestBuilder,
    ) -> Result<Answer, CallError> {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
        let asked = Instant::now();
        let answered =
            timeout(self.patience.answer_within + Duration::from_secs(1), receive(question, largest)).await;
        let answered = answered.unwrap_or(Err(CallError::Slow));
        if let Some(pace) = &self.pace {
            pace.answered(asked).await;
        }
        let outcome = match &answered {
            Ok(answer) if answer.status < 300 => "ok",
            Ok(answer) if answer.status == 404 => "gone",
            Ok(answer) if answer.status < 500 && answer.status != 429 => "refused",
            Ok(_) | Err(_) => "unreachable",
        };
        self.metrics.kratos_call(call, outcome);
        answered
    }
}
