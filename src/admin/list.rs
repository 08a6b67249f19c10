//! `GET /admin/identities`: everybody, page by page.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Operator;
use super::parameters::{ParameterError, Parameters};
use super::record::RecordDocument;
use super::refusals::{AccessRefused, IdentityError, ReadRefused};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::{Method, Stage};
use crate::store::{OperatorAction, PageToken, RecordFilter};

const KNOWN: [&str; 7] = [
    "stage",
    "registration_method",
    "schema_id",
    "changed_from",
    "changed_before",
    "page_size",
    "page_token",
];
const USUAL: u32 = 100;
const MOST: u32 = 1000;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordPage {
    /// Fewer than were asked for, even none, while there is a next page: only so many are looked at for each.
    pub records: Vec<RecordDocument>,
    /// For `page_token`. Null: this was the last page.
    #[schema(required)]
    pub next_page_token: Option<String>,
}

/// Records in the order in which they were first heard of.
#[utoipa::path(
    tag = "identities",
    operation_id = "identities",
    params(
        ("stage" = Option<Stage>, Query, description = "Only these"),
        ("registration_method" = Option<Method>, Query, description = "Only who registered so"),
        ("schema_id" = Option<String>, Query, description = "Only of this identity schema"),
        ("changed_from" = Option<String>, Query, format = DateTime, description = "Only what changed then or later"),
        ("changed_before" = Option<String>, Query, format = DateTime, description = "Only what changed before then"),
        ("page_size" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "100 otherwise"),
        ("page_token" = Option<String>, Query, description = "`next_page_token` of the page before"),
    ),
    responses((status = 200, description = "A page", body = RecordPage), (status = 400, description = "A parameter is not allowed", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused),
    security(("operator_token" = []))
)]
#[get("/admin/identities")]
pub async fn list(operator: Operator, request: HttpRequest) -> Result<web::Json<RecordPage>, Refusal> {
    let (filter, after, limit) = asked(request.query_string())?;
    let detail = json!({
        "stage": filter.stage,
        "registration_method": filter.registration_method,
        "schema_id": filter.schema_id,
        "changed_from": filter.changed_from,
        "changed_before": filter.changed_before,
        "page_size": limit,
    });
    operator.on_record(OperatorAction::List, None, detail).await?;
    let page = operator.desk.store.page(&filter, after, limit).await.map_err(IdentityError::Read)?;
    Ok(web::Json(RecordPage {
        records: page.records.iter().map(RecordDocument::from).collect(),
        next_page_token: page.next.map(|token| token.to_string()),
    }))
}

fn asked(query: &str) -> Result<(RecordFilter, Option<PageToken>, u32), ParameterError> {
    let given = Parameters::parse(query, &KNOWN)?;
    let filter = RecordFilter {
        stage: given.named("stage", &Stage::ALL, Stage::as_str)?,
        registration_method: given.named("registration_method", &Method::ALL, Method::as_str)?,
        schema_id: given.parsed("schema_id")?,
        changed_from: given.instant("changed_from")?,
        changed_before: given.instant("changed_before")?,
    };
    Ok((filter, given.parsed("page_token")?, given.page_size(USUAL, MOST)?))
}
