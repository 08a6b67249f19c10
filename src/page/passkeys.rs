//! `GET /api/onboarding/passkeys`: what Kratos's admin API says the person holds.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, get};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{PRIVATE, not_modified};
use super::caller::Caller;
use super::tag::Tagging;
use crate::envelope::{ErrorEnvelope, Refusal};
use crate::kratos::{Held, HeldKey, KeyKind};
use crate::onboarding::{Provider, provider};

/// Every field is always there, null where unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PasskeyList {
    /// That of the decision.
    pub subject: String,
    /// False: there may be more, because Kratos's admin API is not known here or cannot be asked right now.
    pub complete: bool,
    pub passkeys: Vec<Passkey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Passkey {
    /// Lower-case hex, as the remove nodes of Kratos's settings flow write it.
    #[schema(pattern = "^([0-9a-f]{2})+$")]
    pub id: String,
    pub kind: KeyKind,
    /// What its owner called it.
    #[schema(required)]
    pub name: Option<String>,
    /// What seems to keep it.
    #[schema(required)]
    pub provider: Option<Provider>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub added_at: Option<Timestamp>,
    /// It was kept elsewhere too when Kratos last saw it.
    #[schema(required)]
    pub backed_up: Option<bool>,
    /// Nothing else signs in. Null: that cannot be known.
    #[schema(required)]
    pub last_way_to_sign_in: Option<bool>,
}

impl PasskeyList {
    /// `held`: `None` where nobody could be asked.
    fn of(subject: &str, held: Option<&Held>) -> PasskeyList {
        let listed = held.into_iter().flat_map(|held| held.keys.iter().map(|key| Passkey::of(key, held)));
        PasskeyList {
            subject: subject.to_owned(),
            complete: held.is_some_and(|held| held.keys_are_all),
            passkeys: listed.collect(),
        }
    }
}

impl Passkey {
    fn of(key: &HeldKey, held: &Held) -> Passkey {
        Passkey {
            id: hex::encode(&key.id),
            kind: key.kind,
            name: key.name.clone(),
            provider: key.aaguid.and_then(provider),
            added_at: key.added_at,
            backed_up: key.backed_up,
            last_way_to_sign_in: held.is_last_way(key),
        }
    }
}

/// The passkeys and security keys of the person of this session.
///
/// From Kratos's admin API, asked now. It is 200 too where that cannot be asked: the settings flow has the ids then.
#[utoipa::path(
    tag = "page",
    operation_id = "passkeys",
    params(
        ("fresh" = Option<u8>, Query, maximum = 1,
            description = "1: ask Kratos again whose session this is, as after a re-authentication"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the list the page has"),
    ),
    responses(
        (status = 200, description = "What there is", body = PasskeyList,
            headers(("ETag" = String, description = "Of the whole list"))),
        (status = 304, description = "What the page has still holds"),
        (status = 400, description = "A parameter is not allowed", body = ErrorEnvelope),
        (status = 401, description = "Nobody is signed in", body = ErrorEnvelope),
        (status = 403, description = "A second factor is needed first", body = ErrorEnvelope),
        (status = 405, description = "Only GET is taken", body = ErrorEnvelope),
        (status = 408, description = "The request did not arrive in time", body = ErrorEnvelope),
        (status = 503, description = "Kratos cannot be asked whose session this is", body = ErrorEnvelope),
    ),
    security(("session_cookie" = []), ("session_token" = []), ("session_bearer" = []))
)]
#[get("/api/onboarding/passkeys")]
pub async fn passkeys(caller: Caller, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let Caller { session, pages, .. } = &caller;
    let held = match &pages.lookups {
        Some(lookups) => lookups.held(&pages.known(session).await).await,
        None => None,
    };
    let list = PasskeyList::of(session.subject.as_str(), held.as_ref());
    let body = serde_json::to_string(&list).map_err(|_| Refusal::internal())?;
    let mut tagging = Tagging::default();
    tagging.text(&body);
    let tag = tagging.tag();
    if tag.is_named(request.headers()) {
        return Ok(not_modified(tag));
    }
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag.header()))
        .insert_header((CACHE_CONTROL, PRIVATE))
        .content_type("application/json")
        .body(body))
}
