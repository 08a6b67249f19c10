//! The admin API asked with patience, against recorded answers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::recordings::{self, VERSIONS};
use super::{AskError, CallError, Identities, Patience};
use crate::onboarding::IdentityId;

const SIZE: NonZeroU32 = NonZeroU32::new(3).unwrap();
const SHORT: Patience =
    Patience { answer_within: Duration::from_millis(500), tries_for: Duration::from_secs(3) };

pub fn identities(kratos: &MockServer) -> Identities {
    recordings::install_tls();
    let mut settings = recordings::settings(&kratos.uri());
    settings.admin_url = Some(format!("{}/kratos/", kratos.uri()).parse().unwrap());
    Identities::new(&settings, recordings::keys(), SHORT, Arc::default()).unwrap().unwrap()
}

fn recorded(version: &str, name: &str) -> ResponseTemplate {
    let answer = ResponseTemplate::new(recordings::status(version, name))
        .set_body_bytes(recordings::body(version, name));
    match recordings::header(version, name, "link") {
        Some(link) => answer.insert_header("link", link),
        None => answer,
    }
}

fn list() -> wiremock::MockBuilder {
    Mock::given(method("GET"))
        .and(path("/kratos/admin/identities"))
        .and(query_param("include_credential", "passkey"))
        .and(query_param("include_credential", "webauthn"))
}

fn person(nth: u128) -> IdentityId {
    uuid::Uuid::from_u128(nth + 1).try_into().unwrap()
}

#[tokio::test]
async fn pages_follow_each_other() {
    for version in VERSIONS {
        let kratos = MockServer::start().await;
        list()
            .and(query_param_is_missing("page_token"))
            .respond_with(recorded(version, "admin/identities-page-1.json"))
            .mount(&kratos)
            .await;
        let identities = identities(&kratos);
        let first = identities.page(None, SIZE).await.unwrap();
        assert_eq!(first.told.len(), 3, "{version}");
        let token = first.next.unwrap();
        list()
            .and(query_param("page_token", token.to_string()))
            .and(query_param("page_size", "3"))
            .respond_with(recorded(version, "admin/identities-page-2.json"))
            .mount(&kratos)
            .await;
        let second = identities.page(Some(&token), SIZE).await.unwrap();
        assert!(second.told.iter().all(|told| !first.told.contains(told)), "{version}");
    }
}

