//! The endpoints, with a store on disk and a Kratos of recorded answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;
use utoipa_actix_web::AppExt;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Pages, Parts, configure};
use crate::clock::Clock;
use crate::config::{self, Origin};
use crate::kratos::{Admin, Sessions, recordings};
use crate::onboarding::{
    Actor, Cause, DedupeKey, Event, EventId, EventKind, HookKind, Method, Observed, Policy, Profile,
};
use crate::store::{MadeBy, Opening, Sqlite, Store, WriterSettings};
use crate::telemetry::Metrics;

const TOKEN: (&str, &str) = ("X-Session-Token", "ory_st_abcdefghijklmnopqrstuvwxyz012345");
const COOKIE: (&str, &str) = ("Cookie", "ory_kratos_session=MTc2NDAwMDAwMHxjb29raWU=");
const APP: &str = "https://app.example.org";
const IDENTITY: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";

struct House {
    pages: web::Data<Pages>,
    kratos: MockServer,
    store: Store,
    sessions: Arc<Sessions>,
    stopping: CancellationToken,
    /// Seconds after the recorded sign-in.
    clock: Arc<AtomicI64>,
    _directory: tempfile::TempDir,
}

/// Its type cannot be written down.
macro_rules! app {
    ($house:expr) => {{
        let app = App::new().into_utoipa_app().app_data($house.pages.clone()).configure(configure);
        init_service(app.split_for_parts().0).await
    }};
}

impl House {
    async fn build(has_admin: bool) -> House {
        recordings::install_tls();
        let kratos = MockServer::start().await;
        let mut settings = recordings::settings(&kratos.uri());
        settings.admin_url = has_admin.then(|| kratos.uri().parse().unwrap());
        let seconds = Arc::new(AtomicI64::new(60));
        let start: Timestamp = "2026-11-22T04:34:48Z".parse().unwrap();
        let ticking = seconds.clone();
        let clock = Clock::of(move || start + SignedDuration::from_secs(ticking.load(Ordering::SeqCst)));
        let metrics = Arc::new(Metrics::default());
        let directory = tempfile::tempdir().unwrap();
        let opening = Opening::Migrate(MadeBy::Development);
        let backend = Arc::new(Sqlite::open(&directory.path().join("test.db"), opening).await.unwrap());
        let store =
            Store::start(backend, WriterSettings::default(), clock.clone(), metrics.clone()).await.unwrap();
        let sessions = Sessions::new(&settings, recordings::keys(), clock.clone(), metrics.clone());
        let sessions = Arc::new(sessions.unwrap());
        let admin = Admin::new(&settings, recordings::keys(), metrics.clone()).unwrap().map(Arc::new);
        let stopping = CancellationToken::new();
        let pages = Pages::new(Parts {
            policy: Arc::new(config::PolicyInForce::new(Policy::default())),
            kratos: &settings,
            page: &config::Page {
                ceremony: config::Ceremony::Settings,
                conditional_create: false,
                allowed_origins: vec![Origin(APP.to_owned())],
                default_return_url: Url::parse(APP).unwrap(),
                brand: config::Brand::default(),
                allowed_return_urls: vec![],
            },
            base_url: &Url::parse("https://id.example.org").unwrap(),
            sessions: sessions.clone(),
            admin,
            own: None,
            store: store.clone(),
            clock,
            metrics,
            stopping: stopping.clone(),
        });
        let house = House {
            pages: web::Data::new(pages),
            kratos,
            store,
            sessions,
            stopping,
            clock: seconds,
            _directory: directory,
        };
        house.whoami("whoami-fresh").await;
        house
    }

    async fn whoami(&self, name: &str) {
        let path_of = format!("public/{name}.json");
        let body = recordings::body("v26.2.0", &path_of);
        let answer = ResponseTemplate::new(recordings::status("v26.2.0", &path_of)).set_body_bytes(body);
        // The newest of equal priority would come last: the later one gets the lower number.
        let later = u8::try_from(self.kratos.received_requests().await.unwrap().len()).unwrap();
        let mock = Mock::given(method("GET")).and(path("/sessions/whoami")).respond_with(answer);
        mock.with_priority(250 - later).mount(&self.kratos).await;
    }

    async fn holds(&self, name: &str) {
        let body = recordings::body("v26.2.0", &format!("admin/identity-{name}.json"));
        let answer = ResponseTemplate::new(200).set_body_bytes(body);
        let mock = Mock::given(method("GET")).and(path_regex("^/admin/identities/.*"));
        mock.respond_with(answer).mount(&self.kratos).await;
    }

