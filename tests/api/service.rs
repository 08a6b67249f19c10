//! The real binary, on ports of its own, with a database of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::recordings::Hook;

pub const KEY: &str = "a-webhook-key-of-the-tests";
const SETTINGS: &str = "settings.yml";
const PATIENCE: Duration = Duration::from_secs(20);

/// How a test wants its service.
pub struct Plan {
    settings: BTreeMap<String, String>,
    /// What `-c` names, written into the service's directory.
    file: Option<String>,
    directory: Option<TempDir>,
    /// A program and its arguments that run the service.
    under: Vec<String>,
}

impl Plan {
    pub fn new() -> Plan {
        let settings = [
            ("SERVE__PUBLIC__HOST", "127.0.0.1"),
            ("SERVE__PUBLIC__PORT", "0"),
            ("SERVE__ADMIN__PORT", "0"),
            // Nothing listens there: a test that needs Kratos names its double.
            ("KRATOS__PUBLIC_URL", "http://127.0.0.1:9"),
            ("WEBHOOK__API_KEYS", KEY),
            ("SECRETS__PII", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            // At a time of its own it would get into the way of others.
            ("RECONCILE__ENABLED", "false"),
            ("LOG__LEVEL", "info"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Plan { settings, file: None, directory: None, under: Vec::new() }
    }

    /// `SECTION__KEY`, as in the environment.
    pub fn with(mut self, setting: &str, value: impl Into<String>) -> Plan {
        self.settings.insert(setting.to_owned(), value.into());
        self
    }

    /// Settings in a file, `Service::settings_file`; the environment wins over it.
    pub fn file(mut self, text: &str) -> Plan {
        self.file = Some(text.to_owned());
        self
    }

    pub fn without(mut self, setting: &str) -> Plan {
        self.settings.remove(setting);
        self
    }

    /// On the files another service left behind.
    pub fn on(mut self, directory: TempDir) -> Plan {
        self.directory = Some(directory);
        self
    }

    /// Started by another program, which becomes the service.
    pub fn under(mut self, program: &[&str]) -> Plan {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    pub fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_kratos-onboarding");
        let mut command = match self.under.split_first() {
            None => Command::new(binary),
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(binary);
                command
            }
        };
        command.args(arguments).current_dir(directory).env_clear();
        command.env("ONBOARDING__DSN", format!("sqlite://{}", directory.join("test.db").display()));
        command.envs(self.settings.iter().map(|(name, value)| (format!("ONBOARDING__{name}"), value)));
        command
    }

    pub fn start(mut self) -> Service {
        let directory = self.directory.get_or_insert_with(|| tempfile::tempdir().unwrap());
        let path = directory.path().to_owned();
        let migrated = self.command(&path, &["migrate", "sql"]).output().unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        self.start_as_it_is()
    }

    /// Without bringing the schema up.
    pub fn start_as_it_is(mut self) -> Service {
        let directory = self.directory.take().unwrap_or_else(|| tempfile::tempdir().unwrap());
        let path = directory.path().to_owned();
        let log = path.join("service.log");
        let mut arguments = vec!["serve"];
        if let Some(text) = &self.file {
            std::fs::write(path.join(SETTINGS), text).unwrap();
            arguments.extend(["-c", SETTINGS]);
        }
        let mut command = self.command(&path, &arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(std::fs::File::options().create(true).append(true).open(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let lines = lines_of(&mut child);
        self.under.clear();
        let (public, admin) = (String::new(), String::new());
        let mut service = Service { plan: self, child, directory, log, public, admin, http: client() };
        service.public = service.announced(&lines, "listening public ");
        service.admin = service.announced(&lines, "listening admin ");
        service
    }
}

pub struct Service {
    plan: Plan,
    child: Child,
    directory: TempDir,
    log: PathBuf,
    pub public: String,
    pub admin: String,
    pub http: Client,
}

impl Service {
    pub fn start() -> Service {
        Plan::new().start()
    }

    fn announced(&self, lines: &Receiver<String>, what: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(url) = line.strip_prefix(what) {
                        return url.trim_end_matches('/').to_owned();
                    }
                }
                Err(_) => panic!("no line {what:?}\n{}", self.log()),
            }
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn settings_file(&self) -> PathBuf {
        self.directory().join(SETTINGS)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A field of its status in /proc, in kilobytes.
    pub fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    /// A hook with the right key.
    pub fn hook(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.post(path).header("X-Onboarding-Key", KEY).header("Content-Type", "application/json").body(body)
    }

    /// A recorded hook, with the headers Kratos sent.
    pub async fn send(&self, hook: &Hook) -> Response {
        let mut request = self.hook(&hook.path(), hook.body.clone());
        for (name, value) in &hook.headers {
            request = request.header(name, value);
        }
        delivered(request).await
    }

    /// The value of a metric's line, 0 where it was never counted.
    pub async fn metric(&self, line: &str) -> f64 {
        let text = self.http.get(format!("{}/metrics/prometheus", self.admin)).send().await.unwrap();
        let text = text.text().await.unwrap();
        let found = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or(0.0)
    }

    /// A verb of the command line on this service's database and settings.
    pub fn cli(&self, arguments: &[&str]) -> std::process::Output {
        self.plan.command(self.directory.path(), arguments).output().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; the files stay for another service.
    pub fn ended(mut self) -> (ExitStatus, TempDir, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = self.log();
                return (status, std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap()), log);
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sent again while it could not be stored, as Kratos does: a busy disk is no failure of a test.
pub async fn delivered(request: RequestBuilder) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = request.try_clone().unwrap().send().await.unwrap();
        if answer.status() != 503 || Instant::now() > deadline {
            return answer;
        }
    }
}

/// Redirects are answers here, and nothing leaves this machine by a proxy.
pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = channel();
    // Reads to the end even when nobody listens any more, or the program would block on a full pipe.
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    receiver
}

/// The envelope of a refusal; fails where a field is missing.
pub async fn refusal(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), status);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    let error = &body["error"];
    assert_eq!(error["code"], status, "{body}");
    assert_eq!(error["request"], id, "{body}");
    for field in ["id", "status", "message"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {body}");
    }
    assert!(error["reason"].is_string(), "{body}");
    body
}
