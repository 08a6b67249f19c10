//! `GET /admin/identities/{id}/audit`: what happened, and who made it happen.

use actix_web::{get, web};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::refusals::{AccessRefused, IdentityError, ReadRefused};
use super::{Operator, identity_of};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::store::{AuditEntry, OperatorAction};

/// Entries of one answer.
const AT_MOST: u32 = 1000;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Trail {
    /// Newest first, the newest 1000.
    pub events: Vec<EventDocument>,
}

/// One event with the transition it caused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventDocument {
    #[schema(value_type = String, format = "uuid")]
    pub id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `kratos`, `person`, `operator:NAME` or `service`.
    pub actor: String,
    pub cause: String,
    pub kind: String,
    /// Null: the event said nothing new.
    #[schema(required)]
    pub version: Option<u64>,
    #[schema(required)]
    pub stage_from: Option<String>,
    #[schema(required)]
    pub stage_to: Option<String>,
    /// What the event said, as it was stored.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// The events of an identity.
#[utoipa::path(
    tag = "identities",
    operation_id = "audit",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    responses(
        (status = 200, description = "What happened", body = Trail),
        (status = 400, description = "The id or a parameter is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused,
    ),
    security(("operator_token" = []))
)]
#[get("/admin/identities/{id}/audit")]
pub async fn audit(operator: Operator, path: web::Path<String>) -> Result<web::Json<Trail>, Refusal> {
    let identity = identity_of(&path)?;
    operator.desk.record(identity).await?;
    operator.on_record(OperatorAction::Show, Some(identity), json!({ "what": "audit" })).await?;
    let entries = operator.desk.store.audit(identity, AT_MOST).await.map_err(IdentityError::Read)?;
    Ok(web::Json(Trail { events: entries.into_iter().map(EventDocument::from).collect() }))
}

impl From<AuditEntry> for EventDocument {
    fn from(entry: AuditEntry) -> EventDocument {
        EventDocument {
            id: entry.id.0,
            at: entry.at,
            actor: entry.actor,
            cause: entry.cause,
            kind: entry.kind,
            version: entry.version,
            stage_from: entry.stage_from,
            stage_to: entry.stage_to,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
        }
    }
}