    /// A hook tells of the registration.
    async fn hook(&self) {
        self.sessions.forget(IDENTITY.parse().unwrap());
        let event = Event {
            id: EventId(uuid::Uuid::from_u128(1)),
            identity: IDENTITY.parse().unwrap(),
            at: "2026-11-22T04:34:48Z".parse().unwrap(),
            dedupe: DedupeKey([9; 32]),
            actor: Actor::Kratos,
            cause: Cause::Hook(HookKind::Registration),
            profile: Profile::default(),
            observed: Observed::default(),
            kind: EventKind::Registered { method: Some(Method::Password) },
        };
        self.store.apply(event).await.unwrap();
    }

    async fn ask(&self, request: TestRequest) -> (u16, Option<String>, Value) {
        let app = app!(self);
        let answer = call_service(&app, request.to_request()).await;
        let tag = answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = read_body(answer).await;
        (status, tag, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    async fn get(&self, query: &str) -> (u16, Option<String>, Value) {
        self.ask(TestRequest::get().uri(&format!("/api/onboarding{query}")).insert_header(TOKEN)).await
    }

    async fn post(&self, action: &str) -> (u16, Option<String>, Value) {
        self.ask(post(action).insert_header(TOKEN)).await
    }
}

fn post(action: &str) -> TestRequest {
    TestRequest::post().uri(&format!("/api/onboarding/{action}"))
}

fn error_id(body: &Value) -> &str {
    body["error"]["id"].as_str().unwrap()
}

#[actix_web::test]
async fn a_person_nobody_told_of_gets_a_record_and_an_offer() {
    let house = House::build(true).await;
    house.holds("created").await;
    let (status, tag, body) = house.get("").await;
    assert_eq!((status, &body["decision"], &body["recorded"]), (200, &"offer".into(), &true.into()));
    assert_eq!((&body["passkey_count"], &body["session"]["privileged"]), (&0.into(), &true.into()));
    assert_eq!(body["session"]["privileged_for_s"], 3540);
    assert!(house.store.record(IDENTITY.parse().unwrap()).await.unwrap().is_some());
    let calls = house.kratos.received_requests().await.unwrap().len();
    let again = house.get("").await;
    assert_eq!((again.0, again.1), (200, tag));
    assert_eq!(house.kratos.received_requests().await.unwrap().len(), calls, "all from memory");
}

#[actix_web::test]
async fn without_an_admin_url_it_stays_unknown() {
    let house = House::build(false).await;
    let (_, _, body) = house.get("").await;
    assert_eq!((&body["decision"], &body["reason"]), (&"later".into(), &"passkeys_unknown".into()));
    assert_eq!(body["passkey_count"], Value::Null);
    house.whoami("whoami-after-add").await;
    let (_, _, body) = house.get("?fresh=1").await;
    assert_eq!(body["decision"], "done", "the session names a passkey that was used");
}

#[actix_web::test]
async fn what_the_page_has_is_not_sent_again() {
    let house = House::build(false).await;
    let (_, tag, _) = house.get("").await;
    let conditional = || {
        let request = TestRequest::get().uri("/api/onboarding").insert_header(TOKEN);
        request.insert_header(("If-None-Match", tag.clone().unwrap()))
    };
    house.clock.fetch_add(5, Ordering::SeqCst);
    let (status, again, body) = house.ask(conditional()).await;
    assert_eq!((status, again, body), (304, tag.clone(), Value::Null));
    house.clock.store(3601, Ordering::SeqCst);
    assert_eq!(house.ask(conditional()).await.0, 200, "privilege ended");
}

#[actix_web::test]
async fn waiting_ends_when_something_happens() {
    let house = House::build(true).await;
    house.holds("created").await;
    let (_, tag, _) = house.get("").await;
    let tag = tag.unwrap();
    let request = |seconds| {
        let request = TestRequest::get().uri(&format!("/api/onboarding?wait={seconds}")).insert_header(TOKEN);
        request.insert_header(("If-None-Match", tag.clone()))
    };
    let began = Instant::now();
    assert_eq!(house.ask(request(1)).await.0, 304);
    assert!(began.elapsed() >= Duration::from_secs(1));
    let skip = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.post("skip").await
    };
    let ((status, _, body), skipped) = futures_util::future::join(house.ask(request(25)), skip).await;
    assert_eq!((skipped.0, status, &body["reason"]), (200, 200, &"skipped".into()));
}

#[actix_web::test]
async fn waiting_ends_when_the_person_signs_out_and_when_the_service_stops() {
    let house = House::build(false).await;
    let (_, tag, _) = house.get("").await;
    let request = || {
        let request = TestRequest::get().uri("/api/onboarding?wait=25").insert_header(TOKEN);
        request.insert_header(("If-None-Match", tag.clone().unwrap()))
    };
    let sign_out = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.whoami("error-whoami-no-session").await;
        house.hook().await;
    };
    let ((status, _, body), ()) = futures_util::future::join(house.ask(request()), sign_out).await;
    assert_eq!((status, error_id(&body)), (401, "session_inactive"));
    house.whoami("whoami-fresh").await;
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.stopping.cancel();
    };
    let (_, tag, _) = house.get("").await;
    let request = TestRequest::get().uri("/api/onboarding?wait=25").insert_header(TOKEN);
    let request = request.insert_header(("If-None-Match", tag.unwrap()));
    let ((status, _, _), ()) = futures_util::future::join(house.ask(request), stop).await;
    assert_eq!(status, 304);
}

