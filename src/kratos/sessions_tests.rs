//! `Sessions` against recorded answers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::recordings::{self, VERSIONS};
use super::{CallError, Credential, Freshness, SessionError, Sessions};
use crate::clock::Clock;

const COOKIE: &str = "ory_kratos_session";
const TOKEN: &str = "ory_st_abcdefghijklmnopqrstuvwxyz012345";

struct House {
    kratos: MockServer,
    sessions: Arc<Sessions>,
    /// Seconds after the recorded sign-in.
    clock: Arc<AtomicI64>,
}

async fn house(answer: impl Respond + 'static) -> House {
    recordings::install_tls();
    let kratos = MockServer::start().await;
    Mock::given(method("GET")).and(path("/sessions/whoami")).respond_with(answer).mount(&kratos).await;
    let (sessions, clock) = sessions(&kratos.uri());
    House { kratos, sessions, clock }
}

fn sessions(url: &str) -> (Arc<Sessions>, Arc<AtomicI64>) {
    recordings::install_tls();
    let seconds = Arc::new(AtomicI64::new(60));
    let start: Timestamp = "2026-11-22T04:34:48Z".parse().unwrap();
    let ticking = seconds.clone();
    let clock = Clock::of(move || start + SignedDuration::from_secs(ticking.load(Ordering::SeqCst)));
    let sessions = Sessions::new(&recordings::settings(url), recordings::keys(), clock, Arc::default());
    (Arc::new(sessions.unwrap()), seconds)
}

fn recorded(name: &str) -> ResponseTemplate {
    let path = format!("public/{name}.json");
    let body = recordings::body("v26.2.0", &path);
    ResponseTemplate::new(recordings::status("v26.2.0", &path)).set_body_bytes(body)
}

fn credential(header: &str, value: &str) -> Credential {
    Credential::find([(header, value.as_bytes())].into_iter(), COOKIE).unwrap()
}

fn token() -> Credential {
    credential("x-session-token", TOKEN)
}

impl House {
    async fn ask(&self, freshness: Freshness) -> Result<String, SessionError> {
        let session = self.sessions.session(&token(), freshness).await?;
        Ok(session.subject.to_string())
    }

    async fn calls(&self) -> usize {
        self.kratos.received_requests().await.unwrap().len()
    }
}

/// One answer after the other; the last one stays.
struct InTurn(Mutex<Vec<ResponseTemplate>>);

impl InTurn {
    fn of(answers: impl IntoIterator<Item = ResponseTemplate>) -> InTurn {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        InTurn(Mutex::new(answers))
    }
}

impl Respond for InTurn {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() }
    }
}

#[tokio::test]
async fn it_is_remembered_for_ten_seconds() {
    let house = house(recorded("whoami-fresh")).await;
    house.ask(Freshness::Cached).await.unwrap();
    house.clock.fetch_add(9, Ordering::SeqCst);
    house.ask(Freshness::Cached).await.unwrap();
    assert_eq!(house.calls().await, 1);
    house.clock.fetch_add(1, Ordering::SeqCst);
    house.ask(Freshness::Cached).await.unwrap();
    assert_eq!(house.calls().await, 2);
}

#[tokio::test]
async fn it_is_never_remembered_past_the_session() {
    let house = house(InTurn::of([recorded("whoami-fresh"), recorded("error-whoami-no-session")])).await;
    house.clock.store(24 * 3600 - 5, Ordering::SeqCst);
    house.ask(Freshness::Cached).await.unwrap();
    house.clock.fetch_add(6, Ordering::SeqCst);
    assert_eq!(house.ask(Freshness::Cached).await.unwrap_err(), SessionError::Inactive);
}

#[tokio::test]
async fn a_change_asks_again_and_refills() {
    let house = house(InTurn::of([recorded("whoami-fresh"), recorded("whoami-login")])).await;
    let before = house.ask(Freshness::Cached).await.unwrap();
    let after = house.ask(Freshness::Fresh).await.unwrap();
    assert_ne!(before, after);
    assert_eq!(house.ask(Freshness::Cached).await.unwrap(), after);
    assert_eq!(house.calls().await, 2);
}

#[tokio::test]
async fn signed_out_is_not_remembered_and_forgets() {
    let none = || recorded("error-whoami-no-session");
    let house = house(InTurn::of([none(), recorded("whoami-fresh"), none()])).await;
    assert_eq!(house.ask(Freshness::Cached).await.unwrap_err(), SessionError::Inactive);
    house.ask(Freshness::Cached).await.unwrap();
    assert_eq!(house.ask(Freshness::Fresh).await.unwrap_err(), SessionError::Inactive);
    assert_eq!(house.ask(Freshness::Cached).await.unwrap_err(), SessionError::Inactive);
    assert_eq!(house.calls().await, 4);
}

