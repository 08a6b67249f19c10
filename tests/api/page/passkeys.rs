//! What a person holds, as Kratos's admin API tells it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{House, PATIENCE, REGISTERED, document, header, verdict};
use crate::double::{Kratos, recorded};
use crate::recordings;
use crate::service::refusal;

const ICLOUD: &str = "+/wwBxVOTsyMC24CBVfXvQ==";

impl House {
    async fn passkeys(&self) -> Value {
        document(self.get("/passkeys").send().await.unwrap()).await
    }

    /// What the admin API answers for the person from now on.
    fn holds(&self, credentials: Value) {
        let mut body = recordings::json("v26.2.0/admin/identity-created.json")["body"].clone();
        body["id"] = json!(self.person.identity());
        body["credentials"] = credentials;
        let answer = ResponseTemplate::new(200).set_body_json(body);
        self.kratos.identity_answers(&self.person.identity(), answer);
    }

    fn holds_recorded(&self, recording: &str) {
        self.kratos.identity(&self.person.identity(), recording);
    }
}

fn key(id: &str, more: Value) -> Value {
    let mut key = json!({ "id": id, "display_name": "", "is_passwordless": true,
        "authenticator": { "aaguid": ICLOUD }, "added_at": "2026-11-22T04:34:59Z",
        "flags": { "backup_eligible": true, "backup_state": true } });
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key
}

#[tokio::test]
async fn a_recorded_passkey_is_listed() {
    for version in recordings::VERSIONS {
        let house = House::with_admin().await;
        house.holds_recorded(&format!("{version}/admin/identity-password-passkey.json"));
        let listed = house.passkeys().await;
        assert_eq!(listed["subject"], house.decision().await["subject"], "{version}");
        assert_eq!((&listed["complete"], listed["passkeys"].as_array().unwrap().len()), (&json!(true), 1));
        let [passkey] = listed["passkeys"].as_array().unwrap().as_slice() else { panic!("{listed}") };
        let id = passkey["id"].as_str().unwrap();
        assert!(
            id.len() == 64 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{id}"
        );
        assert!(passkey["added_at"].as_str().unwrap().starts_with("2026-11-22T04:3"), "{version}");
        for (field, value) in [
            ("kind", json!("passkey")),
            ("name", Value::Null),
            ("provider", Value::Null),
            ("backed_up", json!(false)),
            ("last_way_to_sign_in", Value::Null),
        ] {
            assert_eq!(passkey[field], value, "{version} {field}");
        }
    }
}

/// The same ids in the same writing as the remove nodes of the settings flow, so that the page can join them.
#[tokio::test]
async fn ids_are_those_of_the_remove_nodes() {
    let flow = recordings::json("v26.2.0/public/settings-passkey-added-response.json");
    let nodes = flow["body"]["ui"]["nodes"].as_array().unwrap().iter();
    let removable = nodes.filter(|node| node["attributes"]["name"] == "passkey_remove");
    let removable: Vec<&Value> = removable.map(|node| &node["attributes"]["value"]).collect();
    let house = House::with_admin().await;
    house.holds_recorded("v26.2.0/admin/identity-password-passkey.json");
    let listed = house.passkeys().await;
    assert!(!removable.is_empty());
    assert!(removable.contains(&&listed["passkeys"][0]["id"]), "{removable:?} {listed}");
}

#[tokio::test]
async fn everything_that_is_known_of_each_is_told() {
    let house = House::with_admin().await;
    house.holds(json!({
        "password": { "identifiers": ["ada@example.org"] },
        "passkey": { "config": { "credentials": [
            key("AAEC/w==", json!({})),
            key("+v8=", json!({ "display_name": "My phone", "authenticator": {}, "flags": null, "added_at": null })),
        ] } },
        "webauthn": { "config": { "credentials": [
            key("AQ==", json!({ "display_name": "unnamed", "is_passwordless": false,
                "authenticator": { "aaguid": "L8BXn4ETR+qxFrtajbkgKg==" },
                "flags": { "backup_state": false } })),
        ] } },
    }));
    let listed = house.passkeys().await;
    let expected = json!([
        { "id": "000102ff", "kind": "passkey", "name": null,
          "provider": { "name": "iCloud Keychain", "kind": "cloud" }, "added_at": "2026-11-22T04:34:59Z",
          "backed_up": true, "last_way_to_sign_in": false },
        { "id": "faff", "kind": "passkey", "name": "My phone", "provider": null, "added_at": null,
          "backed_up": null, "last_way_to_sign_in": false },
        { "id": "01", "kind": "security_key", "name": null,
          "provider": { "name": "YubiKey 5", "kind": "security_key" }, "added_at": "2026-11-22T04:34:59Z",
          "backed_up": false, "last_way_to_sign_in": false },
    ]);
    assert_eq!((&listed["passkeys"], &listed["complete"]), (&expected, &json!(true)));
}

#[tokio::test]
async fn the_last_way_to_sign_in_is_said_where_that_is_known() {
    let house = House::with_admin().await;
    let passkey = json!({ "config": { "credentials": [key("AQ==", json!({}))] } });
    for (beside, identifiers, expected) in [
        ("totp", json!([]), json!(true)),
        ("oidc", json!(["github:7"]), json!(false)),
        ("oidc", json!([]), json!(true)),
        ("password", json!(["ada@example.org"]), Value::Null),
        ("code", json!(["ada@example.org"]), Value::Null),
    ] {
        house.holds(json!({ "passkey": passkey, beside: { "identifiers": identifiers } }));
        let listed = house.passkeys().await;
        assert_eq!(listed["passkeys"][0]["last_way_to_sign_in"], expected, "{beside} {identifiers}");
    }
}

