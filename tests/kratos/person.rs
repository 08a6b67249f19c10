//! Somebody with a browser: keeps cookies, goes through Kratos's flows, asks the service.

use std::collections::BTreeMap;

use reqwest::{Method, Response, header};
use serde_json::{Value, json};

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

    /// Opens a self-service flow as a page that fetches does, and submits it.
    async fn go_through(&mut self, flow: &str, mut form: Value) -> Value {
        let start = self.world.kratos(&format!("/self-service/{flow}/browser"));
        let opened = self.fetch(Method::GET, &start, None).await;
        let nodes = opened["ui"]["nodes"].as_array().unwrap();
        let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").unwrap();
        form["csrf_token"] = token["attributes"]["value"].clone();
        let action = opened["ui"]["action"].as_str().unwrap().to_owned();
        self.fetch(Method::POST, &action, Some(form)).await
    }

    async fn fetch(&mut self, method: Method, url: &str, body: Option<Value>) -> Value {
        let mut request = self.world.http.request(method, url);
        request =
            request.header(header::ACCEPT, "application/json").header(header::COOKIE, self.cookie_header());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        self.keep_cookies(&answer);
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {text}\n{}", self.world.logs());
        serde_json::from_str(&text).unwrap()
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
