//! What durability costs, what group commit gains, and what an idle service takes. Ratios of one interleaved run.
//!
//! The servers run in a child process, each on its own port; the load comes from this one. `ROUNDS` and `SECONDS`
//! bound it: 5 rounds of 2 s otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod idle;
mod load;
mod servers;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use load::Request;

pub const KEY: &str = "a-key-of-the-benchmark";
const CONNECTIONS: usize = 128;

#[derive(Default)]
struct Measured {
    stored: Vec<f64>,
    nothing: Vec<f64>,
    naive: Vec<f64>,
    unchanged: Vec<f64>,
    plaintext: Vec<f64>,
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    if std::env::var_os("BENCH_SERVERS").is_some() {
        return servers::run();
    }
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (rounds, time) = (number("ROUNDS", 5), Duration::from_secs(number("SECONDS", 2)));
    let directory = tempfile::tempdir().expect("directory");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .env("BENCH_SERVERS", directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the servers");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines().map_while(Result::ok);
    let mut address = |name: &str| -> SocketAddr {
        let line = lines.find_map(|line| line.strip_prefix(name).map(|rest| rest.trim().to_owned()));
        line.expect("an address").parse().expect("an address")
    };
    let [stored, naive, nothing, plaintext] = ["stored", "naive", "nothing", "plaintext"].map(&mut address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let measured = runtime.block_on(async {
        let hook = hook();
        let unchanged = unchanged(stored).await;
        let plain = Request::get("/", "", 200);
        let mut measured = Measured::default();
        for round in 0..=rounds {
            let (s, n, t, u, p) = (
                load::run(stored, &hook, CONNECTIONS, time).await,
                load::run(nothing, &hook, CONNECTIONS, time).await,
                load::run(naive, &hook, CONNECTIONS, time).await,
                load::run(stored, &unchanged, CONNECTIONS, time).await,
                load::run(plaintext, &plain, CONNECTIONS, time).await,
            );
            // The first round warms up.
            if round > 0 {
                measured.stored.push(s);
                measured.nothing.push(n);
                measured.naive.push(t);
                measured.unchanged.push(u);
                measured.plaintext.push(p);
            }
        }
        measured
    });
    child.kill().expect("kill");
    child.wait().expect("wait");
    print(&measured);
    let idle = runtime.block_on(idle::measure());
    println!(
        "time from start to ready             {:>9.1} ms  (aim ≤ 50)",
        idle.ready.as_secs_f64() * 1000.0
    );
    println!("idle memory (resident)               {:>9.1} MB  (aim ≤ 20)", idle.resident_mb);
    println!("size of the binary                   {:>9.1} MB  (aim ≤ 20)", idle.binary_mb);
}

/// A registration as the template of `kratos-config/` sends it.
fn hook() -> Request {
    let body = r#"{"version":1,"hook":"registration","method":null,"flow":{"id":"4d748bf4-c155-49be-ac8d-168904cf9a29","type":"browser","issued_at":"2026-11-22T04:34:47.959727284Z"},"identity":{"id":"IDENTITY","schema_id":"person","state":"active","created_at":"2026-11-22T04:34:48.101032Z","updated_at":"2026-11-22T04:34:48.101032Z","identifiers":[{"via":"email","value":"IDENTITY@example.org"}]}}"#;
    let body = body.replacen("\"IDENTITY@", "\"a-IDENTITY@", 1);
    let headers = format!("X-Onboarding-Key: {KEY}\r\nOry-Webhook-Trigger-Id: TRIGGER\r\n");
    let padding = body.matches("IDENTITY").count();
    assert_eq!(padding, 2, "the length is worked out for two");
    Request::post("/api/kratos/hooks/registration/password", &headers, &body, 204)
}

/// The page asking again with the ETag it got.
async fn unchanged(address: SocketAddr) -> Request {
    let token = servers::TOKEN;
    let client = reqwest::Client::builder().no_proxy().build().expect("client");
    let url = format!("http://{address}/api/onboarding");
    let answer = client.get(url).header("X-Session-Token", token).send().await.expect("decision");
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    let etag = answer.headers()["etag"].to_str().expect("etag").to_owned();
    Request::get("/api/onboarding", &format!("X-Session-Token: {token}\r\nIf-None-Match: {etag}\r\n"), 304)
}

fn print(measured: &Measured) {
    let ratio = |what: &str, a: &[f64], b: &[f64], aim: f64| {
        let mut ratios: Vec<_> = a.iter().zip(b).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        let (low, middle, high) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
        println!("{what} {middle:>9.2}     (aim ≥ {aim}; {low:.2} to {high:.2})");
    };
    let median = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    ratio("durable ÷ the handler storing nothing", &measured.stored, &measured.nothing, 0.35);
    ratio("durable ÷ a transaction each         ", &measured.stored, &measured.naive, 8.0);
    ratio("authenticated 304 ÷ plaintext        ", &measured.unchanged, &measured.plaintext, 0.7);
    println!(
        "per second, medians of this machine: durable {:.0}, nothing {:.0}, naive {:.0}, 304 {:.0}, plaintext {:.0}",
        median(&measured.stored),
        median(&measured.nothing),
        median(&measured.naive),
        median(&measured.unchanged),
        median(&measured.plaintext),
    );
}
