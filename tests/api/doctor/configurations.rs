//! Every recorded configuration: what Kratos did with it decides what has to be said.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{Said, doctor, fixtures, status};

/// Errors and warnings of each.
const EXPECTED: [(&str, &[&str]); 34] = [
    ("blocking", &["warning hook-blocking"]),
    ("blocking-and-unreachable", &["error hook-url-odd", "warning hook-blocking"]),
    ("blocking-without-body", &["error hook-without-body", "warning hook-blocking"]),
    ("cookies-in-template", &["error template-sends-cookies"]),
    (
        "copied-snippet",
        &[
            "error hook-session-with-config",
            "error hook-without-body",
            "error hook-without-key",
            "warning hook-blocking",
        ],
    ),
    ("cors-off", &["error cors-off"]),
    ("global-hook-only", &["error session-hook-missing", "warning hook-global-only"]),
    ("good", &[]),
    ("hook-https-untrusted", &["error hook-url-odd"]),
    ("hook-missing-for-one-method", &["error hook-missing"]),
    ("hook-url-unreachable", &["error hook-url-odd"]),
    ("method-get", &["error hook-not-post"]),
    ("no-session-hook", &["error session-hook-missing"]),
    ("no-settings-hooks", &["warning hook-settings-missing"]),
    ("page-not-in-allowed-return-urls", &["error page-not-allowed-to-return"]),
    ("passkey-disabled", &["error passkey-disabled"]),
    ("passkey-old-origin-key", &["error rp-old-origin"]),
    ("passkey-rp-without-origins", &["error rp-origins-missing"]),
    ("passkey-without-rp", &["error passkey-without-config"]),
    ("private-ip-disallowed", &["error hook-private-address"]),
    ("privileged-age-10s", &["warning privileged-age-short"]),
    ("privileged-age-number", &["error privileged-age-not-a-duration"]),
    ("privileged-age-zero", &["error privileged-age-zero"]),
    ("schema-without-passkey", &["warning schema-passkey-name-borrowed"]),
    ("session-hook-with-config", &["error hook-session-with-config"]),
    ("template-error", &["error template-fails"]),
    ("template-syntax-error", &["error template-syntax"]),
    ("typo-in-hook", &["error hook-unknown"]),
    ("web-hook-can-interrupt", &["error hook-can-interrupt-with-ignore"]),
    ("web-hook-parse-true", &["error hook-before-identity"]),
    ("web-hook-without-body", &["error hook-without-body"]),
    ("webauthn-second-factor", &["warning webauthn-second-factor"]),
    ("whole-ctx", &["error template-sends-whole-ctx"]),
    ("wrong-key-name-cookie", &["error hook-auth-invalid"]),
];

/// The hook that was watched when it was recorded.
const WATCHED: &str = "selfservice.flows.registration.after.password";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn observed(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixtures().join(format!("{name}.observed.json"))).unwrap()).unwrap()
}

#[test]
fn every_recorded_configuration_is_expected() {
    let mut names: Vec<String> = fs::read_dir(fixtures())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".yml")?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names, EXPECTED.map(|(name, _)| name));
}

#[test]
fn each_configuration_is_told_what_is_wrong_with_it() {
    for (name, expected) in EXPECTED {
        let output = doctor(&["--kratos-config", &format!("{name}.yml"), "--format", "json"]);
        let said = Said::of(&output);
        assert_eq!(said.codes(), expected, "{name}");
        let errors = expected.iter().any(|one| one.starts_with("error"));
        assert_eq!(status(&output), i32::from(errors), "{name}");
        assert!(output.stderr.is_empty(), "{name}");
        agrees(name, &said, &observed(name));
    }
}

/// With what a running Kratos was seen to do.
fn agrees(name: &str, said: &Said, observed: &Value) {
    let worst = |finding: &&Value| finding["severity"] != "note";
    let watched = |finding: &&Value| finding["path"].as_str().unwrap().starts_with(WATCHED);
    let refuses = said.findings().any(|finding| finding["kratos_refuses_to_start"] == true);
    assert_eq!(refuses, observed["starts"] == false, "{name}: whether Kratos starts");
    if observed["starts"] == false {
        return;
    }
    let registration = &observed["registration"];
    if registration["status"] != 200 {
        assert!(said.has("warning", "hook-blocking"), "{name}: the person got an error");
        assert!(said.findings().filter(watched).any(|finding| finding["severity"] == "error"), "{name}");
    } else if registration["has_session"] == false {
        let told = said.findings().filter(watched).any(|finding| finding["code"] == "session-hook-missing")
            // A general list serves a method that has none, and stands above it.
            || name == "global-hook-only" && said.has("error", "session-hook-missing");
        assert!(told, "{name}: nobody was signed in");
    }
    let hooks = observed["hooks"].as_array().unwrap();
    if hooks.is_empty() {
        let told = said.findings().filter(watched).any(|finding| finding["severity"] == "error");
        assert!(told, "{name}: the hook did not arrive");
    }
    if hooks.iter().any(|hook| hook["id"] == NOBODY) {
        assert!(said.has("error", "hook-before-identity"), "{name}: the hook named nobody");
    }
    if let Some(groups) = observed["settings"].as_str() {
        let shown = groups.split(',').any(|group| group == "passkey");
        assert_eq!(
            said.has("error", "passkey-disabled"),
            !shown,
            "{name}: whether the settings show passkeys"
        );
    }
    if let Some(change) = observed["privileged_change"].as_str() {
        let refused = change.starts_with("403");
        assert_eq!(said.has("error", "privileged-age-zero"), refused, "{name}: whether a change was allowed");
    }
    if name == "good" {
        assert_eq!(said.findings().find(worst), None);
    }
}

