//! `GET /api/onboarding`: what to do for this person, now or as soon as it changes.

use std::time::Duration;

use actix_web::http::header::IF_NONE_MATCH;
use actix_web::{HttpRequest, HttpResponse, get};
use jiff::Timestamp;
use tokio::time::Instant;

use super::Pages;
use super::answer::{Answer, not_modified};
use super::caller::Caller;
use super::document::Document;
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::kratos::{Freshness, SessionError};
use crate::store::Watch;

/// The decision for the person of this session.
///
/// `ETag` is of the answer without its running times. With `If-None-Match` the answer is 304 while nothing changed, and
/// with `wait` too it comes at the instant something does.
#[utoipa::path(
    tag = "page",
    operation_id = "decision",
    params(
        ("wait" = Option<u8>, Query, maximum = 25,
            description = "Seconds to wait for another answer than the one named by If-None-Match"),
        ("fresh" = Option<u8>, Query, maximum = 1,
            description = "1: ask Kratos again whose session this is, as after a re-authentication"),
        ("return_to" = Option<String>, Query,
            description = "Where the person was going; carried through the links if it is allowed"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the answer the page has"),
    ),
    responses(
        (status = 200, description = "What to do", body = Document,
            headers(("ETag" = String, description = "Of the answer without its running times"))),
        (status = 304, description = "What the page has still holds"),
        (status = 400, description = "A parameter is not allowed", body = ErrorEnvelope),
        (status = 401, description = "Nobody is signed in", body = ErrorEnvelope),
        (status = 403, description = "A second factor is needed first", body = ErrorEnvelope),
        (status = 405, description = "Only GET is taken", body = ErrorEnvelope),
        (status = 408, description = "The request did not arrive in time", body = ErrorEnvelope),
        (status = 429, description = "Too many pages wait", body = ErrorEnvelope),
        (status = 503, description = "Kratos cannot be asked", body = ErrorEnvelope),
    ),
    security(("session_cookie" = []), ("session_token" = []), ("session_bearer" = []))
)]
#[get("/api/onboarding")]
pub async fn decision(mut caller: Caller, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let pages = caller.pages.clone();
    let links = pages.links_for(caller.query.return_to.as_deref());
    let wait =
        caller.query.wait.filter(|wait| !wait.is_zero() && request.headers().contains_key(IF_NONE_MATCH));
    let Some(wait) = wait else {
        let answer = Box::pin(pages.answer(&caller.session, links)).await;
        return Ok(pages.respond(&answer, &request));
    };

    let end = Instant::now() + wait;
    // Before the record is read: what happens in between is not missed.
    let mut watch = pages.store.watch(caller.session.identity);
    let mut place = None;
    loop {
        // Apart, so that a page that waits does not hold the room in which its answer is worked out.
        let answer = Box::pin(pages.answer(&caller.session, links.clone())).await;
        if !answer.tag(&pages.links).is_named(request.headers()) || Instant::now() >= end {
            return Ok(pages.respond(&answer, &request));
        }
        if place.is_none() {
            place = Some(pages.waiting.take(caller.session.identity)?);
        }
        let turn = pages.turns_at(answer.valid_until()).map_or(end, |at| at.min(end));
        if pages.news(&mut watch, turn).await == News::Stopping {
            return Ok(pages.respond(&answer, &request));
        }
        Box::pin(caller.look_again()).await?;
    }
}

/// Why waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Something happened to the identity.
    Changed,
    Time,
    /// The service stops.
    Stopping,
}

impl Pages {
    fn respond(&self, answer: &Answer, request: &HttpRequest) -> HttpResponse {
        self.metrics.decision(answer.decision.verdict.as_str());
        let tag = answer.tag(&self.links);
        if tag.is_named(request.headers()) { not_modified(tag) } else { answer.ok(tag, &self.links) }
    }

    /// Until something happens to the watched identity, until `at`, or until the service stops.
    pub async fn news(&self, watch: &mut Watch, at: Instant) -> News {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => News::Stopping,
            () = watch.changed() => News::Changed,
            () = tokio::time::sleep_until(at) => News::Time,
        }
    }

    /// When the clock alone changes the answer; a millisecond later, so that it has.
    pub fn turns_at(&self, valid_until: Option<Timestamp>) -> Option<Instant> {
        let left = valid_until?.duration_since(self.clock.now());
        let left = Duration::try_from(left).unwrap_or_default().saturating_add(Duration::from_millis(1));
        Instant::now().checked_add(left)
    }
}

impl Caller {
    /// Whether it is still the same person in the same session, as of the last ten seconds and of every hook.
    pub async fn look_again(&mut self) -> Result<(), Refusal> {
        let session = self.pages.sessions.session(&self.credential, Freshness::Cached).await?;
        if session.subject != self.session.subject {
            return Err(SessionError::Inactive.into());
        }
        self.session = session;
        Ok(())
    }
}
