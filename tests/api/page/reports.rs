//! What the page reports, and what comes of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{ANOTHER, House, ONE_PASSKEY, REGISTERED, document, verdict};
use crate::database::Database;
use crate::double::{Session, recorded};
use crate::recordings;
use crate::service::refusal;

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The same person, signed in again elsewhere.
fn elsewhere(house: &House) -> Session {
    let session = Session::fresh().named(ANOTHER).with_cookie("the-cookie-of-another-sign-in");
    house.kratos.signed_in(&session);
    session
}

#[tokio::test]
async fn each_report_is_an_event_and_is_answered_with_the_new_decision() {
    let house = House::start().await;
    let reports = [
        ("offered", json!({}), "offered", ("offer", "no_passkey")),
        ("started", json!({"attempt_id": "a-1"}), "started", ("offer", "no_passkey")),
        ("skip", json!({"duration_ms": 1200}), "skipped", ("later", "skipped")),
        ("cancelled", json!({"attempt_id": "a-1"}), "cancelled", ("later", "cancelled")),
        (
            "failed",
            json!({"kind": "no_gesture", "exception": "NotAllowedError", "attempt_id": "a-1"}),
            "failed",
            ("offer", "no_passkey"),
        ),
        (
            "unavailable",
            json!({"kind": "unsupported", "device": {"platform": false, "hybrid": null}}),
            "unavailable",
            ("offer", "no_passkey"),
        ),
        ("completed", json!({"attempt_id": "a-1"}), "completed", ("offer", "no_passkey")),
    ];
    for (nth, (action, body, kind, expected)) in reports.into_iter().enumerate() {
        let person = house.somebody(&format!("9b7a92df-7c3d-443c-9566-{nth:012x}")).await;
        let before = document(house.get_as(&person, "").send().await.unwrap()).await;
        let answer = document(house.report_as(&person, action).json(&body).send().await.unwrap()).await;
        assert_eq!(verdict(&answer), expected, "{action}");
        assert!(answer["version"].as_u64() > before["version"].as_u64(), "{action}");
        assert_eq!(answer["subject"], before["subject"], "{action}");
        assert_eq!(answer.get("verified").is_some(), action == "completed", "{action}");
        assert_eq!(house.told_by(&person).await, [kind], "{action}");
        let [_, actor, cause, _] = house.log().await.pop().unwrap();
        assert_eq!((actor.as_str(), cause), ("person", format!("page.{action}")));
        let again = document(house.get_as(&person, "").send().await.unwrap()).await;
        assert_eq!((verdict(&again), &again["version"]), (expected, &answer["version"]), "{action}");
    }
}

#[tokio::test]
async fn what_is_told_of_a_try_is_in_the_audit_log() {
    let house = House::registered().await;
    let told = json!({
        "kind": "timeout",
        "exception": "NotAllowedError",
        "attempt_id": "a-1",
        "device": {"platform": true, "hybrid": false},
        "duration_ms": 119_000,
    });
    house.reported("failed", told).await;
    let detail = Database::of(&house.service).newest_detail().await;
    let attempt = json!({"id": "a-1", "platform": true, "hybrid": false, "duration_ms": 119_000});
    let failed = json!({"kind": "timeout", "exception": "NotAllowedError", "attempt": attempt});
    assert_eq!(detail["event"]["failed"], failed);
}

#[tokio::test]
async fn a_skip_is_left_alone_for_fourteen_days() {
    let house = House::registered().await;
    let answer = house.reported("skip", json!({})).await;
    assert_eq!((verdict(&answer), &answer["may_skip"]), (("later", "skipped"), &json!(false)));
    let pause = time(&answer["next_offer_at"]).duration_since(time(&answer["server_time"]));
    let fortnight = SignedDuration::from_hours(14 * 24);
    assert!(pause <= fortnight && pause > fortnight - SignedDuration::from_secs(60), "{pause}");
    let again = refusal(house.report("skip").send().await.unwrap(), 409).await;
    assert_eq!(again["error"]["id"], "not_allowed");
    assert_eq!(verdict(&again["error"]["details"]), ("later", "skipped"));
    assert_eq!(house.told_by(&house.person).await, ["skipped"]);
}

#[tokio::test]
async fn the_offer_of_a_cancelled_try_can_still_be_skipped_where_it_is_shown() {
    let house = House::start().await;
    house.hook(REGISTERED).await;
    document(house.report("offered").send().await.unwrap()).await;
    let cancelled = document(house.report("cancelled").send().await.unwrap()).await;
    assert_eq!(verdict(&cancelled), ("later", "cancelled"));
    assert_eq!(cancelled["may_skip"], true);
    let elsewhere = elsewhere(&house);
    let other = document(house.get_as(&elsewhere, "").send().await.unwrap()).await;
    assert_eq!((verdict(&other), &other["may_skip"]), (("later", "cancelled"), &json!(false)));
    let skipped = document(house.report("skip").send().await.unwrap()).await;
    assert_eq!((verdict(&skipped), &skipped["may_skip"]), (("later", "skipped"), &json!(false)));
}

