//! The verbs, as somebody calls them.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::service::{Plan, client};

/// With nothing in the environment but `variables` (`SECTION__KEY`).
pub fn call(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(directory, arguments, variables).output().unwrap()
}

pub fn command(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
    command.args(arguments).current_dir(directory).env_clear();
    command.envs(variables.iter().map(|(name, value)| (format!("ONBOARDING__{name}"), value)));
    command
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const ANY_PORTS: [(&str, &str); 2] = [("SERVE__PUBLIC__PORT", "0"), ("SERVE__ADMIN__PORT", "0")];

/// In development mode; ended when dropped.
pub struct Dev {
    child: Child,
    lines: Vec<String>,
}

impl Dev {
    fn start(directory: &Path, arguments: &[&str]) -> Dev {
        Dev::run(command(directory, arguments, &ANY_PORTS))
    }

    pub fn run(mut command: Command) -> Dev {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        for line in stdout.lines() {
            let line = line.unwrap();
            let last = line.starts_with("listening admin ");
            lines.push(line);
            if last {
                break;
            }
        }
        Dev { child, lines }
    }

    pub fn after(&self, prefix: &str) -> &str {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(prefix));
        line.unwrap_or_else(|| panic!("no line {prefix:?} in {:#?}", self.lines))
    }

    fn key(&self) -> &str {
        self.after("webhook key  ").split_whitespace().next().unwrap()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn development_mode_announces_itself_and_its_curl_works() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(directory.path(), &["serve", "--dev"]);
    let shown = dev.lines.join("\n");
    assert!(shown.contains("DEVELOPMENT MODE"), "{shown}");
    assert!(shown.contains("http://localhost:4433, its admin API http://localhost:4434"), "{shown}");
    let curl = dev.lines.iter().find(|line| line.starts_with("curl ")).unwrap();
    let part = |after: &str, until: char| {
        let rest = &curl[curl.find(after).unwrap() + after.len()..];
        rest.split(until).next().unwrap().to_owned()
    };
    let (url, key) = (part("POST ", ' '), part("X-Onboarding-Key: ", '\''));
    assert_eq!(key, dev.key());
    let body = Path::new(env!("CARGO_MANIFEST_DIR")).join(part("--data @", ' '));
    let post = |key: &str| {
        let body = std::fs::read(&body).unwrap();
        client()
            .post(&url)
            .header("X-Onboarding-Key", key)
            .header("Content-Type", "application/json")
            .body(body)
            .send()
    };
    assert_eq!(post(&key).await.unwrap().status(), 204);
    assert_eq!(post("another-key-of-this-length").await.unwrap().status(), 401);
}

#[test]
fn development_keys_are_private_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = Dev::start(directory.path(), &["serve", "--dev"]).key().to_owned();
    let kept = directory.path().join("kratos-onboarding.db.dev-keys.json");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(Dev::start(directory.path(), &["serve", "--dev"]).key(), first);
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = call(directory.path(), &["serve", "--dev"], &ANY_PORTS);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("chmod 600"), "{}", err(&refused));
}

#[cfg(debug_assertions)]
#[test]
fn a_debug_build_serves_without_a_verb() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(directory.path(), &[]);
    assert!(dev.lines.iter().any(|line| line.contains("No verb was given")), "{:#?}", dev.lines);
}

#[cfg(not(debug_assertions))]
#[test]
fn a_release_build_without_a_verb_shows_help() {
    let directory = tempfile::tempdir().unwrap();
    let output = call(directory.path(), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("Usage:"), "{}", err(&output));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "it left something behind");
}

