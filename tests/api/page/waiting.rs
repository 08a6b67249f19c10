//! What the page has already is not sent again, and what is new is told at once.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{ANOTHER, House, ONE_PASSKEY, document, header, verdict};
use crate::double::{Kratos, Session};
use crate::service::{Plan, delivered, refusal};

/// "At once", on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(8);

fn waiting(request: RequestBuilder, tag: &str) -> JoinHandle<(Response, Duration)> {
    let request = request.header("If-None-Match", tag);
    tokio::spawn(async move {
        let began = Instant::now();
        (request.send().await.unwrap(), began.elapsed())
    })
}

#[tokio::test]
async fn an_answer_that_still_holds_is_304_with_its_tag() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
    for told in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"another\", {tag}"),
        format!("\"x\",W/{tag}"),
        "*".to_owned(),
    ] {
        let answer = house.get("").header("If-None-Match", &told).send().await.unwrap();
        assert_eq!(answer.status(), 304, "{told}");
        assert_eq!(header(answer.headers(), "etag").as_deref(), Some(tag.as_str()), "{told}");
        assert_eq!(header(answer.headers(), "cache-control").as_deref(), Some("private, no-cache"));
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
    }
    for other in ["\"another\"", "W/\"another\"", tag.trim_matches('"')] {
        let answer = house.get("").header("If-None-Match", other).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{other}");
        assert_eq!(header(answer.headers(), "cache-control").as_deref(), Some("private, no-cache"));
    }
}

#[tokio::test]
async fn the_tag_stays_while_only_the_running_times_change() {
    let house = House::registered().await;
    let (tag, before) = house.tagged().await;
    // A second goes by.
    let (answer, _) = waiting(house.get("?wait=1"), &tag).await.unwrap();
    assert_eq!(answer.status(), 304);
    let (again, after) = house.tagged().await;
    assert_ne!(after["server_time"], before["server_time"]);
    assert_ne!(after["session"], before["session"]);
    assert_eq!(again, tag);
}

#[tokio::test]
async fn the_tag_changes_with_a_hook_and_with_a_report() {
    let house = House::registered().await;
    let (first, _) = house.tagged().await;
    house.reported("offered", json!({})).await;
    let (second, _) = house.tagged().await;
    house.hook(ONE_PASSKEY).await;
    let (third, _) = house.tagged().await;
    assert!(first != second && second != third && first != third, "{first} {second} {third}");
    let stale = house.get("").header("If-None-Match", &second).send().await.unwrap();
    assert_eq!(verdict(&document(stale).await), ("done", "passkey_enrolled"));
}