#[tokio::test]
async fn no_secret_is_asked_for() {
    let house = House::with_admin().await;
    house.holds_recorded("v26.2.0/admin/identity-password-passkey.json");
    house.passkeys().await;
    let asked = house.kratos.server.received_requests().await.unwrap();
    let asked: Vec<_> = asked.iter().filter(|request| request.url.path().starts_with("/admin/")).collect();
    assert_eq!(asked.len(), 1);
    for (name, value) in asked[0].url.query_pairs() {
        assert_eq!(name, "include_credential");
        assert!(["passkey", "webauthn"].contains(&value.as_ref()), "{value}");
    }
}

#[tokio::test]
async fn without_an_admin_api_the_list_is_not_complete() {
    let house = House::registered().await;
    let listed = house.passkeys().await;
    assert_eq!((&listed["complete"], &listed["passkeys"]), (&json!(false), &json!([])));
    assert_eq!(listed["subject"], house.decision().await["subject"]);
}

#[tokio::test]
async fn an_admin_api_that_does_not_answer_does_not_hold_the_page() {
    let house = House::with_admin().await;
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(10)),
    ] {
        house.kratos.identity_answers(&house.person.identity(), answer);
        let began = Instant::now();
        let listed = house.passkeys().await;
        assert_eq!((&listed["complete"], &listed["passkeys"]), (&json!(false), &json!([])));
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_makes_it_incomplete_and_hides_no_other() {
    let house = House::with_admin().await;
    let keys = [key("?", json!({})), key("AQ==", json!({}))];
    house.holds(json!({ "passkey": { "config": { "credentials": keys } } }));
    let listed = house.passkeys().await;
    assert_eq!((&listed["complete"], &listed["passkeys"][0]["id"]), (&json!(false), &json!("01")));
    assert_eq!(listed["passkeys"][0]["last_way_to_sign_in"], Value::Null);
}

#[tokio::test]
async fn what_was_read_is_learnt_once() {
    let house = House::with_admin().await;
    house.holds_recorded("v26.2.0/admin/identity-created.json");
    house.hook(REGISTERED).await;
    assert_eq!(verdict(&house.decision().await), ("offer", "no_passkey"));
    house.holds_recorded("v26.2.0/admin/identity-password-passkey.json");
    let deadline = Instant::now() + PATIENCE;
    loop {
        house.passkeys().await;
        let decision = house.decision().await;
        if verdict(&decision) == ("done", "passkey_enrolled") {
            assert_eq!(decision["passkey_count"], 1);
            break;
        }
        assert!(Instant::now() < deadline, "it is not learnt: {decision}");
    }
    let log = house.log().await;
    house.passkeys().await;
    assert_eq!(house.log().await, log, "there was nothing new");
}

#[tokio::test]
async fn an_unchanged_list_is_not_sent_again() {
    let house = House::with_admin().await;
    house.holds_recorded("v26.2.0/admin/identity-password-passkey.json");
    let answer = house.get("/passkeys").send().await.unwrap();
    let of = |name: &str| header(answer.headers(), name);
    assert_eq!(of("cache-control").as_deref(), Some("private, no-cache"));
    assert_eq!(of("content-type").as_deref(), Some("application/json"));
    let tag = of("etag").unwrap();
    let again = || house.get("/passkeys").header("If-None-Match", &tag).send();
    let kept = again().await.unwrap();
    assert_eq!((kept.status().as_u16(), header(kept.headers(), "etag")), (304, Some(tag.clone())));
    house.holds_recorded("v26.2.0/admin/identity-webauthn.json");
    let changed = document(again().await.unwrap()).await;
    assert_eq!(changed["passkeys"][0]["kind"], "security_key");
}

#[tokio::test]
async fn it_is_told_to_the_person_alone() {
    let app = "https://app.example.org";
    let house = House::with(|kratos: &Kratos| kratos.plan().with("PAGE__ALLOWED_ORIGINS", app)).await;
    house.holds_recorded("v26.2.0/admin/identity-password-passkey.json");
    let nobody = house.service.get("/api/onboarding/passkeys").send().await.unwrap();
    assert_eq!(refusal(nobody, 401).await["error"]["id"], "session_inactive");
    for (origin, readable) in [(app, Some(app)), ("https://evil.example", None)] {
        let answer = house.get("/passkeys").header("Origin", origin).send().await.unwrap();
        let allowed = header(answer.headers(), "access-control-allow-origin");
        assert_eq!(allowed.as_deref(), readable, "{origin}");
    }
    refusal(house.get("/passkeys?fresh=x").send().await.unwrap(), 400).await;
    house.kratos.whoami_answers(recorded("v26.2.0/public/error-session_aal2_required-whoami.json"));
    let said = refusal(house.get("/passkeys?fresh=1").send().await.unwrap(), 403).await;
    assert_eq!(said["error"]["id"], "session_aal2_required");
    house.kratos.whoami_answers(ResponseTemplate::new(500));
    let said = refusal(house.get("/passkeys?fresh=1").send().await.unwrap(), 503).await;
    assert_eq!(said["error"]["id"], "kratos_unavailable");
}

#[tokio::test]
async fn it_is_read_or_added_to() {
    let house = House::with_admin().await;
    for method in [reqwest::Method::PATCH, reqwest::Method::PUT, reqwest::Method::DELETE] {
        let url = house.service.url("/api/onboarding/passkeys");
        let request =
            house.service.http.request(method.clone(), url).header("Cookie", house.person.cookies());
        let answer = request.header("Origin", &house.service.public).send().await.unwrap();
        assert_eq!(header(answer.headers(), "allow").as_deref(), Some("GET, POST"), "{method}");
        refusal(answer, 405).await;
    }
    assert!(house.told_by(&house.person).await.is_empty());
}
