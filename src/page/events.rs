//! `GET /api/onboarding/events`: the decision as a stream (server-sent events, HTML standard section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::{Stream, stream};
use tokio::time::Instant;

use super::answer::{Answer, PRIVATE};
use super::caller::Caller;
use super::decision::News;
use super::links::PageLinks;
use super::tag::Tag;
use super::waiting::Place;
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::store::Watch;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// The session is looked at again at least every 60 s: what is remembered of it may be ten old, and Kratos may take two.
const LOOK_AGAIN: Duration = Duration::from_secs(45);
/// While Kratos cannot be asked, nothing is told.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// The decision as it changes.
///
/// Events: `decision` (its id is the ETag, its data the document of `GET /api/onboarding`) and, as the last one,
/// `session_inactive`. A comment every 15 s keeps the connection open.
#[utoipa::path(
    tag = "page",
    operation_id = "events",
    params(
        ("fresh" = Option<u8>, Query, maximum = 1,
            description = "1: ask Kratos again whose session this is, as after a re-authentication"),
        ("return_to" = Option<String>, Query,
            description = "Where the person was going; carried through the links if it is allowed"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The id of the last event heard: as long as it holds, the first event is left out"),
    ),
    responses(
        (status = 200, description = "A stream of events", body = String, content_type = "text/event-stream"),
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
#[get("/api/onboarding/events")]
pub async fn events(caller: Caller, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let pages = caller.pages.clone();
    let place = pages.waiting.take(caller.session.identity)?;
    let watch = pages.store.watch(caller.session.identity);
    let links = pages.links_for(caller.query.return_to.as_deref());
    let answer = Box::pin(pages.answer(&caller.session, links.clone())).await;
    let tag = answer.tag(&pages.links);
    let heard = request.headers().get("last-event-id").is_some_and(|id| tag.is_event_id(id.as_bytes()));
    let mut first = String::from("retry: 3000\n\n");
    if !heard {
        pages.metrics.decision(answer.decision.verdict.as_str());
        first.push_str(&event(&answer, tag, &caller));
    }
    let now = Instant::now();
    let telling = Telling {
        told: tag,
        turns_at: pages.turns_at(answer.valid_until()),
        look_at: now + LOOK_AGAIN,
        beat_at: now + HEARTBEAT,
        first: Some(first),
        ended: false,
        watch,
        links,
        caller,
        _place: place,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((CACHE_CONTROL, PRIVATE))
        // nginx collects a response before it passes it on, unless told.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(telling.stream()))
}

/// One page listening.
struct Telling {
    caller: Caller,
    links: Option<PageLinks>,
    watch: Watch,
    told: Tag,
    /// When the clock alone changes the answer.
    turns_at: Option<Instant>,
    look_at: Instant,
    beat_at: Instant,
    first: Option<String>,
    ended: bool,
    _place: Place,
}

impl Telling {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut telling| async move {
            let text = telling.next().await?;
            Some((Ok(Bytes::from(text)), telling))
        })
    }

    /// What is sent next; `None` ends the stream.
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while !self.ended {
            let look_at = self.turns_at.map_or(self.look_at, |at| at.min(self.look_at));
            let news = self.caller.pages.news(&mut self.watch, look_at.min(self.beat_at)).await;
            let now = Instant::now();
            let is_due = match news {
                News::Stopping => return None,
                News::Changed => true,
                News::Time => now >= look_at,
            };
            // Apart, so that a page that waits does not hold the room in which its answer is worked out.
            if is_due && let Some(text) = Box::pin(self.look()).await {
                return Some(text);
            }
            if now >= self.beat_at {
                self.beat_at = now + HEARTBEAT;
                return Some(String::from(":\n\n"));
            }
        }
        None
    }

    /// Looks at the session again, then at the answer. `None`: nothing to tell.
    async fn look(&mut self) -> Option<String> {
        let now = Instant::now();
        match self.caller.look_again().await {
            Ok(()) => self.look_at = now + LOOK_AGAIN,
            Err(refusal) if refusal.status.is_server_error() => {
                (self.look_at, self.turns_at) = (now + TRY_AGAIN, None);
                return None;
            }
            Err(refusal) => {
                self.ended = true;
                return Some(format!("event: session_inactive\ndata: {{\"id\":\"{}\"}}\n\n", refusal.id));
            }
        }
        let pages = &self.caller.pages;
        let answer = pages.answer(&self.caller.session, self.links.clone()).await;
        self.turns_at = pages.turns_at(answer.valid_until());
        let tag = answer.tag(&pages.links);
        if tag == self.told {
            return None;
        }
        self.told = tag;
        pages.metrics.decision(answer.decision.verdict.as_str());
        Some(event(&answer, tag, &self.caller))
    }
}

fn event(answer: &Answer, tag: Tag, caller: &Caller) -> String {
    let document = serde_json::to_string(&answer.document(&caller.pages.links)).unwrap_or_default();
    format!("id: {}\nevent: decision\ndata: {document}\n\n", tag.as_str())
}
