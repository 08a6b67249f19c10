//! All lanes together.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connect::{Reach, client};
use super::courier::Courier;
use super::lane::{Common, Lane};
use super::pauses::Pauses;
use super::settling::{self, Settling};
use super::signature::Signer;
use super::trouble::Trouble;
use super::turn::Turn;
use crate::clock::Clock;
use crate::config::Events;
use crate::onboarding::ReceiverName;
use crate::store::{Settled, Store};
use crate::telemetry::Metrics;

const COUNT_EVERY: Duration = Duration::from_secs(15);
/// What is under way when the service stops may take so long; what then is not written down is told again.
const STOP_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    #[error("its HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    #[error("its thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the operating system gives no random bytes")]
    Random,
}

/// Tells receivers what waits for them.
#[derive(Debug)]
pub struct Sender {
    lanes: Vec<(Lane, Turn)>,
    common: Arc<Common>,
    jobs: mpsc::Receiver<(Settled, tokio::sync::oneshot::Sender<()>)>,
    outside: Outside,
}

/// A thread for requests: handshakes and certificates take time that hooks would wait for.
#[derive(Debug)]
struct Outside(Option<Runtime>);

impl Drop for Outside {
    /// Where others wait for a thread, waiting for its end is not allowed.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Sender {
    /// `None` where there is nobody to tell.
    pub fn new(
        events: &Events,
        store: &Store,
        clock: &Clock,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Sender>, SenderError> {
        if events.receivers.is_empty() {
            return Ok(None);
        }
        let mut holder = [0; 8];
        getrandom::fill(&mut holder).map_err(|_| SenderError::Random)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("outbox")
            .enable_all()
            .build()?;
        let (settling, jobs) = Settling::new();
        let common = Arc::new(Common {
            store: store.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            settling,
            pauses: Pauses::new(events.retry_pauses.clone()),
            outside: runtime.handle().clone(),
        });
        let outside = Outside(Some(runtime));
        let reach = if events.allow_private_addresses { Reach::Anywhere } else { Reach::Public };
        let tls = events.receivers.values().any(|receiver| receiver.url.0.scheme() == "https");
        let client = client(reach, tls)?;
        let holder = i64::from_le_bytes(holder);
        let lane = |(name, receiver): (&ReceiverName, &crate::config::EventReceiver)| {
            let courier = Courier {
                client: client.clone(),
                reach,
                url: receiver.url.0.clone(),
                signer: Signer::new(&receiver.secrets),
                timeout: events.timeout,
                clock: clock.clone(),
            };
            let turn = Turn::new(store.clone(), name, holder, events.timeout);
            (Lane { name: name.clone(), courier, common: common.clone() }, turn)
        };
        let lanes = events.receivers.iter().map(lane).collect();
        Ok(Some(Sender { lanes, common, jobs, outside }))
    }

    /// Ends soon after `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Sender { lanes, common, jobs, outside } = self;
        let writing =
            tokio::spawn(settling::run(jobs, common.store.clone(), common.clock.clone(), stop.clone()));
        let names: Vec<ReceiverName> = lanes.iter().map(|(lane, _)| lane.name.clone()).collect();
        let counting = tokio::spawn(count(names, common.clone()));
        let running: Vec<_> =
            lanes.into_iter().map(|(lane, turn)| tokio::spawn(lane.run(turn, stop.clone()))).collect();
        let ends: Vec<_> = running.iter().map(|lane| lane.abort_handle()).collect();
        let mut all = std::pin::pin!(join_all(running));
        tokio::select! {
            _ = &mut all => {}
            // Something is still on its way to some: their turns lapse.
            () = stopped(&stop) => ends.iter().for_each(tokio::task::AbortHandle::abort),
        }
        counting.abort();
        writing.abort();
        drop(outside);
    }
}

async fn stopped(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(STOP_WITHIN).await;
}

/// What waits, for the metrics.
async fn count(names: Vec<ReceiverName>, common: Arc<Common>) {
    let mut uncounted = Trouble::default();
    loop {
        count_each(&names, &common, &mut uncounted).await;
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

async fn count_each(names: &[ReceiverName], common: &Common, uncounted: &mut Trouble) {
    let mut failed = None;
    for name in names {
        match common.store.outbox_count(name).await {
            Ok(count) => {
                let age = count.oldest_waiting_at.map(|at| common.clock.now().duration_since(at));
                let age = age.unwrap_or_default().max(SignedDuration::ZERO).as_secs();
                common.metrics.outbox_counted(name.as_str(), count.waiting, count.dead, age);
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if uncounted.begins() => {
            tracing::warn!(error = %error, "the outbox cannot be counted: its metrics are old");
        }
        Some(_) => {}
        None => _ = uncounted.ends(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::Instant;
    use uuid::Uuid;

    use super::*;
    use crate::config::{EventReceiver, ReceiverUrl, SigningSecret};
    use crate::onboarding::EventId;
    use crate::outbox::courier::{Answer, Refused};
    use crate::outbox::tests::{Log, name, store};

    fn told(url: &str, allow_private_addresses: bool) -> Events {
        let receiver = EventReceiver {
            url: ReceiverUrl(url.parse().unwrap()),
            secrets: vec![SigningSecret(vec![1; 32])],
            stages: None,
        };
        Events {
            receivers: [(name("crm"), receiver)].into(),
            allow_private_addresses,
            timeout: Duration::from_secs(1),
            retry_pauses: vec![SignedDuration::from_secs(1)],
        }
    }

    fn sender(events: &Events, store: &Store) -> Sender {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Sender::new(events, store, &Clock::system(), &Arc::default()).unwrap().unwrap()
    }

    #[tokio::test]
    async fn addresses_inside_are_reached_only_where_that_is_allowed() {
        let (store, _home) = store().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // A name, which only whoever connects can judge.
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        for (allowed, reach) in [(false, Reach::Public), (true, Reach::Anywhere)] {
            let sender = sender(&told(&url, allowed), &store);
            let (lane, _) = &sender.lanes[0];
            assert_eq!(lane.courier.reach, reach);
            let until = Instant::now() + Duration::from_secs(60);
            let answer = lane.courier.bring(EventId(Uuid::nil()), "{}".to_owned(), until).await;
            let Answer::Refused { why, .. } = answer else { panic!("nobody answers there") };
            assert_eq!(matches!(why, Refused::NotPublic(_)), !allowed, "{why:?}");
        }
    }

    #[tokio::test]
    async fn an_outbox_that_cannot_be_counted_is_told_once_while_it_goes_on() {
        let (store, _home) = store().await;
        let sender = sender(&told("https://crm.example.org/", true), &store);
        let (log, mut uncounted) = (Log::begin(), Trouble::default());
        let names = [name("crm"), name("audit")];
        count_each(&names, &sender.common, &mut uncounted).await;
        assert_eq!(log.times("WARN"), 0, "{log:?}");
        store.close().await;
        for _ in 0..3 {
            count_each(&names, &sender.common, &mut uncounted).await;
        }
        assert_eq!(log.times("the outbox cannot be counted"), 1, "{log:?}");
    }
}
