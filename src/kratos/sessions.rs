//! Whose session a credential is: `whoami`, remembered for a moment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use moka::ops::compute::Op;
use moka::sync::Cache;
use sha2::Sha256;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::client::{client, endpoint, runtime, send};
use super::{CallError, ClientError, Credential, CredentialKind, Flights, Session};
use crate::clock::Clock;
use crate::config;
use crate::onboarding::{IdentityId, PiiKeys};
use crate::telemetry::Metrics;

/// The page hears 503 within two seconds, also on a machine that has other things to do.
const WITHIN: Duration = Duration::from_millis(1500);
const CALLS_AT_ONCE: usize = 64;
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_secs(10);
const REMEMBERED: u64 = 50_000;
/// Two identities that share a place only cost each other a call.
const PLACES_TO_FORGET: usize = 1 << 16;
const LONGEST_LINK: usize = 4096;

/// Whether an answer of the last seconds is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Cached,
    /// Kratos is asked after this was called: for every change, and after a re-authentication.
    Fresh,
}

/// Why there is no session to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("Kratos knows no active session for this credential")]
    Inactive,
    #[error("Kratos wants a second factor first")]
    Aal2Required { redirect_browser_to: Option<String> },
    #[error("Kratos cannot be asked: {0}")]
    Unreachable(#[from] CallError),
}

/// HMAC of a credential under a key of this process: the cache holds no token.
type TokenKey = [u8; 32];

#[derive(Clone)]
struct Remembered {
    session: Arc<Session>,
    asked: Asked,
}

/// When Kratos was asked: by the clock, and in the order of questions and hooks.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Timestamp,
    turn: u64,
}

#[derive(Clone)]
struct Answer {
    asked: Asked,
    outcome: Result<Arc<Session>, SessionError>,
}

/// Sessions by credential.
pub struct Sessions {
    http: reqwest::Client,
    whoami: Url,
    cookie_name: String,
    tokens: Hmac<Sha256>,
    keys: PiiKeys,
    clock: Clock,
    metrics: Arc<Metrics>,
    remembered: Cache<TokenKey, Remembered>,
    turn: AtomicU64,
    /// By identity: the turn of its last hook. What was asked before it does not count.
    forgotten: Box<[AtomicU64]>,
    places: Semaphore,
    flights: Flights<TokenKey, Answer>,
    runtime: Handle,
}

impl Sessions {
    /// Needs rustls's process-wide provider where `kratos.public_url` is `https`; calls are made on the current tokio
    /// runtime.
    pub fn new(
        kratos: &config::Kratos,
        keys: PiiKeys,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Sessions, ClientError> {
        let runtime = runtime()?;
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| ClientError::Random)?;
        Ok(Sessions {
            http: client(&kratos.public_url, WITHIN)?,
            whoami: endpoint(&kratos.public_url, "/sessions/whoami"),
            cookie_name: kratos.session_cookie_name.clone(),
            tokens: Hmac::new_from_slice(&key).map_err(|_| ClientError::Random)?,
            keys,
            clock,
            metrics,
            remembered: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(REMEMBERED_FOR.unsigned_abs())
                .build(),
            turn: AtomicU64::new(1),
            forgotten: (0..PLACES_TO_FORGET).map(|_| AtomicU64::new(0)).collect(),
            places: Semaphore::new(CALLS_AT_ONCE),
            flights: Flights::new(runtime.clone()),
            runtime,
        })
    }

    /// The cookie a credential is looked for in.
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Within two seconds.
    pub async fn session(
        self: &Arc<Self>,
        credential: &Credential,
        freshness: Freshness,
    ) -> Result<Arc<Session>, SessionError> {
        let key = self.key(credential);
        if freshness == Freshness::Cached
            && let Some(session) = self.recall(&key)
        {
            self.metrics.session_cache_hit();
            return Ok(session);
        }
        let answered = match freshness {
            Freshness::Cached => timeout(WITHIN, self.shared_call(key, credential)).await,
            Freshness::Fresh => timeout(WITHIN, self.own_call(key, credential)).await,
        };
        answered.unwrap_or(Err(CallError::Slow.into()))
    }

    /// A hook came for this identity: what was asked before now no longer counts, a call under way included.
    pub fn forget(&self, identity: IdentityId) {
        let turn = self.next_turn();
        if let Some(place) = self.place(identity) {
            place.fetch_max(turn, Ordering::SeqCst);
        }
    }

    /// The same for everybody.
    pub fn forget_all(&self) {
        let turn = self.next_turn();
        for place in &self.forgotten {
            place.fetch_max(turn, Ordering::SeqCst);
        }
    }

    async fn shared_call(
        self: &Arc<Self>,
        key: TokenKey,
        credential: &Credential,
    ) -> Result<Arc<Session>, SessionError> {
        for _ in 0..2 {
            let take_off = || self.clone().ask(key, credential.clone());
            let Some(answer) = self.flights.join(key, take_off).await else { break };
            // A hook overtook the call: once more. Twice in two seconds is somebody's script; that answer will do.
            if !answer.outcome.as_ref().is_ok_and(|session| self.is_forgotten(session, answer.asked)) {
                return answer.outcome;
            }
        }
        self.own_call(key, credential).await
    }

