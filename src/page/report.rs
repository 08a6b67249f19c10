//! `POST /api/onboarding/{action}`: what the page reports.

use actix_web::{HttpRequest, HttpResponse, post, web};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::{Answer, PRIVATE};
use super::caller::Caller;
use super::document::Completed;
use super::learning::{Known, dedupe_key, with};
use super::report_body::{Device, Report};
use super::{Pages, refusals};
use crate::envelope::{ErrorEnvelope, Refusal, idempotency_key, read};
use crate::onboarding::{
    Actor, Attempt, Cause, DedupeKey, EnrolMethod, Event, EventKind, FailureKind, IdentityId, Observed,
    PageAction, Profile,
};
use crate::store::{Stored, WriteError};

const ACTIONS: [PageAction; 8] = [
    PageAction::Offered,
    PageAction::Started,
    PageAction::Skip,
    PageAction::Dismiss,
    PageAction::Cancelled,
    PageAction::Failed,
    PageAction::Unavailable,
    PageAction::Completed,
];

/// Records what the person did, or what became of it, and answers with the decision that holds then.
///
/// The same `Idempotency-Key` again changes nothing. `skip` and `dismiss` are refused where the decision does not allow
/// them. `completed` asks Kratos's admin API, and believes only that.
#[utoipa::path(
    tag = "page",
    operation_id = "report",
    params(
        ("action" = inline(ActionName), Path, description = "What happened"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$",
            description = "1 to 128 visible ASCII characters, of this person and action"),
        ("If-Subject" = Option<String>, Header,
            description = "The `subject` the page was told: refused when somebody else is signed in by now"),
        ("Origin" = Option<String>, Header,
            description = "For callers by cookie: this service's own or one of page.allowed_origins"),
    ),
    request_body(content = Report, description = "At most 4096 bytes; may be empty"),
    responses(
        (status = 200, description = "The decision that holds now", body = Completed),
        (status = 400, description = "The body or a header is not allowed", body = ErrorEnvelope),
        (status = 401, description = "Nobody is signed in", body = ErrorEnvelope),
        (status = 403, description = "The origin may not, or a second factor is needed first", body = ErrorEnvelope),
        (status = 404, description = "There is no such action", body = ErrorEnvelope),
        (status = 405, description = "Only POST is taken", body = ErrorEnvelope),
        (status = 408, description = "The body did not arrive in time", body = ErrorEnvelope),
        (status = 409, description = "Somebody else is signed in, or the decision does not allow it",
            body = ErrorEnvelope),
        (status = 413, description = "The body is longer than 4096 bytes", body = ErrorEnvelope),
        (status = 415, description = "The body is not JSON", body = ErrorEnvelope),
        (status = 503, description = "Kratos cannot be asked, or nothing can be stored", body = ErrorEnvelope),
    ),
    security(("session_cookie" = []), ("session_token" = []), ("session_bearer" = []))
)]
#[post("/api/onboarding/{action}")]
pub async fn post_report(
    caller: Caller,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let name = request.match_info().get("action").unwrap_or_default();
    let known_action = ACTIONS.into_iter().find(|action| action.as_str() == name);
    let action = known_action.ok_or_else(refusals::no_such_action)?;
    let headers = request.headers();
    caller.is_still(headers)?;
    let given_key = idempotency_key(headers)?;
    let report = Report::parse(&read(headers, body).await?, action)?;
    caller.pages.take(&caller, action, report, given_key).await
}

