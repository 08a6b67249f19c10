//! The service, as the program that `cargo build` made.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use super::double::random;

const URL: &str = "http://localhost:5050";
const APP: &str = "http://localhost:4455";
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{0} is not there: `cargo build` first, or `make demo`")]
    NotBuilt(PathBuf),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("its database could not be made")]
    Migration,
    #[error("it is not ready after {} s", PATIENCE.as_secs())]
    NotReady,
    #[error("it ended by itself; see above")]
    Ended,
}

pub struct Service {
    process: Child,
    /// Gone when the demo is.
    _directory: TempDir,
}

/// Beside `target/…/examples/demo`.
fn binary() -> Result<PathBuf, Trouble> {
    let own = std::env::current_exe()?;
    let built = own.parent().and_then(Path::parent).unwrap_or(Path::new(".")).join("kratos-onboarding");
    if built.is_file() { Ok(built) } else { Err(Trouble::NotBuilt(built)) }
}

impl Service {
    pub fn start(kratos: &str, kratos_admin: &str, key: &str) -> Result<Service, Trouble> {
        let (binary, directory) = (binary()?, tempfile::tempdir()?);
        let database = format!("sqlite://{}", directory.path().join("demo.sqlite").display());
        let pii = BASE64_STANDARD.encode(random::bytes::<32>());
        let return_urls = format!("{APP}/");
        let settings = [
            ("SERVE__PUBLIC__HOST", "127.0.0.1"),
            ("SERVE__PUBLIC__PORT", "5050"),
            ("SERVE__PUBLIC__BASE_URL", URL),
            ("SERVE__ADMIN__HOST", "127.0.0.1"),
            ("SERVE__ADMIN__PORT", "5051"),
            ("KRATOS__PUBLIC_URL", kratos),
            ("KRATOS__ADMIN_URL", kratos_admin),
            ("METHODS", "passkey,webauthn"),
            ("PAGE__ALLOWED_ORIGINS", APP),
            ("PAGE__DEFAULT_RETURN_URL", &return_urls),
            ("PAGE__ALLOWED_RETURN_URLS", &return_urls),
            ("PAGE__BRAND__NAME", "Acme"),
            ("PAGE__BRAND__COLOUR", "#1f5a48"),
            ("DSN", &database),
            ("WEBHOOK__API_KEYS", key),
            ("SECRETS__PII", &pii),
            ("LOG__LEVEL", "warn"),
        ]
        .map(|(name, value)| (format!("ONBOARDING__{name}"), value.to_owned()));
        let command = |verb: &[&str]| {
            let mut command = Command::new(&binary);
            command.args(verb).current_dir(directory.path()).envs(settings.clone());
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        if !command(&["migrate", "sql"]).status()?.success() {
            return Err(Trouble::Migration);
        }
        Ok(Service { process: command(&["serve"]).spawn()?, _directory: directory })
    }

    pub async fn ready(&mut self) -> Result<(), Trouble> {
        let (client, begun) = (reqwest::Client::new(), Instant::now());
        while begun.elapsed() < PATIENCE {
            if !self.is_running() {
                return Err(Trouble::Ended);
            }
            let answer = client.get(format!("{URL}/health/ready")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            actix_web::rt::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Trouble::NotReady)
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    pub fn stop(&mut self) {
        if self.is_running() {
            let _ = Command::new("kill").arg(self.process.id().to_string()).status();
            let _ = self.process.wait();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}
