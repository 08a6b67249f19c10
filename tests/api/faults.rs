//! What happens to the database happens under load: refused in time while it lasts, healed without a restart, and nothing
//! that was acknowledged is lost.

mod postgres;
mod sqlite;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::service::{Service, refusal};

const SENDERS: usize = 32;
/// Each sends its next request when it has heard of the last: so many fill the queue of the writer, with what nobody
/// waits for any more, and go on.
const CROWD: usize = 400;
/// Twice what the queue holds.
const TWICE: u64 = 2 * 4096;
/// Of what each fault has to show.
const ENOUGH: u64 = 40;
/// A second, on a machine that sends the load as well.
const IN_TIME: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(30);
/// Kilobytes. Under a load that it can take it takes 40 MB.
const MEMORY: u64 = 96 * 1024;

/// Registrations of new people, one after the other from each of many senders.
struct Load {
    service: Arc<Service>,
    told: Arc<Told>,
    senders: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Told {
    stop: AtomicBool,
    sent: AtomicU64,
    refused: AtomicU64,
    acknowledged: Mutex<HashSet<Uuid>>,
    /// After each answer.
    answered: Notify,
}

impl Load {
    fn on(service: Service) -> Load {
        Load::of(SENDERS, service)
    }

    fn of(senders: usize, service: Service) -> Load {
        let (service, told) = (Arc::new(service), Arc::<Told>::default());
        let send = || tokio::spawn(send(service.clone(), told.clone()));
        let senders = (0..senders).map(|_| send()).collect();
        Load { service, told, senders }
    }

    async fn acknowledged(&self) -> usize {
        self.told.acknowledged.lock().await.len()
    }

    /// Until enough more were acknowledged.
    async fn is_taken(&self) {
        let (before, deadline) = (self.acknowledged().await, Instant::now() + PATIENCE);
        while self.acknowledged().await < before + usize::try_from(ENOUGH).unwrap() {
            self.next_answer(deadline, "nothing is stored").await;
        }
    }

    /// Until so many more were refused.
    async fn is_refused_times(&self, times: u64) {
        let refused = || self.told.refused.load(Ordering::SeqCst);
        let (before, deadline) = (refused(), Instant::now() + PATIENCE);
        while refused() < before + times {
            self.next_answer(deadline, "nothing is refused").await;
        }
    }

    /// Until enough more were refused; meanwhile it is alive, and not ready.
    async fn is_refused(&self) {
        self.is_refused_times(ENOUGH).await;
        let (asked, deadline) = (Instant::now(), Instant::now() + PATIENCE);
        assert_eq!(self.service.get("/health/alive").send().await.unwrap().status(), 200);
        while self.ready().await != 503 {
            self.still(deadline, "it says it is ready");
        }
        assert!(asked.elapsed() < IN_TIME * 3, "health took {:?}", asked.elapsed());
        let answer = self.service.get("/health/ready").send().await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(refusal(answer, 503).await["error"]["id"], "database_unavailable");
    }

    /// Until it is ready again, and takes what it is sent.
    async fn is_healed(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.ready().await != 200 {
            self.still(deadline, "it is not ready again");
        }
        self.is_taken().await;
    }

    async fn ready(&self) -> u16 {
        self.service.get("/health/ready").send().await.unwrap().status().as_u16()
    }

    async fn next_answer(&self, deadline: Instant, what: &str) {
        self.still(deadline, what);
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = tokio::time::timeout(left, self.told.answered.notified()).await;
    }

    fn still(&self, deadline: Instant, what: &str) {
        assert!(Instant::now() < deadline, "{what}\n{}", self.service.log());
    }

    /// Ends the load; what was acknowledged, and the service.
    async fn stopped(self) -> (HashSet<Uuid>, Service) {
        self.told.stop.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.await.unwrap();
        }
        let service = Arc::into_inner(self.service).unwrap();
        let memory = service.memory("VmHWM");
        assert!(memory < MEMORY, "it took {memory} kB");
        (Arc::into_inner(self.told).unwrap().acknowledged.into_inner(), service)
    }
}

async fn send(service: Arc<Service>, told: Arc<Told>) {
    while !told.stop.load(Ordering::SeqCst) {
        let n = u128::from(told.sent.fetch_add(1, Ordering::SeqCst));
        // Spread over the key space, as Kratos's are.
        let identity = Uuid::from_u128((n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let body = json!({ "identity_id": identity, "email": format!("person-{n}@example.org") }).to_string();
        let asked = Instant::now();
        let answer = service.hook("/api/kratos/hooks/registration/password", body).send().await.unwrap();
        let took = asked.elapsed();
        assert!(took < IN_TIME, "{} after {took:?}\n{}", answer.status(), service.log());
        match answer.status().as_u16() {
            204 => drop(told.acknowledged.lock().await.insert(identity)),
            _ => {
                assert_eq!(answer.headers()["retry-after"], "1");
                let body = refusal(answer, 503).await;
                assert_eq!(body["error"]["id"], "store_unavailable", "{body}");
                told.refused.fetch_add(1, Ordering::SeqCst);
            }
        }
        told.answered.notify_one();
    }
}
