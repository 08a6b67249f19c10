use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt, stream};
use secrecy::SecretString;
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::config::{SigningSecret, Webhook};
use crate::store::{MadeBy, Opening, QuarantineFilter, Sqlite, Store, WriterSettings};
use crate::telemetry::Metrics;
use crate::webhook::recordings::{self, keys, now};

const ADDRESS: &str = "/api/kratos/post-registration-webauthn";
const KEY: (&str, &str) = ("X-Onboarding-Key", "right");
const ID: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";

struct Running {
    hooks: web::Data<Hooks>,
    store: Store,
    metrics: Arc<Metrics>,
    forgotten: Arc<AtomicU32>,
    _directory: tempfile::TempDir,
}

async fn running() -> Running {
    running_with(WriterSettings::default()).await
}

async fn running_with(settings: WriterSettings) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let opening = Opening::Migrate(MadeBy::Development);
    let backend = Arc::new(Sqlite::open(&directory.path().join("test.db"), opening).await.unwrap());
    let metrics = Arc::new(Metrics::default());
    let clock = Clock::of(now);
    let settings = WriterSettings { answer_within: Duration::from_secs(20), ..settings };
    let store = Store::start(backend, settings, clock.clone(), metrics.clone()).await.unwrap();
    let webhook = Webhook {
        api_keys: vec![SecretString::from("right")],
        api_key_name: "X-Onboarding-Key".to_owned(),
        basic_auth: vec![],
        signing_secrets: vec![SigningSecret(vec![1; 32])],
    };
    let forgotten = Arc::new(AtomicU32::new(0));
    let count = forgotten.clone();
    let hooks = Hooks::new(&webhook, keys(), store.clone(), clock, metrics.clone())
        .on_event(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .body_deadline(Duration::from_millis(50));
    Running { hooks: web::Data::new(hooks), store, metrics, forgotten, _directory: directory }
}

