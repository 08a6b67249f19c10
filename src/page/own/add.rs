//! `POST /api/onboarding/passkeys`: what the browser made, to be handed in to Kratos.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post, web};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::may::{MayNot, holds_none, may};
use super::names::Names;
use super::{NotHere, Own, whose};
use crate::ceremony::{Made, NewCredential, NotMade, Passkey};
use crate::envelope::{BodyError, ErrorEnvelope, Fields, Refusal, read_within};
use crate::kratos::{HandInError, HandedIn, Outlook, Session, Standing};
use crate::onboarding::{Actor, Cause, CeremonyKind, CredentialId, Event, EventKind};
use crate::page::Pages;
use crate::page::answer::PRIVATE;
use crate::page::caller::Caller;
use crate::page::document::Document;
use crate::page::learning::{Known, dedupe_key};
use crate::store::{CommitError, Ended, MadePasskey, ReadError, Stored, WriteError};

/// Bytes. A credential's id may have 1023, and comes several times; an RSA key has a few hundred.
const LONGEST_BODY: usize = 32 * 1024;
/// After that what was brought in vain is not taken again.
const AGAIN_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// What is sent. Fields that are not known are ignored: pages are newer than services.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document")]
pub struct NewPasskey {
    credential: NewCredential,
    /// What the person calls it: 1 to 64 characters. Else it is called by its provider, or by the device.
    #[schema(max_length = 64)]
    name: Option<String>,
    /// What the browser runs on, in words: 1 to 64 characters.
    #[schema(max_length = 64)]
    device: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AddedPasskey {
    /// Lower-case hex, as everywhere.
    #[schema(pattern = "^([0-9a-f]{2})+$")]
    pub credential_id: String,
    pub name: String,
    /// What to do for this person now.
    #[serde(flatten)]
    pub document: Document,
}

/// Adds the passkey that was made with the options of this session.
///
/// 201 means that Kratos has it: it was read back. After a 503 `passkey_unsure` the same body can be sent again, also when
/// the answer was lost: it is added once. A refusal with `credential_id` in `details` names a passkey that nobody can sign in
/// with: tell the authenticator, with `PublicKeyCredential.signalUnknownCredential()`.
#[utoipa::path(
    tag = "page",
    operation_id = "add_passkey",
    params(
        ("If-Subject" = Option<String>, Header,
            description = "The `subject` the page was told: refused when somebody else is signed in by now"),
        ("Origin" = Option<String>, Header,
            description = "For callers by cookie: this service's own or one of page.allowed_origins"),
    ),
    request_body(content = NewPasskey, description = "At most 32768 bytes"),
    responses(
        (status = 201, description = "Kratos has it", body = AddedPasskey),
        (status = 400, description = "The body or a header is not allowed, or it is not what was asked for",
            body = ErrorEnvelope),
        (status = 401, description = "Nobody is signed in", body = ErrorEnvelope),
        (status = 403, description = "The origin may not, the person has to sign in again first, or a second factor is \
            needed", body = ErrorEnvelope),
        (status = 405, description = "Only GET and POST are taken", body = ErrorEnvelope),
        (status = 408, description = "The body did not arrive in time", body = ErrorEnvelope),
        (status = 409, description = "Somebody else is signed in, the challenge was used or is over, Kratos's settings flow \
            is the way, or none is made without asking any more", body = ErrorEnvelope),
        (status = 413, description = "The body is longer than 32768 bytes", body = ErrorEnvelope),
        (status = 415, description = "The body is not JSON", body = ErrorEnvelope),
        (status = 429, description = "Asked too often", body = ErrorEnvelope),
        (status = 503, description = "Kratos cannot be asked or does not take it, or nothing can be stored",
            body = ErrorEnvelope),
    ),
    security(("session_cookie" = []), ("session_token" = []), ("session_bearer" = []))
)]
#[post("/api/onboarding/passkeys")]
pub async fn add_passkey(
    caller: Caller,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Refusal> {
    const ALLOWED: &str = "what toJSON() of the new credential writes";
    caller.is_still(request.headers())?;
    let body = Fields::parse(&read_within(LONGEST_BODY, request.headers(), body).await?)?;
    let credential: Option<NewCredential> = body.value("credential", ALLOWED)?;
    let names = Names::read(&body)?;
    let Caller { session, pages, query, .. } = caller;
    let credential =
        credential.ok_or(BodyError::Field { field: "credential", given: "nothing", allowed: ALLOWED })?;
    let own = pages.own().map_err(|why| pages.not_here(why))?;
    // Whoever leaves does not leave it half done.
    let adding = own.runtime.spawn(bring(pages.clone(), session.clone(), credential, names));
    let added = adding.await.map_err(|_| Refusal::internal())?.map_err(|why| pages.not_added(why))?;
    let Added { made, name, known } = added;
    let answer = pages.decided(&session, &known, pages.links_for(query.return_to.as_deref()));
    pages.metrics.decision(answer.decision.verdict.as_str());
    let document = answer.document(&pages.links);
    Ok(HttpResponse::Created()
        .insert_header((actix_web::http::header::CACHE_CONTROL, PRIVATE))
        .json(AddedPasskey { credential_id: made.to_string(), name, document }))
}

/// Why it was not added.
#[derive(Debug, thiserror::Error)]
pub enum NotAdded {
    #[error(transparent)]
    NotHere(#[from] NotHere),
    #[error("there is no such challenge of this session")]
    NoChallenge,
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// What was asked for without asking the person is not to be added any more.
    #[error("{why}")]
    NotConditional { why: MayNot, credential: CredentialId },
    #[error("the credential is another person's")]
    OfAnother,
    #[error("another passkey of the person is being added")]
    Busy,
    #[error("{error}")]
    HandIn { error: HandInError, credential: CredentialId },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What was verified.
#[derive(Debug)]
enum Brought {
    Now(MadePasskey),
    /// Before: what was brought is the same.
    Again(MadePasskey),
}

#[derive(Debug)]
struct Added {
    made: CredentialId,
    name: String,
    known: Known,
}

async fn bring(
    pages: Data<Pages>,
    session: Arc<Session>,
    credential: NewCredential,
    names: Names,
) -> Result<Added, NotAdded> {
    let own = pages.own_paced(&session)?;
    // What Kratos has already needs nobody's leave: the answer to it was lost.
    let kept = pages.kept(&session, &credential).await?;
    let is_gone = match &kept {
        None => false,
        Some(kept) => match pages.hand_in(own, &session, kept, &|_| false).await {
            Ok(done) => return Ok(done),
            Err(NotAdded::HandIn { error: HandInError::NotAllowed, .. }) => kept.imported_at.is_some(),
            Err(_) => false,
        },
    };
    own.hands_in().await?;
    let before = pages.store.made_passkeys(session.identity).await?;
    // Before the challenge is used: whoever only has to sign in again can bring it after that.
    let (standing, _) = own.standing_of(&session, pages.clock.now()).await?;
    // What Kratos lost is seen before the identity becomes newer.
    if let Some(found) = standing.found() {
        pages.store.passkeys_found(&before, &found, pages.clock.now()).await?;
    }
    let made = match pages.made(own, &session, &credential, names, standing.newest()).await? {
        // It was there before, and its person took it away since.
        Brought::Again(_) if is_gone => return Err(NotAdded::NoChallenge),
        Brought::Again(made) | Brought::Now(made) => made,
    };
    let turn = pages.store.passkey_turn(session.identity).await?.ok_or(NotAdded::Busy)?;
    let done = pages.in_turn(own, &session, &credential, &made).await;
    pages.store.end_passkey_turn(turn).await;
    match done {
        // For the reason.
        Err(NotAdded::HandIn { error: HandInError::NotAllowed, credential }) => {
            let (standing, _) = own.standing_of(&session, pages.clock.now()).await?;
            match holds_none(&standing) {
                Err(why) if made.kind == CeremonyKind::Conditional => {
                    Err(NotAdded::NotConditional { why, credential })
                }
                _ => Err(NotAdded::HandIn { error: HandInError::NotAllowed, credential }),
            }
        }
        done => done,
    }
}

impl Pages {
    /// Verified, and kept: now, or when the same was brought before and its answer was lost.
    async fn made(
        &self,
        own: &Own,
        session: &Session,
        brought: &NewCredential,
        names: Names,
        before: Option<Timestamp>,
    ) -> Result<Brought, NotAdded> {
        let (now, whose) = (self.clock.now(), whose(session));
        let challenge = brought.challenge()?;
        let Some(ceremony) = self.store.ceremony(challenge, whose, now).await? else {
            let kept = self.kept(session, brought).await?;
            let again = kept.filter(|kept| now.duration_since(kept.passkey.made_at) < AGAIN_WITHIN);
            return again.map(Brought::Again).ok_or(NotAdded::NoChallenge);
        };
        let made = match Made::verified(brought, &ceremony.begun, &own.party) {
            Ok(made) => made,
            Err(error) => {
                self.store.end_ceremony(challenge, None).await?;
                return Err(error.into());
            }
        };
        let kept = MadePasskey {
            whose,
            kind: ceremony.begun.kind,
            passkey: Passkey { name: names.of(&made), made, handle: ceremony.handle, made_at: now },
            before,
            imported_at: None,
            removed_at: None,
            absent: None,
            gone_at: None,
            version: 0,
        };
        match self.store.end_ceremony(challenge, Some(&kept)).await? {
            Ended::Now => Ok(Brought::Now(kept)),
            Ended::Before => Err(NotAdded::NoChallenge),
            Ended::OfAnother => Err(NotAdded::OfAnother),
        }
    }

    /// Verified and kept before, in this session, and not taken away since.
    async fn kept(
        &self,
        session: &Session,
        brought: &NewCredential,
    ) -> Result<Option<MadePasskey>, NotAdded> {
        let (id, whose) = (brought.id()?, whose(session));
        let kept = self.store.made_passkeys(session.identity).await?;
        let mut kept = kept.into_iter();
        Ok(kept.find(|made| made.passkey.made.id == id && made.whose == whose && made.removed_at.is_none()))
    }

    /// Handed in, if it still may be.
    async fn in_turn(
        &self,
        own: &Own,
        session: &Arc<Session>,
        brought: &NewCredential,
        made: &MadePasskey,
    ) -> Result<Added, NotAdded> {
        // An operator took it away while this waited for its turn.
        self.kept(session, brought).await?.ok_or(NotAdded::NoChallenge)?;
        let is_conditional = made.kind == CeremonyKind::Conditional;
        if is_conditional && let Err(why) = self.conditional(own, session, self.clock.now()).await {
            return Err(NotAdded::NotConditional { why, credential: made.passkey.made.id.clone() });
        }
        let still_may = |standing: &Standing| {
            may(session, standing, &own.rules, self.clock.now()).is_ok()
                && (!is_conditional || holds_none(standing).is_ok())
        };
        self.hand_in(own, session, made, &still_may).await
    }

    async fn hand_in(
        &self,
        own: &Own,
        session: &Session,
        kept: &MadePasskey,
        allows: &(dyn Fn(&Standing) -> bool + Sync),
    ) -> Result<Added, NotAdded> {
        let MadePasskey { passkey, kind, .. } = kept;
        let known = self.known(session).await;
        let record = &known.record;
        // Taken before Kratos is asked, so that its answer outranks what was told by then and nothing later.
        let settlements = (record.passkeys.settlement(), record.security_keys.settlement());
        let id = &passkey.made.id;
        let HandedIn { now: told, before, patched, rest_changed, missing } =
            match own.identities.hand_in(session.identity, passkey, allows).await {
                Ok(done) => done,
                Err(error) => {
                    let outlook = error.outlook();
                    if outlook != Outlook::Passing {
                        own.untaken.remember(session.identity);
                    }
                    match outlook {
                        Outlook::Passing | Outlook::OfThePerson => {}
                        Outlook::OfThisIdentity => {
                            own.importing.doubt(session.identity, &error.to_string()).await;
                        }
                        Outlook::Unheard => own.importing.switch_off(&error.to_string()).await,
                    }
                    return Err(NotAdded::HandIn { error, credential: id.clone() });
                }
            };
        if rest_changed || !missing.is_empty() {
            own.importing
                .doubt(session.identity, "an identity was changed at the moment its passkey came")
                .await;
        } else if patched {
            own.importing.took();
        }
        if patched {
            own.untaken.forget(session.identity);
        }
        let at = self.clock.now();
        let event = Event {
            id: self.clock.event_id(),
            identity: session.identity,
            at,
            dedupe: dedupe_key(
                "own_ceremony",
                session.identity,
                &[id.as_bytes(), &passkey.made_at.as_microsecond().to_be_bytes()],
            ),
            actor: Actor::Person,
            cause: Cause::OwnCeremony,
            profile: told.held.profile.clone(),
            observed: told.held.observed(&settlements.0, &settlements.1),
            kind: EventKind::PasskeyMade {
                credential: id.clone(),
                session: session.facts.digest,
                ceremony: *kind,
            },
        };
        let record = match self.store.apply(event).await? {
            Stored::Applied { record, .. } | Stored::Duplicate { record } => record,
            Stored::Quarantined => return Err(WriteError::Unavailable.into()),
        };
        self.store.passkey_imported(id, at, before).await?;
        let known = Known { record, recorded: true, unread: false };
        Ok(Added { made: id.clone(), name: passkey.name.clone(), known })
    }
}