#[tokio::test]
async fn what_is_done_cannot_be_skipped_or_dismissed() {
    let house = House::done().await;
    let before = house.log().await;
    for action in ["skip", "dismiss"] {
        let said = refusal(house.report(action).send().await.unwrap(), 409).await;
        assert_eq!(said["error"]["id"], "not_allowed", "{action}");
        assert_eq!(verdict(&said["error"]["details"]), ("done", "passkey_enrolled"), "{action}");
        assert_eq!(said["error"]["details"]["links"].as_object().unwrap().len(), 5, "the whole decision");
    }
    assert_eq!(house.log().await, before);
}

#[tokio::test]
async fn the_first_offer_cannot_be_dismissed_and_the_second_can() {
    let house = House::registered().await;
    let first = house.reported("offered", json!({})).await;
    assert_eq!((&first["may_dismiss"], &first["offers_left"]), (&json!(false), &json!(3)));
    let said = refusal(house.report("dismiss").send().await.unwrap(), 409).await;
    assert_eq!(verdict(&said["error"]["details"]), ("offer", "no_passkey"));
    assert_eq!(house.told_by(&house.person).await, ["offered"]);
    let person = elsewhere(&house);
    let second = document(house.report_as(&person, "offered").send().await.unwrap()).await;
    assert_eq!((&second["may_dismiss"], &second["offers_left"]), (&json!(true), &json!(2)));
    let dismissed = document(house.report_as(&person, "dismiss").send().await.unwrap()).await;
    assert_eq!((verdict(&dismissed), &dismissed["may_skip"]), (("never", "dismissed"), &json!(false)));
    assert_eq!(house.told_by(&house.person).await, ["offered", "offered", "dismissed"]);
    let everywhere = document(house.get("?fresh=1").send().await.unwrap()).await;
    assert_eq!(verdict(&everywhere), ("never", "dismissed"));
}

