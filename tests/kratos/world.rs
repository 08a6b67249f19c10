//! Kratos and the service, each on ports of its own, configured by a copy of `kratos-config/`.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;

use crate::process::Process;

pub const KEY: &str = "the-key-of-this-test";

const START: Duration = Duration::from_secs(60);
const PLACEHOLDER: &str = "REPLACE-WITH-YOUR-ONBOARDING-KEY";

pub struct World {
    pub http: Client,
    kratos_port: u16,
    kratos_admin_port: u16,
    service_port: u16,
    admin: String,
    kratos: Mutex<Process>,
    kratos_environment: Vec<(String, String)>,
    service: Process,
    settings: Vec<(String, String)>,
    directory: TempDir,
}

/// What is not as everywhere.
#[derive(Default)]
pub struct Setup<'s> {
    /// What Kratos sends; the service knows [`KEY`], which is the default.
    pub key: Option<&'s str>,
    /// Another database than a file of its own.
    pub dsn: Option<&'s str>,
    /// Variables of Kratos's environment, which win over its file.
    pub kratos: &'s [(&'s str, &'s str)],
    /// Settings of the service: `SECTION__KEY`.
    pub service: &'s [(&'s str, &'s str)],
}

impl World {
    /// `key` is what Kratos sends; the service knows [`KEY`].
    pub async fn start(key: &str) -> Self {
        Self::of(Setup { key: Some(key), ..Setup::default() }).await
    }

    pub async fn of(setup: Setup<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [kratos_port, kratos_admin_port, service_port] = free_ports();

        let ports = [kratos_port, kratos_admin_port, service_port];
        let mut settings = service_settings(directory.path(), ports);
        settings.extend(setup.dsn.map(|dsn| ("ONBOARDING__DSN".to_owned(), dsn.to_owned())));
        let more = setup.service.iter();
        settings.extend(more.map(|(name, value)| (format!("ONBOARDING__{name}"), (*value).to_owned())));
        let verb = |verb: &[&str]| service_command(directory.path(), &settings, verb);
        let migrated = verb(&["migrate", "sql"]).output().unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let (mut service, lines) =
            Process::start_and_listen("kratos-onboarding", verb(&["serve"]), directory.path());
        let admin = lines.after("listening admin ", &mut service, START);

        // Neither program sees our own environment: a setting of the developer must not decide a test.
        configure(directory.path(), ports, setup.key.unwrap_or(KEY));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let kratos_environment: Vec<_> = setup.kratos.iter().map(owned).collect();
        if setup.kratos.iter().any(|(name, _)| *name == "DSN") {
            let mut migrate = kratos_command(directory.path(), &kratos_environment);
            let migrated = migrate.args(["migrate", "sql", "-e", "--yes"]).output().unwrap();
            assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        }
        let kratos = Mutex::new(started(directory.path(), &kratos_environment));

        // reqwest takes the provider that the program has chosen; the first test to come here chooses.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();

        let mut world = Self {
            http,
            kratos_port,
            kratos_admin_port,
            service_port,
            admin,
            kratos,
            kratos_environment,
            service,
            settings,
            directory,
        };
        if let Some(why) = world.service.ended() {
            panic!("{why}");
        }
        world.wait_for_kratos().await;
        world
    }

    /// Stopped, its directory changed, and started again.
    pub async fn kratos_restarted(&self, change: impl FnOnce(&Path)) {
        self.kratos.lock().unwrap().stop();
        change(self.directory.path());
        *self.kratos.lock().unwrap() = started(self.directory.path(), &self.kratos_environment);
        self.wait_for_kratos().await;
    }

