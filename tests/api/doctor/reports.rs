//! How findings are told, and how the verb answers to being called.

use std::fs;

use serde_json::Value;

use super::{Said, doctor, fixtures, status};
use crate::cli::{self, err, out};

#[test]
fn the_text_says_what_where_why_and_how_to_mend_it() {
    let output = doctor(&["--kratos-config", "session-hook-with-config.yml"]);
    assert_eq!(status(&output), 1);
    let text = out(&output);
    for part in [
        "error[hook-session-with-config]",
        "session-hook-with-config.yml:229:13",
        "selfservice.flows.registration.after.password.hooks[1].config",
        "Kratos refuses to start",
        "Take the `config` away",
        "1 error",
        "--explain",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal");
    assert!(text.lines().all(|line| line.chars().count() <= 130), "{text}");
}

#[test]
fn nothing_to_mend_is_said_too() {
    let output = doctor(&["--kratos-config", "good.yml"]);
    assert_eq!(status(&output), 0);
    assert!(out(&output).trim_end().ends_with("nothing to mend"), "{}", out(&output));
}

#[test]
fn one_code_at_many_places_is_explained_once() {
    let text = out(&doctor(&["--kratos-config", "private-ip-disallowed.yml"]));
    assert_eq!(text.matches("error[hook-private-address]").count(), 1);
    assert_eq!(text.matches("which is a private address").count(), 12);
    assert_eq!(text.matches("private_ip_exception_urls`. Those are compared").count(), 1, "{text}");
}

/// The essentials of the schema of SARIF 2.1.0: what a program that shows findings relies on.
#[test]
fn sarif_is_complete() {
    for name in ["whole-ctx.yml", "copied-snippet.yml", "good.yml"] {
        let output = doctor(&["--kratos-config", name, "--format", "sarif"]);
        let log: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(log["version"], "2.1.0");
        assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string() && driver["version"].is_string());
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(!rule[text]["text"].as_str().unwrap().is_empty());
            }
            assert!(
                ["error", "warning", "note"]
                    .contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
            );
        }
        let results = run["results"].as_array().unwrap();
        assert!(!results.is_empty());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let location = &result["locations"][0]["physicalLocation"];
            assert_eq!(location["artifactLocation"]["uri"], name);
            assert!(location["region"]["startLine"].as_u64().unwrap() >= 1);
            assert!(location["region"]["startColumn"].as_u64().unwrap() >= 1);
        }
    }
}

#[test]
fn json_counts_what_it_lists() {
    let output = doctor(&["--kratos-config", "copied-snippet.yml", "--format", "json"]);
    let said = Said::of(&output);
    for (severity, count) in [("error", "errors"), ("warning", "warnings"), ("note", "notes")] {
        let listed = said.findings().filter(|finding| finding["severity"] == severity).count();
        assert_eq!(said.0[count].as_u64().unwrap(), listed as u64, "{count}");
    }
    for finding in said.findings() {
        for part in ["code", "title", "message", "seen", "why", "mend", "path"] {
            assert!(finding[part].is_string(), "{part}");
        }
    }
}

#[test]
fn a_wrong_call_is_refused() {
    for arguments in [
        &[][..],
        &["--format", "json"],
        &["--kratos-config", "good.yml", "--format", "xml"],
        &["--kratos-config", "good.yml", "--page", "not a url"],
        &["--kratos-config", "good.yml", "--page", "mailto:a@example.org"],
        &["--kratos-config", "good.yml", "--explain", "hook-unknown"],
    ] {
        assert_eq!(status(&doctor(arguments)), 2, "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let missing = doctor(&["--kratos-config", "nothing.yml"]);
    assert_eq!(status(&missing), 1);
    assert!(err(&missing).contains("nothing.yml") && err(&missing).contains("do: "), "{}", err(&missing));
    let directory = tempfile::tempdir().unwrap();
    for (name, text, line) in [
        ("a.yml", "serve:\n  public:\n   - a\n  b: [\n", ":5:"),
        ("a.json", "{\n  \"serve\": {,}\n}\n", ":2:"),
        ("a.toml", "a = 1\nb =\n", ":2:"),
        ("b.yml", "- a\n", ":1:"),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let output = doctor(&["--kratos-config", path.to_str().unwrap()]);
        assert_eq!(status(&output), 1, "{name}");
        assert!(err(&output).contains(&format!("{name}{line}")), "{name}: {}", err(&output));
        assert!(out(&output).is_empty());
    }
    // The text of a configuration holds secrets.
    let path = directory.path().join("secret.yml");
    fs::write(&path, "secrets:\n  cookie: [very-secret\n").unwrap();
    assert!(!err(&doctor(&["--kratos-config", path.to_str().unwrap()])).contains("very-secret"));
}

#[test]
fn the_settings_of_the_service_are_taken_from_file_and_environment() {
    let settings = [
        ("DSN", "sqlite:///tmp/onboarding.db"),
        ("KRATOS__PUBLIC_URL", "http://localhost:4433"),
        ("SERVE__PUBLIC__BASE_URL", "http://localhost:4455"),
        ("WEBHOOK__API_KEYS", "a-key-that-kratos-does-not-send"),
        ("SECRETS__PII", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];
    let arguments = ["doctor", "--kratos-config", "good.yml", "--format", "json"];
    let said = Said::of(&cli::call(&fixtures(), &arguments, &settings));
    assert!(
        said.has("error", "hook-key-unknown") && said.has("error", "privileged-age-differs"),
        "{:?}",
        said.codes()
    );
    // Half of the settings is a mistake, as for every other verb.
    let half = cli::call(&fixtures(), &arguments, &settings[..1]);
    assert_eq!(status(&half), 1);
    assert!(err(&half).contains("webhook.api_keys"), "{}", err(&half));
}

#[test]
fn a_template_can_use_up_no_more_than_its_share() {
    use base64::Engine as _;
    let text = fs::read_to_string(fixtures().join("good.yml")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for name in ["identity.schema.json", "login.jsonnet", "own.jsonnet", "settings.jsonnet"] {
        fs::copy(fixtures().join(name), directory.path().join(name)).unwrap();
    }
    let path = directory.path().join("kratos.yml");
    for template in [
        "local f(x) = f(x + 1); function(ctx) f(0)",
        "function(ctx) std.foldl(function(a, b) a + b, std.range(0, 100000000), 0)",
        "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1); function(ctx) f(60)",
        "function(ctx) std.length(std.makeArray(100000000, function(i) std.repeat('x', 1000)))",
    ] {
        let encoded = base64::engine::general_purpose::STANDARD.encode(template);
        let changed =
            text.replacen("body: file:///etc/kratos/own.jsonnet", &format!("body: base64://{encoded}"), 1);
        fs::write(&path, changed).unwrap();
        let before = std::time::Instant::now();
        let said = Said::of(&doctor(&["--kratos-config", path.to_str().unwrap(), "--format", "json"]));
        assert!(said.has("error", "template-endless"), "{template}: {:?}", said.codes());
        assert!(before.elapsed().as_secs() < 30, "{template}");
    }
}
