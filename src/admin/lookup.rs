//! `POST /admin/identities/lookup`: by id or e-mail, in the body: an address in a URL would be in every log on the way.

use actix_web::{HttpRequest, post, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Operator;
use super::record::RecordDocument;
use super::refusals::{AccessRefused, BodyRefused, IdentityError};
use crate::envelope::{BodyError, ErrorEnvelope, Fields, Refusal, read};
use crate::onboarding::{Identifier, IdentityId};
use crate::store::OperatorAction;

/// Exactly one of the fields.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document; the body is read field by field")]
pub struct Lookup {
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<IdentityId>,
    /// An e-mail address, phone number or user name that the person signs in with.
    #[schema(value_type = Option<String>)]
    identifier: Option<Identifier>,
}

/// Whom it may be: usually one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    pub records: Vec<RecordDocument>,
}

enum By {
    Id(IdentityId),
    Identifier(Identifier),
}

/// Finds people by the id of their identity or by what they sign in with.
#[utoipa::path(
    tag = "identities",
    operation_id = "lookup",
    request_body = Lookup,
    responses(
        (status = 200, description = "Whom it may be; nobody where nothing is known", body = Found),
        (status = 400, description = "The body is not allowed", body = ErrorEnvelope),
        (status = 503, description = "The database cannot be read", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/lookup")]
pub async fn lookup(
    operator: Operator,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<Found>, Refusal> {
    let by = asked(&read(request.headers(), body).await?)?;
    let store = &operator.desk.store;
    let identities = match &by {
        By::Id(identity) => vec![*identity],
        By::Identifier(identifier) => {
            store.find(&operator.desk.keys.digests(identifier)).await.map_err(IdentityError::Read)?
        }
    };
    let by = if matches!(by, By::Id(_)) { "id" } else { "identifier" };
    let subject = identities.first().copied().filter(|_| identities.len() == 1);
    operator
        .on_record(OperatorAction::LookUp, subject, json!({ "by": by, "found": identities.len() }))
        .await?;
    let mut records = store.records(&identities).await.map_err(IdentityError::Read)?;
    records.sort_by_key(|record| record.identity);
    Ok(web::Json(Found { records: records.iter().map(RecordDocument::from).collect() }))
}

fn asked(body: &[u8]) -> Result<By, BodyError> {
    const EITHER: &str = "one of id and identifier";
    let fields = Fields::parse(body)?.only(&["id", "identifier"], "id, identifier")?;
    let id = fields.text("id", "the id of an identity of Kratos, a UUID", |text| text.parse().ok())?;
    let identifier = fields.text("identifier", "1 to 320 bytes, not only blanks", Identifier::parse)?;
    match (id, identifier) {
        (Some(id), None) => Ok(By::Id(id)),
        (None, Some(identifier)) => Ok(By::Identifier(identifier)),
        (None, None) => Err(BodyError::Field { field: "body", given: "neither", allowed: EITHER }),
        (Some(_), Some(_)) => Err(BodyError::Field { field: "body", given: "both", allowed: EITHER }),
    }
}
