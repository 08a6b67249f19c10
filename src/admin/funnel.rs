//! `GET /admin/funnel`: how far people come, by day and by the way they registered.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, web};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use utoipa::ToSchema;

use super::Operator;
use super::parameters::{ParameterError, Parameters};
use super::refusals::{AccessRefused, IdentityError, ReadRefused};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::{Count, Method, Step, method_name};
use crate::store::FunnelRow;

const KNOWN: [&str; 3] = ["from", "to", "registration_method"];
/// Without `from`.
const USUAL_DAYS: i32 = 30;
const MOST_DAYS: i32 = 400;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunnelDocument {
    /// The first day, UTC.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day, UTC.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    pub total: StepCounts,
    /// By the way people registered: a method of Kratos, or `unknown`.
    pub by_registration_method: BTreeMap<String, StepCounts>,
    /// Days on which nothing happened are left out.
    pub by_day: BTreeMap<String, StepCounts>,
}

/// People who took each step on these days, counted once each, and tries that came to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepCounts {
    /// Kratos says they have no passkey. Who registers with one is never counted.
    pub eligible: u64,
    pub offered: u64,
    /// Began a ceremony.
    pub started: u64,
    /// Kratos says they have one now.
    pub completed: u64,
    /// Signed in with it for the first time.
    pub signed_in: u64,
    /// Got one in the background, without being asked. They are not among `completed` and `signed_in`.
    pub upgraded: u64,
    /// Of them, signed in with it for the first time.
    pub upgrade_signed_in: u64,
    pub cancelled: u64,
    /// By kind.
    pub failed: BTreeMap<&'static str, u64>,
    /// The device could not; by kind.
    pub unavailable: BTreeMap<&'static str, u64>,
}

impl StepCounts {
    fn add(&mut self, row: &FunnelRow) {
        let (_, kind) = row.count.names();
        let number = match row.count {
            Count::Step(Step::Eligible) => &mut self.eligible,
            Count::Step(Step::Offered) => &mut self.offered,
            Count::Step(Step::Started) => &mut self.started,
            Count::Step(Step::Completed) => &mut self.completed,
            Count::Step(Step::SignedIn) => &mut self.signed_in,
            Count::Step(Step::Upgraded) => &mut self.upgraded,
            Count::Step(Step::UpgradeSignedIn) => &mut self.upgrade_signed_in,
            Count::Cancelled => &mut self.cancelled,
            Count::Failed(_) => self.failed.entry(kind).or_default(),
            Count::Unavailable(_) => self.unavailable.entry(kind).or_default(),
        };
        *number += row.n;
    }
}

/// eligible, offered, started, completed, signed in with it. A person takes each step once, on the day it happened.
///
/// It is counted as it happens, so it is as fast with ten million people as with ten thousand.
#[utoipa::path(
    tag = "funnel",
    operation_id = "funnel",
    params(
        ("from" = Option<String>, Query, format = Date, description = "The first day, UTC; 30 days before `to` otherwise"),
        ("to" = Option<String>, Query, format = Date, description = "The last day, UTC; today otherwise. At most 400 days"),
        ("registration_method" = Option<Method>, Query, description = "Only who registered so"),
    ),
    responses((status = 200, description = "The numbers", body = FunnelDocument), (status = 400, description = "A parameter is not allowed", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused),
    security(("operator_token" = []))
)]
#[get("/admin/funnel")]
pub async fn funnel(operator: Operator, request: HttpRequest) -> Result<web::Json<FunnelDocument>, Refusal> {
    let (from, to, method) = asked(request.query_string(), operator.desk.clock.now())?;
    let rows = operator.desk.store.funnel(from, to).await.map_err(IdentityError::Read)?;
    let mut document = FunnelDocument {
        from,
        to,
        total: StepCounts::default(),
        by_registration_method: BTreeMap::new(),
        by_day: BTreeMap::new(),
    };
    for row in rows.iter().filter(|row| method.is_none_or(|method| method_name(Some(method)) == row.method)) {
        document.total.add(row);
        document.by_registration_method.entry(row.method.clone()).or_default().add(row);
        document.by_day.entry(row.day.to_string()).or_default().add(row);
    }
    Ok(web::Json(document))
}

fn asked(query: &str, now: Timestamp) -> Result<(Date, Date, Option<Method>), ParameterError> {
    let given = Parameters::parse(query, &KNOWN)?;
    let day = |name| {
        given
            .read(name, |text| text.parse::<Date>().map_err(|_| "is not a day such as 2026-11-25".to_owned()))
    };
    let to = day("to")?.unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
    let from = match day("from")? {
        Some(from) => from,
        None => to.checked_sub(USUAL_DAYS.days()).unwrap_or(Date::MIN),
    };
    let wrong = |why: String| ParameterError::Value { name: "from", why };
    if from > to {
        return Err(wrong("is after `to`".to_owned()));
    }
    if from.checked_add(MOST_DAYS.days()).is_ok_and(|latest| latest < to) {
        return Err(wrong(format!("is more than {MOST_DAYS} days before `to`")));
    }
    Ok((from, to, given.named("registration_method", &Method::ALL, Method::as_str)?))
}
