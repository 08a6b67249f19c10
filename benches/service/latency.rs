//! An open-loop load: requests are due at fixed times whether or not the last one was answered, and each is timed from
//! when it was due. So a pause counts for everybody who came during it (what is called corrected for coordinated omission).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::load::Request;
use super::ratio::{Aim, figure};
use super::started::Started;
use super::{hook, postgres};

const A_SECOND: u32 = 1000;
/// Each sends every 64th request, so it is late only where an answer takes longer than 64 ms.
const SENDERS: u32 = 64;
const OVERSLEPT: Duration = Duration::from_micros(120);

pub async fn measure(rounds: u64, time: Duration) {
    let cluster = Cluster::start(postgres::SETTINGS);
    let directory = tempfile::tempdir().expect("directory");
    let database = cluster.database().await;
    let file = format!("sqlite://{}", directory.path().join("latency.db").display());
    let seconds = time * u32::try_from(rounds.max(1)).unwrap_or(1);
    for (name, dsn) in [("PostgreSQL", database.url.as_str()), ("SQLite", &file)] {
        let service = Started::service(directory.path(), dsn, None);
        let hook = hook();
        at_rate(service.address, &hook, A_SECOND, time);
        let syncs = fdatasync(directory.path());
        let sync = quantile(&syncs, 0.5);
        let times = at_rate(service.address, &hook, A_SECOND, seconds);
        let [middle, p99, worst] = [0.5, 0.99, 1.0].map(|part| quantile(&times, part).as_secs_f64() * 1000.0);
        let ratio = p99 / (sync.as_secs_f64() * 1000.0);
        figure(&format!("{name}: p99 at 1,000 a second ÷ one fdatasync"), ratio, "", Aim::AtMost(10.0));
        println!(
            "ms of this machine: {name} median {middle:.2}, p99 {p99:.2}, longest {worst:.2}, fdatasync {:.2}, its p99 {:.2}",
            sync.as_secs_f64() * 1000.0,
            quantile(&syncs, 0.99).as_secs_f64() * 1000.0
        );
    }
}

/// From due to answered, sorted.
pub fn at_rate(address: SocketAddr, request: &Request, a_second: u32, time: Duration) -> Vec<Duration> {
    let interval = Duration::from_secs(1) / a_second;
    let all = u32::try_from(time.as_millis()).unwrap_or(u32::MAX) / 1000 * a_second;
    let start = Instant::now() + Duration::from_millis(50);
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|nth| {
                let due = (nth..all).step_by(SENDERS as usize).map(move |n| start + interval * n);
                scope.spawn(move || send(address, request, due))
            })
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().expect("a sender failed")).collect()
    });
    times.sort();
    times
}

fn send(address: SocketAddr, request: &Request, due: impl Iterator<Item = Instant>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let mut buffer = vec![0; 16 * 1024];
    due.map(|due| {
        let text = request.next();
        // A sleep ends late; that is not the service's doing.
        std::thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(OVERSLEPT));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        stream.write_all(text.as_bytes()).expect("write");
        let mut filled = 0;
        // The answer to a hook has no body.
        while !buffer[..filled].ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut buffer[filled..]).expect("read");
            assert!(read > 0, "the connection was closed");
            filled += read;
        }
        request.check(&String::from_utf8_lossy(&buffer[..filled]));
        due.elapsed()
    })
    .collect()
}

pub fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted[((last as f64) * part).round() as usize]
}

/// Pages appended and made durable one by one, sorted.
fn fdatasync(directory: &Path) -> Vec<Duration> {
    let file = std::fs::File::create(directory.join("fdatasync")).expect("a file");
    let mut times: Vec<_> = (0..500)
        .map(|n| {
            let begun = Instant::now();
            file.write_all_at(&[n as u8; 4096], n * 4096).expect("write");
            file.sync_data().expect("fdatasync");
            begun.elapsed()
        })
        .collect();
    times.sort();
    times
}