    async fn wait_for_kratos(&self) {
        let deadline = Instant::now() + START;
        loop {
            if let Some(why) = self.kratos.lock().unwrap().ended() {
                panic!("{why}");
            }
            let answer = self.http.get(self.kratos("/health/ready")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(Instant::now() < deadline, "Kratos is not ready\n{}", self.kratos.lock().unwrap().log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn kratos(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.kratos_port)
    }

    pub fn kratos_admin(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.kratos_admin_port)
    }

    pub fn service(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.service_port)
    }

    pub async fn metrics(&self) -> String {
        let url = format!("{}/metrics/prometheus", self.admin);
        self.http.get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// A verb with the settings of the service, beside the configuration of Kratos.
    pub fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = service_command(self.directory.path(), &self.settings, arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn logs(&self) -> String {
        format!("{}\n{}", self.service.log(), self.kratos.lock().unwrap().log())
    }
}

pub fn kratos_binary() -> PathBuf {
    let Some(binary) = env::var_os("KRATOS_BIN").filter(|value| !value.is_empty()) else {
        panic!(
            "KRATOS_BIN is not set: it names the Kratos program these tests start, for example KRATOS_BIN=/usr/local/bin/kratos make test-kratos"
        );
    };
    let binary = PathBuf::from(binary);
    assert!(binary.is_file(), "KRATOS_BIN={} is not a file", binary.display());
    fs::canonicalize(binary).unwrap()
}

/// All are held until all are known, so that they differ.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn kratos_command(directory: &Path, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(kratos_binary());
    command.current_dir(directory).env_clear();
    // Nothing here may reach outside this machine.
    command.env("SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED", "false");
    command.env("SQA_OPT_OUT", "true").env("HOME", directory);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

fn started(directory: &Path, environment: &[(String, String)]) -> Process {
    let mut command = kratos_command(directory, environment);
    command.args(["serve", "--dev", "-c", "kratos.yml"]);
    Process::start("kratos", command, directory)
}

fn service_command(directory: &Path, settings: &[(String, String)], verb: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kratos-onboarding"));
    command.args(verb).current_dir(directory).env_clear();
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

fn service_settings(directory: &Path, [kratos, kratos_admin, port]: [u16; 3]) -> Vec<(String, String)> {
    let settings = [
        ("SERVE__PUBLIC__HOST", "127.0.0.1".to_owned()),
        ("SERVE__PUBLIC__PORT", port.to_string()),
        ("SERVE__PUBLIC__BASE_URL", format!("http://localhost:{port}")),
        ("SERVE__ADMIN__HOST", "127.0.0.1".to_owned()),
        ("SERVE__ADMIN__PORT", "0".to_owned()),
        ("KRATOS__PUBLIC_URL", format!("http://localhost:{kratos}")),
        ("KRATOS__ADMIN_URL", format!("http://localhost:{kratos_admin}")),
        ("DSN", format!("sqlite://{}", directory.join("onboarding.sqlite").display())),
        ("WEBHOOK__API_KEYS", KEY.to_owned()),
        // 32 bytes, 0 to 31.
        ("SECRETS__PII", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
    ];
    settings.map(|(name, value)| (format!("ONBOARDING__{name}"), value)).into()
}

/// The configuration as people get it, with other ports and the key filled in.
fn configure(directory: &Path, [kratos, kratos_admin, service]: [u16; 3], key: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("kratos-config");
    fs::create_dir(directory.join("hooks")).unwrap();
    for file in [
        "identity.schema.json",
        "hooks/registration.jsonnet",
        "hooks/settings.jsonnet",
        "hooks/login.jsonnet",
    ] {
        fs::copy(source.join(file), directory.join(file)).unwrap();
    }
    let mut text = fs::read_to_string(source.join("kratos.yml")).unwrap();
    let changes = [
        (PLACEHOLDER.to_owned(), key.to_owned()),
        ("localhost:5050".to_owned(), format!("localhost:{service}")),
        ("localhost:4433".to_owned(), format!("localhost:{kratos}")),
        ("localhost:4434".to_owned(), format!("localhost:{kratos_admin}")),
        ("port: 4433".to_owned(), format!("port: {kratos}")),
        ("port: 4434".to_owned(), format!("port: {kratos_admin}")),
    ];
    // All are marked before any is filled in: a port may begin with the digits of another.
    for (nth, (from, _)) in changes.iter().enumerate() {
        assert!(text.contains(from), "kratos.yml no longer holds {from:?}");
        text = text.replace(from, &format!("\u{0}{nth}\u{0}"));
    }
    for (nth, (_, to)) in changes.iter().enumerate() {
        text = text.replace(&format!("\u{0}{nth}\u{0}"), to);
    }
    fs::write(directory.join("kratos.yml"), text).unwrap();
}

/// Asks again until it is so, for as long as allowed; then says what it was told last.
pub async fn eventually<T>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(last) => assert!(Instant::now() < deadline, "no {what} within {within:?}: {last}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
