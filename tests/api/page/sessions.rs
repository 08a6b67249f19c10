//! Whose session it is: asked of Kratos, remembered for a moment.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{ANOTHER, House, ONE_PASSKEY, REGISTERED, WHOAMI, document, header, verdict};
use crate::double::{COOKIE, Kratos, Session, recorded};
use crate::service::{Plan, refusal};

const TOKEN: &str = "ory_st_abcdefghijklmnopqrstuvwxyz012345";

/// A header of each call to whoami, oldest first.
async fn sent(kratos: &Kratos, name: &str) -> Vec<Option<String>> {
    let seen = kratos.server.received_requests().await.unwrap();
    let seen = seen.iter().filter(|request| request.url.path() == WHOAMI);
    seen.map(|request| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn fifty_questions_at_once_are_one_to_kratos() {
    let house = House::registered().await;
    let answers = join_all((0..50).map(|_| house.get("").send())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 200));
    assert_eq!(house.kratos.calls(WHOAMI).await, 1);
}

#[tokio::test]
async fn every_report_and_every_fresh_question_asks_kratos() {
    let house = House::registered().await;
    house.decision().await;
    for calls in 2..5 {
        house.reported("started", json!({})).await;
        assert_eq!(house.kratos.calls(WHOAMI).await, calls);
    }
    for calls in 5..8 {
        document(house.get("?fresh=1").send().await.unwrap()).await;
        assert_eq!(house.kratos.calls(WHOAMI).await, calls);
    }
    house.decision().await;
    document(house.get("?fresh=0").send().await.unwrap()).await;
    assert_eq!(house.kratos.calls(WHOAMI).await, 7, "the last answer is remembered");
}

#[tokio::test]
async fn who_signed_out_is_nobody_within_ten_seconds() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    house.kratos.signed_out();
    let signed_out = Instant::now();
    let answer = loop {
        let answer = house.get("?wait=1").header("If-None-Match", &tag).send().await.unwrap();
        if answer.status() == 401 {
            break answer;
        }
        assert_eq!(answer.status(), 304);
        assert!(signed_out.elapsed() < Duration::from_secs(12), "still somebody");
    };
    assert_eq!(refusal(answer, 401).await["error"]["id"], "session_inactive");
    refusal(house.get("").send().await.unwrap(), 401).await;
}

#[tokio::test]
async fn who_signed_out_is_nobody_at_once_for_a_change_and_afterwards() {
    let house = House::registered().await;
    house.decision().await;
    house.kratos.signed_out();
    refusal(house.report("skip").send().await.unwrap(), 401).await;
    refusal(house.get("").send().await.unwrap(), 401).await;
    assert!(house.told_by(&house.person).await.is_empty());
}

#[tokio::test]
async fn that_nobody_is_signed_in_is_not_remembered() {
    let house = House::registered().await;
    house.kratos.signed_out();
    refusal(house.get("").send().await.unwrap(), 401).await;
    house.kratos.signed_in(&house.person);
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
}

#[tokio::test]
async fn a_refreshed_sign_in_is_privileged_at_the_first_fresh_question() {
    let house = House::registered().await;
    let old = Session::fresh().authenticated(7_200);
    house.kratos.signed_in(&old);
    let before = house.decision().await;
    assert_eq!(before["session"]["privileged"], false);
    house.kratos.signed_in(&Session::fresh());
    let after = document(house.get("?fresh=1").send().await.unwrap()).await;
    assert_eq!(after["session"]["privileged"], true);
    assert_eq!(after["subject"], before["subject"], "the session is the same one");
    assert_eq!(house.decision().await["session"]["privileged"], true, "and stays so");
}

#[tokio::test]
async fn a_hook_drops_what_is_remembered_of_that_person() {
    let house = House::registered().await;
    house.decision().await;
    house.tell_of(ANOTHER).await;
    house.decision().await;
    assert_eq!(house.kratos.calls(WHOAMI).await, 1, "that was somebody else");
    house.hook(ONE_PASSKEY).await;
    house.decision().await;
    assert_eq!(house.kratos.calls(WHOAMI).await, 2);
}

#[tokio::test]
async fn a_token_in_a_header_wins_and_then_no_cookie_is_passed_on() {
    let house = House::registered().await;
    let somebody = house.somebody(ANOTHER).await;
    house.kratos.signed_in_by_token(TOKEN, &somebody);
    let theirs = document(house.get_as(&somebody, "").send().await.unwrap()).await["subject"].clone();
    for (name, value) in [("X-Session-Token", TOKEN.to_owned()), ("Authorization", format!("Bearer {TOKEN}"))]
    {
        let asked = house.get("?fresh=1").header(name, value).send().await.unwrap();
        assert_eq!(document(asked).await["subject"], theirs, "{name}");
    }
    let (cookies, tokens) =
        (sent(&house.kratos, "cookie").await, sent(&house.kratos, "x-session-token").await);
    assert_eq!(cookies.len(), 3);
    assert_eq!(cookies[1..], [None, None]);
    assert_eq!(tokens[1..], [Some(TOKEN.to_owned()), Some(TOKEN.to_owned())]);
    assert!(sent(&house.kratos, "authorization").await.iter().all(Option::is_none));
}

