//! What `doctor` says, against what a real Kratos does.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::person::Person;
use crate::process::Process;
use crate::world::{self, Setup, World};

fn live(world: &World, session: Option<(&str, &str)>) -> Value {
    said(world, &["--live"], session)
}

fn said(world: &World, more: &[&str], session: Option<(&str, &str)>) -> Value {
    let arguments = [&["doctor", "--kratos-config", "kratos.yml", "--format", "json"], more].concat();
    let output = world.verb(&arguments).envs(session).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn codes(said: &Value) -> Vec<&str> {
    let findings = said["findings"].as_array().unwrap();
    findings.iter().filter(|one| one["severity"] != "note").map(|one| one["code"].as_str().unwrap()).collect()
}

fn well(said: &Value) -> String {
    said["well"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_configuration_of_this_repository_is_well_and_asking_stores_nothing() {
    let world = World::start(world::KEY).await;
    let said = live(&world, None);
    assert_eq!(codes(&said), Vec::<&str>::new(), "{said:#}");
    for line in [
        "public API answers",
        "admin API answers",
        "clocks agree",
        "read its answers",
        "accepts the key of 15 hooks",
    ] {
        assert!(well(&said).contains(line), "{line}: {said:#}");
    }
    assert_eq!(crate::webhooks(&world, "stored").await, 0);
    assert_eq!(crate::webhooks(&world, "quarantined").await, 0);
}

#[tokio::test]
async fn a_passkey_that_is_handed_in_is_tried_and_nobody_is_left_behind() {
    // Kratos writes to everybody who registers.
    let mailing = [("SELFSERVICE_FLOWS_VERIFICATION_ENABLED", "true")];
    let world = World::of(Setup { kratos: &mailing, ..Setup::default() }).await;
    let mut ada = Person::new(&world, "ada@example.org");
    ada.register().await;
    let people = async || {
        let url = world.kratos_admin("/admin/identities?include_credential=passkey");
        let answer = world.http.get(url).send().await.unwrap().error_for_status().unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let before = people().await;
    let said = said(&world, &["--live", "--write"], None);
    assert_eq!(codes(&said), Vec::<&str>::new(), "{said:#}");
    for line in ["two were handed in, read back, and nothing else changed", "is deleted again"] {
        assert!(well(&said).contains(line), "{line}: {said:#}");
    }
    assert_eq!(people().await, before);
    // Nobody is written to but her.
    let mails = crate::reconcile::admin(&world, Method::GET, "/admin/courier/messages", None).await;
    let to: Vec<&str> =
        mails.as_array().unwrap().iter().map(|mail| mail["recipient"].as_str().unwrap()).collect();
    assert!(!to.is_empty() && to.iter().all(|to| *to == "ada@example.org"), "{to:?}");
    // No hook told of it: those that come are of the person, one before and one after.
    ada.change_name("Ada").await;
    crate::stored(&world, 2).await;
    assert_eq!(crate::webhooks(&world, "stored").await, 2);
}

#[tokio::test]
async fn a_key_the_service_does_not_know_is_found() {
    let world = World::start("not-the-key-of-the-service").await;
    assert!(codes(&live(&world, None)).contains(&"live-hook-refused"));
}

#[tokio::test]
async fn how_long_a_sign_in_counts_is_what_kratos_says_and_not_the_file() {
    let world = World::start(world::KEY).await;
    let mut ada = Person::new(&world, "ada@example.org");
    ada.register().await;
    let said = live(&world, Some(("KRATOS_SESSION_COOKIE", &ada.cookies())));
    assert!(well(&said).contains("was let through, as the file says (1h)"), "{said:#}");

    let environment = [("SELFSERVICE_FLOWS_SETTINGS_PRIVILEGED_SESSION_MAX_AGE", "1ms")];
    let world = World::of(Setup { kratos: &environment, ..Setup::default() }).await;
    let mut eve = Person::new(&world, "eve@example.org");
    eve.register().await;
    let said = live(&world, Some(("KRATOS_SESSION_COOKIE", &eve.cookies())));
    assert!(codes(&said).contains(&"live-privileged-age"), "{said:#}");
}

/// Each recorded configuration, and others that are broken in one place: Kratos starts where `doctor` says so.
#[tokio::test]
async fn kratos_starts_where_doctor_says_that_it_does() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos-configs");
    let good = fs::read_to_string(fixtures.join("good.yml")).unwrap();
    let mut cases: Vec<(String, String)> = fs::read_dir(&fixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    for (name, from, to) in [
        ("aal3", "required_aal: highest_available\n      after", "required_aal: aal3\n      after"),
        ("days", "privileged_session_max_age: 15m", "privileged_session_max_age: 1d"),
        (
            "session-after-login",
            "hook: web_hook\n            config:\n              url: http://localhost:5050/api/kratos/hooks/login/code",
            "hook: session\n            config:\n              url: http://localhost:5050/api/kratos/hooks/login/code",
        ),
        ("no-method", "              method: POST\n", ""),
        (
            "unknown-setting",
            "              method: POST\n",
            "              method: POST\n              retries: 3\n",
        ),
        ("ignore-as-text", "                ignore: true\n", "                ignore: \"true\"\n"),
        ("url-without-scheme", "url: http://localhost:5050/api", "url: /api"),
        (
            "unknown-method",
            "    registration:\n      ui_url: http://localhost:4455/registration\n      after:\n",
            "    registration:\n      ui_url: http://localhost:4455/registration\n      after:\n        totp: {}\n",
        ),
        ("rp-without-id", "          id: localhost\n", ""),
        (
            "origins-as-text",
            "          origins:\n          - http://localhost:4455\n    passkey",
            "          origins: http://localhost:4455\n    passkey",
        ),
        ("same-site", "session:\n  whoami", "cookies:\n  same_site: lax\nsession:\n  whoami"),
        ("secure-as-truth", "session:\n  whoami", "cookies:\n  secure: true\nsession:\n  whoami"),
        ("unknown-at-the-top", "session:\n  whoami", "sessions: {}\nsession:\n  whoami"),
        ("twice", "session:\n  whoami", "session: {}\nsession:\n  whoami"),
        ("schema-missing", "url: file:///etc/kratos/identity.schema.json", "url: file:///nothing/there.json"),
        ("schema-broken", "url: file:///etc/kratos/identity.schema.json", "url: base64://e25vcGU="),
        ("template-missing", "body: file:///etc/kratos/own.jsonnet", "body: file:///nothing/there.jsonnet"),
        ("schema-of-nobody", "default_schema_id: person", "default_schema_id: nobody"),
        (
            "empty-passkey",
            "        rp:\n          id: localhost\n          display_name: Recorder\n          origins:\n          - http://localhost:4455\n    oidc",
            "        {}\n    oidc",
        ),
    ] {
        assert!(good.contains(from), "{name}");
        cases.push((name.to_owned(), good.replacen(from, to, 1)));
    }
    for (name, text) in cases {
        let directory = tempfile::tempdir().unwrap();
        let [public, admin] = world::free_ports();
        let text = text
            .replace("file:///etc/kratos/", &format!("file://{}/", fixtures.display()))
            .replace("port: 4433", &format!("port: {public}"))
            .replace("port: 4434", &format!("port: {admin}"));
        fs::write(directory.path().join("kratos.yml"), text).unwrap();
        let says = says_it_starts(directory.path());
        let (starts, log) = starts(directory.path(), admin).await;
        assert_eq!(says, starts, "{name}\n{log}");
    }
}

fn says_it_starts(directory: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
    command.args(["doctor", "--kratos-config", "kratos.yml", "--format", "json"]);
    let output = command.current_dir(directory).env_clear().output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["findings"].as_array().unwrap().iter().all(|finding| finding["kratos_refuses_to_start"] == false)
}

async fn starts(directory: &Path, admin: u16) -> (bool, String) {
    let mut command = Command::new(world::kratos_binary());
    command.args(["serve", "--dev", "-c", "kratos.yml"]).current_dir(directory).env_clear();
    command.env("SQA_OPT_OUT", "true").env("HOME", directory);
    let mut kratos = Process::start("kratos", command, directory);
    let deadline = Instant::now() + Duration::from_secs(60);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    loop {
        if let Some(why) = kratos.ended() {
            return (false, why);
        }
        let answer = http.get(format!("http://127.0.0.1:{admin}/health/alive")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return (true, kratos.log());
        }
        assert!(Instant::now() < deadline, "{}", kratos.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
