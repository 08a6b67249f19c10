//! `GET /admin/log`: what operators did that is no event of one identity.

use actix_web::{HttpRequest, get, web};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Operator;
use super::parameters::{ParameterError, Parameters};
use super::refusals::{AccessRefused, IdentityError, ReadRefused};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::EventId;
use crate::store::{LogEntry, LogFilter, OperatorAction};

const KNOWN: [&str; 5] = ["operator", "action", "identity_id", "page_size", "page_token"];
const USUAL: u32 = 100;
const MOST: u32 = 1000;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogPage {
    /// Newest first.
    pub entries: Vec<EntryDocument>,
    /// For `page_token`. Null: this was the last page.
    #[schema(required)]
    pub next_page_token: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryDocument {
    #[schema(value_type = String, format = "uuid")]
    pub id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub operator: String,
    pub action: OperatorAction,
    /// Null: it was about nobody in particular, or they were erased.
    #[schema(value_type = Option<String>, format = "uuid", required)]
    pub identity_id: Option<String>,
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// Look-ups, lists and erasures. What changed somebody's record stands in the audit of that identity.
#[utoipa::path(
    tag = "log",
    operation_id = "log",
    params(
        ("operator" = Option<String>, Query, description = "Only what this one did"),
        ("action" = Option<OperatorAction>, Query, description = "Only this"),
        ("identity_id" = Option<String>, Query, description = "Only what was about this identity"),
        ("page_size" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "100 otherwise"),
        ("page_token" = Option<String>, Query, description = "`next_page_token` of the page before"),
    ),
    responses((status = 200, description = "A page", body = LogPage), (status = 400, description = "A parameter is not allowed", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused),
    security(("operator_token" = []))
)]
#[get("/admin/log")]
pub async fn log(operator: Operator, request: HttpRequest) -> Result<web::Json<LogPage>, Refusal> {
    let filter = asked(request.query_string())?;
    let detail = json!({ "operator": filter.operator, "action": filter.action });
    operator.on_record(OperatorAction::ReadLog, filter.subject, detail).await?;
    let entries = operator.desk.store.operator_log(&filter).await.map_err(IdentityError::Read)?;
    let is_full = u32::try_from(entries.len()).is_ok_and(|count| count >= filter.limit);
    let last = entries.last().filter(|_| is_full).map(|entry| entry.id.0.to_string());
    Ok(web::Json(LogPage {
        entries: entries.into_iter().map(EntryDocument::from).collect(),
        next_page_token: last,
    }))
}

fn asked(query: &str) -> Result<LogFilter, ParameterError> {
    let given = Parameters::parse(query, &KNOWN)?;
    let before = given.read("page_token", |text| {
        text.parse().map(EventId).map_err(|_| "is not one that came with a page".to_owned())
    })?;
    Ok(LogFilter {
        operator: given.parsed("operator")?,
        action: given.named("action", &OperatorAction::ALL, OperatorAction::as_str)?,
        subject: given.parsed("identity_id")?,
        before,
        limit: given.page_size(USUAL, MOST)?,
    })
}

impl From<LogEntry> for EntryDocument {
    fn from(entry: LogEntry) -> EntryDocument {
        EntryDocument {
            id: entry.id.0,
            at: entry.at,
            operator: entry.operator.to_string(),
            action: entry.action,
            identity_id: entry.subject.map(|subject| subject.to_string()),
            detail: entry.detail,
        }
    }
}