#[tokio::test]
async fn the_tag_of_a_report_is_that_of_the_next_answer() {
    let house = House::registered().await;
    let reported = house.report("offered").send().await.unwrap();
    let tag = header(reported.headers(), "etag").unwrap();
    assert_eq!(house.get("").header("If-None-Match", tag).send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn a_person_has_the_tag_of_nobody_else() {
    let house = House::start().await;
    // In everything but the identity like the other one.
    let somebody = house.person.clone().of(ANOTHER).with_cookie("the-cookie-of-somebody-else");
    house.kratos.signed_in(&somebody);
    let (mine, _) = house.tagged().await;
    let theirs = house.get_as(&somebody, "").header("If-None-Match", mine).send().await.unwrap();
    assert_eq!(theirs.status(), 200);
}

#[tokio::test]
async fn a_wait_that_is_not_allowed_is_400() {
    let house = House::registered().await;
    for wrong in ["26", "25s", "-1", "", "1.5", "99999999999999999999", "%00"] {
        let answer = house.get(&format!("?wait={wrong}")).send().await.unwrap();
        let said = refusal(answer, 400).await;
        assert_eq!(said["error"]["id"], "bad_request", "{wrong}");
        assert!(said["error"]["reason"].as_str().unwrap().starts_with("wait: "), "{said}");
    }
    let said = refusal(house.get("?fresh=yes").send().await.unwrap(), 400).await;
    assert!(said["error"]["reason"].as_str().unwrap().starts_with("fresh: "), "{said}");
}

#[tokio::test]
async fn without_a_tag_there_is_nothing_to_wait_for() {
    let house = House::registered().await;
    let began = Instant::now();
    document(house.get("?wait=25").send().await.unwrap()).await;
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn waiting_ends_in_304_when_the_time_is_up() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let (answer, took) = waiting(house.get("?wait=1"), &tag).await.unwrap();
    assert_eq!((answer.status().as_u16(), header(answer.headers(), "etag")), (304, Some(tag)));
    assert!(took >= Duration::from_secs(1) && took < SOON, "{took:?}");
}

#[tokio::test]
async fn waiting_ends_with_the_new_decision_when_a_hook_arrives() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let waits = waiting(house.get("?wait=25"), &tag);
    house.until_waiting(1.0).await;
    house.tell_of(ANOTHER).await;
    house.hook(ONE_PASSKEY).await;
    let (answer, took) = waits.await.unwrap();
    assert_ne!(header(answer.headers(), "etag"), Some(tag));
    assert_eq!(verdict(&document(answer).await), ("done", "passkey_enrolled"));
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn waiting_ends_when_the_person_signs_in_again_elsewhere() {
    let house = House::registered().await;
    house.kratos.signed_in(&house.person.clone().authenticated(7200));
    let (tag, before) = house.tagged().await;
    assert_eq!(before["session"]["privileged"], false);
    let page = waiting(house.get("?wait=25"), &tag);
    house.until_waiting(1.0).await;
    // A refresh login: the record has nothing to learn from it, the session has.
    house.kratos.signed_in(&house.person.clone().authenticated(0));
    let login = json!({"version": 1, "hook": "login", "identity": {"id": house.person.identity()}});
    let hook = house.service.hook("/api/kratos/hooks/login/password", login.to_string());
    assert_eq!(delivered(hook).await.status(), 204);
    let (answer, took) = page.await.unwrap();
    assert!(took < SOON, "{took:?}");
    assert_eq!(document(answer).await["session"]["privileged"], true);
}

#[tokio::test]
async fn waiting_ends_at_the_instant_the_privilege_does() {
    let house = House::registered().await;
    let session = Session::fresh().authenticated(3_598).with_cookie("a-cookie-of-nearly-an-hour-ago");
    house.kratos.signed_in(&session);
    let answer = house.get_as(&session, "").send().await.unwrap();
    let tag = header(answer.headers(), "etag").unwrap();
    let before = document(answer).await;
    assert_eq!(before["session"]["privileged"], true, "{before}");
    let (answer, took) = waiting(house.get_as(&session, "?wait=25"), &tag).await.unwrap();
    assert_ne!(header(answer.headers(), "etag"), Some(tag), "the clock changed the answer");
    let after = document(answer).await;
    assert_eq!(
        (&after["session"]["privileged"], &after["session"]["privileged_for_s"]),
        (&json!(false), &json!(0))
    );
    assert!(after["server_time"].as_str() >= before["valid_until"].as_str(), "{before} {after}");
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn waiting_ends_at_the_instant_the_session_does() {
    let house = House::registered().await;
    let session = Session::fresh().expires(3).with_cookie("a-cookie-that-is-soon-over");
    house.kratos.signed_in(&session);
    let answer = house.get_as(&session, "").send().await.unwrap();
    let tag = header(answer.headers(), "etag").unwrap();
    let (answer, took) = waiting(house.get_as(&session, "?wait=25"), &tag).await.unwrap();
    assert_eq!(refusal(answer, 401).await["error"]["id"], "session_inactive");
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn waiting_ends_when_a_pause_does() {
    let plan =
        |kratos: &Kratos| -> Plan { kratos.plan_without_admin().with("POLICY__CANCELLED_PAUSE", "2s") };
    let house = House::with(plan).await;
    house.hook(super::REGISTERED).await;
    let cancelled = house.reported("cancelled", json!({})).await;
    assert_eq!(verdict(&cancelled), ("later", "cancelled"));
    assert_eq!(cancelled["next_offer_at"], cancelled["valid_until"]);
    let (tag, _) = house.tagged().await;
    let (answer, took) = waiting(house.get("?wait=25"), &tag).await.unwrap();
    assert_eq!(verdict(&document(answer).await), ("later", "next_sign_in"));
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_service_stops() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let waits: Vec<_> = (0..3).map(|_| waiting(house.get("?wait=25"), &tag)).collect();
    house.until_waiting(3.0).await;
    let stopped = Instant::now();
    house.service.signal("TERM");
    for wait in waits {
        assert_eq!(wait.await.unwrap().0.status(), 304);
    }
    let (status, _, log) = house.service.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(stopped.elapsed() < Duration::from_secs(6), "nobody was waited for: {:?}", stopped.elapsed());
}

#[tokio::test]
async fn a_person_waits_in_eight_tabs_and_in_no_ninth() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let waits: Vec<_> = (0..8).map(|_| waiting(house.get("?wait=25"), &tag)).collect();
    house.until_waiting(8.0).await;
    let ninth = house.get("?wait=25").header("If-None-Match", &tag).send().await.unwrap();
    assert!(header(ninth.headers(), "retry-after").is_some());
    assert_eq!(refusal(ninth, 429).await["error"]["id"], "too_many_waiting");
    let plain = house.get("").header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(plain.status(), 304, "asking without waiting goes on");
    let somebody = house.somebody(ANOTHER).await;
    let theirs = house.get_as(&somebody, "").send().await.unwrap();
    let their_tag = header(theirs.headers(), "etag").unwrap();
    let (answer, _) = waiting(house.get_as(&somebody, "?wait=1"), &their_tag).await.unwrap();
    assert_eq!(answer.status(), 304, "another person has places of their own");
    house.hook(ONE_PASSKEY).await;
    for wait in waits {
        assert_eq!(wait.await.unwrap().0.status(), 200, "all eight hear it");
    }
    let (tag, _) = house.tagged().await;
    let (answer, _) = waiting(house.get("?wait=1"), &tag).await.unwrap();
    assert_eq!(answer.status(), 304, "the places are free again");
}

#[tokio::test]
async fn who_signed_out_while_waiting_hears_nothing_new() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let waits = waiting(house.get("?wait=25"), &tag);
    house.until_waiting(1.0).await;
    house.kratos.signed_out();
    house.hook(ONE_PASSKEY).await;
    let (answer, took) = waits.await.unwrap();
    assert_eq!(refusal(answer, 401).await["error"]["id"], "session_inactive");
    assert!(took < SOON, "{took:?}");
}