impl Pages {
    async fn take(
        &self,
        caller: &Caller,
        action: PageAction,
        report: Report,
        given_key: Option<&str>,
    ) -> Result<HttpResponse, Refusal> {
        let session = &caller.session;
        let links = || self.links_for(caller.query.return_to.as_deref());
        let known = self.known(session).await;
        if !known.recorded {
            // The answer the page had was worked out in memory: this one could not be kept, nor fairly judged.
            return Err(WriteError::Unavailable.into());
        }
        let before = self.decided(session, &known, links());
        let dedupe = self.dedupe(&known, action, given_key);
        // A page whose answer was lost sends it again: it is not to hear that what it just did is no longer allowed.
        let is_taken = is_allowed(action, &before)
            || (given_key.is_some() && self.is_stored(session.identity, dedupe).await?);
        if !is_taken {
            return Err(refusals::not_allowed(action.as_str(), &before.document(&self.links)));
        }
        let kind = report.kind.filter(|_| matches!(action, PageAction::Failed | PageAction::Unavailable));
        let event = Event {
            id: self.clock.event_id(),
            identity: session.identity,
            at: self.clock.now(),
            dedupe,
            actor: Actor::Person,
            cause: Cause::Page(action),
            profile: Profile::default(),
            observed: Observed::default(),
            kind: event_kind(action, report, caller),
        };
        let mut known = match self.store.apply(event.clone()).await? {
            Stored::Applied { record, .. } => {
                self.metrics.report(action.as_str(), kind.map_or("", FailureKind::as_str));
                Known { record, recorded: true, unread: false }
            }
            Stored::Duplicate { record } => Known { record, recorded: true, unread: false },
            Stored::Quarantined => {
                Known { record: with(Some(&known.record), &event).into(), recorded: false, unread: false }
            }
        };
        let mut verified = None;
        if action == PageAction::Completed {
            let (told, confirmed) = self.confirmed(known).await;
            (known, verified) = (told, Some(confirmed));
        }
        let answer = self.decided(session, &known, links());
        self.metrics.decision(answer.decision.verdict.as_str());
        let document = answer.document(&self.links);
        Ok(HttpResponse::Ok()
            .insert_header((actix_web::http::header::ETAG, answer.tag(&self.links).header()))
            .insert_header((actix_web::http::header::CACHE_CONTROL, PRIVATE))
            .json(Completed { document, verified }))
    }

    /// What is known after Kratos was asked, and whether it says that there is a passkey.
    async fn confirmed(&self, known: Known) -> (Known, bool) {
        let asked = match &self.lookups {
            Some(lookups) => lookups.verify(&known).await,
            None => None,
        };
        let Some((known, held)) = asked else { return (known, false) };
        let by_security_key =
            self.policy.get().enrol.contains(&EnrolMethod::Webauthn) && held.security_keys > 0;
        let confirmed = held.passkeys > 0 || by_security_key;
        (known, confirmed)
    }

    async fn is_stored(&self, identity: IdentityId, report: DedupeKey) -> Result<bool, WriteError> {
        self.store.is_known(identity, report).await.map_err(|_| WriteError::Unavailable)
    }

    fn dedupe(&self, known: &Known, action: PageAction, given_key: Option<&str>) -> DedupeKey {
        let identity = known.record.identity;
        let version = known.record.version.to_be_bytes();
        let id = self.clock.event_id().0;
        match (given_key, action) {
            (Some(key), _) => dedupe_key(action.as_str(), identity, &[b"key", key.as_bytes()]),
            // Two tabs, or two clicks: one answer to one offer.
            (None, PageAction::Skip | PageAction::Dismiss) => {
                dedupe_key(action.as_str(), identity, &[b"version", &version])
            }
            (None, _) => dedupe_key(action.as_str(), identity, &[b"event", id.as_bytes()]),
        }
    }
}

fn is_allowed(action: PageAction, before: &Answer) -> bool {
    match action {
        PageAction::Skip => before.decision.may_skip,
        PageAction::Dismiss => before.decision.may_dismiss,
        PageAction::Offered
        | PageAction::Started
        | PageAction::Cancelled
        | PageAction::Failed
        | PageAction::Unavailable
        | PageAction::Completed => true,
    }
}

fn event_kind(action: PageAction, report: Report, caller: &Caller) -> EventKind {
    let Report { attempt_id: id, kind, exception, device, duration_ms } = report;
    let Device { platform, hybrid } = device.unwrap_or_default();
    let attempt = Attempt { id, platform, hybrid, duration_ms };
    let kind = kind.unwrap_or(FailureKind::Unknown);
    match action {
        PageAction::Offered => EventKind::Offered { session: caller.session.facts.digest },
        PageAction::Started => EventKind::Started(attempt),
        PageAction::Skip => EventKind::Skipped,
        PageAction::Dismiss => EventKind::Dismissed,
        PageAction::Cancelled => EventKind::Cancelled(attempt),
        PageAction::Failed => EventKind::Failed { kind, exception, attempt },
        PageAction::Unavailable => EventKind::Unavailable { kind, exception, attempt },
        PageAction::Completed => EventKind::Completed(attempt),
    }
}

/// `Idempotency-Key` is not 1 to 128 visible ASCII characters.
/// For the OpenAPI document.
struct ActionName;

impl PartialSchema for ActionName {
    fn schema() -> RefOr<Schema> {
        let names = ACTIONS.map(PageAction::as_str);
        ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(names)).into()
    }
}

impl ToSchema for ActionName {}