#[tokio::test]
async fn of_all_cookies_only_the_session_is_passed_on() {
    let house = House::registered().await;
    assert!(house.person.cookies().matches(';').count() >= 2, "there are others");
    house.decision().await;
    assert_eq!(sent(&house.kratos, "cookie").await, [Some(format!("ory_kratos_session={COOKIE}"))]);
    assert_eq!(sent(&house.kratos, "x-session-token").await, [None]);
}

#[tokio::test]
async fn the_session_cookie_has_the_name_that_is_set() {
    let plan = |kratos: &Kratos| -> Plan {
        kratos.plan_without_admin().with("KRATOS__SESSION_COOKIE_NAME", "__Host-sid")
    };
    let house = House::with(plan).await;
    house.kratos.whoami_answers(ResponseTemplate::new(200).set_body_json(&house.person.body));
    let cookies = format!("__Host-sid={COOKIE}; ory_kratos_session=of-another-deployment");
    let answer = house.service.get("/api/onboarding").header("Cookie", cookies).send().await.unwrap();
    document(answer).await;
    assert_eq!(sent(&house.kratos, "cookie").await, [Some(format!("__Host-sid={COOKIE}"))]);
    let unnamed = refusal(house.get("").send().await.unwrap(), 401).await;
    assert!(unnamed["error"]["reason"].as_str().unwrap().starts_with("no_session_cookie"), "{unnamed}");
}

#[tokio::test]
async fn what_cannot_be_a_token_never_reaches_kratos() {
    let house = House::registered().await;
    let long = "x".repeat(4_097);
    for (name, value) in [
        ("X-Session-Token", "short"),
        ("X-Session-Token", "a token with spaces in it"),
        ("X-Session-Token", long.as_str()),
        ("Authorization", "Bearer short"),
        ("Cookie", "ory_kratos_session=short"),
        ("Cookie", "ory_kratos_session="),
        ("Cookie", "ory_kratos_session=\"quoted-but-long-enough\""),
    ] {
        let answer = house.service.get("/api/onboarding").header(name, value).send().await.unwrap();
        assert_eq!(refusal(answer, 401).await["error"]["id"], "session_inactive", "{name}: {value}");
    }
    assert_eq!(house.kratos.calls(WHOAMI).await, 0);
}

#[tokio::test]
async fn without_a_session_the_reason_says_what_is_missing() {
    let house = House::start().await;
    let reason = async |cookie: Option<&str>| {
        let mut request = house.service.get("/api/onboarding");
        if let Some(cookie) = cookie {
            request = request.header("Cookie", cookie);
        }
        let said = refusal(request.send().await.unwrap(), 401).await;
        assert_eq!(said["error"]["id"], "session_inactive");
        said["error"]["reason"].as_str().unwrap().to_owned()
    };
    for none in [None, Some("theme=dark"), Some("xory_kratos_session=0123456789abcdef")] {
        assert!(reason(none).await.starts_with("no_session_cookie"), "{none:?}");
    }
    let unknown = reason(Some("ory_kratos_session=a-cookie-that-kratos-does-not-know")).await;
    assert!(!unknown.contains("no_session_cookie"), "{unknown}");
    assert_eq!(house.kratos.calls(WHOAMI).await, 1);
}

#[tokio::test]
async fn below_the_required_level_kratos_says_where_to_go() {
    let house = House::start().await;
    house.hook(REGISTERED).await;
    house.kratos.whoami_answers(recorded("v26.2.0/public/error-session_aal2_required-whoami.json"));
    for request in [house.get(""), house.get("/events"), house.report("skip")] {
        let said = refusal(request.send().await.unwrap(), 403).await;
        assert_eq!(said["error"]["id"], "session_aal2_required");
        assert_eq!(said["redirect_browser_to"], "http://localhost:4433/self-service/login/browser?aal=aal2");
    }
    assert!(house.told_by(&house.person).await.is_empty());
    house.kratos.whoami_heals();
    let answer = house.get("").send().await.unwrap();
    assert!(header(answer.headers(), "etag").is_some());
    assert_eq!(verdict(&document(answer).await), ("offer", "no_passkey"));
}
