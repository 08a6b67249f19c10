//! Somebody with a browser: keeps cookies, goes through Kratos's flows, asks the service.

use std::collections::BTreeMap;

use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::device::Authenticator;
use crate::world::World;

const PASSWORD: &str = "correct-horse-9-battery";

pub struct Person<'a> {
    world: &'a World,
    email: String,
    cookies: BTreeMap<String, String>,
}

impl<'a> Person<'a> {
    pub fn new(world: &'a World, email: &str) -> Self {
        Self { world, email: email.to_owned(), cookies: BTreeMap::new() }
    }

    /// As a browser would send them.
    pub fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
    /// Somebody who was made by an administrator with this password.
    pub const PASSWORD: &'static str = PASSWORD;

    pub async fn register(&mut self) -> Value {
        let traits = json!({ "email": self.email });
        self.go_through(
            "registration",
            json!({ "method": "password", "password": PASSWORD, "traits": traits }),
        )
        .await
    }

    pub async fn sign_in(&mut self) -> Value {
        let email = self.email.clone();
        self.go_through("login", json!({ "method": "password", "password": PASSWORD, "identifier": email }))
            .await
    }

    /// With the password alone, of two factors: the session is there, and Kratos asks for more where it is told to.
    pub async fn sign_in_halfway(&mut self) {
        let flow = self.begin("login", "").await;
        let form = json!({ "method": "password", "password": PASSWORD, "identifier": self.email });
        let (status, answer) = self.submit(&flow, form).await;
        assert!(matches!(status, 200 | 422), "{status} {answer}");
    }

    pub async fn change_name(&mut self, first: &str) -> Value {
        let traits = json!({ "email": self.email, "name": { "first": first } });
        let answer = self.go_through("settings", json!({ "method": "profile", "traits": traits })).await;
        assert_eq!(answer["state"], "success", "{answer}");
        answer
    }

    /// What the page asks.
    pub async fn ask(&self) -> (u16, Value) {
        let url = self.world.service("/api/onboarding");
        let request = self.world.http.get(url).header(header::COOKIE, self.cookie_header());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn decision(&self) -> Value {
        let (status, body) = self.ask().await;
        assert_eq!(status, 200, "{body}\n{}", self.world.logs());
        body
    }

    /// Of our own ceremony, as the page asks for it.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = self.world.service(&format!("/api/onboarding/{path}"));
        let request = self.world.http.post(url).header(header::COOKIE, self.cookie_header());
        let answer = request.header(header::ORIGIN, self.world.service("")).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A passkey by our own ceremony; and what was answered.
    pub async fn makes_passkey(&self) -> (Authenticator, u16, Value) {
        let mut device = Authenticator::at(&self.world.service(""));
        let (status, asked) = self.post("passkeys/options", &json!({})).await;
        if status != 200 {
            return (device, status, asked);
        }
        let made: Value = serde_json::from_str(&device.create(&asked["options"])).unwrap();
        let (status, answer) =
            self.post("passkeys", &json!({ "credential": made, "device": "Laptop" })).await;
        (device, status, answer)
    }

    /// In a new browser, with nothing but the passkey. The traits of who is signed in, or Kratos's answer.
    pub async fn signs_in_with(&self, device: &Authenticator) -> Result<Value, Value> {
        let mut browser = Person::new(self.world, &self.email);
        let flow = browser.begin("login", "").await;
        let used = device.get(&options(&flow, "passkey_challenge")["publicKey"]);
        let (status, done) =
            browser.submit(&flow, json!({ "method": "passkey", "passkey_login": used })).await;
        if status == 200 { Ok(done["session"]["identity"]["traits"].clone()) } else { Err(done) }
    }

    /// A passkey by Kratos's own settings flow; and what was answered.
    pub async fn adds_passkey_at_kratos(&mut self) -> (u16, Value) {
        let flow = self.begin("settings", "").await;
        let mut device = Authenticator::at(&self.world.service(""));
        let made = device.create(&options(&flow, "passkey_create_data")["publicKey"]);
        self.submit(&flow, json!({ "method": "passkey", "passkey_settings_register": made })).await
    }

    /// An authenticator app as the second factor; this session has used it then.
    pub async fn adds_app(&mut self) {
        let flow = self.begin("settings", "").await;
        let nodes = flow["ui"]["nodes"].as_array().unwrap();
        let shown = nodes.iter().find(|node| node["attributes"]["id"] == "totp_secret_key").unwrap();
        let secret = Secret::try_from_base32(shown["attributes"]["text"]["text"].as_str().unwrap()).unwrap();
        let app = Builder::new().with_secret(secret).with_account_name("a").with_issuer(Some("b"));
        let code = app.build().unwrap().generate_current().to_string();
        let (status, answer) = self.submit(&flow, json!({ "method": "totp", "totp_code": code })).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// As a page that fetches does.
    async fn begin(&mut self, flow: &str, query: &str) -> Value {
        let start = self.world.kratos(&format!("/self-service/{flow}/browser{query}"));
        self.fetch(Method::GET, &start, None).await
    }

    async fn submit(&mut self, flow: &Value, mut form: Value) -> (u16, Value) {
        form["csrf_token"] = node(flow, "csrf_token")["attributes"]["value"].clone();
        let action = flow["ui"]["action"].as_str().unwrap().to_owned();
        self.answered(Method::POST, &action, Some(form)).await
    }

    /// Opens a self-service flow as a page that fetches does, and submits it.
    async fn go_through(&mut self, flow: &str, form: Value) -> Value {
        let opened = self.begin(flow, "").await;
        let (status, answer) = self.submit(&opened, form).await;
        assert_eq!(status, 200, "{flow}: {answer}\n{}", self.world.logs());
        answer
    }

    async fn fetch(&mut self, method: Method, url: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.answered(method, url, body).await;
        assert_eq!(status, 200, "{url}: {answer}\n{}", self.world.logs());
        answer
    }

    async fn answered(&mut self, method: Method, url: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.world.http.request(method, url);
        request =
            request.header(header::ACCEPT, "application/json").header(header::COOKIE, self.cookie_header());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        self.keep_cookies(&answer);
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    fn keep_cookies(&mut self, answer: &Response) {
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

fn node<'f>(flow: &'f Value, name: &str) -> &'f Value {
    let nodes = flow["ui"]["nodes"].as_array().unwrap();
    let named = nodes.iter().find(|node| node["attributes"]["name"] == name);
    named.unwrap_or_else(|| panic!("no node {name}: {flow:#}"))
}

/// What a node holds for `navigator.credentials`.
fn options(flow: &Value, name: &str) -> Value {
    serde_json::from_str(node(flow, name)["attributes"]["value"].as_str().unwrap()).unwrap()
}