#[actix_web::test]
async fn a_skip_is_once_and_its_repetition_is_heard() {
    let house = House::build(true).await;
    house.holds("created").await;
    let keyed = || post("skip").insert_header(TOKEN).insert_header(("Idempotency-Key", "a"));
    let (status, _, body) = house.ask(keyed()).await;
    assert_eq!((status, error_id(&body)), (409, "not_allowed"), "unknown is not an offer yet");
    assert_eq!(body["error"]["details"]["reason"], "passkeys_unknown");
    house.get("").await;
    let (status, _, body) = house.ask(keyed()).await;
    assert_eq!((status, &body["decision"], &body["reason"]), (200, &"later".into(), &"skipped".into()));
    let (status, _, again) = house.ask(keyed()).await;
    assert_eq!((status, &again["version"]), (200, &body["version"]), "the same skip again");
    let (status, _, body) = house.post("skip").await;
    assert_eq!((status, error_id(&body)), (409, "not_allowed"));
}

#[actix_web::test]
async fn completed_believes_only_the_admin_api() {
    let without = House::build(false).await;
    let (_, _, body) = without.post("completed").await;
    assert_eq!((&body["verified"], &body["decision"]), (&false.into(), &"later".into()));
    let with = House::build(true).await;
    with.holds("password-passkey").await;
    let (_, _, body) = with.post("completed").await;
    assert_eq!((&body["verified"], &body["decision"]), (&true.into(), &"done".into()));
    assert_eq!(body["passkey_count"], 1);
}

#[actix_web::test]
async fn a_change_by_cookie_needs_an_origin_and_a_token_none() {
    let house = House::build(false).await;
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let mut request = post("offered").insert_header(COOKIE);
        if let Some(origin) = origin {
            request = request.insert_header(("Origin", origin));
        }
        let (status, _, body) = house.ask(request).await;
        assert_eq!((status, error_id(&body)), (403, "origin_not_allowed"), "{origin:?}");
    }
    assert!(house.kratos.received_requests().await.unwrap().is_empty(), "before anything else");
    for origin in [APP, "https://id.example.org"] {
        let request = post("offered").insert_header(COOKIE).insert_header(("Origin", origin));
        assert_eq!(house.ask(request).await.0, 200);
    }
    assert_eq!(house.post("offered").await.0, 200);
}

#[actix_web::test]
async fn another_person_or_session_changes_nothing() {
    let house = House::build(false).await;
    let (_, _, body) = house.get("").await;
    let subject = body["subject"].as_str().unwrap().to_owned();
    let as_subject =
        |subject: &str| post("started").insert_header(TOKEN).insert_header(("If-Subject", subject));
    assert_eq!(house.ask(as_subject(&subject)).await.0, 200);
    house.whoami("whoami-login").await;
    let (status, _, body) = house.ask(as_subject(&subject)).await;
    assert_eq!((status, error_id(&body)), (409, "identity_changed"));
}

