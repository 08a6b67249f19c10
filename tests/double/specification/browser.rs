//! A browser and whoever sits before it: cookies, pages that fetch, and addresses that are gone to.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::super::double::config::Config;
use super::super::double::server::{Running, start};

pub const PASSWORD: &str = "correct-horse-9-battery";

/// A Kratos of a test's own, on free ports.
pub struct World {
    pub running: Running,
}

pub fn world(change: impl FnOnce(&mut Config)) -> World {
    let mut config = Config::default();
    change(&mut config);
    World { running: start(config).unwrap() }
}

pub struct Browser {
    client: reqwest::Client,
    public: String,
    pub admin: String,
    pub cookies: BTreeMap<String, String>,
    pub email: String,
}

#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answered {
    /// Where a navigation leads.
    pub fn location(&self) -> &str {
        self.headers.get("location").map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body.clone()
    }

    #[track_caller]
    pub fn is_refused(&self, status: u16, id: &str) -> Value {
        assert_eq!(
            (self.status, self.body["error"]["id"].as_str().unwrap_or_default()),
            (status, id),
            "{}",
            self.body
        );
        self.body.clone()
    }
}

/// Making one reads all certificates of the machine, so all tests share it. Each has a runtime of its own, so no
/// connection outlives its request.
fn client() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let make = || {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().redirect(Policy::none()).pool_max_idle_per_host(0).build().unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

impl World {
    pub fn browser(&self, email: &str) -> Browser {
        Browser {
            client: client(),
            public: self.running.public.clone(),
            admin: self.running.admin.clone(),
            cookies: BTreeMap::new(),
            email: email.to_owned(),
        }
    }

    /// Somebody who registered with a password a moment ago.
    pub async fn person(&self, email: &str) -> Browser {
        let mut browser = self.browser(email);
        browser.register().await.is(200);
        browser
    }
}

impl Browser {
    async fn ask(&mut self, method: Method, address: &str, accept: &str, body: Option<Value>) -> Answered {
        let url = if address.starts_with("http") {
            address.to_owned()
        } else {
            format!("{}{address}", self.public)
        };
        let mut request = self.client.request(method, url).header("accept", accept);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{attributes}");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answered { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// A page fetches.
    pub async fn fetch(&mut self, address: &str) -> Answered {
        self.ask(Method::GET, address, "application/json", None).await
    }

    pub async fn send(&mut self, address: &str, body: Value) -> Answered {
        self.ask(Method::POST, address, "application/json", Some(body)).await
    }

    /// The browser goes there.
    pub async fn go(&mut self, address: &str) -> Answered {
        self.ask(Method::GET, address, "text/html,application/xhtml+xml,*/*;q=0.8", None).await
    }

    pub async fn patch(&mut self, id: &str, body: Value) -> Answered {
        let url = format!("{}/admin/identities/{id}", self.admin);
        self.ask(Method::PATCH, &url, "application/json", Some(body)).await
    }

    pub async fn begin(&mut self, kind: &str, query: &str) -> Value {
        self.fetch(&format!("/self-service/{kind}/browser{query}")).await.is(200)
    }

    /// Submits a flow with its own token.
    pub async fn submit(&mut self, flow: &Value, mut body: Value) -> Answered {
        if body.get("csrf_token").is_none() {
            body["csrf_token"] = json!(value(flow, "csrf_token"));
        }
        self.send(flow["ui"]["action"].as_str().unwrap(), body).await
    }

    pub async fn register(&mut self) -> Answered {
        let flow = self.begin("registration", "").await;
        let traits = json!({ "email": self.email, "name": { "first": "Ada", "last": "Example" } });
        self.submit(&flow, json!({ "method": "password", "password": PASSWORD, "traits": traits })).await
    }

    /// With the password.
    pub async fn sign_in(&mut self, query: &str) -> Answered {
        let flow = self.begin("login", query).await;
        let body = json!({ "method": "password", "identifier": self.email, "password": PASSWORD });
        self.submit(&flow, body).await
    }

    pub async fn sign_out(&mut self) {
        let flow = self.fetch("/self-service/logout/browser").await.is(200);
        self.fetch(flow["logout_url"].as_str().unwrap()).await.is(204);
    }

    pub async fn whoami(&mut self) -> Answered {
        self.fetch("/sessions/whoami").await
    }

    pub async fn id(&mut self) -> String {
        self.whoami().await.is(200)["identity"]["id"].as_str().unwrap().to_owned()
    }

    /// As the admin API shows this person.
    pub async fn identity(&mut self) -> Value {
        let id = self.id().await;
        let url = format!(
            "{}/admin/identities/{id}?include_credential=passkey&include_credential=webauthn",
            self.admin
        );
        self.fetch(&url).await.is(200)
    }
}

pub fn nodes<'a>(flow: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = flow["ui"]["nodes"].as_array().unwrap();
    all.iter().filter(|node| node["attributes"]["name"] == json!(name)).collect()
}

/// Of the first node with this name.
pub fn value(flow: &Value, name: &str) -> String {
    let found = nodes(flow, name);
    let node = found.first().unwrap_or_else(|| panic!("no node {name}"));
    node["attributes"]["value"].as_str().unwrap_or_default().to_owned()
}

pub fn options(flow: &Value, name: &str) -> Value {
    serde_json::from_str(&value(flow, name)).unwrap()
}

/// The numbers of all messages, of fields too.
pub fn messages(flow: &Value) -> Vec<u64> {
    let of_fields = flow["ui"]["nodes"].as_array().unwrap().iter().map(|node| &node["messages"]);
    let all = of_fields.chain([&flow["ui"]["messages"]]).filter_map(Value::as_array).flatten();
    all.map(|message| message["id"].as_u64().unwrap()).collect()
}
