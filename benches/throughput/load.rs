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
}

static UNIQUE: AtomicU64 = AtomicU64::new(1);

fn uuid(n: u64) -> String {
    // Spread over the key space like Kratos's random identities, and never all zeros.
    let mixed = (u128::from(n).wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    uuid::Uuid::from_u128(mixed).to_string()
}

/// Requests answered as expected, per second.
pub async fn run(address: SocketAddr, request: &Request, connections: usize, time: Duration) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let senders: Vec<_> =
        (0..connections).map(|_| tokio::spawn(send(address, request.clone(), stop.clone()))).collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for sender in senders {
        answered += sender.await.expect("a sender failed");
    }
    answered as f64 / begun.elapsed().as_secs_f64()
}

async fn send(address: SocketAddr, request: Request, stop: Arc<AtomicBool>) -> u64 {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let expected = format!("HTTP/1.1 {}", request.status);
    let unique = request.text.contains("IDENTITY");
    let mut buffer = vec![0; 16 * 1024];
    let mut answered = 0;
    let mut bytes = request.text.clone();
    while !stop.load(Ordering::Relaxed) {
        if unique {
            let n = UNIQUE.fetch_add(1, Ordering::Relaxed);
            bytes = request.text.replace("IDENTITY", &uuid(n)).replace("TRIGGER", &uuid(n + (1 << 40)));
        }
        stream.write_all(bytes.as_bytes()).await.expect("write");
        let head = read(&mut stream, &mut buffer).await;
        assert!(head.starts_with(&expected), "{}", head.lines().next().unwrap_or_default());
        answered += 1;
    }
    answered
}

/// One response; returns its head.
async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> String {
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
