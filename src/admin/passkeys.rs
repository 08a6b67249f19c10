//! `GET /admin/identities/{id}/passkeys`, and taking one away.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::refusals::{AccessRefused, BodyRefused, ReadRefused};
use super::revocation::{Revocation, RevocationError};
use super::{Operator, identity_of};
use crate::envelope::{BodyError, ErrorEnvelope, Fields, Refusal, read};
use crate::kratos::{AskError, Identities, KeyKind, RevokeError, Told};
use crate::onboarding::{Cause, CredentialId, Provider, provider};
use crate::store::OperatorAction;

/// What Kratos says the identity holds, asked now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldDocument {
    pub passkeys: u32,
    pub security_keys: u32,
    /// False: not all that Kratos tells can be read.
    pub complete: bool,
    pub keys: Vec<KeyDocument>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyDocument {
    /// Lower-case hex.
    pub credential: String,
    pub kind: KeyKind,
    #[schema(required)]
    pub name: Option<String>,
    /// What seems to keep it.
    #[schema(required)]
    pub provider: Option<Provider>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub added_at: Option<Timestamp>,
    #[schema(required)]
    pub backed_up: Option<bool>,
    /// Null: that cannot be known.
    #[schema(required)]
    pub last_way_to_sign_in: Option<bool>,
}

/// A passkey or security key was taken away.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RevokedDocument {
    /// Whether what is left is on record here too; reconciliation sees to it otherwise.
    pub recorded: bool,
    pub left: HeldDocument,
}

/// What to take away.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document; the body is read field by field")]
pub struct Revoke {
    /// Lower-case hex.
    credential: String,
    /// Also if it is, or may be, the only way to sign in.
    force: Option<bool>,
}

/// Which passkeys and security keys an identity holds, as Kratos's admin API says now.
#[utoipa::path(
    tag = "identities",
    operation_id = "passkeys",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    responses((status = 200, description = "What it holds", body = HeldDocument), (status = 400, description = "The id or a parameter is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        AccessRefused,
        ReadRefused),
    security(("operator_token" = []))
)]
#[get("/admin/identities/{id}/passkeys")]
pub async fn passkeys(
    operator: Operator,
    path: web::Path<String>,
) -> Result<web::Json<HeldDocument>, Refusal> {
    let identity = identity_of(&path)?;
    let identities = operator.identities()?;
    operator.on_record(OperatorAction::ShowPasskeys, Some(identity), json!({})).await?;
    let told = identities.one(identity).await.map_err(|error| Refusal::from(RevocationError::Ask(error)))?;
    Ok(web::Json(HeldDocument::of(&told)))
}

/// Takes a passkey or security key away at Kratos. The last way to sign in, or what may be it, only with `force`.
#[utoipa::path(
    tag = "identities",
    operation_id = "revoke",
    params(("id" = String, Path, description = "The identity's id at Kratos")),
    request_body = Revoke,
    responses(
        (status = 200, description = "It is taken away", body = RevokedDocument),
        (status = 409, description = "It is, or may be, the last way to sign in", body = ErrorEnvelope),
        (status = 400, description = "The id, the key or the body is not allowed", body = ErrorEnvelope),
        (status = 404, description = "Nothing is known of it", body = ErrorEnvelope),
        (status = 503, description = "It cannot be recorded, or another change of this person's passkeys is under way", body = ErrorEnvelope),
        AccessRefused,
        BodyRefused,
    ),
    security(("operator_token" = []))
)]
#[post("/admin/identities/{id}/revoke")]
pub async fn revoke(
    operator: Operator,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<web::Json<RevokedDocument>, Refusal> {
    const CREDENTIAL: &str = "the id of a credential in lower-case hex";
    let identity = identity_of(&path)?;
    let fields = Fields::parse(&read(request.headers(), body).await?)?
        .only(&["credential", "force"], "credential, force")?;
    let credential: Option<CredentialId> = fields.text("credential", CREDENTIAL, |text| text.parse().ok())?;
    let missing = BodyError::Field { field: "credential", given: "nothing", allowed: CREDENTIAL };
    let credential = credential.ok_or(missing)?;
    let force = fields.truth("force", "force")?.unwrap_or_default();
    let revocation = Revocation {
        identities: operator.identities()?,
        store: &operator.desk.store,
        clock: &operator.desk.clock,
        operator: operator.name.clone(),
        cause: Cause::OperatorApi,
    };
    let done = revocation.carry_out(identity, &credential, force).await?;
    Ok(web::Json(RevokedDocument { recorded: done.recorded, left: HeldDocument::of(&done.revoked.left) }))
}

/// `kratos.admin_url` is not set.
#[derive(Debug, thiserror::Error)]
#[error("Kratos's admin API is not known here")]
struct KratosUnknown;

impl From<KratosUnknown> for Refusal {
    fn from(error: KratosUnknown) -> Refusal {
        Refusal::new(StatusCode::CONFLICT, "kratos_unknown", error.to_string())
            .because("Set kratos.admin_url.")
    }
}

impl Operator {
    fn identities(&self) -> Result<&Identities, KratosUnknown> {
        self.desk.identities.as_ref().ok_or(KratosUnknown)
    }
}

impl HeldDocument {
    fn of(told: &Told) -> HeldDocument {
        let held = &told.held;
        let keys = held.keys.iter().map(|key| KeyDocument {
            credential: hex::encode(&key.id),
            kind: key.kind,
            name: key.name.clone(),
            provider: key.aaguid.and_then(provider),
            added_at: key.added_at,
            backed_up: key.backed_up,
            last_way_to_sign_in: held.is_last_way(key),
        });
        HeldDocument {
            passkeys: held.passkeys,
            security_keys: held.security_keys,
            complete: held.keys_are_all,
            keys: keys.collect(),
        }
    }
}

impl From<RevocationError> for Refusal {
    fn from(error: RevocationError) -> Refusal {
        let refuse = |status, id, message: &'static str| Refusal::new(status, id, message);
        match error {
            RevocationError::Ask(AskError::Gone) => {
                refuse(StatusCode::NOT_FOUND, "identity_gone", "Kratos knows no such identity.")
            }
            RevocationError::NoSuchKey => refuse(
                StatusCode::NOT_FOUND,
                "credential_unknown",
                "The identity holds no such passkey or security key.",
            ),
            RevocationError::LastWay => refuse(
                StatusCode::CONFLICT,
                "last_way_to_sign_in",
                "It is the only way the person has to sign in.",
            )
            .because("Send force: true to take it away all the same."),
            RevocationError::MayBeLastWay => refuse(
                StatusCode::CONFLICT,
                "last_way_to_sign_in",
                "It may be the only way the person has to sign in.",
            )
            .because(
                "Kratos does not say whether a password or a code is set up. Send force: true to take it away all the same.",
            ),
            RevocationError::Busy => {
                Refusal::unavailable("passkeys_busy", "Another change of this person's passkeys is under way.")
                    .because("Nothing was taken away. Try again in a minute.")
            }
            RevocationError::Write(_) | RevocationError::NoTurn(_) | RevocationError::NotRecorded => Refusal::unavailable(
                "store_unavailable",
                "This cannot be put on record right now, and is not done.",
            ),
            RevocationError::Ask(_) | RevocationError::Revoke(RevokeError::Unreachable(_)) => {
                Refusal::unavailable("kratos_unavailable", "Kratos cannot be asked right now.")
            }
            RevocationError::Revoke(error) => {
                refuse(StatusCode::CONFLICT, "not_revoked", "Kratos did not take it away.").because(error.to_string())
            }
        }
    }
}
