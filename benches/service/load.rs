//! A closed-loop load: so many connections, each sending its next request when the last one is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One kind of request. Every `IDENTITY` and `TRIGGER` in it is made unique.
#[derive(Clone)]
pub struct Request {
    text: String,
    status: u16,
}

impl Request {
    pub fn get(path: &str, headers: &str, status: u16) -> Request {
        Request { text: format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n"), status }
    }

    pub fn post(path: &str, headers: &str, body: &str, status: u16) -> Request {
        let length = body.replace("IDENTITY", &uuid(0)).len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        Request { text, status }
    }

    /// The next one to send.
    pub fn next(&self) -> String {
        if !self.text.contains("IDENTITY") {
            return self.text.clone();
        }
        let n = UNIQUE.fetch_add(1, Ordering::Relaxed);
        self.text.replace("IDENTITY", &uuid(n)).replace("TRIGGER", &uuid(n + (1 << 40)))
    }

    /// Fails where a response is another than expected.
    pub fn check(&self, head: &str) {
        let expected = format!("HTTP/1.1 {}", self.status);
        assert!(head.starts_with(&expected), "{}", head.lines().next().unwrap_or_default());
    }
}

static UNIQUE: AtomicU64 = AtomicU64::new(1);

fn uuid(n: u64) -> String {
    // Spread over the key space like Kratos's random identities, and never all zeros.
    let mixed = (u128::from(n).wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    uuid::Uuid::from_u128(mixed).to_string()
}

/// Of one server.
pub struct Answered {
    pub requests: u64,
    pub per_second: f64,
}

/// Requests answered as expected, per second.
pub async fn run(address: SocketAddr, request: &Request, connections: usize, time: Duration) -> f64 {
    answered(address, request, connections, time).await.per_second
}

pub async fn answered(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    time: Duration,
) -> Answered {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let senders: Vec<_> =
        (0..connections).map(|_| tokio::spawn(send(address, request.clone(), stop.clone()))).collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut requests = 0;
    for sender in senders {
        requests += sender.await.expect("a sender failed");
    }
    Answered { requests, per_second: requests as f64 / begun.elapsed().as_secs_f64() }
}

async fn send(address: SocketAddr, request: Request, stop: Arc<AtomicBool>) -> u64 {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let mut buffer = vec![0; 16 * 1024];
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request.next().as_bytes()).await.expect("write");
        request.check(&read(&mut stream, &mut buffer).await);
        answered += 1;
    }
    answered
}

/// One response; returns its head.
pub async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> String {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("read");
        assert!(read > 0, "the connection was closed");
        filled += read;
        let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0usize);
        while filled < end + 4 + length {
            filled += stream.read(&mut buffer[filled..]).await.expect("read");
        }
        return head;
    }
}
