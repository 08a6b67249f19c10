//! What browsers and password managers look for at fixed places.

use serde_json::{Value, json};

use super::*;

const ORIGINS: &str = "https://auth.example.org,https://shop.example.net";

fn plan() -> Plan {
    Plan::new()
        .with("SERVE__PUBLIC__BASE_URL", "https://auth.example.org/passkeys/")
        .with("SERVE__PUBLIC__BASE_PATH", "/passkeys")
        .with("WEBAUTHN__RP_ID", "example.org")
}

async fn get(service: &Service, path: &str) -> Response {
    service.http.get(format!("{}{path}", listening(service))).send().await.unwrap()
}

#[tokio::test]
async fn several_origins_are_told_to_browsers_and_one_is_not() {
    let service = plan().with("WEBAUTHN__ORIGINS", ORIGINS).start();
    for path in ["/.well-known/webauthn", "/passkeys/.well-known/webauthn"] {
        let answer = get(&service, path).await;
        assert_eq!(header(&answer, "content-type").as_deref(), Some("application/json"), "{path}");
        let told: Value = serde_json::from_str(&text(answer).await).unwrap();
        assert_eq!(told, json!({ "origins": ["https://auth.example.org", "https://shop.example.net"] }));
    }
    assert_eq!(get(&plan().start(), "/.well-known/webauthn").await.status(), 404);
}

#[tokio::test]
async fn password_managers_find_the_two_pages() {
    let service = plan().start();
    let told: Value =
        serde_json::from_str(&text(get(&service, "/.well-known/passkey-endpoints").await).await).unwrap();
    let expected = json!({
        "enroll": "https://auth.example.org/passkeys/post-registration",
        "manage": "https://auth.example.org/passkeys/passkeys",
    });
    assert_eq!(told, expected);
    for page in ["enroll", "manage"] {
        let path = told[page].as_str().unwrap().strip_prefix("https://auth.example.org").unwrap().to_owned();
        assert_eq!(get(&service, &path).await.status(), 200, "{path}");
    }
}
