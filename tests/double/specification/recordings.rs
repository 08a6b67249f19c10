//! Every answer that was recorded of a real Kratos, asked of the double again.

use serde_json::{Value, json};

use super::super::double::config::{Methods, Version, WebAuthn};
use super::authenticator::Authenticator;
use super::browser::{Answered, Browser, PASSWORD, World, options, value, world};
use super::shape::is_like;

fn v(name: &str) -> String {
    format!("v26.2.0/public/{name}.json")
}

#[track_caller]
fn matches(name: &str, answered: Answered) -> Value {
    is_like(&v(name), answered.status, &answered.body);
    answered.body
}

async fn adds(person: &mut Browser, node: &str, field: &str, more: Value) -> (Authenticator, Answered) {
    let flow = person.begin("settings", "").await;
    let mut device = Authenticator::new();
    let mut body = more;
    body[field] = json!(device.create(&options(&flow, node)["publicKey"]));
    let answered = person.submit(&flow, body).await;
    (device, answered)
}

/// The recorded one could not be used without the code, so the last passkey went.
fn usual() -> World {
    world(|config| config.methods.code = true)
}

#[actix_web::test]
async fn registration_is_as_recorded() {
    let world = usual();
    let mut person = world.browser("ada@example.org");
    let flow = matches("flow-registration-init", person.fetch("/self-service/registration/browser").await);
    let id = flow["id"].as_str().unwrap();
    matches(
        "flow-registration-init",
        person.fetch(&format!("/self-service/registration/flows?id={id}")).await,
    );

    let traits = json!({ "email": "ada@example.org", "name": { "first": "Ada", "last": "Example" } });
    let second = person.submit(&flow, json!({ "method": "profile", "traits": traits })).await;
    assert_eq!(second.status, 400);
    is_like(&v("flow-registration-credential-selection"), 400, &second.body);
    let made = Authenticator::new()
        .create(&options(&second.body, "passkey_create_data")["credentialOptions"]["publicKey"]);
    let body = json!({ "method": "passkey", "traits": traits, "passkey_register": made });
    matches("registration-passkey-response", person.submit(&second.body, body).await);
    matches(
        "error-registration-session-already-available",
        person.fetch("/self-service/registration/browser").await,
    );

    let mut other = world.browser("grace@example.org");
    matches("registration-password-response", other.register().await);
    matches("whoami-fresh", other.whoami().await);
    matches("registration-duplicate-response", world.browser("grace@example.org").register().await);

    let mut key = world.browser("key@example.org");
    let flow = key.begin("registration", "").await;
    let traits = json!({ "email": "key@example.org" });
    let second = key.submit(&flow, json!({ "method": "profile", "traits": traits })).await.body;
    let made = Authenticator::new().create(&options(&second, "webauthn_register_trigger")["publicKey"]);
    let body =
        json!({ "traits": traits, "webauthn_register": made, "webauthn_register_displayname": "key one" });
    matches("registration-webauthn-response", key.submit(&second, body).await);
    is_like("v26.2.0/admin/identity-webauthn.json", 200, &key.identity().await);
}

#[actix_web::test]
async fn where_a_registration_ends_is_as_recorded() {
    let world = usual();
    let mut person = world.browser("ada@example.org");
    let flow = person.begin("registration", "?return_to=http%3A%2F%2Flocalhost%3A4455%2Fcheckout").await;
    let body =
        json!({ "method": "password", "password": PASSWORD, "traits": { "email": "ada@example.org" } });
    let done = matches("registration-return-to-response", person.submit(&flow, body).await);
    assert_eq!(done["continue_with"][0]["redirect_browser_to"], "http://localhost:4455/checkout");

    let mut other = world.browser("grace@example.org");
    let done = other.register().await.is(200);
    assert_eq!(done["continue_with"][0]["redirect_browser_to"], "http://localhost:5050/post-registration");
    let refused = other.fetch("/self-service/settings/browser?return_to=http://evil.example/").await;
    matches("error-return-to-not-allowed", refused);
}

#[actix_web::test]
async fn signing_in_is_as_recorded() {
    let world = usual();
    let mut person = world.person("ada@example.org").await;
    let (passkey, _) = adds(&mut person, "passkey_create_data", "passkey_settings_register", json!({})).await;
    person.sign_out().await;
    matches("error-whoami-no-session", person.whoami().await);

    let flow = matches("flow-login-init", person.fetch("/self-service/login/browser").await);
    let used = passkey.get(&options(&flow, "passkey_challenge")["publicKey"]);
    let body = json!({ "method": "passkey", "passkey_login": used });
    matches("login-passkey-response", person.submit(&flow, body).await);
    matches("whoami-passkey-login", person.whoami().await);
    person.sign_out().await;

    matches("login-password-response", person.sign_in("").await);
    let mut other = world.person("grace@example.org").await;
    let query = "?refresh=true&return_to=http%3A%2F%2Flocalhost%3A4455%2Fpasskeys";
    matches("flow-login-refresh", other.fetch(&format!("/self-service/login/browser{query}")).await);
    matches("whoami-login", person.whoami().await);
    let confirmed = person.sign_in("?refresh=true&return_to=http%3A%2F%2Flocalhost%3A4455%2Fpasskeys").await;
    // `state_changed_at` is missing in this recording because the profile had been changed before; so it is here.
    let flow = person.begin("settings", "").await;
    let traits = json!({ "email": "ada@example.org", "name": { "first": "Grace" } });
    person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.is(200);
    assert_eq!(confirmed.status, 200);
    let confirmed = person.sign_in("?refresh=true&return_to=http%3A%2F%2Flocalhost%3A4455%2Fpasskeys").await;
    matches("login-refresh-response", confirmed);
    matches("whoami-after-refresh", person.whoami().await);
}

