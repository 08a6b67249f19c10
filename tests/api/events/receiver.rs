//! A receiver in the process of the tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::sync::watch;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::PATIENCE;

pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: String,
    pub headers: BTreeMap<String, String>,
    pub raw: Vec<u8>,
    pub body: Value,
    pub at: Instant,
    /// What it was answered with.
    pub status: u16,
}

impl Delivery {
    pub fn identity(&self) -> &str {
        self.body["data"]["identity_id"].as_str().unwrap()
    }

    pub fn version(&self) -> u64 {
        self.body["data"]["version"].as_u64().unwrap()
    }
}

pub struct Reply {
    status: u16,
    template: ResponseTemplate,
}

impl Reply {
    pub fn of(status: u16) -> Reply {
        Reply { status, template: ResponseTemplate::new(status) }
    }

    pub fn header(self, name: &str, value: &str) -> Reply {
        Reply { template: self.template.insert_header(name, value), ..self }
    }

    pub fn after(self, delay: Duration) -> Reply {
        Reply { template: self.template.set_delay(delay), ..self }
    }

    pub fn body(self, bytes: Vec<u8>) -> Reply {
        Reply { template: self.template.set_body_bytes(bytes), ..self }
    }
}

/// What the `nth` try of all, counted from 0, is answered with.
type Script = dyn Fn(&Delivery, usize) -> Reply + Send + Sync;

struct State {
    deliveries: Mutex<Vec<Delivery>>,
    script: Mutex<Box<Script>>,
    arrived: watch::Sender<usize>,
}

struct Answering(Arc<State>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        assert_eq!(request.method.as_str(), "POST");
        // Of its own time: nothing reaches a test that is not signed.
        Webhook::new(SECRET).unwrap().verify(&request.body, &request.headers).unwrap();
        let headers = request.headers.iter();
        let headers: BTreeMap<_, _> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let mut delivery = Delivery {
            id: headers["webhook-id"].clone(),
            headers,
            raw: request.body.clone(),
            body: serde_json::from_slice(&request.body).unwrap(),
            at: Instant::now(),
            status: 0,
        };
        let mut deliveries = self.0.deliveries.lock().unwrap();
        let answer = (self.0.script.lock().unwrap())(&delivery, deliveries.len());
        delivery.status = answer.status;
        deliveries.push(delivery);
        self.0.arrived.send_replace(deliveries.len());
        answer.template
    }
}

pub struct Receiver {
    server: MockServer,
    state: Arc<State>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        Receiver::answering(|_, _| Reply::of(204)).await
    }

    pub async fn answering(script: impl Fn(&Delivery, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let state = Arc::new(State {
            deliveries: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            arrived: watch::Sender::new(0),
        });
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Answering(state.clone())).mount(&server).await;
        Receiver { server, state }
    }

    pub fn url(&self) -> String {
        format!("{}/hooks?token=of-the-receiver", self.server.uri())
    }

    /// From now on.
    pub fn answers(&self, script: impl Fn(&Delivery, usize) -> Reply + Send + Sync + 'static) {
        *self.state.script.lock().unwrap() = Box::new(script);
    }

    /// All that came, in the order in which they came.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state.deliveries.lock().unwrap().clone()
    }

    /// Once it holds of all that came.
    pub async fn until(&self, enough: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let mut arrived = self.state.arrived.subscribe();
        let waiting = async {
            loop {
                arrived.borrow_and_update();
                let deliveries = self.deliveries();
                if enough(&deliveries) {
                    return deliveries;
                }
                arrived.changed().await.unwrap();
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        came.unwrap_or_else(|_| panic!("it does not come: {:#?}", self.deliveries()))
    }

    pub async fn until_came(&self, deliveries: usize) -> Vec<Delivery> {
        self.until(|came| came.len() >= deliveries).await
    }
}

/// Versions in the order in which they were taken, by identity.
pub fn taken(deliveries: &[Delivery]) -> BTreeMap<String, Vec<u64>> {
    let mut taken = BTreeMap::<String, Vec<u64>>::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.status < 300) {
        taken.entry(delivery.identity().to_owned()).or_default().push(delivery.version());
    }
    taken
}
