//! One request as Kratos looks at it, and the cookies its answer will set.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::http::header::HeaderMap;
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use super::cookies;
use super::csrf::Csrf;
use super::submission;

pub struct Exchange {
    pub method: String,
    /// As the browser asked for it.
    pub url: Url,
    /// Of the route, such as `{id}`.
    pub path_id: String,
    pub cookies: BTreeMap<String, String>,
    /// What was submitted, nested; of a GET what the query says.
    pub body: Value,
    pub csrf: Csrf,
    /// To be set by the answer.
    pub set: Vec<Cookie<'static>>,
    headers: HeaderMap,
    peer: String,
}

impl Exchange {
    pub fn new(config: &Config, request: &HttpRequest, body: &[u8]) -> Exchange {
        let headers = request.headers().clone();
        let host = request.connection_info().host().to_owned();
        let url = Url::parse(&format!("http://{host}{}", request.uri())).unwrap();
        let cookies: BTreeMap<String, String> = request
            .cookies()
            .map(|all| all.iter().map(|one| (one.name().to_owned(), one.value().to_owned())).collect())
            .unwrap_or_default();
        let csrf = Csrf::of(cookies.get(&cookies::csrf_name(config)).map(String::as_str));
        let content_type =
            headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = if request.method() == "GET" {
            submission::form(url.query().unwrap_or_default().as_bytes())
        } else if content_type.contains("json") {
            submission::json(body)
        } else {
            submission::form(body)
        };
        Exchange {
            method: request.method().to_string(),
            url,
            path_id: request.match_info().get("id").unwrap_or_default().to_owned(),
            cookies,
            body,
            csrf,
            set: Vec::new(),
            headers,
            peer: request.peer_addr().map(|peer| peer.to_string()).unwrap_or_default(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub fn every_query(&self, name: &str) -> Vec<String> {
        self.url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// A text of the submission; empty where there is none.
    pub fn submitted(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A page that fetches, rather than a browser that goes somewhere.
    pub fn fetches(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.contains("application/json"))
            || self.prefers_json()
    }

    fn prefers_json(&self) -> bool {
        let accept = self.header("accept").unwrap_or_default();
        let quality = |wanted: &[&str]| {
            accept
                .split(',')
                .filter_map(|part| {
                    let mut pieces = part.split(';').map(str::trim);
                    let kind = pieces.next()?;
                    let quality = pieces
                        .find_map(|piece| piece.strip_prefix("q="))
                        .map_or(Some(1.0), |q| q.parse().ok());
                    wanted.contains(&kind).then_some(quality?)
                })
                .fold(0.0_f64, f64::max)
        };
        quality(&["application/json"]) > quality(&["text/html", "text/*", "*/*"])
    }

    /// A script in a page asked, which changes Kratos's hint about the anti-CSRF token.
    pub fn is_ajax(&self) -> bool {
        matches!(self.header("sec-fetch-mode"), Some("cors" | "same-origin"))
    }

    pub fn device(&self, id: &str) -> Value {
        json!({
            "id": id,
            "ip_address": self.peer,
            "user_agent": self.header("user-agent").unwrap_or_default(),
            "location": "",
        })
    }

    /// As the context of a hook holds it: canonical names, a list of values each, without the cookies.
    pub fn headers_for_hook(&self) -> Value {
        let mut all = serde_json::Map::new();
        for (name, value) in &self.headers {
            if name == "cookie" || name == "host" || name == "connection" {
                continue;
            }
            let canonical: Vec<String> = name
                .as_str()
                .split('-')
                .map(|part| {
                    part.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(part.chars().skip(1)).collect()
                })
                .collect();
            let values = all.entry(canonical.join("-")).or_insert_with(|| json!([]));
            values.as_array_mut().unwrap().push(json!(value.to_str().unwrap_or_default()));
        }
        Value::Object(all)
    }
}
