//! Whether what was acknowledged was made durable: so many requests, one after the other, must show at least as many
//! fdatasync or fsync calls, counted from outside by strace.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::load::{self, Request};

const REQUESTS: usize = 40;

/// `writers`: the processes that write to the disk, as they are after the first requests.
pub async fn is_durable(writers: impl Fn() -> Vec<u32>, address: SocketAddr, request: &Request) -> bool {
    // A connection to a database made between the look and the attachment would not be traced.
    acknowledged(address, request).await;
    let writers = writers();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=fdatasync,fsync,sync_file_range"]);
    strace.args(writers.iter().flat_map(|pid| ["-p".to_owned(), pid.to_string()]));
    // Without -q it says when it has attached.
    strace.args(["-e", "signal=none"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut strace = strace.spawn().expect("strace; `tests/install bench` installs it");
    let lines = BufReader::new(strace.stderr.take().expect("stderr")).lines();
    let counting = std::thread::spawn(move || {
        let calls = lines.map_while(Result::ok).filter(|line| line.contains("sync("));
        calls.filter(|line| !line.contains("resumed")).count()
    });
    until_traced(&writers).await;
    acknowledged(address, request).await;
    let stopped = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
    assert!(stopped.expect("kill").success());
    strace.wait().expect("strace");
    let calls = counting.join().expect("the calls");
    println!("# {REQUESTS} acknowledged one after the other, {calls} calls that make durable");
    calls >= REQUESTS
}

async fn acknowledged(address: SocketAddr, request: &Request) {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    let mut buffer = vec![0; 16 * 1024];
    for _ in 0..REQUESTS {
        stream.write_all(request.next().as_bytes()).await.expect("write");
        request.check(&load::read(&mut stream, &mut buffer).await);
    }
}

async fn until_traced(processes: &[u32]) {
    for pid in processes {
        let traced = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status
                .lines()
                .any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
        };
        let mut looks = 0;
        while !traced() {
            looks += 1;
            assert!(looks < 1000, "strace may not attach: run as root, or set kernel.yama.ptrace_scope to 0");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// A library that, preloaded, makes any program a build without fsync.
pub fn without_fsync(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("without.c"), directory.join("without.so"));
    std::fs::write(&source, "int fsync(int f){return 0;} int fdatasync(int f){return 0;}").expect("source");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(built.expect("cc").success());
    library
}
