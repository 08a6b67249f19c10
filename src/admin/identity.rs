//! `GET /admin/identities/{id}` and the decision about it.

use actix_web::{get, web};
use serde_json::json;

use super::record::{ExplanationDocument, RecordDocument};
use super::refusals::{AccessRefused, ReadRefused};
use super::{Operator, identity_of};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::store::OperatorAction;

/// What is kept about an identity.
#[utoipa::path(
    tag = "identities",
    operation_id = "identity",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    responses(
        (status = 200, description = "The record", body = RecordDocument),
        (status = 400, description = "The id or a parameter is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused,
    ),
    security(("operator_token" = []))
)]
#[get("/admin/identities/{id}")]
pub async fn show(operator: Operator, path: web::Path<String>) -> Result<web::Json<RecordDocument>, Refusal> {
    let record = operator.desk.record(identity_of(&path)?).await?;
    operator.on_record(OperatorAction::Show, Some(record.identity), json!({ "what": "record" })).await?;
    Ok(web::Json(RecordDocument::from(&*record)))
}

/// Which rule decides for an identity that signs in now without a passkey, and what would change it.
#[utoipa::path(
    tag = "identities",
    operation_id = "explanation",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    responses(
        (status = 200, description = "The decision and the way to it", body = ExplanationDocument),
        (status = 400, description = "The id or a parameter is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused,
    ),
    security(("operator_token" = []))
)]
#[get("/admin/identities/{id}/decision")]
pub async fn decision(
    operator: Operator,
    path: web::Path<String>,
) -> Result<web::Json<ExplanationDocument>, Refusal> {
    let desk = &operator.desk;
    let record = desk.record(identity_of(&path)?).await?;
    operator.on_record(OperatorAction::Show, Some(record.identity), json!({ "what": "decision" })).await?;
    Ok(web::Json(ExplanationDocument::of(&record, &desk.policy.get(), desk.clock.now())))
}