#[test]
fn development_mode_leaves_a_production_database_alone() {
    let directory = tempfile::tempdir().unwrap();
    let made = Plan::new().command(directory.path(), &["migrate", "sql"]).output().unwrap();
    assert!(made.status.success(), "{}", err(&made));
    let dsn = format!("sqlite://{}", directory.path().join("test.db").display());
    let refused = call(directory.path(), &["serve", "--dev"], &[("DSN", &dsn)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("was made outside development mode"), "{}", err(&refused));
    assert!(!directory.path().join("test.db.dev-keys.json").exists());
}

#[test]
fn production_does_not_make_a_database_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Plan::new().command(directory.path(), &["serve"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("kratos-onboarding migrate sql"), "{}", err(&refused));
}

#[test]
fn in_development_mode_a_missing_database_is_made_by_what_the_refusal_advises() {
    let directory = tempfile::tempdir().unwrap();
    let list = || call(directory.path(), &["quarantine", "list", "--dev"], &[]);
    let refused = list();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).trim_end().ends_with("kratos-onboarding serve --dev"), "{}", err(&refused));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "it left something behind");
    drop(Dev::start(directory.path(), &["serve", "--dev"]));
    assert!(list().status.success(), "{}", err(&list()));
}

#[test]
fn a_wrong_call_exits_2() {
    let directory = tempfile::tempdir().unwrap();
    for wrong in [&["nonsense"][..], &["serve", "--nonsense"], &["quarantine", "replay"], &["config"]] {
        assert_eq!(call(directory.path(), wrong, &[]).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(call(directory.path(), &["--help"], &[]).status.code(), Some(0));
}

#[test]
fn what_keygen_prints_can_be_pasted() {
    let directory = tempfile::tempdir().unwrap();
    let rest = [("DSN", "sqlite://x.db"), ("KRATOS__PUBLIC_URL", "http://127.0.0.1:4433")];
    let file = directory.path().join("settings.yml");
    std::fs::write(&file, call(directory.path(), &["keygen", "--format", "yaml"], &[]).stdout).unwrap();
    let checked = call(directory.path(), &["config", "validate", "-c", "settings.yml"], &rest);
    assert!(checked.status.success(), "{}", err(&checked));

    let env = out(&call(directory.path(), &["keygen", "--format", "env"], &[]));
    let mut command = command(directory.path(), &["config", "validate"], &rest);
    command.envs(env.lines().map(|line| line.split_once('=').unwrap()));
    assert!(command.output().unwrap().status.success(), "{env}");
    assert_ne!(env, out(&call(directory.path(), &["keygen", "--format", "env"], &[])));
}

#[test]
fn openapi_prints_the_document() {
    let directory = tempfile::tempdir().unwrap();
    let output = call(directory.path(), &["openapi"], &[]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
}

#[tokio::test]
async fn what_was_not_understood_can_be_looked_at_and_forgotten() {
    let service = Plan::new().start();
    let cookie = "ory_kratos_session=a-cookie-nobody-may-see";
    for body in ["{\"identity\": {}, \"note\": 1}", cookie] {
        let answer = service
            .post("/api/kratos/hooks/registration/password")
            .header("X-Onboarding-Key", crate::service::KEY)
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
    }
    let verb = |arguments: &[&str]| Plan::new().command(service.directory(), arguments).output().unwrap();

    let table = out(&verb(&["quarantine", "list"]));
    assert!(table.starts_with("ID ") && table.contains("registration/password"), "{table}");
    let list = verb(&["quarantine", "list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    let by_kept = |kept: &str| {
        let entry = list.as_array().unwrap().iter().find(|entry| entry["kept"] == kept).unwrap();
        entry["id"].as_str().unwrap().to_owned()
    };

    let sealed = by_kept("sealed");
    let shown = out(&verb(&["quarantine", "show", &sealed]));
    assert!(!shown.contains("a-cookie"), "{shown}");
    let opened = out(&verb(&["quarantine", "show", &sealed, "--unseal"]));
    assert!(opened.contains(cookie), "{opened}");

    let stays = verb(&["quarantine", "replay", &sealed]);
    assert_eq!(stays.status.code(), Some(1));
    assert!(err(&stays).contains("stays in quarantine"), "{}", err(&stays));
    assert!(out(&verb(&["quarantine", "replay", "--all"])).contains("0 understood and stored, 2 left"));

    assert!(out(&verb(&["quarantine", "drop", &sealed])).contains("1 dropped"));
    assert_eq!(verb(&["quarantine", "show", &sealed]).status.code(), Some(1));
    assert!(out(&verb(&["quarantine", "drop", "--all"])).contains("1 dropped"));
}