    async fn own_call(
        self: &Arc<Self>,
        key: TokenKey,
        credential: &Credential,
    ) -> Result<Arc<Session>, SessionError> {
        let call = self.runtime.spawn(self.clone().ask(key, credential.clone()));
        call.await.map_or(Err(CallError::Down.into()), |answer| answer.outcome)
    }

    fn key(&self, credential: &Credential) -> TokenKey {
        let mut mac = self.tokens.clone();
        mac.update(match credential.kind() {
            CredentialKind::Cookie => b"c",
            CredentialKind::Header => b"h",
        });
        mac.update(credential.token().as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::SeqCst)
    }

    fn place(&self, identity: IdentityId) -> Option<&AtomicU64> {
        let id = identity.as_uuid().as_u128();
        let folded = (id ^ (id >> 64)) % PLACES_TO_FORGET as u128;
        self.forgotten.get(usize::try_from(folded).unwrap_or_default())
    }

    fn is_forgotten(&self, session: &Session, asked: Asked) -> bool {
        self.place(session.identity).is_some_and(|place| place.load(Ordering::SeqCst) > asked.turn)
    }

    fn recall(&self, key: &TokenKey) -> Option<Arc<Session>> {
        let Remembered { session, asked } = self.remembered.get(key)?;
        let now = self.clock.now();
        let is_recent = now >= asked.at && now.duration_since(asked.at) < REMEMBERED_FOR;
        let is_over = session.facts.expires_at.is_some_and(|expires_at| expires_at <= now);
        (is_recent && !is_over && !self.is_forgotten(&session, asked)).then_some(session)
    }

    async fn ask(self: Arc<Self>, key: TokenKey, credential: Credential) -> Answer {
        let mut asked = Asked { at: self.clock.now(), turn: 0 };
        let call = async {
            let _place = self.places.acquire().await.map_err(|_| CallError::Slow)?;
            asked = Asked { at: self.clock.now(), turn: self.next_turn() };
            self.call(&credential).await
        };
        let outcome = timeout(WITHIN, call).await.unwrap_or(Err(CallError::Slow.into()));
        let outcome = outcome.map(Arc::new);
        self.metrics.kratos_call(
            "whoami",
            match &outcome {
                Ok(_) => "session",
                Err(SessionError::Inactive) => "no_session",
                Err(SessionError::Aal2Required { .. }) => "aal2_required",
                Err(SessionError::Unreachable(_)) => "unreachable",
            },
        );
        if let Err(SessionError::Unreachable(error)) = &outcome {
            tracing::warn!(call = "whoami", error = %error, "Kratos cannot be asked");
        }
        self.remember(key, asked, &outcome);
        Answer { asked, outcome }
    }

    /// Answers may arrive in another order than they were asked for: an older one changes nothing.
    fn remember(&self, key: TokenKey, asked: Asked, outcome: &Result<Arc<Session>, SessionError>) {
        let is_newer = |known: &Remembered| known.asked.turn > asked.turn;
        self.remembered.entry(key).and_compute_with(|known| match (known, outcome) {
            (Some(known), _) if is_newer(known.value()) => Op::Nop,
            (_, Ok(session)) if !self.is_forgotten(session, asked) => {
                Op::Put(Remembered { session: session.clone(), asked })
            }
            (Some(_), Ok(_) | Err(SessionError::Inactive | SessionError::Aal2Required { .. })) => Op::Remove,
            (_, Err(SessionError::Unreachable(_))) | (None, _) => Op::Nop,
        });
    }

    async fn call(&self, credential: &Credential) -> Result<Session, SessionError> {
        let request = self.http.get(self.whoami.clone()).header("accept", "application/json");
        let request = match credential.kind() {
            CredentialKind::Cookie => {
                request.header("cookie", format!("{}={}", self.cookie_name, credential.token()))
            }
            CredentialKind::Header => request.header("x-session-token", credential.token()),
        };
        match send(request).await? {
            (200, body) => {
                let session = Session::parse(&body, &self.keys)?.ok_or(SessionError::Inactive)?;
                let now = self.clock.now();
                let is_over = session.facts.expires_at.is_some_and(|expires_at| expires_at <= now);
                if is_over { Err(SessionError::Inactive) } else { Ok(session) }
            }
            (401, _) => Err(SessionError::Inactive),
            (403, body) => Err(second_factor(&body).unwrap_or(CallError::Status(403).into())),
            (status, _) => Err(CallError::Status(status).into()),
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} remembered)", self.remembered.entry_count())
    }
}

fn second_factor(body: &[u8]) -> Option<SessionError> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    if body.pointer("/error/id")?.as_str()? != "session_aal2_required" {
        return None;
    }
    let link = body.get("redirect_browser_to").or_else(|| body.pointer("/error/details/redirect_browser_to"));
    let link = link.and_then(|link| link.as_str()).filter(|link| {
        let is_web = Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        is_web && link.len() <= LONGEST_LINK
    });
    Some(SessionError::Aal2Required { redirect_browser_to: link.map(str::to_owned) })
}