#[test]
fn each_finding_stands_where_the_mistake_is() {
    let good = fs::read_to_string(fixtures().join("good.yml")).unwrap();
    let mut checked = 0;
    for (name, _) in EXPECTED.iter().filter(|(name, _)| *name != "good") {
        let text = fs::read_to_string(fixtures().join(format!("{name}.yml"))).unwrap();
        let output = doctor(&["--kratos-config", &format!("{name}.yml"), "--format", "json"]);
        let lines: Vec<&str> = text.lines().collect();
        for finding in Said::of(&output).findings() {
            let line = usize::try_from(finding["line"].as_u64().unwrap()).unwrap();
            let path = finding["path"].as_str().unwrap();
            let Some(shown) = lines.get(line - 1) else { panic!("{name}: no line {line}") };
            // The line of what exists names the last part of its path; an item of a list begins with a dash.
            let last = path.rsplit('.').next().unwrap().split('[').next().unwrap();
            let exists = shown.contains(&format!("{last}:")) || shown.trim_start().starts_with('-');
            let missing =
                path.split('.').any(|part| shown.contains(&format!("{}:", part.split('[').next().unwrap())));
            assert!(exists || missing || line == 1, "{name}: {path} at {line}: {shown}");
            checked += 1;
        }
    }
    assert!(checked > 40 && good.lines().count() > 300);
}

#[test]
fn the_configuration_in_this_repository_is_clean_with_the_settings_of_development_and_without() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = root.join("kratos-config/kratos.yml");
    for more in [&[][..], &["--dev"]] {
        let mut arguments = vec!["--kratos-config", config.to_str().unwrap(), "--format", "json"];
        arguments.extend(more);
        let output = doctor(&arguments);
        assert_eq!(status(&output), 0, "{more:?}: {output:?}");
        assert_eq!(Said::of(&output).codes(), Vec::<String>::new(), "{more:?}");
    }
}

#[test]
fn the_same_is_said_of_yaml_json_and_toml() {
    use figment::providers::{Format as _, Yaml};
    let directory = tempfile::tempdir().unwrap();
    for name in ["identity.schema.json", "login.jsonnet", "own.jsonnet", "settings.jsonnet"] {
        fs::copy(fixtures().join(name), directory.path().join(name)).unwrap();
    }
    let text = fs::read_to_string(fixtures().join("privileged-age-zero.yml")).unwrap();
    let value: Value = Yaml::from_str(&text).unwrap();
    fs::write(directory.path().join("kratos.yaml"), text).unwrap();
    fs::write(directory.path().join("kratos.json"), format!("{value:#}")).unwrap();
    fs::write(directory.path().join("kratos.toml"), toml(&value)).unwrap();
    let mut said = BTreeMap::new();
    for name in ["kratos.yaml", "kratos.json", "kratos.toml"] {
        let path = directory.path().join(name);
        let found = Said::of(&doctor(&["--kratos-config", path.to_str().unwrap(), "--format", "json"]));
        let line = found.findings().find(|finding| finding["code"] == "privileged-age-zero").unwrap()["line"]
            .clone();
        let text = fs::read_to_string(&path).unwrap();
        let line = usize::try_from(line.as_u64().unwrap()).unwrap();
        assert!(text.lines().nth(line - 1).unwrap().contains("privileged_session_max_age"), "{name}");
        said.insert(name, found.codes());
    }
    assert_eq!(said["kratos.yaml"], ["error privileged-age-zero"]);
    assert_eq!(said["kratos.yaml"], said["kratos.json"]);
    assert_eq!(said["kratos.yaml"], said["kratos.toml"]);
}

/// Inline, but for the tables.
fn toml(value: &Value) -> String {
    fn inline(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let entries = map.iter().filter(|(_, value)| !value.is_null());
                let entries = entries.map(|(key, value)| format!("{key:?} = {}", inline(value)));
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
            other => other.to_string(),
        }
    }
    fn table(path: &str, value: &Value, out: &mut String) {
        let (tables, values): (Vec<_>, Vec<_>) =
            value.as_object().unwrap().iter().partition(|(_, value)| value.is_object());
        if !path.is_empty() {
            out.push_str(&format!("[{path}]\n"));
        }
        for (key, value) in values.into_iter().filter(|(_, value)| !value.is_null()) {
            out.push_str(&format!("{key} = {}\n", inline(value)));
        }
        for (key, value) in tables {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            table(&path, value, out);
        }
    }
    let mut out = String::new();
    table("", value, &mut out);
    out
}
