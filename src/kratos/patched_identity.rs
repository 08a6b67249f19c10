//! A Kratos whose admin API patches one identity as the real ones do, while others change it too.

use std::sync::{Arc, Mutex};

use json_patch::Patch;
use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::onboarding::IdentityId;

pub type Change = Box<dyn FnMut(&mut Value) + Send>;

/// Takes what a real one takes; `inside`: it patches inside of credentials (v25.4 and later).
pub struct Kratos {
    pub identity: Mutex<Value>,
    pub inside: bool,
    /// What somebody else does before the nth patch arrives.
    pub meanwhile: Mutex<Vec<Change>>,
    /// So many patches are answered with 200 and forgotten.
    pub lost: Mutex<usize>,
    pub patches: Mutex<Vec<Value>>,
}

#[derive(Clone)]
struct Shared(Arc<Kratos>);

impl Respond for Shared {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut identity = self.0.identity.lock().unwrap();
        if request.method.as_str() == "GET" {
            return ResponseTemplate::new(200).set_body_json(&*identity);
        }
        if let Some(mut change) = self.0.meanwhile.lock().unwrap().pop() {
            change(&mut identity);
        }
        let operations: Value = serde_json::from_slice(&request.body).unwrap();
        self.0.patches.lock().unwrap().push(operations.clone());
        let paths = operations.as_array().unwrap().iter().map(|op| op["path"].as_str().unwrap());
        if !self.0.inside && paths.into_iter().any(|path| path.matches('/').count() > 2) {
            return ResponseTemplate::new(404);
        }
        let patch: Patch = serde_json::from_value(operations).unwrap();
        let mut patched = identity.clone();
        if json_patch::patch(&mut patched, &patch).is_err() {
            return ResponseTemplate::new(400);
        }
        let mut lost = self.0.lost.lock().unwrap();
        if *lost == 0 {
            *identity = patched;
        } else {
            *lost -= 1;
        }
        ResponseTemplate::new(200).set_body_json(&*identity)
    }
}

pub struct World {
    pub kratos: Arc<Kratos>,
    pub server: MockServer,
    pub id: IdentityId,
}

impl World {
    pub async fn with(identity: Value, inside: bool) -> World {
        let id = identity["id"].as_str().unwrap().parse().unwrap();
        let kratos = Arc::new(Kratos {
            identity: Mutex::new(identity),
            inside,
            meanwhile: Mutex::default(),
            lost: Mutex::new(0),
            patches: Mutex::default(),
        });
        let server = MockServer::start().await;
        for verb in ["GET", "PATCH"] {
            let answers = Shared(kratos.clone());
            Mock::given(method(verb))
                .and(path(format!("/kratos/admin/identities/{id}")))
                .respond_with(answers)
                .mount(&server)
                .await;
        }
        World { kratos, server, id }
    }

    /// Before the next patch arrives.
    pub fn meanwhile(&self, change: impl FnMut(&mut Value) + Send + 'static) {
        self.kratos.meanwhile.lock().unwrap().push(Box::new(change));
    }

    pub fn identity(&self) -> Value {
        self.kratos.identity.lock().unwrap().clone()
    }
}
