//! What durability costs and what group commit gains, on SQLite. The servers run in one child process, the load comes
//! from this one.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::load::{self, Request};
use super::ratio::{Aim, median, ratio};
use super::{CONNECTIONS, hook, servers};

#[derive(Default)]
struct Measured {
    stored: Vec<f64>,
    nothing: Vec<f64>,
    naive: Vec<f64>,
    unchanged: Vec<f64>,
    plaintext: Vec<f64>,
}

pub async fn measure(rounds: u64, time: Duration) {
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
    child.kill().expect("kill");
    child.wait().expect("wait");
    let Measured { stored, nothing, naive, unchanged, plaintext } = &measured;
    ratio("SQLite: durable ÷ the handler storing nothing", stored, nothing, Aim::AtLeast(0.35));
    ratio("SQLite: durable ÷ a transaction each", stored, naive, Aim::AtLeast(8.0));
    ratio("authenticated 304 ÷ plaintext", unchanged, plaintext, Aim::AtLeast(0.7));
    println!(
        "per second, medians of this machine: SQLite durable {:.0}, nothing {:.0}, naive {:.0}, 304 {:.0}, plaintext {:.0}",
        median(stored),
        median(nothing),
        median(naive),
        median(unchanged),
        median(plaintext)
    );
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
