//! What a registration costs more where a receiver is told of it.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};

use super::cluster::Cluster;
use super::load;
use super::ratio::{Aim, median, ratio};
use super::started::Started;

/// `whsec_` and 32 bytes.
const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub async fn measure(rounds: u64, time: Duration) {
    let taken = Arc::new(AtomicU64::new(0));
    let url = format!("http://{}/", receiver(taken.clone()));
    let cluster = Cluster::start(super::postgres::SETTINGS);
    let (told, quiet) = (cluster.database().await, cluster.database().await);
    compare("PostgreSQL", [&told.url, &quiet.url], &url, &taken, rounds, time).await;
    compare("SQLite", ["sqlite://told.db", "sqlite://quiet.db"], &url, &taken, rounds, time).await;
}

async fn compare(name: &str, dsns: [&str; 2], url: &str, taken: &AtomicU64, rounds: u64, time: Duration) {
    let directory = tempfile::tempdir().expect("directory");
    let hook = super::hook();
    let telling = [
        ("ONBOARDING__EVENTS__RECEIVERS__CRM__URL", Path::new(url)),
        ("ONBOARDING__EVENTS__RECEIVERS__CRM__SECRETS", Path::new(SECRET)),
        ("ONBOARDING__EVENTS__ALLOW_PRIVATE_ADDRESSES", Path::new("true")),
    ];
    let with = Started::service_with(directory.path(), dsns[0], None, &telling);
    let without = Started::service(directory.path(), dsns[1], None);
    let (mut told, mut quiet) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let t = load::run(with.address, &hook, super::CONNECTIONS, time).await;
        all_is_told(taken).await;
        let q = load::run(without.address, &hook, super::CONNECTIONS, time).await;
        // The first round warms up.
        if round > 0 {
            told.push(t);
            quiet.push(q);
        }
    }
    ratio(&format!("{name}: with a receiver ÷ without"), &told, &quiet, Aim::AtLeast(0.7));
    println!(
        "per second, medians of this machine: {name} with a receiver {:.0}, without {:.0}",
        median(&told),
        median(&quiet)
    );
}

/// What is told afterwards is no load on the next.
async fn all_is_told(taken: &AtomicU64) {
    let mut before = u64::MAX;
    while taken.load(Ordering::Relaxed) != before {
        before = taken.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Takes everything, on a thread of its own.
fn receiver(taken: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let takes = move || {
                let taken = taken.clone();
                let take = move || {
                    taken.fetch_add(1, Ordering::Relaxed);
                    async { HttpResponse::NoContent().finish() }
                };
                App::new().default_service(web::to(take))
            };
            HttpServer::new(takes).workers(1).listen(listener).expect("listen").run().await.expect("run");
        });
    });
    address
}