#[actix_web::test]
async fn signing_in_with_a_security_key_is_as_recorded() {
    let world = world(|config| config.methods.passkey = false);
    let mut person = world.person("ada@example.org").await;
    let flow = matches("flow-settings-webauthn-only", person.fetch("/self-service/settings/browser").await);
    let mut key = Authenticator::new();
    let made = key.create(&options(&flow, "webauthn_register_trigger")["publicKey"]);
    let body = json!({ "webauthn_register": made, "webauthn_register_displayname": "YubiKey" });
    matches("settings-webauthn-only-added-response", person.submit(&flow, body).await);
    person.sign_out().await;

    let flow = person.begin("login", "").await;
    let asked = person.submit(&flow, json!({ "method": "webauthn", "identifier": "ada@example.org" })).await;
    let to = asked.body["redirect_browser_to"].as_str().unwrap().to_owned();
    matches("login-webauthn-identifier-response", asked);
    let id = flow["id"].as_str().unwrap();
    assert_eq!(to, format!("http://localhost:4455/login?flow={id}"));
    let second = matches(
        "flow-login-webauthn-challenge",
        person.fetch(&format!("/self-service/login/flows?id={id}")).await,
    );
    let used = key.get(&options(&second, "webauthn_login_trigger")["publicKey"]);
    let body = json!({ "method": "webauthn", "identifier": "ada@example.org", "webauthn_login": used });
    matches("login-webauthn-response", person.submit(&second, body).await);
    matches("whoami-webauthn-login", person.whoami().await);
}

#[actix_web::test]
async fn the_settings_are_as_recorded() {
    let world = usual();
    let mut person = world.person("ada@example.org").await;
    matches("flow-settings-no-passkey", person.fetch("/self-service/settings/browser").await);
    let (_, added) = adds(&mut person, "passkey_create_data", "passkey_settings_register", json!({})).await;
    let added = matches("settings-passkey-added-response", added);
    matches("whoami-after-add", person.whoami().await);
    is_like("v26.2.0/admin/identity-password-passkey.json", 200, &person.identity().await);
    matches("flow-settings-one-passkey", person.fetch("/self-service/settings/browser").await);
    let named = json!({ "webauthn_register_displayname": "YubiKey" });
    let (_, key) = adds(&mut person, "webauthn_register_trigger", "webauthn_register", named).await;
    matches("settings-webauthn-added-response", key);
    let flow =
        matches("flow-settings-passkey-and-webauthn", person.fetch("/self-service/settings/browser").await);
    let gone = json!({ "passkey_remove": value(&added, "passkey_remove") });
    matches("settings-passkey-removed-response", person.submit(&flow, gone).await);
    is_like("v26.2.0/admin/identity-after-remove.json", 200, &person.identity().await);
}

#[actix_web::test]
async fn somebody_with_a_passkey_alone_is_as_recorded() {
    let world = usual();
    let mut person = world.browser("ada@example.org");
    let flow = person.begin("registration", "").await;
    let traits = json!({ "email": "ada@example.org", "name": { "first": "Ada", "last": "Example" } });
    let second = person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.body;
    let made = Authenticator::new()
        .create(&options(&second, "passkey_create_data")["credentialOptions"]["publicKey"]);
    person.submit(&second, json!({ "traits": traits, "passkey_register": made })).await.is(200);
    is_like("v26.2.0/admin/identity-passkey.json", 200, &person.identity().await);
    let flow = matches("flow-settings-passkey-only", person.fetch("/self-service/settings/browser").await);
    let gone = json!({ "passkey_remove": value(&flow, "passkey_remove") });
    matches("settings-passkey-remove-last-response", person.submit(&flow, gone).await);
    // Kratos drops the whole credential then.
    assert_eq!(person.identity().await["credentials"].get("passkey"), None);
}

