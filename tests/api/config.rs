//! Settings, as somebody who deploys the service meets them.

use std::fs;

use serde_json::Value;

use crate::cli::{call, err, out};

#[test]
fn all_mistakes_are_told_at_once_and_nothing_starts() {
    let directory = tempfile::tempdir().unwrap();
    let text = "serve:\n  public:\n    port: abc\nkratos:\n  privileged_session_max_age: 3600\nlgo: {}\n";
    fs::write(directory.path().join("settings.yml"), text).unwrap();
    let variables = [("WEBHOOK__API_KEYS", "short-secret"), ("SERVE__ADMIN__HOST", "0.0.0.0")];
    for verb in [&["config", "validate"][..], &["serve"], &["migrate", "sql"], &["quarantine", "list"]] {
        let arguments = [verb, &["-c", "settings.yml"]].concat();
        let output = call(directory.path(), &arguments, &variables);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        let told = err(&output);
        for part in [
            "serve.public.port: is not a whole number",
            "given:   \"abc\"",
            "from:    file settings.yml",
            "from:    environment variable ONBOARDING__WEBHOOK__API_KEYS",
            "kratos.privileged_session_max_age: has no unit",
            "lgo: there is no such setting",
            "did you mean log?",
            "serve.admin.host: is not loopback",
            "webhook.api_keys[0]: has 12 characters",
            "dsn: is not set",
            "kratos.public_url: is not set",
            "secrets.pii: is not set",
        ] {
            assert!(told.contains(part), "{verb:?} does not say {part:?}:\n{told}");
        }
        assert!(!told.contains("short-secret"), "{told}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "something was made");
}

#[test]
fn production_needs_a_credential_and_a_pii_secret() {
    let directory = tempfile::tempdir().unwrap();
    let rest = [("DSN", "sqlite://x.db"), ("KRATOS__PUBLIC_URL", "http://127.0.0.1:4433")];
    let output = call(directory.path(), &["serve"], &rest);
    assert_eq!(output.status.code(), Some(1));
    let told = err(&output);
    assert!(
        told.contains("2 mistakes") && told.contains("webhook.api_keys") && told.contains("secrets.pii"),
        "{told}"
    );
}

#[test]
fn the_schema_describes_every_section() {
    let directory = tempfile::tempdir().unwrap();
    let schema: Value =
        serde_json::from_str(&out(&call(directory.path(), &["config", "schema"], &[]))).unwrap();
    for section in
        ["dsn", "serve", "kratos", "webhook", "page", "methods", "policy", "events", "secrets", "log"]
    {
        assert!(schema["properties"][section]["description"].is_string(), "{section}");
    }
    assert_eq!(schema["properties"]["secrets"]["properties"]["pii"]["writeOnly"], true);
    assert_eq!(schema["properties"]["serve"]["properties"]["public"]["properties"]["port"]["default"], 5050);
}
