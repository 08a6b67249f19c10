//! The decision as a stream of events.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{House, ONE_PASSKEY, header, verdict};
use crate::double::Session;
use crate::service::refusal;

const PATIENCE: Duration = Duration::from_secs(20);

struct Listener {
    answer: Response,
    read: String,
}

#[derive(Debug)]
struct Heard {
    id: Option<String>,
    event: String,
    data: Value,
}

impl Listener {
    async fn of(request: RequestBuilder) -> Listener {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(header(answer.headers(), "content-type").as_deref(), Some("text/event-stream"));
        Listener { answer, read: String::new() }
    }

    /// The next event, comments left out; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let heard = event(block);
                self.read = rest.to_owned();
                if heard.is_some() {
                    return heard;
                }
            }
            let chunk = timeout(PATIENCE, self.answer.chunk()).await.expect("nothing is told").unwrap()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// `None`: a block without data is no event (HTML standard, section 9.2.6).
fn event(block: &str) -> Option<Heard> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Some(Heard {
        data: serde_json::from_str(field("data")?).unwrap(),
        event: field("event")?.to_owned(),
        id: field("id").map(str::to_owned),
    })
}

fn events(house: &House) -> RequestBuilder {
    house.get("/events")
}

#[tokio::test]
async fn the_first_event_is_the_answer_with_its_tag() {
    let house = House::registered().await;
    let (tag, answer) = house.tagged().await;
    let mut listener = Listener::of(events(&house)).await;
    assert_eq!(header(listener.answer.headers(), "cache-control").as_deref(), Some("private, no-cache"));
    let mut first = listener.next().await.unwrap();
    assert_eq!((first.event.as_str(), first.id), ("decision", Some(tag)));
    for running in ["server_time", "session"] {
        first.data[running] = answer[running].clone();
    }
    assert_eq!(first.data, answer);
}

#[tokio::test]
async fn a_hook_and_a_report_bring_the_next() {
    let house = House::registered().await;
    let mut listener = Listener::of(events(&house)).await;
    let first = listener.next().await.unwrap();
    house.reported("skip", json!({})).await;
    let second = listener.next().await.unwrap();
    assert_eq!(verdict(&second.data), ("later", "skipped"));
    house.hook(ONE_PASSKEY).await;
    let third = listener.next().await.unwrap();
    assert_eq!(verdict(&third.data), ("done", "passkey_enrolled"));
    assert!(first.id != second.id && second.id != third.id);
    assert_eq!(third.id, Some(house.tagged().await.0));
}

#[tokio::test]
async fn what_was_heard_last_is_not_told_again() {
    let house = House::registered().await;
    let as_sent = |tag: &str| tag.to_owned();
    let without_quotes = |tag: &str| tag.trim_matches('"').to_owned();
    for written in [as_sent, without_quotes] {
        let (tag, _) = house.tagged().await;
        let heard = written(&tag);
        let mut listener = Listener::of(events(&house).header("Last-Event-ID", &heard)).await;
        house.reported("started", json!({})).await;
        let next = listener.next().await.unwrap();
        assert_ne!(next.id.as_deref(), Some(tag.as_str()), "the first one told is news");
        assert_eq!(next.id, Some(house.tagged().await.0));
        let mut stale = Listener::of(events(&house).header("Last-Event-ID", &heard)).await;
        assert_eq!(stale.next().await.unwrap().id, next.id, "what was missed comes first");
    }
}

#[tokio::test]
async fn the_end_of_the_privilege_is_told_at_that_instant() {
    let house = House::registered().await;
    let session = Session::fresh().authenticated(3_597).with_cookie("a-cookie-of-nearly-an-hour-ago");
    house.kratos.signed_in(&session);
    let mut listener = Listener::of(house.get_as(&session, "/events")).await;
    let first = listener.next().await.unwrap();
    assert_eq!(first.data["session"]["privileged"], true);
    let began = Instant::now();
    let second = listener.next().await.unwrap();
    assert_eq!(second.data["session"]["privileged"], false);
    assert_ne!(second.id, first.id);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_comment_now_and_then_keeps_the_connection_open() {
    let house = House::registered().await;
    let (tag, _) = house.tagged().await;
    let mut listener = Listener::of(events(&house).header("Last-Event-ID", tag)).await;
    while !listener.read.contains("\n:\n\n") {
        let chunk = timeout(PATIENCE, listener.answer.chunk()).await.expect("nothing is sent").unwrap();
        listener.read.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    assert!(!listener.read.contains("data:"), "it says nothing: {}", listener.read);
}

#[tokio::test]
async fn it_ends_when_the_person_signs_out() {
    let house = House::registered().await;
    let mut listener = Listener::of(events(&house)).await;
    listener.next().await.unwrap();
    house.kratos.signed_out();
    house.hook(ONE_PASSKEY).await;
    let last = listener.next().await.unwrap();
    assert_eq!((last.event.as_str(), &last.data), ("session_inactive", &json!({"id": "session_inactive"})));
    assert!(listener.next().await.is_none(), "nothing after it");
}

#[tokio::test]
async fn it_ends_when_the_service_stops() {
    let house = House::registered().await;
    let mut listener = Listener::of(events(&house)).await;
    listener.next().await.unwrap();
    let stopped = Instant::now();
    house.service.signal("TERM");
    assert!(listener.next().await.is_none());
    let (status, _, log) = house.service.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(stopped.elapsed() < Duration::from_secs(6), "nobody was waited for: {:?}", stopped.elapsed());
}

#[tokio::test]
async fn it_needs_a_session_and_a_place_like_waiting() {
    let house = House::registered().await;
    let nobody = house.service.get("/api/onboarding/events").send().await.unwrap();
    assert_eq!(refusal(nobody, 401).await["error"]["id"], "session_inactive");
    let mut listeners = Vec::new();
    for _ in 0..8 {
        listeners.push(Listener::of(events(&house)).await);
    }
    let ninth = events(&house).send().await.unwrap();
    assert_eq!(refusal(ninth, 429).await["error"]["id"], "too_many_waiting");
    drop(listeners);
    // The service notices when it writes.
    let deadline = Instant::now() + PATIENCE;
    loop {
        house.reported("started", json!({})).await;
        if events(&house).send().await.unwrap().status() == 200 {
            break;
        }
        assert!(Instant::now() < deadline, "the places are never free again");
    }
}