#[tokio::test]
async fn an_offer_shown_twice_in_one_session_is_one_offer() {
    let house = House::registered().await;
    let first = house.reported("offered", json!({})).await;
    let second = house.reported("offered", json!({})).await;
    assert_eq!((&first["offers_left"], &second["offers_left"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn the_same_key_again_changes_nothing() {
    let house = House::registered().await;
    let keyed = |action: &str| house.report(action).header("Idempotency-Key", "one-click");
    let first = document(keyed("skip").send().await.unwrap()).await;
    let again = document(keyed("skip").send().await.unwrap()).await;
    assert_eq!((&again["version"], verdict(&again)), (&first["version"], ("later", "skipped")));
    assert_eq!(house.told_by(&house.person).await, ["skipped"]);
    document(keyed("started").send().await.unwrap()).await;
    assert_eq!(house.told_by(&house.person).await, ["skipped", "started"], "a key is of its action");
    let another = house.report("skip").header("Idempotency-Key", "another-click");
    refusal(another.send().await.unwrap(), 409).await;
}

#[tokio::test]
async fn the_same_key_again_is_known_after_a_restart() {
    let house = House::registered().await;
    let keyed = |house: &House| house.report("skip").header("Idempotency-Key", "one-click").send();
    let first = document(keyed(&house).await.unwrap()).await;
    let again = house.restarted().await;
    let second = document(keyed(&again).await.unwrap()).await;
    assert_eq!((&second["version"], verdict(&second)), (&first["version"], ("later", "skipped")));
    assert_eq!(again.told_by(&again.person).await, ["skipped"]);
}

#[tokio::test]
async fn the_same_key_of_another_person_is_another_report() {
    let house = House::registered().await;
    let somebody = house.somebody(ANOTHER).await;
    for person in [&house.person, &somebody, &house.person, &somebody] {
        let request = house.report_as(person, "started").header("Idempotency-Key", "one-click");
        document(request.send().await.unwrap()).await;
    }
    assert_eq!(house.told_by(&house.person).await, ["started"]);
    assert_eq!(house.told_by(&somebody).await, ["started"]);
}

#[tokio::test]
async fn the_same_key_many_times_at_once_is_one_event() {
    let house = House::registered().await;
    let keyed = || house.report("started").header("Idempotency-Key", "a-nervous-click").send();
    let answers = futures_util::future::join_all((0..20).map(|_| keyed())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 200));
    assert_eq!(house.told_by(&house.person).await, ["started"]);
}

#[tokio::test]
async fn a_report_for_another_person_or_session_is_refused() {
    let house = House::registered().await;
    let somebody = house.somebody(ANOTHER).await;
    let theirs = document(house.get_as(&somebody, "").send().await.unwrap()).await;
    let other_session = document(house.get_as(&elsewhere(&house), "").send().await.unwrap()).await;
    let before = house.log().await;
    for subject in [&theirs["subject"], &other_session["subject"], &json!("somebody")] {
        let request = house.report("skip").header("If-Subject", subject.as_str().unwrap());
        let said = refusal(request.send().await.unwrap(), 409).await;
        assert_eq!(said["error"]["id"], "identity_changed", "{subject}");
    }
    assert_eq!(house.log().await, before, "nothing is stored");
    let mine = house.decision().await;
    let request = house.report("skip").header("If-Subject", mine["subject"].as_str().unwrap());
    assert_eq!(verdict(&document(request.send().await.unwrap()).await), ("later", "skipped"));
}

#[tokio::test]
async fn completed_is_verified_only_by_the_admin_api() {
    for (recording, verified, expected) in [
        ("v26.2.0/admin/identity-password-passkey.json", true, ("done", "passkey_enrolled")),
        ("v26.2.0/admin/identity-created.json", false, ("offer", "no_passkey")),
    ] {
        let house = House::with_admin().await;
        house.hook(REGISTERED).await;
        assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
        house.kratos.identity(&house.person.identity(), recording);
        let answer = house.reported("completed", json!({"attempt_id": "a-1"})).await;
        assert_eq!((&answer["verified"], verdict(&answer)), (&json!(verified), expected), "{recording}");
        assert_eq!(verdict(&house.decision().await), expected, "{recording}");
    }
}

#[tokio::test]
async fn what_the_admin_api_says_to_completed_holds_also_where_it_says_none() {
    let house = House::with_admin().await;
    house.hook(REGISTERED).await;
    house.hook(ONE_PASSKEY).await;
    assert_eq!(house.decision().await["decision"], "done");
    let mut none = recordings::json("v26.2.0/admin/identity-created.json")["body"].clone();
    none["id"] = json!(house.person.identity());
    none["updated_at"] = json!("2026-11-22T05:00:00Z");
    house.kratos.identity_answers(&house.person.identity(), ResponseTemplate::new(200).set_body_json(none));
    let told = house.reported("completed", json!({})).await;
    assert_eq!((&told["verified"], &told["passkey_count"]), (&json!(false), &json!(0)));
    assert_eq!(verdict(&told), ("later", "removed"));
}

#[tokio::test]
async fn completed_is_asked_about_again_each_time() {
    let house = House::with_admin().await;
    let identity = house.person.identity();
    house.hook(REGISTERED).await;
    house.kratos.identity(&identity, "v26.2.0/admin/identity-created.json");
    assert_eq!(house.reported("completed", json!({})).await["verified"], false);
    house.kratos.identity(&identity, "v26.2.0/admin/identity-password-passkey.json");
    assert_eq!(house.reported("completed", json!({})).await["verified"], true);
}

#[tokio::test]
async fn what_the_browser_claims_never_makes_it_done() {
    let house = House::registered().await;
    let claimed = house.reported("completed", json!({"verified": true, "passkey_count": 1})).await;
    assert_eq!((&claimed["verified"], verdict(&claimed)), (&json!(false), ("offer", "no_passkey")));
    assert_eq!(claimed["passkey_count"], 0);
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    house.hook(ONE_PASSKEY).await;
    assert_eq!(verdict(&house.decision().await), ("done", "passkey_enrolled"), "the hook settles it");
}

#[tokio::test]
async fn completed_is_not_verified_while_the_admin_api_cannot_be_asked() {
    let house = House::with_admin().await;
    house.hook(REGISTERED).await;
    let identity = house.person.identity();
    for down in [ResponseTemplate::new(500), recorded("v26.2.0/admin/identity-404.json")] {
        house.kratos.identity_answers(&identity, down);
        let answer = house.reported("completed", json!({})).await;
        assert_eq!((&answer["verified"], verdict(&answer)), (&json!(false), ("offer", "no_passkey")));
    }
}

#[tokio::test]
async fn an_unknown_action_is_not_there() {
    let house = House::registered().await;
    let said = refusal(house.report("sorcery").json(&json!({})).send().await.unwrap(), 404).await;
    assert_eq!(said["error"]["id"], "not_found");
    assert!(said["error"]["reason"].as_str().unwrap().contains("completed"), "names those there are: {said}");
}
