//! What real Kratoses sent.

use serde_json::{Value, json};

use super::{person, put_aside};
use crate::database::Database;
use crate::double::{COOKIE, Kratos, Session};
use crate::recordings::{Hook, VERSIONS, hook, hooks};
use crate::service::{Service, delivered};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// What the page of the `n`th visitor is told about an identity.
async fn told(kratos: &Kratos, service: &Service, n: usize, identity: &str) -> Value {
    let session = Session::fresh().of(identity).with_cookie(&format!("{COOKIE}{n}"));
    kratos.signed_in(&session);
    let answer = service.get("/api/onboarding").header("cookie", session.cookies()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{identity}");
    answer.json().await.unwrap()
}

/// The same hook, about somebody else.
fn about(hook: Hook, identity: &str) -> Hook {
    let body = hook.body.replace(&hook.identity(), identity);
    Hook { body, ..hook }
}

/// What the hook alone lets us say, without asking Kratos's admin API.
fn decision_after(hook: &Hook) -> (&'static str, &'static str) {
    const OFFER: (&str, &str) = ("offer", "no_passkey");
    const DONE: (&str, &str) = ("done", "passkey_enrolled");
    const UNKNOWN: (&str, &str) = ("later", "passkeys_unknown");
    match (hook.flow.as_str(), hook.method.as_str()) {
        ("registration" | "login", "passkey") => DONE,
        ("registration", _) => OFFER,
        ("login", _) => UNKNOWN,
        // v1.3.1 sends no session. The later ones name a passkey in it that was used: the last one was removed.
        _ if hook.name.contains(".0-passkeys") && hook.name.starts_with("v1.3.1") => OFFER,
        _ if hook.name.contains(".0-passkeys") => ("later", "removed"),
        _ if hook.name.contains(".1-passkeys") => DONE,
        // A native app's settings flow of v1.3.1 shows neither method, although the person holds a passkey.
        _ if hook.name.starts_with("v1.3.1") => UNKNOWN,
        _ => DONE,
    }
}

#[tokio::test]
async fn every_recorded_hook_becomes_a_record_and_a_decision() {
    let kratos = Kratos::start().await;
    let service = kratos.plan_without_admin().start();
    let database = Database::of(&service);
    let (mut stored, mut aside) = (0_i64, 0_usize);
    for (n, hook) in hooks().iter().enumerate() {
        let answer = service.send(hook).await;
        if hook.name.contains(".parse-true") {
            assert_eq!(hook.identity(), ZERO, "{}", hook.name);
            assert_eq!(put_aside(answer).await, "zero_identity", "{}", hook.name);
            aside += 1;
            continue;
        }
        assert_eq!(answer.status(), 204, "{}", hook.name);
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "{}", hook.name);
        stored += 1;
        assert!(database.record(&hook.identity()).await.is_some(), "{}", hook.name);
        let document = told(&kratos, &service, n, &hook.identity()).await;
        assert!(["offer", "later", "done"].contains(&document["decision"].as_str().unwrap()), "{document}");
    }
    assert_eq!(database.events_of_hooks().await, stored, "none is taken for another's retry");
    let rows = database.put_aside().await;
    assert!(rows.iter().all(|row| row.reason == "zero_identity" && row.kept == "json"), "{rows:?}");
    assert_eq!(rows.len(), aside);
}

#[tokio::test]
async fn each_recorded_hook_says_by_itself_what_to_offer() {
    let kratos = Kratos::start().await;
    let service = kratos.plan_without_admin().start();
    let mut wrong = Vec::new();
    for (n, hook) in hooks().into_iter().filter(|hook| !hook.name.contains(".parse-true")).enumerate() {
        let hook = about(hook, &person(u32::try_from(n).unwrap()));
        assert_eq!(service.send(&hook).await.status(), 204, "{}", hook.name);
        let document = told(&kratos, &service, n, &hook.identity()).await;
        let (decision, reason) =
            (document["decision"].as_str().unwrap(), document["reason"].as_str().unwrap());
        if (decision, reason) != decision_after(&hook) {
            wrong.push(format!("{}: {decision}, {reason}", hook.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_native_apps_settings_hook_never_lowers_a_count() {
    let kratos = Kratos::start().await;
    let service = kratos.plan_without_admin().start();
    let mut visits = 0;
    for (n, version) in (0..).zip(VERSIONS) {
        let person = person(n);
        let registered = about(hook(&format!("{version}/hooks/registration-passkey.ctx.json")), &person);
        assert_eq!(service.send(&registered).await.status(), 204);
        for method in ["profile", "password"] {
            let native = about(hook(&format!("{version}/hooks/settings-{method}.ctx.api.json")), &person);
            let mut bare: Value = serde_json::from_str(&native.body).unwrap();
            bare["flow"]["ui"]["nodes"] = json!([]);
            let bare = Hook { body: bare.to_string(), headers: vec![], ..about(native, &person) };
            let native = about(hook(&format!("{version}/hooks/settings-{method}.ctx.api.json")), &person);
            for hook in [native, bare] {
                assert_eq!(service.send(&hook).await.status(), 204);
                visits += 1;
                let document = told(&kratos, &service, visits, &person).await;
                assert_eq!(document["decision"], "done", "{}: {document}", hook.name);
                assert_eq!(document["passkey_count"], 1, "{}", hook.name);
            }
        }
    }
}

#[tokio::test]
async fn the_address_that_names_no_method_takes_every_registration() {
    let service = Service::start();
    let database = Database::of(&service);
    for (n, method) in (0..).zip(["password", "oidc", "code", "passkey", "webauthn"]) {
        let hook = about(hook(&format!("v26.2.0/hooks/registration-{method}.ctx.json")), &person(n));
        let sent = service.hook("/api/kratos/post-registration-webauthn", hook.body.clone());
        assert_eq!(delivered(sent).await.status(), 204, "{method}");
        assert!(database.record(&person(n)).await.unwrap()["registration"].is_object(), "{method}");
    }
}

#[tokio::test]
async fn no_trait_and_no_cookie_of_a_recorded_hook_is_stored() {
    let service = Service::start();
    let mut secrets = Vec::new();
    for hook in hooks() {
        assert!(service.send(&hook).await.status().is_success(), "{}", hook.name);
        let body: Value = serde_json::from_str(&hook.body).unwrap();
        let cookies = body["request_cookies"].as_object().into_iter().flatten();
        secrets.extend(cookies.map(|(_, value)| value.as_str().unwrap().to_owned()));
        secrets.extend(body["identity"]["traits"]["email"].as_str().map(str::to_owned));
    }
    assert!(secrets.len() > 50, "only {} secrets were sent", secrets.len());
    let (database, log) = (Database::of(&service), service.log());
    for secret in secrets {
        assert!(!database.holds(secret.as_bytes()), "{secret} is in the database");
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
