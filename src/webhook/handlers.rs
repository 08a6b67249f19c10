//! The addresses Kratos delivers to.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_actix_web::service_config::ServiceConfig;

use super::hook::Hook;
use super::receive::{Hooks, ReceiveError, Received};
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::onboarding::HookKind;
use crate::store::QuarantineReason;

/// The delivery was put aside: it is not lost, and Kratos need not send it again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PutAside {
    pub quarantined: PutAsideDelivery,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PutAsideDelivery {
    /// For `quarantine show`. A delivery that was put aside before keeps the id it got then.
    pub id: String,
    pub reason: QuarantineReason,
    /// What to change so that the next one is understood.
    pub message: String,
}

/// Takes what Kratos sends after a registration, of whichever method.
#[utoipa::path(
    tag = "webhook",
    operation_id = "postRegistration",
    request_body(
        content = Object, content_type = "application/json",
        description = "Any object that holds an identity's id: the templates of kratos-config/hooks, the whole \
                       ctx, `identity: {id}`, or one of `identity_id`, `identityId`, `userId`, `user_id`, `id`. \
                       At most 65536 bytes."
    ),
    responses(
        (status = 202, description = "Not understood; put aside with its reason", body = PutAside),
        (status = 204, description = "Stored, durably; the same delivery again changes nothing"),
        (status = 400, description = "The body did not arrive whole", body = ErrorEnvelope),
        (status = 401, description = "No credential was accepted", body = ErrorEnvelope),
        (status = 405, description = "Only POST is taken", body = ErrorEnvelope),
        (status = 408, description = "The body did not arrive in time", body = ErrorEnvelope),
        (status = 413, description = "The body is longer than 65536 bytes", body = ErrorEnvelope),
        (status = 503, description = "Nothing could be stored; try again", body = ErrorEnvelope),
    ),
    security(("webhook_key" = []), ("webhook_basic" = []), ("webhook_signature" = []))
)]
#[post("/api/kratos/post-registration-webauthn")]
async fn post_registration(
    request: HttpRequest,
    payload: web::Payload,
    hooks: web::Data<Hooks>,
) -> Result<HttpResponse, Refusal> {
    Ok(answer(hooks.receive(Hook::POST_REGISTRATION, request.headers(), payload).await?))
}

/// Takes what Kratos sends after a flow; the address names the method, because Kratos does not.
#[utoipa::path(
    tag = "webhook",
    operation_id = "hook",
    params(
        ("hook" = inline(HookKind), Path, description = "The flow whose hook it is"),
        ("method" = String, Path, pattern = "^[A-Za-z0-9_-]{1,64}$", description = "A method of Kratos: `password`, `oidc`, `code`, `webauthn`, `passkey`, `profile`, …"),
    ),
    request_body(
        content = Object, content_type = "application/json",
        description = "As of `/api/kratos/post-registration-webauthn`"
    ),
    responses(
        (status = 202, description = "Not understood; put aside with its reason", body = PutAside),
        (status = 204, description = "Stored, durably; the same delivery again changes nothing"),
        (status = 400, description = "The body did not arrive whole", body = ErrorEnvelope),
        (status = 401, description = "No credential was accepted", body = ErrorEnvelope),
        (status = 404, description = "There is no such hook", body = ErrorEnvelope),
        (status = 405, description = "Only POST is taken", body = ErrorEnvelope),
        (status = 408, description = "The body did not arrive in time", body = ErrorEnvelope),
        (status = 413, description = "The body is longer than 65536 bytes", body = ErrorEnvelope),
        (status = 503, description = "Nothing could be stored; try again", body = ErrorEnvelope),
    ),
    security(("webhook_key" = []), ("webhook_basic" = []), ("webhook_signature" = []))
)]
#[post("/api/kratos/hooks/{hook}/{method}")]
async fn flow_hook(
    request: HttpRequest,
    payload: web::Payload,
    hooks: web::Data<Hooks>,
) -> Result<HttpResponse, Refusal> {
    // Not an extractor: it would refuse a segment that is not UTF-8 in its own words.
    let path = request.match_info();
    let hook =
        path.get("hook").zip(path.get("method")).and_then(|(kind, method)| Hook::from_path(kind, method));
    let hook = hook.ok_or(ReceiveError::UnknownHook)?;
    Ok(answer(hooks.receive(hook, request.headers(), payload).await?))
}

fn answer(received: Received) -> HttpResponse {
    match received {
        Received::Stored => HttpResponse::NoContent().finish(),
        Received::Quarantined { id, reason, message } => {
            let quarantined = PutAsideDelivery { id: id.0.to_string(), reason, message };
            HttpResponse::Accepted().json(PutAside { quarantined })
        }
    }
}

/// Registers the hooks. Needs `web::Data<Hooks>` among the application's data. A `#[post]` handler lets every other
/// method fall through to the server's default service, which answers 405 with `Allow`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(post_registration).service(flow_hook);
}

/// The credentials hooks come with, for the OpenAPI document. The name of the key is a setting.
pub fn security_schemes(api_key_name: &str) -> [(&'static str, SecurityScheme); 3] {
    let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    [
        ("webhook_key", header(api_key_name)),
        ("webhook_basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic))),
        ("webhook_signature", header("webhook-signature")),
    ]
}

#[cfg(test)]
#[path = "handlers_tests.rs"]
mod tests;
