//! `kratos.yml` and the identity schema.

use std::collections::BTreeSet;
use std::fs;

use figment::Figment;
use figment::providers::{Format, Yaml};
use serde_json::{Value, json};

use super::{assert_keys, root, texts};

fn kratos_yml() -> Value {
    Figment::from(Yaml::file_exact(root().join("kratos-config/kratos.yml"))).extract().unwrap()
}

/// The hook lists of one flow, by method.
fn hook_lists(config: &Value, flow: &str) -> Vec<(String, Vec<Value>)> {
    let after = config["selfservice"]["flows"][flow]["after"].as_object().unwrap();
    assert!(!after.contains_key("hooks"), "{flow}: a method's list would hide the general one");
    let lists = after.iter().filter(|(_, value)| value.is_object());
    lists.map(|(method, value)| (method.clone(), value["hooks"].as_array().unwrap().clone())).collect()
}

#[test]
fn every_method_has_its_own_hook_with_everything_kratos_needs() {
    let config = kratos_yml();
    let expected = [
        ("registration", vec!["code", "oidc", "passkey", "password", "webauthn"]),
        ("settings", vec!["passkey", "profile", "webauthn"]),
        ("login", vec!["code", "lookup_secret", "oidc", "passkey", "password", "totp", "webauthn"]),
    ];
    for (flow, methods) in expected {
        let lists = hook_lists(&config, flow);
        assert_eq!(
            lists.iter().map(|(method, _)| method.as_str()).collect::<BTreeSet<_>>(),
            methods.into_iter().collect()
        );
        for (method, hooks) in lists {
            let what = format!("{flow}.{method}");
            assert_keys(&hooks[0], &["hook", "config"], &what);
            assert_eq!(hooks[0]["hook"], "web_hook", "{what}");
            let hook = &hooks[0]["config"];
            assert_eq!(hook["url"], format!("http://localhost:5050/api/kratos/hooks/{flow}/{method}"));
            assert_eq!(hook["method"], "POST", "{what}");
            assert_eq!(hook["response"], json!({ "ignore": true }), "{what}");
            assert_eq!(hook["auth"]["type"], "api_key", "{what}");
            assert_eq!(hook["auth"]["config"]["name"], "X-Onboarding-Key", "{what}");
            assert_eq!(hook["auth"]["config"]["in"], "header", "{what}");
            assert_eq!(hook["body"], format!("file://hooks/{flow}.jsonnet"), "{what}");

            // Only a registration needs the hook that signs people in; it takes no config.
            let rest = if flow == "registration" { vec![json!({ "hook": "session" })] } else { vec![] };
            assert_eq!(hooks[1..], rest, "{what}");
        }
    }
}

#[test]
fn the_key_stands_in_one_place_and_is_a_placeholder() {
    let text = fs::read_to_string(root().join("kratos-config/kratos.yml")).unwrap();
    let values: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with("value:")).collect();
    assert_eq!(values.len(), 1, "{values:?}");
    assert!(values[0].contains("REPLACE-WITH-YOUR-ONBOARDING-KEY"));
    assert_eq!(kratos_yml().get("secrets"), None, "secrets come from the environment");
}

#[test]
fn the_page_is_allowed_everywhere_it_has_to_be() {
    let config = kratos_yml();
    let flows = &config["selfservice"]["flows"];
    let page = flows["registration"]["after"]["default_browser_return_url"].as_str().unwrap();
    let origin = url::Url::parse(page).unwrap().origin().ascii_serialization();
    assert_eq!(origin, "http://localhost:5050");

    let holds = |list: &Value| list.as_array().unwrap().iter().any(|entry| *entry == origin);
    let cors = &config["serve"]["public"]["cors"];
    assert!(holds(&cors["allowed_origins"]) && cors["enabled"] == true && cors["allow_credentials"] == true);
    for method in ["passkey", "webauthn"] {
        let method = &config["selfservice"]["methods"][method];
        assert_eq!(method["enabled"], true);
        assert!(holds(&method["config"]["rp"]["origins"]));
        assert_eq!(method["config"]["rp"]["id"], "localhost");
    }
    let allowed = config["selfservice"]["allowed_return_urls"].as_array().unwrap();
    assert!(allowed.iter().any(|url| page.starts_with(url.as_str().unwrap())));

    // One host name, or the cookie does not travel.
    for text in texts(&config).into_iter().filter(|text| text.starts_with("http")) {
        assert_eq!(url::Url::parse(text).unwrap().host_str(), Some("localhost"), "{text}");
    }
    let age = flows["settings"]["privileged_session_max_age"].as_str().unwrap();
    assert_eq!(age, "1h", "the service's own default");
    assert_eq!(config["session"]["cookie"]["name"], "ory_kratos_session");
}

#[test]
fn the_schema_gives_a_passkey_a_name() {
    let text = fs::read_to_string(root().join("kratos-config/identity.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let email = &schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"];
    assert_eq!(email["credentials"]["passkey"]["display_name"], true);
    for method in ["password", "code", "webauthn"] {
        assert_eq!(email["credentials"][method]["identifier"], true, "{method}");
    }
}
