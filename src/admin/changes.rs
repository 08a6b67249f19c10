//! What an operator says of a person: `POST /admin/identities/{id}/{reset|snooze|dismiss|require}`.

use actix_web::{HttpRequest, post, web};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::record::RecordDocument;
use super::refusals::{AccessRefused, BodyRefused, IdentityError};
use super::{Operator, identity_of};
use crate::envelope::{BodyError, ErrorEnvelope, Fields, Refusal, idempotency_key, read};
use crate::onboarding::{Cause, DedupeKey, Event, EventKind, IdentityId, Observed, Profile};
use crate::store::{Stored, WriteError};

/// Ten years: further on is a slip.
const FURTHEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
const INSTANT: &str = "an instant of RFC 3339 in the future, at most ten years ahead";

/// The record as it is now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Changed {
    /// False: it said so before, or the same Idempotency-Key came before.
    pub changed: bool,
    pub record: RecordDocument,
}

/// Whom the offer leaves alone until when.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document; the body is read field by field")]
pub struct Snooze {
    /// In the future, at most ten years ahead.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// Of whom a passkey is required by when.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document; the body is read field by field")]
pub struct Require {
    /// Until then it can be skipped. In the future, at most ten years ahead.
    #[schema(value_type = String, format = DateTime)]
    by: Timestamp,
}

/// Forgets what the person answered and what operators said of them, as if the offer had never been made. What Kratos
/// told of passkeys stays.
#[utoipa::path(
    tag = "identities",
    operation_id = "reset",
    params(
        ("id" = String, Path, description = "The identity's id at Kratos"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key twice is done once"),
    ),
    responses(
        (status = 200, description = "Done", body = Changed),
        (status = 400, description = "The id, the key or the body is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        (status = 503, description = "It cannot be recorded", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/{id}/reset")]
pub async fn reset(
    operator: Operator,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<Changed>, Refusal> {
    nothing(&request, body).await?;
    operator.change(&path, &request, EventKind::Reset).await
}

/// Leaves the person alone until then, also where a passkey is required of them by policy.
#[utoipa::path(
    tag = "identities",
    operation_id = "snooze",
    params(
        ("id" = String, Path, description = "The identity's id at Kratos"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key twice is done once"),
    ),
    request_body = Snooze,
    responses(
        (status = 200, description = "Done", body = Changed),
        (status = 400, description = "The id, the key or the body is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        (status = 503, description = "It cannot be recorded", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/{id}/snooze")]
pub async fn snooze(
    operator: Operator,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<Changed>, Refusal> {
    let until = instant(&operator, &request, body, "until").await?;
    operator.change(&path, &request, EventKind::Snoozed { until }).await
}

/// As if the person had said "don't ask again".
#[utoipa::path(
    tag = "identities",
    operation_id = "dismiss",
    params(
        ("id" = String, Path, description = "The identity's id at Kratos"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key twice is done once"),
    ),
    responses(
        (status = 200, description = "Done", body = Changed),
        (status = 400, description = "The id, the key or the body is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        (status = 503, description = "It cannot be recorded", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/{id}/dismiss")]
pub async fn dismiss(
    operator: Operator,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<Changed>, Refusal> {
    nothing(&request, body).await?;
    operator.change(&path, &request, EventKind::Dismissed).await
}

/// Requires a passkey of this person, whatever the policy says of them. Of snooze and require the later word holds.
#[utoipa::path(
    tag = "identities",
    operation_id = "require",
    params(
        ("id" = String, Path, description = "The identity's id at Kratos"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key twice is done once"),
    ),
    request_body = Require,
    responses(
        (status = 200, description = "Done", body = Changed),
        (status = 400, description = "The id, the key or the body is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        (status = 503, description = "It cannot be recorded", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/{id}/require")]
pub async fn require(
    operator: Operator,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<Changed>, Refusal> {
    let by = instant(&operator, &request, body, "by").await?;
    operator.change(&path, &request, EventKind::Required { by }).await
}

async fn nothing(request: &HttpRequest, body: web::Payload) -> Result<(), BodyError> {
    Fields::parse(&read(request.headers(), body).await?)?.only(&[], "none").map(|_| ())
}

async fn instant(
    operator: &Operator,
    request: &HttpRequest,
    body: web::Payload,
    field: &'static str,
) -> Result<Timestamp, BodyError> {
    let now = operator.desk.clock.now();
    let furthest = now.checked_add(FURTHEST).unwrap_or(Timestamp::MAX);
    let fields = Fields::parse(&read(request.headers(), body).await?)?.only(&[field], field)?;
    let at = fields.text(field, INSTANT, |text| {
        text.parse::<Timestamp>().ok().filter(|at| (now..=furthest).contains(at))
    })?;
    at.ok_or(BodyError::Field { field, given: "nothing", allowed: INSTANT })
}

impl Operator {
    async fn change(
        &self,
        path: &web::Path<String>,
        request: &HttpRequest,
        kind: EventKind,
    ) -> Result<web::Json<Changed>, Refusal> {
        let identity = identity_of(path)?;
        let key = idempotency_key(request.headers())?;
        // Nobody gets a record by being spoken of: a slip in an id would make somebody up.
        self.desk.record(identity).await?;
        let id = self.desk.clock.event_id();
        let event = Event {
            id,
            identity,
            at: self.desk.clock.now(),
            dedupe: self.dedupe(identity, kind.as_str(), key.map_or(id.0.as_bytes(), str::as_bytes)),
            actor: self.actor(),
            cause: Cause::OperatorApi,
            profile: Profile::default(),
            observed: Observed::default(),
            kind,
        };
        let (changed, record) = match self.desk.store.apply(event).await.map_err(IdentityError::Write)? {
            Stored::Applied { record, transition } => (transition.is_change(), record),
            Stored::Duplicate { record } => (false, record),
            Stored::Quarantined => return Err(IdentityError::Write(WriteError::Unavailable).into()),
        };
        Ok(web::Json(Changed { changed, record: RecordDocument::from(&*record) }))
    }

    /// Of one operator: two do not know each other's keys.
    fn dedupe(&self, identity: IdentityId, action: &str, key: &[u8]) -> DedupeKey {
        let parts = [self.name.as_str().as_bytes(), identity.as_bytes(), action.as_bytes(), key];
        DedupeKey::of(b"kratos-onboarding/operator/v1\0", &parts)
    }
}