#[tokio::test]
async fn many_at_once_are_one_call() {
    let house = house(recorded("whoami-fresh").set_delay(Duration::from_millis(100))).await;
    let answers = futures_util::future::join_all((0..100).map(|_| house.ask(Freshness::Cached))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(house.calls().await, 1);
}

#[tokio::test]
async fn a_failed_call_poisons_nothing() {
    let broken = ResponseTemplate::new(500).set_delay(Duration::from_millis(50));
    let house = house(InTurn::of([broken, recorded("whoami-fresh")])).await;
    let both = futures_util::future::join(house.ask(Freshness::Cached), house.ask(Freshness::Cached)).await;
    let unreachable = Err(SessionError::Unreachable(CallError::Status(500)));
    assert_eq!(both, (unreachable.clone(), unreachable));
    house.ask(Freshness::Cached).await.unwrap();
}

#[tokio::test]
async fn a_hook_drops_what_is_remembered() {
    let house = house(recorded("whoami-fresh")).await;
    house.ask(Freshness::Cached).await.unwrap();
    house.sessions.forget("9b7a92df-7c3d-443c-9566-2e905aa14ed5".parse().unwrap());
    house.ask(Freshness::Cached).await.unwrap();
    assert_eq!(house.calls().await, 1, "that was another person");
    house.sessions.forget("5eddbeec-b3d3-4769-ad6d-07e5374f94b7".parse().unwrap());
    house.ask(Freshness::Cached).await.unwrap();
    assert_eq!(house.calls().await, 2);
}

#[tokio::test]
async fn a_hook_drops_what_is_being_asked() {
    let slow = recorded("whoami-fresh").set_delay(Duration::from_millis(200));
    let house = house(InTurn::of([slow, recorded("whoami-after-add")])).await;
    let hook = async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        house.sessions.forget("5eddbeec-b3d3-4769-ad6d-07e5374f94b7".parse().unwrap());
    };
    let credential = token();
    let asking = house.sessions.session(&credential, Freshness::Cached);
    let (session, ()) = futures_util::future::join(asking, hook).await;
    assert!(session.unwrap().facts.passkey_used_at.is_some(), "asked again after the hook");
    assert_eq!(house.calls().await, 2);
}

#[tokio::test]
async fn an_older_answer_that_comes_later_changes_nothing() {
    let slow = recorded("whoami-login").set_delay(Duration::from_millis(300));
    let house = house(InTurn::of([slow, recorded("whoami-fresh")])).await;
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.ask(Freshness::Fresh).await.unwrap()
    };
    let (_, newer) = futures_util::future::join(house.ask(Freshness::Cached), later).await;
    assert_eq!(house.ask(Freshness::Cached).await.unwrap(), newer);
}

#[tokio::test]
async fn below_the_required_level_kratos_says_where_to_go() {
    for version in VERSIONS {
        let body = recordings::body(version, "public/error-session_aal2_required-whoami.json");
        let house = house(ResponseTemplate::new(403).set_body_bytes(body)).await;
        let link = "http://localhost:4433/self-service/login/browser?aal=aal2".to_owned();
        let expected = SessionError::Aal2Required { redirect_browser_to: Some(link) };
        assert_eq!(house.ask(Freshness::Cached).await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn only_the_session_cookie_goes_to_kratos() {
    let house = house(recorded("whoami-fresh")).await;
    let cookies = format!("theme=dark; {COOKIE}={TOKEN}; csrf_token_x=secret");
    house.sessions.session(&credential("cookie", &cookies), Freshness::Cached).await.unwrap();
    house.ask(Freshness::Cached).await.unwrap();
    let requests = house.kratos.received_requests().await.unwrap();
    let header =
        |nth: usize, name: &str| requests[nth].headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(header(0, "cookie"), Some(format!("{COOKIE}={TOKEN}")));
    assert_eq!(header(0, "x-session-token"), None);
    assert_eq!(header(1, "cookie"), None, "the same text as a token is another credential");
    assert_eq!(header(1, "x-session-token"), Some(TOKEN.to_owned()));
}

#[tokio::test]
async fn what_cannot_be_read_is_unreachable() {
    let long = vec![b' '; 300 * 1024];
    for (answer, expected) in [
        (ResponseTemplate::new(200).set_body_string("<html>"), CallError::Body),
        (ResponseTemplate::new(200).set_body_bytes(long), CallError::TooLarge(super::client::LARGEST_OF_ONE)),
        (ResponseTemplate::new(302).insert_header("location", "/"), CallError::Status(302)),
        (ResponseTemplate::new(403).set_body_string("{}"), CallError::Status(403)),
        (ResponseTemplate::new(429), CallError::Status(429)),
    ] {
        let house = house(answer).await;
        assert_eq!(house.ask(Freshness::Cached).await.unwrap_err(), SessionError::Unreachable(expected));
    }
}

#[tokio::test]
async fn down_or_slow_is_heard_within_two_seconds() {
    let slow = house(recorded("whoami-fresh").set_delay(Duration::from_secs(10))).await;
    let began = Instant::now();
    assert_eq!(slow.ask(Freshness::Cached).await.unwrap_err(), SessionError::Unreachable(CallError::Slow));
    assert!(began.elapsed() < Duration::from_secs(2));
    let (down, _) = sessions("http://127.0.0.1:1");
    let error = down.session(&token(), Freshness::Fresh).await.unwrap_err();
    assert_eq!(error, SessionError::Unreachable(CallError::Down));
}

#[tokio::test]
async fn more_than_can_be_asked_at_once_wait_their_turn() {
    let house = house(recorded("whoami-fresh").set_delay(Duration::from_millis(100))).await;
    let people: Vec<_> =
        (0..200).map(|nth| credential("x-session-token", &format!("{TOKEN}{nth}"))).collect();
    let asking = people.iter().map(|person| house.sessions.session(person, Freshness::Cached));
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(Result::is_ok));
}