impl Running {
    async fn send(&self, request: TestRequest) -> (StatusCode, HeaderMap, Value) {
        let app = App::new().into_utoipa_app().app_data(self.hooks.clone()).configure(configure);
        let app = init_service(app.split_for_parts().0).await;
        let answer = call_service(&app, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = read_body(answer).await;
        (status, headers, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    async fn put_aside(&self) -> usize {
        self.store.quarantined(&QuarantineFilter::default()).await.unwrap().len()
    }

    async fn is_known(&self) -> bool {
        self.store.record(ID.parse().unwrap()).await.unwrap().is_some()
    }
}

fn post(address: &str, body: &str) -> TestRequest {
    let request = TestRequest::post().uri(address).insert_header(("Content-Type", "application/json"));
    request.set_payload(body.to_owned())
}

#[actix_web::test]
async fn a_delivery_is_204_when_it_is_stored_and_again_when_it_is_repeated() {
    let running = running().await;
    let body = json!({ "identity_id": ID }).to_string();
    for address in
        [ADDRESS, "/api/kratos/hooks/registration/password", "/api/kratos/hooks/login/sorcery", ADDRESS]
    {
        let (status, _, answer) = running.send(post(address, &body).insert_header(KEY)).await;
        assert_eq!((status, answer), (StatusCode::NO_CONTENT, Value::Null), "{address}");
    }
    assert!(running.is_known().await);
    assert_eq!(running.forgotten.load(Ordering::SeqCst), 4);
    let metrics = running.metrics.render().unwrap();
    assert!(metrics.contains("hook=\"registration\",outcome=\"duplicate\"} 1"), "{metrics}");
    assert!(metrics.contains("hook=\"registration\",outcome=\"stored\"} 2"), "{metrics}");
}

#[actix_web::test]
async fn every_recording_is_taken() {
    let running = running().await;
    for recorded in recordings::all() {
        for attempt in &recorded.attempts {
            let address = format!("/api/kratos/hooks/{}", recorded.hook.name());
            let mut request = post(&address, &attempt.body).insert_header(KEY);
            if let Some(trigger) = attempt.headers.get("ory-webhook-trigger-id") {
                request = request.insert_header(("Ory-Webhook-Trigger-ID", trigger.as_str()));
            }
            let expected =
                if recorded.is_parse_true() { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT };
            assert_eq!(running.send(request).await.0, expected, "{}", recorded.name);
        }
    }
}

#[actix_web::test]
async fn a_stranger_is_told_nothing_and_nothing_is_stored() {
    let running = running().await;
    let body = json!({ "identity_id": ID }).to_string();
    for request in [
        post(ADDRESS, &body),
        post(ADDRESS, &body).insert_header(("X-Onboarding-Key", "wrong")),
        post(ADDRESS, &"x".repeat(70_000)),
        post(ADDRESS, "not json"),
    ] {
        let (status, _, answer) = running.send(request).await;
        assert_eq!(
            (status, &answer["error"]["id"]),
            (StatusCode::UNAUTHORIZED, &json!("webhook_unauthorized"))
        );
        assert!(!answer.to_string().contains("wrong"));
    }
    assert!(!running.is_known().await && running.put_aside().await == 0);
}

#[actix_web::test]
async fn what_is_not_understood_is_202_and_kept_once() {
    let running = running().await;
    for (body, reason) in [
        ("", "empty"),
        ("\u{0}", "not_json"),
        ("[]", "not_an_object"),
        ("null", "not_an_object"),
        ("\"x\"", "not_an_object"),
        ("{}", "no_identity"),
        (r#"{"identity": 5}"#, "wrong_type"),
        (r#"{"id": "ada@example.org"}"#, "bad_value"),
        (r#"{"identity": {"id": "00000000-0000-0000-0000-000000000000"}}"#, "zero_identity"),
    ] {
        for _ in 0..2 {
            let (status, _, answer) = running.send(post(ADDRESS, body).insert_header(KEY)).await;
            let answer = &answer["quarantined"];
            assert_eq!((status, &answer["reason"]), (StatusCode::ACCEPTED, &json!(reason)), "{body}");
            assert!(answer["id"].is_string() && answer["message"].is_string());
        }
    }
    let form =
        TestRequest::post().uri(ADDRESS).insert_header(KEY).insert_header(("Content-Type", "text/plain"));
    let (status, _, answer) = running.send(form.set_payload(json!({ "id": ID }).to_string())).await;
    assert_eq!((status, &answer["quarantined"]["reason"]), (StatusCode::ACCEPTED, &json!("content_type")));
    assert_eq!(running.put_aside().await, 10);
    assert!(running.metrics.render().unwrap().contains("reason=\"zero_identity\"} 2"));
}

#[actix_web::test]
async fn too_large_is_413() {
    let running = running().await;
    let limit = format!("{{\"id\":\"{ID}\"{}}}", " ".repeat(65_536 - 45));
    assert_eq!(limit.len(), 65_536);
    assert_eq!(running.send(post(ADDRESS, &limit).insert_header(KEY)).await.0, StatusCode::NO_CONTENT);
    let (status, _, answer) = running.send(post(ADDRESS, &format!("{limit} ")).insert_header(KEY)).await;
    assert_eq!(
        (status, &answer["error"]["id"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("payload_too_large"))
    );
    let announced = post(ADDRESS, "{}").insert_header(KEY).insert_header(("Content-Length", "65537"));
    assert_eq!(running.send(announced).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn a_body_that_stalls_is_408_and_one_that_breaks_off_400() {
    let running = running().await;
    let mut headers = HeaderMap::new();
    headers.insert("X-Onboarding-Key".parse().unwrap(), HeaderValue::from_static("right"));
    let refused = async |body: &mut (dyn Stream<Item = Result<web::Bytes, ()>> + Unpin)| {
        let error = running.hooks.receive(Hook::POST_REGISTRATION, &headers, body).await.unwrap_err();
        Refusal::from(error)
    };
    let begun = || stream::iter([Ok(web::Bytes::from_static(b"{"))]);
    let stalled = refused(&mut begun().chain(stream::pending())).await;
    assert_eq!((stalled.status, stalled.id), (StatusCode::REQUEST_TIMEOUT, "request_timeout"));
    let broken = refused(&mut begun().chain(stream::iter([Err(())]))).await;
    assert_eq!((broken.status, broken.id), (StatusCode::BAD_REQUEST, "body_incomplete"));
    assert_eq!(running.put_aside().await, 0);
}

#[actix_web::test]
async fn what_is_no_hook_is_404() {
    let running = running().await;
    for hook in ["recovery/code", "Login/code", "login/a%20b", "login/%ff", "login/%00"] {
        let address = format!("/api/kratos/hooks/{hook}");
        let (status, _, answer) = running.send(post(&address, "{}").insert_header(KEY)).await;
        assert_eq!((status, &answer["error"]["id"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{hook}");
    }
}

fn signed(id: &str, address: &str, body: &str) -> TestRequest {
    let at = now().as_second();
    let reference = standardwebhooks::Webhook::from_bytes(vec![1; 32]).unwrap();
    post(address, body)
        .insert_header(("webhook-id", id))
        .insert_header(("webhook-timestamp", at.to_string()))
        .insert_header(("webhook-signature", reference.sign(id, at, body.as_bytes()).unwrap()))
}

#[actix_web::test]
async fn a_signed_delivery_is_taken_once_wherever_it_is_replayed() {
    let running = running().await;
    let body = json!({ "identity_id": ID }).to_string();
    assert_eq!(running.send(signed("msg_1", ADDRESS, &body)).await.0, StatusCode::NO_CONTENT);
    let before = running.store.record(ID.parse().unwrap()).await.unwrap().unwrap();
    let replayed = signed("msg_1", "/api/kratos/hooks/registration/passkey", &body)
        .insert_header(("Ory-Webhook-Trigger-ID", "f94bbef9-1ef5-4e97-8ab5-d905a92637e4"));
    assert_eq!(running.send(replayed).await.0, StatusCode::NO_CONTENT);
    let after = running.store.record(ID.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(before, after);
    let forged = signed("msg_2", ADDRESS, &body).set_payload("{}");
    assert_eq!(running.send(forged).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(running.put_aside().await, 0, "an unproven body is not parsed");
}

#[actix_web::test]
async fn a_closed_store_is_503_with_retry_after() {
    let running = running().await;
    running.store.close().await;
    for body in [json!({ "id": ID }).to_string(), "{".to_owned()] {
        let (status, headers, _) = running.send(post(ADDRESS, &body).insert_header(KEY)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers.get("Retry-After").unwrap(), "1");
    }
    assert_eq!(running.forgotten.load(Ordering::SeqCst), 1, "told of before it is stored");
}

#[actix_web::test]
async fn what_the_queue_has_no_room_for_is_503_and_not_stored() {
    let running = running_with(WriterSettings { queue: 1, batch: 1, ..WriterSettings::default() }).await;
    let people: Vec<Uuid> = (1..=64).map(Uuid::from_u128).collect();
    let told = |person: &Uuid| {
        running.send(post(ADDRESS, &json!({ "identity_id": person }).to_string()).insert_header(KEY))
    };
    let answers = join_all(people.iter().map(told)).await;
    let mut refused = Vec::new();
    for (person, (status, headers, answer)) in people.iter().zip(answers) {
        if status != StatusCode::NO_CONTENT {
            assert_eq!(
                (status, &answer["error"]["id"]),
                (StatusCode::SERVICE_UNAVAILABLE, &json!("queue_full"))
            );
            assert_eq!(headers.get("Retry-After").unwrap(), "1");
            refused.push(person);
        }
        let is_known = running.store.record((*person).try_into().unwrap()).await.unwrap().is_some();
        assert_eq!(is_known, status == StatusCode::NO_CONTENT, "{person}");
    }
    assert!((1..people.len()).contains(&refused.len()), "{} of {}", refused.len(), people.len());
    assert_eq!(told(refused[0]).await.0, StatusCode::NO_CONTENT, "sent again, it is taken");
}

#[test]
fn the_document_knows_every_answer() {
    let (_, document) = App::new().into_utoipa_app().configure(configure).split_for_parts();
    let document = serde_json::to_value(document).unwrap();
    let answers = |address: &str| {
        let answers = document["paths"][address]["post"]["responses"].as_object().unwrap();
        answers.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(answers(ADDRESS), ["202", "204", "400", "401", "405", "408", "413", "503"]);
    let with_404 = ["202", "204", "400", "401", "404", "405", "408", "413", "503"];
    assert_eq!(answers("/api/kratos/hooks/{hook}/{method}"), with_404);
    assert!(document["components"]["schemas"]["PutAside"].is_object());
}
