//! What a page costs that waits: resident memory of the service with 5,000 idle long polls, and with 5,000 idle streams.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ratio::{Aim, figure};
use super::servers::session;
use super::started::Started;

const PAGES: usize = 5000;
const TOKEN: &str = "ory_st_benchmark_of_page_";
/// Tabs of one person.
const TABS: usize = 8;

#[derive(Clone, Copy)]
enum Way {
    /// Asked for something light and was answered: what a connection costs that is only open.
    Alive,
    LongPoll,
    Stream,
}

pub async fn measure() {
    let kratos = whoami();
    for way in [Way::Alive, Way::LongPoll, Way::Stream] {
        let directory = tempfile::tempdir().expect("directory");
        let dsn = format!("sqlite://{}", directory.path().join("waiting.db").display());
        let service = Started::service(directory.path(), &dsn, Some(kratos));
        // Every person and session is known before: what is measured is the waiting.
        let mut tags = Vec::with_capacity(PAGES);
        let mut stream = TcpStream::connect(service.address).await.expect("connect");
        let mut buffer = vec![0; 64 * 1024];
        for page in 0..PAGES {
            let asked = format!(
                "GET /api/onboarding HTTP/1.1\r\nHost: bench\r\nX-Session-Token: {TOKEN}{page}\r\n\r\n"
            );
            stream.write_all(asked.as_bytes()).await.expect("write");
            let head = super::load::read(&mut stream, &mut buffer).await;
            let tag = head.lines().find_map(|line| line.strip_prefix("etag: ").map(str::to_owned));
            tags.push(tag.unwrap_or_else(|| panic!("no tag: {head}")));
        }
        let before = service.memory();
        let mut waiting = Vec::with_capacity(PAGES);
        for (page, tag) in tags.iter().enumerate() {
            let mut stream = TcpStream::connect(service.address).await.expect("connect");
            let asked = match way {
                Way::LongPoll => format!("GET /api/onboarding?wait=25 HTTP/1.1\r\nIf-None-Match: {tag}\r\n"),
                Way::Alive => "GET /health/alive HTTP/1.1\r\n".to_owned(),
                Way::Stream => "GET /api/onboarding/events HTTP/1.1\r\n".to_owned(),
            };
            let asked = format!("{asked}Host: bench\r\nX-Session-Token: {TOKEN}{page}\r\n\r\n");
            stream.write_all(asked.as_bytes()).await.expect("write");
            if !matches!(way, Way::LongPoll) {
                let mut first = [0; 4096];
                let read = stream.read(&mut first).await.expect("read");
                assert!(
                    first[..read].starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&first[..read])
                );
            }
            waiting.push(stream);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let after = service.memory();
        for stream in waiting.iter().filter(|_| matches!(way, Way::LongPoll)) {
            let answered = stream.try_read(&mut [0; 1]);
            assert!(answered.is_err(), "a page no longer waits: {answered:?}");
        }
        let each = (after.saturating_sub(before)) as f64 / PAGES as f64 / 1024.0;
        match way {
            Way::Alive => println!("# a connection that is only open takes {each:.1} KB"),
            Way::LongPoll => {
                figure(&format!("memory of one of {PAGES} idle long polls"), each, "KB", Aim::AtMost(10.0))
            }
            Way::Stream => {
                figure(&format!("memory of one of {PAGES} idle event streams"), each, "KB", Aim::AtMost(10.0))
            }
        }
    }
}

/// Kratos, who knows everybody: the token tells which person it is.
fn whoami() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        let session = web::Data::new(session());
        let server = HttpServer::new(move || {
            App::new().app_data(session.clone()).route("/sessions/whoami", web::get().to(who))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("listen").run();
        actix_web::rt::System::new().block_on(server).expect("run");
    });
    address
}

async fn who(request: HttpRequest, session: web::Data<serde_json::Value>) -> HttpResponse {
    let token = request.headers().get("x-session-token").and_then(|token| token.to_str().ok());
    let page: usize =
        token.and_then(|token| token.strip_prefix(TOKEN)?.parse().ok()).expect("a token of the benchmark");
    let mut session = session.get_ref().clone();
    session["identity"]["id"] = format!("5eddbeec-b3d3-4769-ad6d-{:012x}", page / TABS + 1).into();
    HttpResponse::Ok().json(session)
}