#[tokio::test]
async fn a_token_that_kratos_refuses_is_told_apart() {
    let kratos = MockServer::start().await;
    list()
        .and(query_param_is_missing("page_token"))
        .respond_with(recorded("v26.2.0", "admin/identities-page-1.json"))
        .mount(&kratos)
        .await;
    list().respond_with(ResponseTemplate::new(400)).mount(&kratos).await;
    let identities = identities(&kratos);
    let token = identities.page(None, SIZE).await.unwrap().next;
    assert_eq!(identities.page(token.as_ref(), SIZE).await.unwrap_err(), AskError::Token);
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_no_page() {
    let kratos = MockServer::start().await;
    list().respond_with(recorded("v26.2.0", "admin/identities-page-1.json")).mount(&kratos).await;
    let identities = identities(&kratos);
    let token = identities.page(None, SIZE).await.unwrap().next;
    let error = identities.page(token.as_ref(), SIZE).await.unwrap_err();
    assert_eq!(error, AskError::Unreachable(CallError::Body));
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_parts() {
    let kratos = MockServer::start().await;
    list()
        .and(query_param("page_size", "1"))
        .respond_with(recorded("v26.2.0", "admin/identities-page-1.json"))
        .mount(&kratos)
        .await;
    list()
        .and(query_param("page_size", "3"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024]))
        .mount(&kratos)
        .await;
    assert_eq!(identities(&kratos).page(None, SIZE).await.unwrap().told.len(), 3);
}

#[tokio::test]
async fn many_ids_are_asked_for_in_groups_that_fit_into_an_address() {
    struct Some100;
    impl Respond for Some100 {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let asked: Vec<_> = request.url.query_pairs().filter(|(name, _)| name == "ids").collect();
            assert!(asked.len() <= 100 && request.url.as_str().len() < 8000);
            let told = asked.iter().map(|(_, id)| {
                serde_json::json!({ "id": id, "updated_at": "2026-11-22T04:34:59Z", "credentials": {} })
            });
            ResponseTemplate::new(200).set_body_json(told.collect::<Vec<_>>())
        }
    }
    let kratos = MockServer::start().await;
    // Kratos cuts the answer at the size of a page, which is 250 where it is not told.
    list().and(query_param("page_size", "100")).respond_with(Some100).mount(&kratos).await;
    let ids: Vec<IdentityId> = (0..250).map(person).collect();
    let told = identities(&kratos).those(&ids).await.unwrap();
    assert_eq!(told.iter().map(|told| told.identity).collect::<Vec<_>>(), ids);
    assert_eq!(kratos.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn who_is_there_is_asked_for_without_what_they_hold() {
    let kratos = MockServer::start().await;
    Mock::given(path("/kratos/admin/identities"))
        .and(query_param("ids", person(1).to_string()))
        .and(query_param_is_missing("include_credential"))
        .respond_with(recorded("v26.2.0", "admin/identities-page-1.json"))
        .mount(&kratos)
        .await;
    assert_eq!(identities(&kratos).there(&[person(1)]).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_identifier_is_looked_up_exactly() {
    for version in VERSIONS {
        let kratos = MockServer::start().await;
        list()
            .and(query_param("credentials_identifier", "ada+x@example.org"))
            .respond_with(recorded(version, "admin/identities-by-identifier.json"))
            .mount(&kratos)
            .await;
        assert_eq!(
            identities(&kratos).by_identifier("ada+x@example.org").await.unwrap().len(),
            1,
            "{version}"
        );
    }
}

#[tokio::test]
async fn one_is_told_and_a_deleted_one_is_gone() {
    let kratos = MockServer::start().await;
    let body = recordings::body("v26.2.0", "admin/identity-password-passkey.json");
    let id = serde_json::from_slice::<serde_json::Value>(&body).unwrap()["id"].as_str().unwrap().to_owned();
    Mock::given(path(format!("/kratos/admin/identities/{id}")))
        .respond_with(recorded("v26.2.0", "admin/identity-password-passkey.json"))
        .mount(&kratos)
        .await;
    Mock::given(path(format!("/kratos/admin/identities/{}", person(1))))
        .respond_with(recorded("v26.2.0", "admin/identity-404.json"))
        .mount(&kratos)
        .await;
    let identities = identities(&kratos);
    let told = identities.one(id.parse().unwrap()).await.unwrap();
    assert_eq!((told.identity.to_string(), told.held.passkeys), (id, 1));
    assert_eq!(identities.one(person(1)).await.unwrap_err(), AskError::Gone);
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let kratos = MockServer::start().await;
    for (status, header) in [(503, None), (429, Some(("retry-after", "1")))] {
        let mut answer = ResponseTemplate::new(status);
        if let Some((name, value)) = header {
            answer = answer.insert_header(name, value);
        }
        list().respond_with(answer).up_to_n_times(1).mount(&kratos).await;
    }
    list().respond_with(recorded("v26.2.0", "admin/identities-page-1.json")).mount(&kratos).await;
    let begun = std::time::Instant::now();
    assert_eq!(identities(&kratos).page(None, SIZE).await.unwrap().told.len(), 3);
    assert!(begun.elapsed() >= Duration::from_secs(1), "what it asked for was honoured");
    assert_eq!(kratos.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn trouble_that_does_not_pass_ends_the_asking() {
    let kratos = MockServer::start().await;
    list().respond_with(ResponseTemplate::new(500)).mount(&kratos).await;
    let error = identities(&kratos).page(None, SIZE).await.unwrap_err();
    assert_eq!(error, AskError::Unreachable(CallError::Status(500)));
    assert!(kratos.received_requests().await.unwrap().len() > 2);
    let slow = MockServer::start().await;
    list().respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).mount(&slow).await;
    assert_eq!(identities(&slow).page(None, SIZE).await.unwrap_err(), AskError::Unreachable(CallError::Slow));
}
