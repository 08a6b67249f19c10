//! Two hundred `kill -9` under load lose nothing that was acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::service::{Plan, Service};

const KILLS: usize = 200;
const SENDERS: usize = 8;

/// Sends registrations until the service is gone; returns the identities that were acknowledged with 204.
async fn load(service: &Arc<Service>, counter: Arc<AtomicU64>, acknowledged: Arc<Mutex<HashSet<Uuid>>>) {
    loop {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        let identity = Uuid::from_u128(0x5eddbeec_b3d3_4769_ad6d_000000000000 + u128::from(n));
        let body = json!({"identity_id": identity, "email": format!("person-{n}@example.org")}).to_string();
        let sent = service
            .hook("/api/kratos/hooks/registration/password", body)
            .header("Ory-Webhook-Trigger-Id", Uuid::from_u128(u128::from(n) + 1).to_string())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status() == 204 => {
                acknowledged.lock().await.insert(identity);
            }
            Ok(answer) => assert_eq!(answer.status(), 503, "neither stored nor refused"),
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_under_load_lose_nothing_that_was_acknowledged() {
    let counter = Arc::new(AtomicU64::new(1));
    let acknowledged = Arc::new(Mutex::new(HashSet::new()));
    let mut directory = tempfile::tempdir().unwrap();
    for kill in 0..KILLS {
        let service = Arc::new(Plan::new().with("LOG__LEVEL", "error").on(directory).start());
        let before = acknowledged.lock().await.len();
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                let (service, counter, acknowledged) =
                    (service.clone(), counter.clone(), acknowledged.clone());
                tokio::spawn(async move { load(&service, counter, acknowledged).await })
            })
            .collect();
        // Killed at another moment each time: after 1 to 60 acknowledged registrations.
        while acknowledged.lock().await.len() < before + 1 + (kill * 7) % 60 {
            tokio::task::yield_now().await;
        }
        service.signal("KILL");
        for sender in senders {
            sender.await.unwrap();
        }
        let service = Arc::into_inner(service).unwrap();
        directory = service.ended().1;
    }
    let acknowledged = acknowledged.lock().await;
    let stored = identities(&directory.path().join("test.db")).await;
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged registrations are lost", lost.len(), acknowledged.len());
    assert!(acknowledged.len() >= KILLS, "only {} were acknowledged", acknowledged.len());
}

async fn identities(database: &std::path::Path) -> HashSet<Uuid> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query(
        "SELECT r.identity FROM records r JOIN events e ON e.record = r.id AND e.version = r.version",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.iter().map(|row| Uuid::from_slice(row.get::<&[u8], _>(0)).unwrap()).collect()
}
