//! What is decided, from what Kratos says.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{ANOTHER, House, ONE_PASSKEY, REGISTERED, document, verdict};
use crate::double::Kratos;
use crate::recordings;
use crate::service::{delivered, refusal};

#[tokio::test]
async fn right_after_the_registration_a_passkey_is_offered() {
    let house = House::registered().await;
    let answer = house.decision().await;
    assert_eq!(verdict(&answer), ("offer", "no_passkey"));
    assert_eq!((&answer["passkey_count"], &answer["recorded"]), (&json!(0), &json!(true)));
    assert_eq!((&answer["may_skip"], &answer["may_dismiss"]), (&json!(true), &json!(false)));
    assert_eq!(answer["session"]["privileged"], true);
}

#[tokio::test]
async fn once_a_passkey_is_there_it_is_done() {
    let house = House::done().await;
    let answer = house.decision().await;
    assert_eq!(verdict(&answer), ("done", "passkey_enrolled"));
    assert_eq!((&answer["passkey_count"], &answer["may_skip"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn nobody_told_and_nobody_can_be_asked() {
    let house = House::start().await;
    let answer = house.decision().await;
    assert_eq!(verdict(&answer), ("later", "passkeys_unknown"));
    assert_eq!((&answer["passkey_count"], &answer["recorded"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn what_nobody_told_is_looked_up_once() {
    for version in recordings::VERSIONS {
        for (recording, expected, count) in [
            ("identity-created", ("offer", "no_passkey"), 0),
            ("identity-password-passkey", ("done", "passkey_enrolled"), 1),
            ("identity-passkey", ("done", "passkey_enrolled"), 1),
            ("identity-after-remove", ("offer", "no_passkey"), 0),
        ] {
            let house = House::with_admin().await;
            let identity = house.person.identity();
            house.kratos.identity(&identity, &format!("{version}/admin/{recording}.json"));
            let answer = house.decision().await;
            assert_eq!(
                (verdict(&answer), &answer["passkey_count"]),
                (expected, &json!(count)),
                "{recording}"
            );
            house.decision().await;
            assert_eq!(house.kratos.calls(&format!("/admin/identities/{identity}")).await, 1, "{recording}");
        }
    }
}

#[tokio::test]
async fn a_person_without_a_record_gets_one_that_stays() {
    let house = House::start().await;
    assert_eq!(house.log().await.len(), 0);
    let first = house.decision().await;
    assert_eq!((&first["recorded"], &first["version"]), (&json!(true), &json!(1)));
    let identity = house.person.identity().replace('-', "");
    let seen = [identity, "service".to_owned(), "whoami".to_owned(), "seen".to_owned()];
    assert_eq!(house.log().await, std::slice::from_ref(&seen));
    let again = house.restarted().await;
    let second = again.decision().await;
    assert_eq!((&second["recorded"], &second["version"]), (&json!(true), &json!(1)));
    assert_eq!(again.log().await, [seen], "it was there already");
}

#[tokio::test]
async fn a_session_that_used_a_passkey_is_done_without_any_other_word() {
    let house = House::start().await;
    let session = crate::double::Session::recorded("v26.2.0/public/whoami-passkey-login.json");
    let session = session.with_cookie("the-cookie-of-a-passkey-login");
    house.kratos.signed_in(&session);
    let answer = document(house.get_as(&session, "").send().await.unwrap()).await;
    assert_eq!(verdict(&answer), ("done", "passkey_enrolled"));
    assert_eq!(answer["passkey_count"], Value::Null, "one at least, but nobody said how many");
}

#[tokio::test]
async fn security_keys_count_where_the_deployment_enrols_with_them() {
    for (methods, expected) in [
        ("webauthn", ("done", "security_key_enrolled")),
        ("passkey,webauthn", ("done", "security_key_enrolled")),
        ("passkey", ("offer", "no_passkey")),
    ] {
        let house = House::with(|kratos| kratos.plan().with("METHODS", methods)).await;
        house.kratos.identity(&house.person.identity(), "v26.2.0/admin/identity-webauthn.json");
        let answer = house.decision().await;
        assert_eq!((verdict(&answer), &answer["passkey_count"]), (expected, &json!(0)), "{methods}");
    }
}

#[tokio::test]
async fn a_security_key_that_is_a_second_factor_is_never_done() {
    let house = House::with(|kratos| kratos.plan().with("METHODS", "passkey,webauthn")).await;
    let identity = house.person.identity();
    let mut body = recordings::json("v26.2.0/admin/identity-webauthn.json")["body"].clone();
    body["id"] = json!(identity);
    let key = &mut body["credentials"]["webauthn"]["config"]["credentials"][0]["is_passwordless"];
    assert_eq!(key.take(), json!(true));
    *key = json!(false);
    house.kratos.identity_answers(&identity, ResponseTemplate::new(200).set_body_json(body));
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    let claimed = house.reported("completed", json!({})).await;
    assert_eq!((verdict(&claimed), &claimed["verified"]), (("offer", "no_passkey"), &json!(false)));
    // A settings flow lists it among the others, and cannot say which it is.
    let listed = json!({
        "version": 1,
        "identity": {"id": identity, "updated_at": "2026-11-22T05:00:00Z"},
        "passkeys": [],
        "security_keys": ["aabb"],
    });
    let hook = house.service.hook("/api/kratos/hooks/settings/webauthn", listed.to_string());
    assert_eq!(delivered(hook).await.status(), 204);
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
}

#[tokio::test]
async fn what_is_required_says_until_when_it_can_be_skipped() {
    for (by, may_skip) in [("2020-02-01T00:00:00Z", false), ("2120-02-01T00:00:00Z", true)] {
        let plan = |kratos: &Kratos| {
            let plan =
                kratos.plan_without_admin().with("POLICY__REQUIRED__EVERYBODY__FROM", "2020-01-01T00:00:00Z");
            plan.with("POLICY__REQUIRED__EVERYBODY__BY", by)
        };
        let house = House::with(plan).await;
        house.hook(REGISTERED).await;
        let answer = house.decision().await;
        assert_eq!(verdict(&answer), ("required", "required_by_policy"));
        assert_eq!((&answer["required_by"], &answer["may_skip"]), (&json!(by), &json!(may_skip)));
        assert_eq!(answer["may_dismiss"], false);
        let skipped = house.report("skip").send().await.unwrap();
        if may_skip {
            assert_eq!(skipped.status(), 200);
        } else {
            assert_eq!(refusal(skipped, 409).await["error"]["details"]["decision"], "required");
        }
    }
}

#[tokio::test]
async fn nobody_sees_another_persons_record() {
    let house = House::registered().await;
    let somebody = house.somebody(ANOTHER).await;
    let theirs = async || document(house.get_as(&somebody, "").send().await.unwrap()).await;
    let (before, mine) = (theirs().await, house.decision().await);
    assert_eq!((verdict(&before), verdict(&mine)), (("offer", "no_passkey"), ("offer", "no_passkey")));
    assert_ne!(before["subject"], mine["subject"]);
    for (action, body) in [
        ("offered", json!({})),
        ("started", json!({"attempt_id": "one"})),
        ("failed", json!({"kind": "timeout"})),
        ("completed", json!({})),
        ("skip", json!({})),
    ] {
        house.reported(action, body).await;
    }
    house.hook(ONE_PASSKEY).await;
    assert_eq!(verdict(&house.decision().await), ("done", "passkey_enrolled"));
    let mut after = theirs().await;
    for running in ["server_time", "session"] {
        after[running] = before[running].clone();
    }
    assert_eq!(after, before);
    assert!(house.told_by(&somebody).await.is_empty());
}
