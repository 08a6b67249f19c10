//! Who may, where, and how long after a sign-in.

use super::*;

#[tokio::test]
async fn kratos_s_own_clock_decides_unless_the_operator_says_otherwise() {
    let late = Session::fresh().authenticated(20 * 60);
    let soon = Session::fresh().authenticated(14 * 60);
    let world = World::with(|plan| plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m")).await;
    let answer = document(world.options_of(world.person()).await).await;
    assert_eq!(answer["valid_for_s"], 300);
    let brought = world.brought(&answer["options"]);
    world.house.kratos.signed_in(&soon);
    let answer = document(world.options_of(&soon).await).await;
    assert!((50..=60).contains(&answer["valid_for_s"].as_u64().unwrap()), "{answer}");
    world.house.kratos.signed_in(&late);
    let body = refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    let to = body["redirect_browser_to"].as_str().unwrap();
    assert!(to.contains("/self-service/login/browser?refresh=true"), "{to}");
    refused(world.add(&brought).await, 403, "session_refresh_required").await;
    world.house.kratos.signed_in(world.person());
    added(world.add(&brought).await).await;

    let world = World::with(|plan| {
        plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m").with("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")
    })
    .await;
    let mut registered = late.clone();
    registered.body["identity"]["created_at"] = registered.body["issued_at"].clone();
    world.house.kratos.signed_in(&late);
    refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    world.house.kratos.signed_in(&registered);
    added(world.add(&world.brought(&world.options().await)).await).await;
    refused(world.options_of(&late).await, 403, "session_refresh_required").await;
    assert!(world.house.service.log().contains("own_ceremony_max_age"), "it is named at the start");
}

#[tokio::test]
async fn a_second_factor_and_an_inactive_account_are_not_gone_around() {
    let world = World::start().await;
    let id = world.person().identity();
    let brought = world.brought(&world.options().await);
    world.directory.change(&id, |identity| identity["credentials"]["totp"] = json!({ "type": "totp" }));
    refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
    refused(world.add(&brought).await, 409, "settings_flow_required").await;
    world.directory.change(&id, |identity| {
        identity["credentials"].as_object_mut().unwrap().remove("totp");
        identity["state"] = json!("inactive");
    });
    refused(world.options_of(world.person()).await, 403, "identity_inactive").await;
    refused(world.add(&brought).await, 403, "identity_inactive").await;
    world.directory.change(&id, |identity| identity["state"] = json!("active"));
    added(world.add(&brought).await).await;
}

#[tokio::test]
async fn a_longer_age_is_for_one_passkey_also_where_two_come_at_once() {
    let world = World::with(|plan| {
        plan.with("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m").with("WEBAUTHN__OWN_CEREMONY_MAX_AGE", "1h")
    })
    .await;
    let mut registered = Session::fresh().authenticated(20 * 60);
    registered.body["identity"]["created_at"] = registered.body["issued_at"].clone();
    world.house.kratos.signed_in(&registered);
    let mut brought = Vec::new();
    for nth in 1..=4 {
        brought.push(Brought { id: vec![nth; 16], ..world.brought(&world.options().await) });
    }
    let answers = join_all(brought.iter().map(|brought| world.add(brought))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses, world.held().len()), (vec![201, 403, 403, 403], 1));
}

#[tokio::test]
async fn without_a_relying_party_the_settings_flow_is_the_way() {
    for change in [
        (|plan: Plan| plan.without("WEBAUTHN__RP_ID")) as fn(Plan) -> Plan,
        |plan| plan.with("PAGE__CEREMONY", "settings"),
        |plan| plan.with("WEBAUTHN__IMPORT", "off"),
    ] {
        let world = World::with(change).await;
        assert_eq!(world.house.decision().await["ceremony"], "settings");
        refused(world.options_of(world.person()).await, 409, "settings_flow_required").await;
    }
}

#[tokio::test]
async fn pages_of_the_app_make_passkeys_where_a_browser_lets_them() {
    let apps = "http://app.localhost:3000,https://elsewhere.example";
    let world = World::with(|plan| plan.with("PAGE__ALLOWED_ORIGINS", apps)).await;
    let ask = |origin: &'static str| {
        let request = world.house.service.post("/api/onboarding/passkeys/options");
        request.header("Cookie", world.person().cookies()).header("Origin", origin).send()
    };
    let options = document(ask("http://app.localhost:3000").await.unwrap()).await["options"].clone();
    let brought = Brought { origin: "http://app.localhost:3000".to_owned(), ..world.brought(&options) };
    added(world.add(&brought).await).await;
    let body = refused(ask("https://elsewhere.example").await.unwrap(), 409, "settings_flow_required").await;
    assert!(body["error"]["reason"].as_str().unwrap().contains("webauthn.origins"), "{body}");
}

#[tokio::test]
async fn nobody_else_may_and_nobody_too_often() {
    let world = World::start().await;
    let evil = world.house.service.post("/api/onboarding/passkeys/options");
    let evil = evil.header("Cookie", world.person().cookies()).header("Origin", "https://evil.example");
    refused(evil.send().await.unwrap(), 403, "origin_not_allowed").await;
    let anonymous = world.house.service.post("/api/onboarding/passkeys").json(&json!({}));
    refused(anonymous.send().await.unwrap(), 401, "session_inactive").await;
    let other = world.house.report("passkeys/options").header("If-Subject", "somebody else");
    refused(other.send().await.unwrap(), 409, "identity_changed").await;
    let long = json!({ "credential": { "response": { "attestationObject": "A".repeat(40_000) } } });
    refused(world.post(world.person(), "passkeys", &long).await, 413, "payload_too_large").await;
    let mut last = world.options_of(world.person()).await;
    for _ in 0..40 {
        last = world.options_of(world.person()).await;
    }
    assert_eq!(last.headers()["retry-after"], "60");
    refused(last, 429, "too_many_requests").await;
}
