//! `doctor --live`, against a Kratos of this test's making and the real service.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Instant;

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use kratos_onboarding::clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{Said, fixtures, status};
use crate::cli::{err, out};
use crate::service::{KEY, Plan, Service};

/// A configuration that names the two, and `doctor` on it.
pub struct Bench {
    directory: TempDir,
    text: String,
}

impl Bench {
    pub fn new(kratos: &str, service: &str) -> Bench {
        Bench::on(kratos, kratos, service)
    }

    /// With the admin API somewhere else.
    pub fn on(kratos: &str, admin: &str, service: &str) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        for name in ["identity.schema.json", "login.jsonnet", "own.jsonnet", "settings.jsonnet"] {
            fs::copy(fixtures().join(name), directory.path().join(name)).unwrap();
        }
        let text = fs::read_to_string(fixtures().join("good.yml")).unwrap();
        let text = text
            .replace("base_url: http://localhost:4433/", &format!("base_url: {kratos}/"))
            .replace("base_url: http://localhost:4434/", &format!("base_url: {admin}/"))
            .replace("http://localhost:5050", service)
            .replace("recording-key", KEY);
        Bench { directory, text }
    }

    pub fn replacing(mut self, from: &str, to: &str) -> Bench {
        assert!(self.text.contains(from), "{from}");
        self.text = self.text.replacen(from, to, 1);
        self
    }

    pub fn call(&self, more: &[&str], session: Option<&str>) -> Output {
        self.command(more, session).output().unwrap()
    }

    pub fn command(&self, more: &[&str], session: Option<&str>) -> Command {
        fs::write(self.directory.path().join("kratos.yml"), &self.text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
        command.args(["doctor", "--live", "--kratos-config", "kratos.yml"]).args(more);
        command.current_dir(self.directory.path()).env_clear();
        command.envs(session.map(|token| ("KRATOS_SESSION_TOKEN", token)));
        command
    }

    async fn said(&self, session: Option<&str>) -> Said {
        // Blocking, so that the double can answer meanwhile.
        tokio::task::block_in_place(|| Said::of(&self.call(&["--format", "json"], session)))
    }
}

pub fn well(said: &Said) -> Vec<String> {
    said.0["well"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

pub fn message<'s>(said: &'s Said, code: &str) -> &'s str {
    let finding = said.findings().find(|finding| finding["code"] == code);
    finding.unwrap_or_else(|| panic!("no {code}: {:?}", said.codes()))["message"].as_str().unwrap()
}

/// Kratos as far as it is asked.
async fn kratos() -> MockServer {
    let server = MockServer::start().await;
    answer(
        &server,
        "GET",
        "/version",
        ResponseTemplate::new(200).set_body_json(json!({ "version": "v26.2.0" })),
    )
    .await;
    server
}

pub async fn answer(server: &MockServer, verb: &str, at: &str, with: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(with).mount(server).await;
}

fn alive() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "status": "ok" }))
}

/// Lets the page of `good.yml` read it.
fn readable(answer: ResponseTemplate) -> ResponseTemplate {
    answer
        .insert_header("Access-Control-Allow-Origin", "http://localhost:4455")
        .insert_header("Access-Control-Allow-Credentials", "true")
}

