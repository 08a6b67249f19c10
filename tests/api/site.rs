//! The two pages and the elements: what a browser is served.

mod brand;
mod documents;
mod elements;
mod languages;
mod well_known;

use std::time::{Duration, Instant};

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::service::{Plan, Service};

const PAGES: [&str; 2] = ["/post-registration", "/passkeys"];

/// Every header of an answer, but for those of the moment, in alphabetical order.
fn headers(of: &HeaderMap) -> Vec<(String, String)> {
    let lasting = of.iter().filter(|(name, _)| {
        !["date", "x-request-id", "content-length", "connection"].contains(&name.as_str())
    });
    let mut headers: Vec<_> =
        lasting.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    headers
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// The body of a 200.
async fn text(answer: Response) -> String {
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// Where it listens, while it announces how browsers would reach it.
fn listening(service: &Service) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let log = service.log();
        let bound = log.split("listening on: ").nth(1).and_then(|rest| rest.split_once('"'));
        if let Some((address, _)) = bound {
            return format!("http://{address}");
        }
        assert!(Instant::now() < deadline, "{log}");
        std::thread::yield_now();
    }
}

/// The value of each attribute of that name, as a browser understands it.
fn attributes(document: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    let values = document.split(&start).skip(1);
    values.map(|rest| unescaped(rest.split('"').next().unwrap())).collect()
}

fn attribute(document: &str, name: &str) -> String {
    let mut values = attributes(document, name);
    assert_eq!(values.len(), 1, "{name} in {document}");
    values.remove(0)
}

fn unescaped(text: &str) -> String {
    let named = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
