//! What still works while Kratos, its admin API or the database does not.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection;
use wiremock::ResponseTemplate;

use super::{ANOTHER, House, ONE_PASSKEY, PATIENCE, REGISTERED, header, verdict};
use crate::database::Database;
use crate::double::{Kratos, Session};
use crate::service::{Plan, refusal};

/// What the issue gives the page; measured here over a connection that is already there.
const WITHIN: Duration = Duration::from_secs(2);

async fn assert_unavailable(house: &House) {
    assert_eq!(house.service.get("/health/alive").send().await.unwrap().status(), 200);
    for request in [house.get(""), house.get("?fresh=1"), house.get("/events"), house.report("skip")] {
        let began = Instant::now();
        let answer = request.send().await.unwrap();
        let took = began.elapsed();
        assert_eq!(header(answer.headers(), "retry-after").as_deref(), Some("1"));
        assert_eq!(refusal(answer, 503).await["error"]["id"], "kratos_unavailable");
        assert!(took < WITHIN, "{took:?}");
    }
}

#[tokio::test]
async fn while_kratos_is_down_the_page_hears_so_and_hooks_are_taken() {
    let down = |_: &Kratos| -> Plan { Plan::new() };
    let house = House::with(down).await;
    assert_unavailable(&house).await;
    house.hook(REGISTERED).await;
    house.hook(ONE_PASSKEY).await;
    assert_eq!(house.log().await.len(), 2);
}

#[tokio::test]
async fn while_kratos_is_slow_the_page_hears_so_within_two_seconds_and_hooks_are_taken() {
    let house = House::start().await;
    let slow =
        ResponseTemplate::new(200).set_body_json(&house.person.body).set_delay(Duration::from_secs(10));
    house.kratos.whoami_answers(slow);
    let hooks = async {
        for recording in [REGISTERED, ONE_PASSKEY] {
            let began = Instant::now();
            house.hook(recording).await;
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        }
    };
    futures_util::future::join(assert_unavailable(&house), hooks).await;
    house.kratos.whoami_heals();
    assert_eq!(verdict(&house.decision().await), ("done", "passkey_enrolled"));
}

#[tokio::test]
async fn an_answer_of_kratos_that_makes_no_sense_is_503_and_not_nobody() {
    let house = House::start().await;
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(302).insert_header("location", "/login"),
        ResponseTemplate::new(429),
    ] {
        house.kratos.whoami_answers(answer);
        let said = refusal(house.get("").send().await.unwrap(), 503).await;
        assert_eq!(said["error"]["id"], "kratos_unavailable");
    }
}

#[tokio::test]
async fn while_the_admin_api_is_down_it_stays_unknown_and_heals() {
    let house = House::with_admin().await;
    let identity = house.person.identity();
    house.kratos.identity_answers(&identity, ResponseTemplate::new(500));
    let (tag, answer) = house.tagged().await;
    assert_eq!(verdict(&answer), ("later", "passkeys_unknown"));
    house.kratos.identity(&identity, "v26.2.0/admin/identity-created.json");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = house.get("?wait=1").header("If-None-Match", &tag).send().await.unwrap();
        if answer.status() == 200 {
            assert_eq!(verdict(&super::document(answer).await), ("offer", "no_passkey"));
            break;
        }
        assert!(Instant::now() < deadline, "it does not heal");
    }
}

#[tokio::test]
async fn a_slow_admin_api_does_not_hold_the_page() {
    let house = House::with_admin().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(10));
    house.kratos.identity_answers(&house.person.identity(), slow);
    let began = Instant::now();
    let answer = house.decision().await;
    assert_eq!(verdict(&answer), ("later", "passkeys_unknown"));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn while_the_database_is_locked_the_answer_is_worked_out_in_memory() {
    let house = House::with_admin().await;
    house.kratos.identity(&house.person.identity(), "v26.2.0/admin/identity-created.json");
    let mut database = Database::of(&house.service).writing().await;
    let lock = database.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let answer = house.decision().await;
    assert_eq!((verdict(&answer), &answer["recorded"]), (("offer", "no_passkey"), &json!(false)));
    let report = house.report("skip").send().await.unwrap();
    assert_eq!(header(report.headers(), "retry-after").as_deref(), Some("1"));
    assert_eq!(refusal(report, 503).await["error"]["id"], "store_unavailable");
    lock.rollback().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = house.decision().await;
        if answer["recorded"] == json!(true) {
            assert_eq!(verdict(&answer), ("offer", "no_passkey"));
            break;
        }
        assert!(Instant::now() < deadline, "it does not heal: {answer}");
    }
}

#[tokio::test]
async fn while_the_database_is_locked_what_is_known_is_still_told() {
    let house = House::registered().await;
    house.decision().await;
    let mut database = Database::of(&house.service).writing().await;
    let lock = database.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let answer = house.decision().await;
    assert_eq!((verdict(&answer), &answer["recorded"]), (("offer", "no_passkey"), &json!(true)));
    let somebody = Session::fresh().of(ANOTHER).with_cookie("the-cookie-of-somebody-else");
    house.kratos.signed_in(&somebody);
    let theirs = super::document(house.get_as(&somebody, "").send().await.unwrap()).await;
    assert_eq!((verdict(&theirs), &theirs["recorded"]), (("later", "passkeys_unknown"), &json!(false)));
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_no_reason_to_ask_somebody_again() {
    let house = House::with_admin().await;
    house.kratos.identity(&house.person.identity(), "v26.2.0/admin/identity-created.json");
    house.hook(REGISTERED).await;
    Database::of(&house.service).execute("UPDATE records SET facts = '{'").await;
    // Started again, so that it is not remembered.
    house.service.signal("TERM");
    let (_, directory, _) = house.service.ended();
    let service = house.kratos.plan().on(directory).start();
    let house = House { service, ..house };
    let answer = house.decision().await;
    assert_eq!((verdict(&answer), &answer["recorded"]), (("later", "passkeys_unknown"), &json!(false)));
}