pub async fn whole_kratos() -> MockServer {
    let server = kratos().await;
    answer(&server, "GET", "/health/alive", alive()).await;
    answer(&server, "GET", "/sessions/whoami", readable(ResponseTemplate::new(401))).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_and_nothing_was_stored() {
    let (kratos, service) = (whole_kratos().await, Service::start());
    let bench = Bench::new(&kratos.uri(), &service.public);
    let said = bench.said(None).await;
    assert!(said.findings().all(|finding| !finding["code"].as_str().unwrap().starts_with("live-")
        || finding["code"] == "live-not-checked"));
    let well = well(&said).join("\n");
    for line in [
        "public API answers",
        "admin API answers",
        "Kratos v26.2.0",
        "clocks agree",
        "read its answers",
        "accepts the key of 12 hooks",
    ] {
        assert!(well.contains(line), "{line}: {well}");
    }
    assert!(message(&said, "live-not-checked").contains("KRATOS_SESSION_TOKEN"));
    // What was sent to the service left no trace in its database.
    let listed = service.cli(&["quarantine", "list", "--format", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&listed.stdout).unwrap(), json!([]));
    let metrics = service.http.get(format!("{}/metrics/prometheus", service.admin)).send().await.unwrap();
    assert!(!metrics.text().await.unwrap().contains("outcome=\"stored\""), "nothing was stored");
    let text = tokio::task::block_in_place(|| out(&bench.call(&[], None)));
    assert!(text.contains("well  the clocks agree"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_the_service_does_not_accept_is_found_whatever_its_kind() {
    let kratos = whole_kratos().await;
    let service = Plan::new().with("WEBHOOK__BASIC_AUTH", "kratos:right-password").start();
    let refused = |bench: Bench| async move {
        let said = bench.said(None).await;
        let refused = said.findings().find(|finding| finding["code"] == "live-hook-refused").cloned();
        refused.map(|finding| finding["path"].as_str().unwrap().to_owned())
    };
    let bench = || Bench::new(&kratos.uri(), &service.public);
    let key = format!("value: {KEY}");
    let path = refused(bench().replacing(&key, "value: another-key")).await.unwrap();
    assert!(path.ends_with("config.auth"), "{path}");
    assert_eq!(refused(bench().replacing("in: header", "in: cookie")).await, None);
    let basic = |password: &str| {
        let text = bench();
        let from = format!(
            "type: api_key\n                config:\n                  name: X-Onboarding-Key\n                  value: {KEY}\n                  in: header"
        );
        let to = format!(
            "type: basic_auth\n                config:\n                  user: kratos\n                  password: {password}"
        );
        text.replacing(&from, &to)
    };
    assert_eq!(refused(basic("right-password")).await, None);
    assert!(refused(basic("wrong-password")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_reaches_nobody_is_found() {
    let (kratos, service) = (whole_kratos().await, Service::start());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let other = format!("http://{closed}/api/kratos/hooks/registration/password");
    let ours = format!("{}/api/kratos/hooks/registration/password", service.public);
    let said = Bench::new(&kratos.uri(), &service.public).replacing(&ours, &other).said(None).await;
    let told = message(&said, "live-hook-unreachable");
    assert!(
        told.contains(&closed.to_string())
            && told.contains("refused")
            && told.contains("registration by password"),
        "{told}"
    );
    // Something else may listen there.
    let stranger = format!("{}/api/kratos/hooks/registration/password", kratos.uri());
    let said = Bench::new(&kratos.uri(), &service.public).replacing(&ours, &stranger).said(None).await;
    assert!(message(&said, "live-hook-unreachable").contains("404"));
    let tls = ours.replace("http://", "https://");
    let said = Bench::new(&kratos.uri(), &service.public).replacing(&ours, &tls).said(None).await;
    assert!(said.has("error", "live-hook-unreachable"), "{:?}", said.codes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kratos_that_is_not_there_is_told_from_one_that_is_none() {
    let service = Service::start();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = Bench::new(&format!("http://{closed}"), &service.public).said(None).await;
    assert!(said.has("error", "live-public-unreachable") && said.has("error", "live-admin-unreachable"));
    let stranger = MockServer::start().await;
    let said = Bench::new(&stranger.uri(), &service.public).said(None).await;
    assert_eq!(said.findings().filter(|finding| finding["code"] == "live-not-kratos").count(), 2);
}

/// Nobody answers, and nothing waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_bounded() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let begun = Instant::now();
    let said = Bench::new(&silent, &silent).said(None).await;
    assert!(begun.elapsed().as_secs() < 40, "{:?}", begun.elapsed());
    for code in ["live-public-unreachable", "live-admin-unreachable", "live-hook-unreachable"] {
        assert!(message(&said, code).contains("did not answer in time"), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_are_told_by_how_much() {
    let service = Service::start();
    for (off, severity) in [(-120, Some("error")), (3600, Some("error")), (-20, Some("warning")), (1, None)] {
        let kratos = kratos().await;
        // As far off whenever it is asked.
        let answer = move |_: &Request| {
            let there = Clock::system().now() + SignedDuration::from_secs(off);
            alive().insert_header(
                "Date",
                rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&there).unwrap(),
            )
        };
        Mock::given(path("/health/alive")).respond_with(answer).mount(&kratos).await;
        let said = Bench::new(&kratos.uri(), &service.public).said(None).await;
        let found = said.findings().find(|finding| finding["code"] == "live-clock-skew");
        assert_eq!(found.map(|finding| finding["severity"].as_str().unwrap()), severity, "{off}");
        if let Some(finding) = found {
            let way = if off > 0 { "ahead of" } else { "behind" };
            assert!(finding["message"].as_str().unwrap().contains(way), "{finding}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_may_not_read_the_answers_is_found() {
    let service = Service::start();
    let whoami = [
        ResponseTemplate::new(401),
        ResponseTemplate::new(401)
            .insert_header("Access-Control-Allow-Origin", "*")
            .insert_header("Access-Control-Allow-Credentials", "true"),
        ResponseTemplate::new(401).insert_header("Access-Control-Allow-Origin", "http://localhost:4455"),
    ];
    for answered in whoami {
        let kratos = kratos().await;
        answer(&kratos, "GET", "/health/alive", alive()).await;
        answer(&kratos, "GET", "/sessions/whoami", answered).await;
        let said = Bench::new(&kratos.uri(), &service.public).said(None).await;
        assert!(message(&said, "live-cors").contains("http://localhost:4455"));
    }
}

/// A session that signed in so many seconds ago, and what Kratos says to a change.
async fn with_session(ago: i64, change: ResponseTemplate) -> MockServer {
    let server = kratos().await;
    answer(&server, "GET", "/health/alive", alive()).await;
    let authenticated = Clock::system().now() - SignedDuration::from_secs(ago);
    let session = json!({ "id": "s", "active": true, "authenticated_at": authenticated });
    Mock::given(path("/sessions/whoami"))
        .and(header("X-Session-Token", "somebodys-token"))
        .respond_with(readable(ResponseTemplate::new(200).set_body_json(session)))
        .mount(&server)
        .await;
    answer(&server, "GET", "/sessions/whoami", readable(ResponseTemplate::new(401))).await;
    let flow =
        json!({ "id": "f", "ui": { "nodes": [{ "attributes": { "name": "csrf_token", "value": "c" } }] } });
    answer(&server, "GET", "/self-service/settings/api", ResponseTemplate::new(200).set_body_json(flow))
        .await;
    answer(&server, "POST", "/self-service/settings", change).await;
    server
}

fn too_old() -> ResponseTemplate {
    ResponseTemplate::new(403)
        .set_body_json(json!({ "error": { "id": "session_refresh_required", "code": 403 } }))
}

fn no_passkey() -> ResponseTemplate {
    ResponseTemplate::new(400)
        .set_body_json(json!({ "id": "f", "ui": { "messages": [{ "id": 4_000_001 }] } }))
}

/// The file says 15 minutes.
#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_sign_in_counts_is_tried_with_somebodys_session() {
    let service = Service::start();
    for (ago, change, agrees) in [
        (60, no_passkey(), true),
        (60, too_old(), false),
        (3600, too_old(), true),
        (3600, no_passkey(), false),
    ] {
        let kratos = with_session(ago, change).await;
        let said = Bench::new(&kratos.uri(), &service.public).said(Some("somebodys-token")).await;
        assert_eq!(said.has("error", "live-privileged-age"), !agrees, "{ago}: {:?}", said.codes());
        assert_eq!(well(&said).iter().any(|line| line.contains("as the file says")), agrees, "{ago}");
        // Nothing that could become a passkey was sent.
        let sent = kratos.received_requests().await.unwrap();
        let posted: Vec<_> = sent.iter().filter(|request| request.method.as_str() == "POST").collect();
        assert_eq!(posted.len(), 1);
        assert_eq!(posted[0].body_json::<Value>().unwrap()["passkey_settings_register"], "{}");
    }
    let kratos = with_session(60, no_passkey()).await;
    let said = Bench::new(&kratos.uri(), &service.public).said(Some("another-token")).await;
    assert!(message(&said, "live-not-checked").contains("does not take the session"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told() {
    let (kratos, service) = (with_session(60, too_old()).await, Service::start());
    let bench = Bench::new(&kratos.uri(), &service.public)
        .replacing(&format!("value: {KEY}"), "value: another-secret-key");
    for form in ["text", "json", "sarif"] {
        let output = tokio::task::block_in_place(|| bench.call(&["--format", form], Some("somebodys-token")));
        let all = format!("{}{}", out(&output), err(&output));
        for secret in [KEY, "another-secret-key", "somebodys-token"] {
            assert!(!all.contains(secret), "{form}: {secret}");
        }
        assert_eq!(status(&output), 1, "{form}");
    }
}
