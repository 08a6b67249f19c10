//! For load balancers, operators and documentation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::envelope::{ErrorEnvelope, Refusal};
use crate::page::Importing;
use crate::store::Store;
use crate::telemetry::Metrics;

/// A probe writes; asking more often than this gets the last answer.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Whether the database can be written, asked at most once a second.
#[derive(Debug)]
pub struct Readiness {
    store: Store,
    importing: Option<Arc<Importing>>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// `importing`: only where our own ceremony can be held.
    pub fn of(store: Store, importing: Option<Arc<Importing>>) -> Readiness {
        Readiness { store, importing, last: Mutex::new(None) }
    }

    /// What works only in part.
    fn degraded(&self) -> Vec<Degraded> {
        let is_off = self.importing.as_ref().is_some_and(|importing| importing.is_off());
        is_off.then_some(Degraded::PasskeyImport).into_iter().collect()
    }

    async fn is_ready(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((asked, answer)) = *last
            && asked.elapsed() < PROBE_EVERY
        {
            return answer;
        }
        let answer = self.store.ready().await;
        if let Err(error) = &answer {
            tracing::warn!(error = %error, "not ready");
        }
        *last = Some((Instant::now(), answer.is_ok()));
        answer.is_ok()
    }
}

/// The OpenAPI document as it is served.
#[derive(Debug)]
pub struct Document(pub String);

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Always `ok`.
    pub status: &'static str,
    /// What works only in part; the log says why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Degraded>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    /// Passkeys of our own ceremony are not handed in to Kratos; its settings flow is used.
    PasskeyImport,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    pub version: &'static str,
}

/// Whether the process answers at all.
#[utoipa::path(tag = "health", responses((status = 200, description = "It answers", body = Health)))]
#[get("/health/alive")]
pub async fn alive() -> web::Json<Health> {
    web::Json(Health { status: "ok" })
}

/// Whether it can do its work: hooks can be stored.
#[utoipa::path(tag = "health", responses(
    (status = 200, description = "Ready", body = Ready),
    (status = 503, description = "The database cannot be written", body = ErrorEnvelope),
))]
#[get("/health/ready")]
pub async fn ready(readiness: web::Data<Readiness>) -> Result<web::Json<Ready>, Refusal> {
    if readiness.is_ready().await {
        Ok(web::Json(Ready { status: "ok", degraded: readiness.degraded() }))
    } else {
        Err(Refusal::unavailable("database_unavailable", "The database cannot be written."))
    }
}

/// Which version is running.
#[utoipa::path(tag = "health", responses((status = 200, description = "The version", body = Version)))]
#[get("/version")]
pub async fn version() -> web::Json<Version> {
    web::Json(Version { version: env!("CARGO_PKG_VERSION") })
}

/// This document.
#[utoipa::path(tag = "health", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"),
))]
#[get("/openapi.json")]
pub async fn openapi(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(document.0.clone())
}

/// Metrics in the OpenMetrics text format.
#[utoipa::path(tag = "health", responses(
    (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"),
    (status = 500, description = "They cannot be written down", body = ErrorEnvelope),
))]
#[get("/metrics/prometheus")]
pub async fn metrics(metrics: web::Data<Metrics>) -> Result<HttpResponse, Refusal> {
    let text = metrics.render().map_err(|_| {
        Refusal::new(
            actix_web::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The metrics cannot be written down.",
        )
    })?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, content_type)).body(text))
}