#[actix_web::test]
async fn refusals_have_their_status() {
    let house = House::build(false).await;
    let (status, _, body) = house.ask(TestRequest::get().uri("/api/onboarding")).await;
    assert_eq!((status, error_id(&body)), (401, "session_inactive"));
    assert!(body["error"]["reason"].as_str().unwrap().starts_with("no_session_cookie: "));
    assert_eq!(house.get("?wait=26").await.0, 400);
    assert_eq!(house.post("sorcery").await.0, 404);
    assert_eq!(house.post("failed").await.0, 400);
    let typed =
        |kind: &'static str| post("offered").insert_header(TOKEN).insert_header(("Content-Type", kind));
    assert_eq!(house.ask(typed("text/plain")).await.0, 415);
    assert_eq!(house.ask(typed("application/json").set_payload(vec![b' '; 5000])).await.0, 413);
    let (status, _, body) = house.ask(typed("application/json").set_payload("{\"device\":7}")).await;
    assert_eq!((status, error_id(&body)), (400, "bad_request"));
    let keyed = post("offered").insert_header(TOKEN).insert_header(("Idempotency-Key", "a b"));
    assert_eq!(house.ask(keyed).await.0, 400);
    house.whoami("error-session_aal2_required-whoami").await;
    let (status, _, body) = house.get("?fresh=1").await;
    assert_eq!((status, error_id(&body)), (403, "session_aal2_required"));
    assert!(body["redirect_browser_to"].as_str().unwrap().ends_with("aal=aal2"));
}

#[actix_web::test]
async fn if_nothing_can_be_read_or_stored_the_answer_says_so_and_offers_nothing() {
    let house = House::build(true).await;
    house.holds("created").await;
    house.store.close().await;
    let (status, _, body) = house.get("").await;
    assert_eq!((status, &body["decision"], &body["recorded"]), (200, &"later".into(), &false.into()));
    let (status, _, body) = house.post("offered").await;
    assert_eq!((status, error_id(&body)), (503, "store_unavailable"));
}

#[actix_web::test]
async fn the_stream_tells_what_is_new_and_ends_with_the_session() {
    let house = House::build(true).await;
    house.holds("created").await;
    let app = app!(house);
    let listen = || TestRequest::get().uri("/api/onboarding/events").insert_header(TOKEN);
    let answer = call_service(&app, listen().to_request()).await;
    assert_eq!(answer.headers().get("content-type").unwrap(), "text/event-stream");
    let mut body = Box::pin(answer.into_body());
    let mut next = async || {
        let chunk = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await?;
        Some(String::from_utf8(chunk.map_err(|_| "broken").unwrap().to_vec()).unwrap())
    };
    let first = next().await.unwrap();
    assert!(first.starts_with("retry: 3000\n\nid: \""), "{first}");
    assert!(first.contains("event: decision\ndata: {") && first.contains("\"decision\":\"offer\""));
    house.post("skip").await;
    assert!(next().await.unwrap().contains("\"reason\":\"skipped\""));
    house.whoami("error-whoami-no-session").await;
    let ((), last) = futures_util::future::join(house.hook(), next()).await;
    assert_eq!(last.unwrap(), "event: session_inactive\ndata: {\"id\":\"session_inactive\"}\n\n");
    assert_eq!(next().await, None);
}

#[actix_web::test]
async fn a_person_listens_in_eight_tabs_and_a_stop_ends_them() {
    let house = House::build(false).await;
    let app = app!(house);
    let listen = || TestRequest::get().uri("/api/onboarding/events").insert_header(TOKEN).to_request();
    let mut tabs = Vec::new();
    for _ in 0..8 {
        tabs.push(call_service(&app, listen()).await);
    }
    let ninth = call_service(&app, listen()).await;
    assert_eq!(ninth.status(), 429);
    assert!(ninth.headers().contains_key("retry-after"));
    house.stopping.cancel();
    for tab in tabs {
        read_body(tab).await;
    }
    assert_eq!(call_service(&app, listen()).await.status(), 200, "their places are free again");
}

#[actix_web::test]
async fn many_who_ask_at_once_are_one_question_and_a_failed_one_rests() {
    let house = House::build(true).await;
    let asked = async |start: &str| {
        let requests = house.kratos.received_requests().await.unwrap();
        requests.iter().filter(|request| request.url.path().starts_with(start)).count()
    };
    house.get("").await;
    let (_, _, body) = house.get("").await;
    assert_eq!((&body["reason"], asked("/admin").await), (&"passkeys_unknown".into(), 1));
    tokio::time::sleep(Duration::from_millis(2100)).await;
    house.holds("created").await;
    let answers = futures_util::future::join_all((0..20).map(|_| house.get(""))).await;
    assert!(answers.iter().all(|(_, _, body)| body["decision"] == "offer"));
    assert_eq!((asked("/admin").await, asked("/sessions").await), (2, 1));
}
