//! Who is offered nothing, and why.

use serde_json::{Value, json};

use super::{House, REGISTERED, document, verdict};

/// After the hook of the registration by password, under one setting more.
async fn registered_under(setting: &str, value: &str) -> Value {
    let house = House::with(|kratos| kratos.plan_without_admin().with(setting, value)).await;
    house.hook(REGISTERED).await;
    house.decision().await
}

#[tokio::test]
async fn an_identity_that_is_not_active() {
    let mut house = House::registered().await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    house.person.body["identity"]["state"] = json!("inactive");
    house.kratos.signed_in(&house.person);
    let fresh = house.get("?fresh=1").send().await.unwrap();
    assert_eq!(verdict(&document(fresh).await), ("never", "identity_inactive"));
}

#[tokio::test]
async fn a_registration_by_another_method_than_those_of_the_policy() {
    for (methods, expected) in
        [("oidc", ("never", "method_not_eligible")), ("oidc,password", ("offer", "no_passkey"))]
    {
        let answer = registered_under("POLICY__REGISTRATION_METHODS", methods).await;
        assert_eq!(verdict(&answer), expected, "{methods}");
    }
}

#[tokio::test]
async fn an_identity_of_another_schema_than_those_of_the_policy() {
    for (schemas, expected) in
        [("staff", ("never", "schema_not_eligible")), ("staff,person", ("offer", "no_passkey"))]
    {
        let answer = registered_under("POLICY__SCHEMAS", schemas).await;
        assert_eq!(verdict(&answer), expected, "{schemas}");
    }
}

#[tokio::test]
async fn anybody_while_offers_are_paused() {
    let answer = registered_under("POLICY__ENABLED", "false").await;
    assert_eq!(verdict(&answer), ("later", "offers_paused"));
    assert_eq!((&answer["may_skip"], &answer["next_offer_at"]), (&json!(false), &Value::Null));
}
