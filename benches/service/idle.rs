//! The released binary at rest: time to ready, memory, size.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::ratio::{Aim, figure};

pub async fn measure() {
    let binary = env!("CARGO_BIN_EXE_kratos-onboarding");
    let directory = tempfile::tempdir().expect("directory");
    let command = |verb: &[&str]| {
        let mut command = Command::new(binary);
        command.args(verb).current_dir(directory.path()).env_clear();
        for (name, value) in [
            ("DSN", "sqlite://idle.db"),
            ("SERVE__PUBLIC__HOST", "127.0.0.1"),
            ("SERVE__PUBLIC__PORT", "0"),
            ("SERVE__ADMIN__PORT", "0"),
            ("KRATOS__PUBLIC_URL", "http://127.0.0.1:9"),
            ("WEBHOOK__API_KEYS", super::KEY),
            ("SECRETS__PII", super::PII),
        ] {
            command.env(format!("ONBOARDING__{name}"), value);
        }
        command
    };
    assert!(command(&["migrate", "sql"]).stdout(Stdio::null()).status().expect("migrate").success());
    let mut times = Vec::new();
    let mut resident_mb = 0.0;
    for _ in 0..5 {
        let begun = Instant::now();
        let mut child =
            command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("serve");
        let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let public = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening public ").map(str::to_owned));
        let url = format!("{}/health/ready", public.expect("an address").trim_end_matches('/'));
        assert!(reqwest::get(&url).await.expect("ready").status().is_success());
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("status");
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        resident_mb = kilobytes.map_or(f64::NAN, |kilobytes: f64| kilobytes / 1024.0);
        child.kill().expect("kill");
        child.wait().expect("wait");
    }
    times.sort();
    let size = std::fs::metadata(binary).expect("binary").len();
    let ready = times[times.len() / 2].as_secs_f64() * 1000.0;
    figure("time from start to ready", ready, "ms", Aim::AtMost(50.0));
    figure("idle memory (resident)", resident_mb, "MB", Aim::AtMost(20.0));
    figure("size of the binary", size as f64 / (1024.0 * 1024.0), "MB", Aim::AtMost(20.0));
}
