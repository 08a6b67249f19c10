//! HTTP as no client would send it.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::service::{KEY, Service};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire(TcpStream);

pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// The head of a hook with the right key; `framing` are its further headers, each with its line end.
pub fn head(framing: &str) -> String {
    head_with(KEY, framing)
}

pub fn head_with(key: &str, framing: &str) -> String {
    format!(
        "POST /api/kratos/hooks/registration/password HTTP/1.1\r\nHost: test\r\nX-Onboarding-Key: {key}\r\n\
         Content-Type: application/json\r\n{framing}\r\n"
    )
}

/// A body of these chunks, without its end.
pub fn chunked(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect()
}

impl Wire {
    pub async fn to(service: &Service) -> Wire {
        Wire::try_to(service).await.expect("nobody is let in")
    }

    /// `None` where nobody is let in.
    pub async fn try_to(service: &Service) -> Option<Wire> {
        let address = service.public.strip_prefix("http://").unwrap();
        TcpStream::connect(address).await.ok().map(Wire)
    }

    /// Whether nothing comes any more; waits until that is certain.
    pub async fn is_closed(&mut self) -> bool {
        let rest = tokio::time::timeout(PATIENCE, self.0.read_u8()).await;
        rest.expect("it stays open").is_err()
    }

    /// The answer to a whole request; sent again while it could not be stored.
    pub async fn delivered(service: &Service, request: &str) -> Answer {
        loop {
            let mut wire = Wire::to(service).await;
            wire.send(request).await;
            let answer = wire.answer().await;
            if answer.status != 503 {
                return answer;
            }
        }
    }

    pub async fn send(&mut self, text: &str) {
        // An answer that came before everything was sent may have closed the way there.
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    pub async fn answer(&mut self) -> Answer {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("no answer")
    }

    async fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let end = loop {
            let before = bytes.len();
            self.0.read_buf(&mut bytes).await.unwrap();
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            assert!(bytes.len() > before, "closed without an answer");
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: bytes[end + 4..].to_vec() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while answer.body.len() < length {
            assert_ne!(self.0.read_buf(&mut answer.body).await.unwrap(), 0, "closed within the answer");
        }
        answer
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The id of a refusal; fails where it is not in the envelope.
    pub fn refusal(&self, status: u16) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!((self.status, &body["error"]["code"]), (status, &Value::from(status)), "{body}");
        assert_eq!(body["error"]["request"].as_str(), self.header("x-request-id"), "{body}");
        body["error"]["id"].as_str().unwrap().to_owned()
    }
}