#[actix_web::test]
async fn refusals_are_as_recorded() {
    let world = usual();
    let mut person = world.person("ada@example.org").await;
    let flow = person.begin("settings", "").await;
    let id = flow["id"].as_str().unwrap();
    let wrong = person.submit(&flow, json!({ "csrf_token": "x", "passkey_settings_register": "{}" })).await;
    // The recorded page said that it fetches; its hint is about that.
    is_like(&v("error-security_csrf_violation"), wrong.status, &wrong.body);

    // Their `state_changed_at` is missing in these recordings: the profile had been changed.
    let traits = json!({ "email": "ada@example.org", "name": { "first": "Grace" } });
    person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.is(200);
    let named = json!({ "webauthn_register_displayname": "YubiKey" });
    adds(&mut person, "webauthn_register_trigger", "webauthn_register", named).await.1.is(200);
    for (name, body) in [
        ("error-no-strategy", json!({ "method": "unheard-of" })),
        ("error-passkey-empty", json!({ "method": "passkey", "passkey_settings_register": "" })),
        ("error-passkey-garbage", json!({ "passkey_settings_register": "garbage" })),
    ] {
        let flow = person.begin("settings", "").await;
        matches(name, person.submit(&flow, body).await);
    }
    let unknown = "/self-service/settings/flows?id=5eddbeec-b3d3-4769-ad6d-07e5374f94b7";
    matches("error-flow-not-found", person.fetch(unknown).await);

    let mut other = world.person("grace@example.org").await;
    matches(
        "error-settings-foreign-flow-get",
        other.fetch(&format!("/self-service/settings/flows?id={id}")).await,
    );
    matches("error-settings-foreign-flow", other.submit(&flow, json!({ "passkey_remove": "00" })).await);
    matches(
        "error-settings-no-session",
        world.browser("nobody").fetch("/self-service/settings/browser").await,
    );
}

#[actix_web::test]
async fn a_session_that_is_too_old_is_refused_as_recorded() {
    let world = world(|config| config.privileged_session_max_age = jiff::SignedDuration::ZERO);
    let mut person = world.person("ada@example.org").await;
    let (_, refused) = adds(&mut person, "passkey_create_data", "passkey_settings_register", json!({})).await;
    matches("error-session_refresh_required", refused);
}

#[actix_web::test]
async fn the_admin_api_is_as_recorded() {
    let world = usual();
    let mut person = world.person("ada@example.org").await;
    let flow = person.begin("settings", "").await;
    let traits = json!({ "email": "ada@example.org", "name": { "first": "Grace" } });
    person.submit(&flow, json!({ "method": "profile", "traits": traits })).await.is(200);
    for name in ["b", "c", "d"] {
        world.person(&format!("{name}@example.org")).await;
    }
    let admin = person.admin.clone();
    let query = "include_credential=passkey&include_credential=webauthn&page_size=3";
    let page = person.fetch(&format!("{admin}/admin/identities?{query}")).await;
    assert_eq!(page.body.as_array().unwrap().len(), 3);
    let last = page.body[2]["id"].as_str().unwrap();
    let link = format!(
        "</admin/identities?{query}&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\",\
         </admin/identities?{query}&page_token={last}>; rel=\"next\""
    );
    assert_eq!(page.headers["link"].to_str().unwrap(), link);
    let next = person.fetch(&format!("{admin}/admin/identities?{query}&page_token={last}")).await;
    assert_eq!(next.body.as_array().unwrap().len(), 1);
    assert!(!next.headers["link"].to_str().unwrap().contains("next"));
    let found =
        person.fetch(&format!("{admin}/admin/identities?credentials_identifier=ada@example.org")).await;
    assert_eq!(found.body.as_array().unwrap().len(), 1);
    is_like("v26.2.0/admin/identities-by-identifier.json", found.status, &found.body);
    let nobody = person.fetch(&format!("{admin}/admin/identities/{}", uuid::Uuid::nil())).await;
    is_like("v26.2.0/admin/identity-404.json", nobody.status, &nobody.body);
    let made = person
        .send(
            &format!("{admin}/admin/identities"),
            json!({ "schema_id": "person", "traits": { "email": "e@example.org" } }),
        )
        .await;
    assert_eq!(made.status, 201);
    is_like("v26.2.0/admin/identity-created.json", 201, &made.body);
}

#[actix_web::test]
async fn v1_3_1_differs_where_it_was_recorded_to() {
    let world = world(|config| {
        config.kratos = Version::V1_3_1;
        config.methods = Methods { code: true, webauthn: WebAuthn::Passwordless, ..Methods::default() };
    });
    let mut person = world.person("ada@example.org").await;
    let nobody = world.browser("nobody").fetch("/self-service/settings/browser").await;
    is_like("v1.3.1/public/error-settings-no-session.json", nobody.status, &nobody.body);
    let before = person.identity().await["updated_at"].clone();
    let (_, added) = adds(&mut person, "passkey_create_data", "passkey_settings_register", json!({})).await;
    is_like("v1.3.1/public/settings-passkey-added-response.json", added.status, &added.body);
    assert_eq!(person.identity().await["updated_at"], before);
    person.sign_out().await;
    let login = person.fetch("/self-service/login/browser").await;
    is_like("v1.3.1/public/flow-login-init.json", login.status, &login.body);
}
