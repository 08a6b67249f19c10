//! The operators' endpoints: who may use them, and what they do.

mod funnel;

use reqwest::header::{AUTHORIZATION, HOST};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::database::Database;
use crate::directory::{Directory, credential, person};
use crate::page::{House, document, verdict};
use crate::service::{Plan, Service, refusal};

const ALICE: &str = "the-token-of-alice-0123456789abcdef";
const BOB: &str = "the-token-of-bob-0123456789abcdefgh";
const IDENTITY: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";
const STRANGER: &str = "9b7a92df-7c3d-443c-9566-2e905aa14ed5";
const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";

fn with_operators(plan: Plan) -> Plan {
    plan.with("ADMIN__OPERATORS__ALICE__TOKENS", format!("{ALICE},{ALICE}-the-new-one"))
        .with("ADMIN__OPERATORS__BOB__TOKENS", BOB)
}

/// Somebody registered with a password.
async fn registered() -> House {
    let house = House::with(|kratos| with_operators(kratos.plan_without_admin())).await;
    house.hook(REGISTERED).await;
    house
}

fn ask(service: &Service, method: Method, path: &str) -> RequestBuilder {
    service.http.request(method, format!("{}{path}", service.admin)).bearer_auth(ALICE)
}

fn of_identity(path: &str) -> String {
    format!("/admin/identities/{IDENTITY}{path}")
}

