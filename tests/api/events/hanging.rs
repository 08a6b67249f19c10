//! A receiver that takes a connection and never answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use tokio::net::TcpListener;

use super::receiver::{Receiver, taken};
use super::{register, telling};
use crate::service::Service;

const PEOPLE: u32 = 400;
const AT_ONCE: usize = 8;

/// Its URL, and how many connections it holds.
pub async fn hanging() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let held = Arc::new(AtomicUsize::new(0));
    let counted = held.clone();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
            counted.store(connections.len(), Ordering::SeqCst);
        }
    });
    (url, held)
}

/// How long so many hooks take together, and all but the slowest hundredth of them at most.
async fn load(service: &Service, from: u32) -> (Duration, Duration) {
    let begun = Instant::now();
    let mut each: Vec<Duration> = stream::iter(from..from + PEOPLE)
        .map(|n| async move {
            let begun = Instant::now();
            register(service, n).await;
            begun.elapsed()
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    each.sort();
    (begun.elapsed(), each[each.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread")]
async fn it_slows_down_neither_hooks_nor_other_receivers() {
    let (quick, beside) = (Receiver::start().await, Receiver::start().await);
    let (url, held) = hanging().await;
    let patient = |receivers: &[(&str, &str)]| telling(receivers).with("EVENTS__TIMEOUT", "30s").start();
    let nobody = patient(&[]);
    let alone = patient(&[("quick", &quick.url())]);
    let hung = patient(&[("quick", &beside.url()), ("hung", &url)]);
    // Turn about, so that all meet the same machine.
    let (mut none, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..3 {
        none.push(load(&nobody, round * PEOPLE).await);
        without.push(load(&alone, round * PEOPLE).await);
        with.push(load(&hung, round * PEOPLE).await);
    }
    let memory = hung.memory("VmRSS");
    let quickest = |of: &[(Duration, Duration)]| of.iter().map(|(all, _)| *all).min().unwrap();
    assert!(quickest(&with) < quickest(&without) * 2, "{with:?} beside one that hangs, {without:?} without");
    // Who waited for a receiver would wait for seconds.
    let slowest = |of: &[(Duration, Duration)]| of.iter().map(|(_, each)| *each).min().unwrap();
    assert!(
        slowest(&with) < slowest(&none) * 10,
        "{with:?} beside one that hangs, {none:?} with nobody to tell"
    );
    let told = beside.until(|came| taken(came).len() == 3 * PEOPLE as usize).await;
    assert_eq!(told.len(), 3 * PEOPLE as usize);
    let held = held.load(Ordering::SeqCst);
    assert!((1..=32).contains(&held), "{held} connections");
    assert!(memory < alone.memory("VmRSS") + 20_000, "{memory} KB");
    // Nor does it keep the service from stopping.
    hung.signal("TERM");
    assert_eq!(hung.ended().0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_ends_and_is_made_again() {
    let (url, held) = hanging().await;
    let service = telling(&[("hung", &url)]).with("EVENTS__TIMEOUT", "50ms").start();
    register(&service, 1).await;
    let deadline = Instant::now() + super::PATIENCE;
    while held.load(Ordering::SeqCst) < 3 {
        assert!(Instant::now() < deadline, "{}", service.log());
        tokio::task::yield_now().await;
    }
    assert!(service.log().contains("no answer in time"), "{}", service.log());
}
