//! `POST /api/onboarding/passkeys/options`: what the browser is to make.

use std::sync::Arc;

use actix_web::http::header::ORIGIN;
use actix_web::{HttpRequest, HttpResponse, post, web};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::may::{MayNot, holds_none};
use super::{NotHere, Own, whose};
use crate::ceremony::{Account, Begun, CreationOptions, Known, UserHandle};
use crate::envelope::{BodyError, ErrorEnvelope, Fields, Refusal, read};
use crate::kratos::{Session, Standing};
use crate::onboarding::CeremonyKind;
use crate::page::Pages;
use crate::page::answer::PRIVATE;
use crate::page::caller::Caller;
use crate::store::{Handle, Holds, MadePasskey};

/// What is asked for; an empty body is `{}`. Fields that are not known are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub struct PasskeyMediation {
    /// As `navigator.credentials.create()` will be called. `conditional`: in the background after a sign-in with a password,
    /// where the decision says so (`conditional_create_for_s`). Else from a click.
    #[schema(example = "conditional")]
    mediation: Option<Mediation>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub enum Mediation {
    Optional,
    Conditional,
}

fn kind(body: &Fields) -> Result<CeremonyKind, BodyError> {
    let told = body.text("mediation", "conditional, optional or null", |text| match text {
        "conditional" => Some(CeremonyKind::Conditional),
        "optional" => Some(CeremonyKind::Asked),
        _ => None,
    });
    Ok(told?.unwrap_or_default())
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyOptions {
    /// That of the decision.
    pub subject: String,
    /// Seconds from now, and once: the passkey has to be here by then. Less than five minutes where the person has to sign in
    /// again sooner, or where the time for one without asking is over sooner.
    pub valid_for_s: u64,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON()`.
    pub options: CreationOptions,
}

/// What to make a passkey with, for the person of this session.
///
/// The challenge holds for five minutes, for this person in this session, once. Where our own ceremony cannot be held, the
/// refusal is `settings_flow_required`: Kratos's settings flow is the way then.
#[utoipa::path(
    tag = "page",
    operation_id = "passkey_options",
    request_body(content = PasskeyMediation, description = "At most 4096 bytes"),
    params(
        ("If-Subject" = Option<String>, Header,
            description = "The `subject` the page was told: refused when somebody else is signed in by now"),
        ("Origin" = Option<String>, Header,
            description = "For callers by cookie: this service's own or one of page.allowed_origins"),
    ),
    responses(
        (status = 200, description = "What to make", body = PasskeyOptions),
        (status = 400, description = "The body or a header is not allowed", body = ErrorEnvelope),
        (status = 401, description = "Nobody is signed in", body = ErrorEnvelope),
        (status = 403, description = "The origin may not, the person has to sign in again first, or a second factor is \
            needed", body = ErrorEnvelope),
        (status = 405, description = "Only POST is taken", body = ErrorEnvelope),
        (status = 408, description = "The body did not arrive in time", body = ErrorEnvelope),
        (status = 409, description = "Somebody else is signed in, Kratos's settings flow is the way, or none is made without \
            asking", body = ErrorEnvelope),
        (status = 413, description = "The body is longer than 4096 bytes", body = ErrorEnvelope),
        (status = 415, description = "The body is not JSON", body = ErrorEnvelope),
        (status = 429, description = "Asked too often", body = ErrorEnvelope),
        (status = 503, description = "Kratos cannot be asked, or nothing can be stored", body = ErrorEnvelope),
    ),
    security(("session_cookie" = []), ("session_token" = []), ("session_bearer" = []))
)]
#[post("/api/onboarding/passkeys/options")]
pub async fn passkey_options(
    caller: Caller,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Refusal> {
    caller.is_still(request.headers())?;
    let kind = kind(&Fields::parse(&read(request.headers(), body).await?)?)?;
    let Caller { session, pages, .. } = &caller;
    let own = pages.own_paced(session).map_err(|why| pages.not_here(why))?;
    own.hands_in().await.map_err(|why| pages.not_here(why))?;
    if own.untaken.holds(session.identity) {
        return Err(pages.not_here(NotHere::NotTaken));
    }
    // Before anybody touches a sensor: what is made elsewhere could not be taken.
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if let Some(origin) = origin.filter(|origin| !own.party.origins.iter().any(|known| known == origin)) {
        return Err(pages.not_here(NotHere::Elsewhere(origin.to_owned())));
    }
    let now = pages.clock.now();
    let (standing, until) = own.standing_of(session, now).await.map_err(|why| pages.not_here(why))?;
    let mut holds = Holds::since(now);
    if kind == CeremonyKind::Conditional {
        let may = pages.conditional(own, session, now).await;
        let may = may.and_then(|until| holds_none(&standing).map(|()| until));
        // Nobody signs in again for what they do not see.
        holds = holds.at_most(until.min(may.map_err(|why| pages.not_here(why.into()))?));
    }
    let handle = handle(&standing).map_err(|why| pages.not_here(why.into()))?;
    let made = pages.store.made_passkeys(session.identity).await.unwrap_or_default();
    let begun = Begun::new(kind, &own.party).map_err(|_| Refusal::internal())?;
    let known: Vec<Known> = standing.keys().into_iter().flatten().map(|id| known(id, &made)).collect();
    let kept = pages.store.begin_ceremony(whose(session), &begun, &handle, holds).await;
    let handle = kept.map_err(|error| pages.not_added(error.into()))?;
    // Somebody who has no address has a name all the same.
    let name = standing.account_name().unwrap_or_else(|| session.identity.to_string());
    let account = Account { handle, display_name: name.clone(), name };
    let options = CreationOptions::of(&begun, &own.party, &account, &known);
    let subject = session.subject.to_string();
    let left = holds.until.min(until).duration_since(now).as_secs();
    let valid_for_s = u64::try_from(left).unwrap_or_default();
    Ok(HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, PRIVATE))
        .json(PasskeyOptions { subject, valid_for_s, options }))
}

fn handle(standing: &Standing) -> Result<Handle, MayNot> {
    match standing.user_handle() {
        Some(Ok(handle)) => Ok(Handle::Kept(handle)),
        None => UserHandle::random().map(Handle::New).map_err(|_| MayNot::NotOurs),
        Some(Err(_)) => Err(MayNot::NotOurs),
    }
}

/// Kratos does not keep how an authenticator is reached; we do, of those that were made here.
fn known(id: crate::onboarding::CredentialId, made: &[MadePasskey]) -> Known {
    let ours = made.iter().map(|made| &made.passkey.made).find(|made| made.id == id);
    Known { transports: ours.map(|made| made.transports.clone()).unwrap_or_default(), id }
}

impl Pages {
    /// What our own ceremony is held with, whether or not it is switched off right now.
    pub(super) fn own(&self) -> Result<&Own, NotHere> {
        let off = || NotHere::Off("webauthn.rp_id, kratos.admin_url or page.ceremony".to_owned());
        self.own.as_ref().ok_or_else(off)
    }

    /// Until when one may be made without asking, as it is decided now. Kratos has to hold none: [`holds_none`].
    pub(super) async fn conditional(
        &self,
        own: &Own,
        session: &Arc<Session>,
        now: Timestamp,
    ) -> Result<Timestamp, MayNot> {
        let verdict = self.answer(session, None).await.decision.verdict;
        own.conditional_until(session, verdict, now)
    }

    /// The same, where this person does not ask too often. Before the database or Kratos is asked for them.
    pub(super) fn own_paced(&self, session: &Session) -> Result<&Own, NotHere> {
        let own = self.own()?;
        if own.pace.allows(session.identity) { Ok(own) } else { Err(NotHere::TooOften) }
    }
}