async fn changed(house: &House, action: &str, body: Value) -> Value {
    let asked = ask(&house.service, Method::POST, &of_identity(&format!("/{action}"))).json(&body);
    document(asked.send().await.unwrap()).await
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_of_theirs() {
    let house = registered().await;
    let url = format!("{}{}", house.service.admin, of_identity(""));
    let with = |authorization: Option<String>| {
        let request = house.service.http.get(&url);
        match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    };
    for (authorization, id) in [
        (None, "operator_token_missing"),
        (Some("Bearer ".to_owned()), "operator_token_missing"),
        (Some(format!("Basic {ALICE}")), "operator_token_missing"),
        (Some(format!("Bearer {ALICE}x")), "operator_token_wrong"),
        (Some("Bearer a-webhook-key-of-the-tests".to_owned()), "operator_token_wrong"),
    ] {
        let answer = with(authorization.clone()).send().await.unwrap();
        assert_eq!(refusal(answer, 401).await["error"]["id"], id, "{authorization:?}");
    }
    for token in [ALICE, &format!("{ALICE}-the-new-one"), BOB] {
        let answer = with(Some(format!("bearer {token}"))).send().await.unwrap();
        assert_eq!(answer.status(), 200, "while one is replaced, both hold");
    }
}

#[tokio::test]
async fn without_operators_nobody_comes_in() {
    let service = Service::start();
    let answer = ask(&service, Method::GET, &of_identity("")).send().await.unwrap();
    assert_eq!(refusal(answer, 403).await["error"]["id"], "no_operators");
}

#[tokio::test]
async fn a_host_that_is_not_this_listeners_is_refused_before_the_token_is_looked_at() {
    let house = House::with(|kratos| {
        with_operators(kratos.plan_without_admin()).with("ADMIN__ALLOWED_HOSTS", "ops.internal")
    })
    .await;
    let port = house.service.admin.rsplit(':').next().unwrap().to_owned();
    for (host, expected) in [
        ("evil.example", 403),
        (&format!("evil.example:{port}"), 403),
        ("ops.internal", 404),
        (&format!("localhost:{port}"), 404),
        (&format!("127.0.0.1:{port}"), 404),
    ] {
        let asked = ask(&house.service, Method::GET, &of_identity("")).header(HOST, host);
        let answer = refusal(asked.send().await.unwrap(), expected).await;
        let id = if expected == 403 { "host_not_allowed" } else { "identity_unknown" };
        assert_eq!(answer["error"]["id"], id, "{host}");
    }
    let forwarded = ask(&house.service, Method::GET, &of_identity(""))
        .header(HOST, "evil.example")
        .header("X-Forwarded-Host", "localhost")
        .header("Forwarded", "host=localhost");
    refusal(forwarded.send().await.unwrap(), 403).await;
}

#[tokio::test]
async fn somebody_is_found_by_id_and_by_what_they_sign_in_with() {
    let house = registered().await;
    house.decision().await;
    let found = async |body: Value| {
        let asked = ask(&house.service, Method::POST, "/admin/identities/lookup").json(&body);
        document(asked.send().await.unwrap()).await["records"].as_array().unwrap().clone()
    };
    let email = house.person.body["identity"]["traits"]["email"].as_str().unwrap().to_owned();
    for body in [json!({ "id": IDENTITY }), json!({ "identifier": format!(" {} ", email.to_uppercase()) })] {
        let records = found(body.clone()).await;
        assert_eq!(records.len(), 1, "{body}");
        assert_eq!((&records[0]["identity_id"], &records[0]["stage"]), (&json!(IDENTITY), &json!("waiting")));
        assert_eq!(records[0]["passkeys"]["known"], "exactly");
    }
    assert!(found(json!({ "identifier": "nobody@example.org" })).await.is_empty());
    assert!(!house.service.log().contains(&email), "an address in a log");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named_and_not_repeated() {
    let house = registered().await;
    for (path, body, expected) in [
        ("/admin/identities/lookup", json!({}), "body: given neither; allowed: one of id and identifier"),
        ("/admin/identities/lookup", json!({ "id": IDENTITY, "identifier": "a" }), "body: given both"),
        ("/admin/identities/lookup", json!({ "id": "secret" }), "id: given another text"),
        ("/admin/identities/lookup", json!({ "email": "secret@example.org" }), "known: id, identifier"),
        (&of_identity("/snooze"), json!({}), "until: given nothing"),
        (&of_identity("/snooze"), json!({ "until": "2001-01-01T00:00:00Z" }), "until: given another text"),
        (&of_identity("/snooze"), json!({ "until": 5 }), "until: given a number"),
        (&of_identity("/snooze"), json!({ "until": "2200-01-01T00:00:00Z" }), "at most ten years ahead"),
        (&of_identity("/require"), json!({ "until": "2030-01-01T00:00:00Z" }), "known: by"),
        (&of_identity("/reset"), json!({ "secret": true }), "known: none"),
        ("/admin/identities/secret/reset", json!({}), "id: is not a UUID"),
    ] {
        let answer = ask(&house.service, Method::POST, path).json(&body).send().await.unwrap();
        let told = refusal(answer, 400).await["error"]["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(expected), "{path} {body}: {told}");
        assert!(!told.contains("secret"), "{told}");
    }
    let unknown = ask(&house.service, Method::POST, &format!("/admin/identities/{STRANGER}/reset"));
    assert_eq!(refusal(unknown.send().await.unwrap(), 404).await["error"]["id"], "identity_unknown");
    let not_taken = ask(&house.service, Method::GET, &of_identity("/reset")).send().await.unwrap();
    refusal(not_taken, 405).await;
    let nowhere = house.service.get(&of_identity("")).bearer_auth(ALICE).send().await.unwrap();
    refusal(nowhere, 404).await;
}

#[tokio::test]
async fn what_operators_say_is_what_the_page_hears_next() {
    let house = registered().await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    let snoozed = changed(&house, "snooze", json!({ "until": "2030-01-01T00:00:00Z" })).await;
    assert_eq!(
        (&snoozed["changed"], &snoozed["record"]["snoozed_until"]),
        (&json!(true), &json!("2030-01-01T00:00:00Z"))
    );
    let answer = house.decision().await;
    assert_eq!(
        (verdict(&answer), &answer["next_offer_at"]),
        (("later", "snoozed"), &json!("2030-01-01T00:00:00Z"))
    );
    changed(&house, "require", json!({ "by": "2031-01-01T00:00:00Z" })).await;
    let answer = house.decision().await;
    assert_eq!(
        (verdict(&answer), &answer["required_by"]),
        (("required", "required_by_operator"), &json!("2031-01-01T00:00:00Z"))
    );
    changed(&house, "reset", json!({})).await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    changed(&house, "dismiss", json!({})).await;
    assert_eq!(verdict(&house.decision().await), ("never", "dismissed"));
    assert_eq!(changed(&house, "dismiss", json!({})).await["changed"], false);
}

#[tokio::test]
async fn a_page_that_waits_hears_of_an_operators_word_at_once() {
    let house = registered().await;
    let (tag, _) = house.tagged().await;
    let waiting = tokio::spawn(house.get("?wait=25").header("If-None-Match", tag).send());
    house.until_waiting(1.0).await;
    changed(&house, "dismiss", json!({})).await;
    let answer = document(waiting.await.unwrap().unwrap()).await;
    assert_eq!(verdict(&answer), ("never", "dismissed"));
}

#[tokio::test]
async fn the_trail_names_the_operator() {
    let house = registered().await;
    changed(&house, "dismiss", json!({})).await;
    let bobs =
        house.service.http.post(format!("{}{}", house.service.admin, of_identity("/reset"))).bearer_auth(BOB);
    assert_eq!(bobs.send().await.unwrap().status(), 200);
    let trail =
        document(ask(&house.service, Method::GET, &of_identity("/audit")).send().await.unwrap()).await;
    let told: Vec<(&str, &str, &str)> = trail["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let of = |name: &str| event[name].as_str().unwrap();
            (of("actor"), of("cause"), of("kind"))
        })
        .collect();
    let expected = [
        ("operator:bob", "operator_api", "reset"),
        ("operator:alice", "operator_api", "dismissed"),
        ("kratos", "hook.registration", "registered"),
    ];
    assert_eq!(told, expected);
    assert_eq!(trail["events"][1]["stage_to"], "dismissed");
}

#[tokio::test]
async fn the_same_key_twice_is_done_once() {
    let house = registered().await;
    let reset = || {
        ask(&house.service, Method::POST, &of_identity("/snooze"))
            .header("Idempotency-Key", "one")
            .json(&json!({ "until": "2030-01-01T00:00:00Z" }))
            .send()
    };
    let first = document(reset().await.unwrap()).await;
    changed(&house, "reset", json!({})).await;
    let again = document(reset().await.unwrap()).await;
    assert_eq!((&first["changed"], &again["changed"]), (&json!(true), &json!(false)));
    assert_eq!(again["record"]["snoozed_until"], Value::Null, "what came after it stands");
}

#[tokio::test]
async fn a_decision_is_explained() {
    let house = registered().await;
    changed(&house, "snooze", json!({ "until": "2030-01-01T00:00:00Z" })).await;
    let explained =
        document(ask(&house.service, Method::GET, &of_identity("/decision")).send().await.unwrap()).await;
    assert_eq!((&explained["decision"], &explained["decided_by"]), (&json!("later"), &json!("snoozed")));
    assert!(explained["changed_by"].as_str().unwrap().contains("requires a passkey"), "{explained}");
    assert_eq!(explained["rules"].as_array().unwrap().len(), 17);
}

#[tokio::test]
async fn development_mode_makes_a_token_and_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let dev = crate::cli::Dev::run(crate::cli::command(
        directory.path(),
        &["serve", "--dev"],
        &[("SERVE__PUBLIC__PORT", "0"), ("SERVE__ADMIN__PORT", "0")],
    ));
    let (token, admin) = (dev.after("admin token").trim(), dev.after("listening admin ").to_owned());
    let asked = crate::service::client().get(format!("{admin}{}", of_identity("")));
    assert_eq!(asked.bearer_auth(token).send().await.unwrap().status(), 404, "known, but not the identity");
}

#[tokio::test]
async fn everybody_is_listed_page_by_page_and_by_what_is_asked_for() {
    let house = registered().await;
    house.tell_of(STRANGER).await;
    changed(&house, "dismiss", json!({})).await;
    let listed = async |query: &str| {
        let asked = ask(&house.service, Method::GET, &format!("/admin/identities{query}"));
        let page = document(asked.send().await.unwrap()).await;
        let ids = page["records"].as_array().unwrap().iter();
        let ids: Vec<String> = ids.map(|record| record["identity_id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next_page_token"].as_str().map(str::to_owned))
    };
    let (first, next) = listed("?page_size=1").await;
    assert_eq!(first, [IDENTITY]);
    assert_eq!(listed(&format!("?page_size=1&page_token={}", next.unwrap())).await.0, [STRANGER]);
    assert_eq!(listed("?stage=dismissed").await, (vec![IDENTITY.to_owned()], None));
    assert_eq!(listed("?stage=waiting&registration_method=password").await.0, [STRANGER]);
    assert!(listed("?changed_before=2001-01-01T00:00:00Z").await.0.is_empty());
    for (query, expected) in [
        ("?stage=asleep", "stage: is none of waiting, offered"),
        ("?page_size=0", "page_size: is not a whole number from 1 to 1000"),
        ("?page_token=secret", "page_token: is not one that came with a page"),
        ("?email=secret", "there is a parameter that is not known; known: stage,"),
        ("?stage=waiting&stage=waiting", "stage: given twice"),
        ("?changed_from=secret", "changed_from: is not an instant"),
    ] {
        let answer =
            ask(&house.service, Method::GET, &format!("/admin/identities{query}")).send().await.unwrap();
        let told = refusal(answer, 400).await["error"]["reason"].as_str().unwrap().to_owned();
        assert!(told.starts_with(expected) && !told.contains("secret"), "{query}: {told}");
    }
}

#[tokio::test]
async fn who_is_erased_is_nowhere_any_more() {
    let house = registered().await;
    house.decision().await;
    // What was not understood and names them, sealed and not.
    for body in
        [format!("{{\"identity_id\":\"{IDENTITY}\""), json!({ "identity_id": [IDENTITY] }).to_string()]
    {
        let hook = house.service.hook("/api/kratos/hooks/registration/password", body);
        assert_eq!(crate::service::delivered(hook).await.status(), 202);
    }
    let other = house.service.hook("/api/kratos/hooks/registration/password", "{\"of\": \"somebody else");
    assert_eq!(crate::service::delivered(other).await.status(), 202);
    document(ask(&house.service, Method::GET, &of_identity("")).send().await.unwrap()).await;
    let erased = document(ask(&house.service, Method::DELETE, &of_identity("")).send().await.unwrap()).await;
    assert_eq!(erased["record"], true, "{erased}");
    assert!(erased["events"].as_u64().unwrap() >= 1, "{erased}");
    refusal(ask(&house.service, Method::GET, &of_identity("")).send().await.unwrap(), 404).await;
    let left = house.service.cli(&["quarantine", "list", "--format", "json"]);
    let left: Value = serde_json::from_slice(&left.stdout).unwrap();
    let ids: Vec<&str> = left.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    for id in &ids {
        let shown = house.service.cli(&["quarantine", "show", "--unseal", id]);
        assert!(!String::from_utf8_lossy(&shown.stdout).contains(IDENTITY));
    }
    assert!(!ids.is_empty(), "what is about somebody else stays");
    let log =
        document(ask(&house.service, Method::GET, "/admin/log?action=erase").send().await.unwrap()).await;
    assert_eq!(
        (&log["entries"][0]["operator"], &log["entries"][0]["identity_id"]),
        (&json!("alice"), &Value::Null)
    );
    let again = document(ask(&house.service, Method::DELETE, &of_identity("")).send().await.unwrap()).await;
    assert_eq!(again["record"], false);
}

#[tokio::test]
async fn who_looked_whom_up_is_on_record_and_the_address_is_not() {
    let house = registered().await;
    let email = "nobody@example.org";
    for body in [json!({ "id": IDENTITY }), json!({ "identifier": email })] {
        document(
            ask(&house.service, Method::POST, "/admin/identities/lookup").json(&body).send().await.unwrap(),
        )
        .await;
    }
    document(ask(&house.service, Method::GET, "/admin/identities?stage=waiting").send().await.unwrap()).await;
    let read = ask(&house.service, Method::GET, "/admin/log?page_size=3&operator=alice");
    let log = document(read.send().await.unwrap()).await;
    assert!(!log.to_string().contains(email), "{log}");
    let told: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["read_log", "list", "look_up"]);
    let next = log["next_page_token"].as_str().unwrap();
    let older = ask(&house.service, Method::GET, &format!("/admin/log?page_token={next}"));
    let older = document(older.send().await.unwrap()).await;
    assert_eq!(
        (&older["entries"][0]["identity_id"], &older["entries"][0]["detail"]["by"]),
        (&json!(IDENTITY), &json!("id"))
    );
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_the_record_stays() {
    let house = registered().await;
    let cleanup = house.service.cli(&["cleanup", "sql", "--keep-last", "90d"]);
    assert!(cleanup.status.success(), "{}", String::from_utf8_lossy(&cleanup.stderr));
    let told = String::from_utf8(cleanup.stdout).unwrap();
    assert!(told.contains(" 0 events, 0 entries of the operators' log, 0 in quarantine"), "{told}");
    Database::of(&house.service).execute("UPDATE events SET at = at - 120 * 86400000000").await;
    let told =
        String::from_utf8(house.service.cli(&["cleanup", "sql", "--keep-last", "90d"]).stdout).unwrap();
    assert!(told.contains(" 1 events"), "{told}");
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
}

#[tokio::test]
async fn an_operator_takes_a_passkey_away() {
    let kratos = Directory::start().await;
    let service = with_operators(kratos.plan()).start();
    for (nth, passkeys) in [(1, 1), (3, 2)] {
        kratos.holds(&person(nth), passkeys, "2026-11-01T00:00:00Z");
    }
    let path = |nth: u32, action: &str| format!("/admin/identities/{}/{action}", person(nth));
    let held = document(ask(&service, Method::GET, &path(3, "passkeys")).send().await.unwrap()).await;
    assert_eq!((&held["passkeys"], held["keys"].as_array().unwrap().len()), (&json!(2), 2));
    let revoke = async |nth: u32, body: Value| {
        ask(&service, Method::POST, &path(nth, "revoke")).json(&body).send().await.unwrap()
    };
    let done = document(revoke(3, json!({ "credential": credential(0) })).await).await;
    assert_eq!((&done["left"]["passkeys"], &done["recorded"]), (&json!(1), &json!(true)));
    let again = revoke(3, json!({ "credential": credential(0) })).await;
    assert_eq!(refusal(again, 404).await["error"]["id"], "credential_unknown");
    let last = revoke(1, json!({ "credential": credential(0) })).await;
    assert_eq!(refusal(last, 409).await["error"]["id"], "last_way_to_sign_in");
    let forced = document(revoke(1, json!({ "credential": credential(0), "force": true })).await).await;
    assert_eq!(forced["left"]["passkeys"], 0);
    let nobody = revoke(900, json!({ "credential": credential(0) })).await;
    assert_eq!(refusal(nobody, 404).await["error"]["id"], "identity_gone");
    for (body, expected) in [
        (json!({}), "credential: given nothing"),
        (json!({ "credential": "xyz" }), "credential: given another text"),
        (json!({ "credential": credential(0), "force": "yes" }), "force: given a text"),
    ] {
        let told = refusal(revoke(3, body).await, 400).await;
        assert!(told["error"]["reason"].as_str().unwrap().starts_with(expected), "{told}");
    }
    let database = Database::of(&service);
    database.take_turn(&person(3), 60).await;
    let busy = revoke(3, json!({ "credential": credential(1), "force": true })).await;
    assert_eq!(refusal(busy, 503).await["error"]["id"], "passkeys_busy");
    database.end_turns().await;
    let trail = document(ask(&service, Method::GET, &path(3, "audit")).send().await.unwrap()).await;
    assert!(
        trail["events"]
            .as_array()
            .unwrap()
            .iter()
            .any(|event| { event["actor"] == "operator:alice" && event["kind"] == "passkey_revoked" })
    );
}
