//! Kratos's admin API with many identities: pages, look-ups, patches, as v26.2.0 does it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::recordings;
use crate::service::Plan;

const PATIENCE: Duration = Duration::from_secs(20);
const LIST: &str = "/admin/identities";

pub struct Directory {
    pub server: MockServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    identities: BTreeMap<Uuid, Value>,
    /// The answer to the first question whose URL holds the text comes so much later; what it says is of before.
    slow: Vec<(&'static str, Duration)>,
    /// Instead of an answer, so many times.
    trouble: Vec<u16>,
    refuses_tokens: bool,
    refuses_patches: bool,
    /// So many patches are answered with this in place of being done.
    patches_fail: (usize, u16),
    /// Patches are answered as if they were done.
    loses_patches: bool,
    /// A patch also does this, as none does.
    patches_change: Option<fn(&mut Value)>,
    /// Why nobody can be made.
    refuses_to_make: Option<String>,
    /// Makes who is asked for, and answers this.
    making_is_answered: Option<u16>,
    refuses_to_delete: bool,
    made: Vec<Value>,
    deleted: Vec<Uuid>,
    asked: Vec<String>,
}

struct Answering(Arc<Mutex<State>>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        state.asked.push(request.url.to_string());
        if let Some(status) = state.trouble.pop() {
            return ResponseTemplate::new(status);
        }
        let url = request.url.as_str();
        let slow = state.slow.iter().position(|(part, _)| url.contains(part));
        let delay = slow.map(|place| state.slow.remove(place).1);
        let answer = state.answer(request);
        match delay {
            Some(delay) => answer.set_delay(delay),
            None => answer,
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path();
        if path == "/version" {
            return ResponseTemplate::new(200).set_body_json(json!({ "version": "v26.2.0" }));
        }
        if path == LIST && request.method.as_str() == "POST" {
            return self.make(request);
        }
        if path == LIST {
            return self.list(request);
        }
        let id = path.strip_prefix("/admin/identities/").and_then(|id| Uuid::parse_str(id).ok());
        let Some((id, identity)) = id.and_then(|id| Some((id, self.identities.get_mut(&id)?))) else {
            return ResponseTemplate::new(404).set_body_json(json!({ "error": { "code": 404 } }));
        };
        if request.method.as_str() == "DELETE" {
            if self.refuses_to_delete {
                return ResponseTemplate::new(403);
            }
            self.identities.remove(&id);
            self.deleted.push(id);
            return ResponseTemplate::new(204);
        }
        if request.method.as_str() == "PATCH" && self.refuses_patches {
            return ResponseTemplate::new(403);
        }
        if request.method.as_str() == "PATCH" && self.patches_fail.0 > 0 {
            self.patches_fail.0 -= 1;
            return ResponseTemplate::new(self.patches_fail.1);
        }
        if request.method.as_str() == "PATCH" && !self.loses_patches {
            let patch: json_patch::Patch = serde_json::from_slice(&request.body).unwrap();
            let mut patched = identity.clone();
            if json_patch::patch(&mut patched, &patch).is_err() {
                return ResponseTemplate::new(400);
            }
            patched["updated_at"] = json!(crate::double::ago(0).to_string());
            if let Some(change) = self.patches_change {
                change(&mut patched);
            }
            *identity = patched;
        }
        ResponseTemplate::new(200).set_body_json(&*identity)
    }

    /// Of `tests/fixtures/kratos-configs/identity.schema.json`, as far as it matters.
    fn make(&mut self, request: &Request) -> ResponseTemplate {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        self.made.push(asked.clone());
        if let Some(reason) = &self.refuses_to_make {
            let error = json!({ "error": { "code": 400, "message": "invalid", "reason": reason } });
            return ResponseTemplate::new(400).set_body_json(error);
        }
        let mut identity = recordings::json("v26.2.0/admin/identity-created.json")["body"].clone();
        let email = identity["traits"]["email"].as_str().unwrap().to_owned();
        let text = identity.to_string().replace(&email, asked["traits"]["email"].as_str().unwrap());
        identity = serde_json::from_str(&text).unwrap();
        for given in ["schema_id", "traits", "state", "metadata_admin"] {
            identity[given] = asked[given].clone();
        }
        // Told with what it holds, where that is asked for.
        identity["credentials"]["webauthn"]["config"] = json!({ "user_handle": "AA==" });
        let id = Uuid::parse_str(identity["id"].as_str().unwrap()).unwrap();
        self.identities.insert(id, identity.clone());
        match self.making_is_answered {
            Some(status) => ResponseTemplate::new(status),
            None => ResponseTemplate::new(201).set_body_json(identity),
        }
    }

    fn list(&self, request: &Request) -> ResponseTemplate {
        let query = |name: &str| {
            let found = request.url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let ids: BTreeSet<Uuid> = (request.url.query_pairs().filter(|(key, _)| key == "ids"))
            .map(|(_, id)| Uuid::parse_str(&id).unwrap())
            .collect();
        let token = query("page_token");
        if token.is_some() && self.refuses_tokens {
            return ResponseTemplate::new(400);
        }
        let after = token.map_or(Uuid::nil(), |token| Uuid::parse_str(&token).unwrap());
        let identifier = query("credentials_identifier");
        let size: usize = query("page_size").map_or(250, |size| size.parse().unwrap());
        let wanted = |(id, identity): &(&Uuid, &Value)| {
            **id > after
                && (ids.is_empty() || ids.contains(id))
                && identifier.as_ref().is_none_or(|identifier| {
                    // A passkey's identifier is a user handle, and not looked for.
                    identity["credentials"]["password"]["identifiers"][0] == json!(identifier)
                })
        };
        let mut page: Vec<_> = self.identities.iter().filter(wanted).take(size + 1).collect();
        let more = page.len() > size;
        page.truncate(size);
        let body: Vec<&Value> = page.iter().map(|(_, identity)| *identity).collect();
        let answer = ResponseTemplate::new(200).set_body_json(body);
        match page.last().filter(|_| more) {
            Some((last, _)) => {
                let link = format!("<{LIST}?page_size={size}&page_token={last}>; rel=\"next\"");
                answer.insert_header("link", link)
            }
            None => answer,
        }
    }
}

impl Directory {
    pub async fn start() -> Directory {
        let (server, state) = (MockServer::start().await, Arc::<Mutex<State>>::default());
        Mock::given(any()).respond_with(Answering(state.clone())).mount(&server).await;
        Directory { server, state }
    }

    pub fn plan(&self) -> Plan {
        // As fast as the tests want it.
        Plan::new().with("KRATOS__ADMIN_URL", self.server.uri()).with("RECONCILE__RATE", "1000")
    }

    /// A recorded identity with a password under another id, with so many passkeys, as it was at that time.
    pub fn holds(&self, id: &str, passkeys: u8, updated_at: &str) {
        let mut identity = recordings::json("v26.2.0/admin/identity-password-passkey.json")["body"].clone();
        identity["id"] = json!(id);
        let email = format!("{}@example.org", &id[..8]);
        let text = identity.to_string().replace(identity["traits"]["email"].as_str().unwrap(), &email);
        let mut identity: Value = serde_json::from_str(&text).unwrap();
        let key = identity["credentials"]["passkey"]["config"]["credentials"][0].clone();
        let keys = (0..passkeys).map(|nth| {
            let mut key = key.clone();
            key["id"] = json!(base64(nth));
            key
        });
        identity["credentials"]["passkey"]["config"]["credentials"] = keys.collect();
        if passkeys == 0 {
            identity["credentials"].as_object_mut().unwrap().remove("passkey");
        }
        for credential in identity["credentials"].as_object_mut().unwrap().values_mut() {
            credential["updated_at"] = json!(updated_at);
        }
        identity["updated_at"] = json!(updated_at);
        self.put(identity);
    }

    pub fn put(&self, identity: Value) {
        let id = Uuid::parse_str(identity["id"].as_str().unwrap()).unwrap();
        self.state.lock().unwrap().identities.insert(id, identity);
    }

    pub fn identity(&self, id: &str) -> Value {
        self.state.lock().unwrap().identities[&Uuid::parse_str(id).unwrap()].clone()
    }

    pub fn change(&self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.state.lock().unwrap().identities.get_mut(&Uuid::parse_str(id).unwrap()).unwrap());
    }

    pub fn delete(&self, id: &str) {
        self.state.lock().unwrap().identities.remove(&Uuid::parse_str(id).unwrap());
    }

    pub fn delete_all(&self) {
        self.state.lock().unwrap().identities.clear();
    }

    pub fn slow(&self, part: &'static str, by: Duration) {
        self.state.lock().unwrap().slow.push((part, by));
    }

    pub fn trouble(&self, statuses: &[u16]) {
        self.state.lock().unwrap().trouble = statuses.to_vec();
    }

    pub fn refuses_tokens(&self) {
        self.state.lock().unwrap().refuses_tokens = true;
    }

    pub fn refuses_patches(&self) {
        self.state.lock().unwrap().refuses_patches = true;
    }

    pub fn patches_fail(&self, times: usize, status: u16) {
        self.state.lock().unwrap().patches_fail = (times, status);
    }

    pub fn loses_patches(&self) {
        self.state.lock().unwrap().loses_patches = true;
    }

    pub fn patches_change(&self, change: fn(&mut Value)) {
        self.state.lock().unwrap().patches_change = Some(change);
    }

    pub fn refuses_to_make(&self, reason: &str) {
        self.state.lock().unwrap().refuses_to_make = Some(reason.to_owned());
    }

    pub fn making_is_answered(&self, status: u16) {
        self.state.lock().unwrap().making_is_answered = Some(status);
    }

    pub fn refuses_to_delete(&self) {
        self.state.lock().unwrap().refuses_to_delete = true;
    }

    /// What was asked for, in order.
    pub fn made(&self) -> Vec<Value> {
        self.state.lock().unwrap().made.clone()
    }

    pub fn deleted(&self) -> usize {
        self.state.lock().unwrap().deleted.len()
    }

    pub fn count(&self) -> usize {
        self.state.lock().unwrap().identities.len()
    }

    /// The questions so far whose URL holds the text.
    pub fn asked(&self, part: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|url| url.contains(part)).cloned().collect()
    }

    /// What was asked so far does not count any more.
    pub fn forget(&self) {
        self.state.lock().unwrap().asked.clear();
    }

    /// Until there was one.
    pub async fn is_asked(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.asked(part).is_empty() {
            assert!(Instant::now() < deadline, "nobody asks for {part}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// As Kratos writes the id of the nth key.
pub fn base64(nth: u8) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [nth; 32])
}

/// As this service writes it.
pub fn credential(nth: u8) -> String {
    hex::encode([nth; 32])
}

/// In their order.
pub fn person(nth: u32) -> String {
    format!("{nth:08x}-0000-4000-8000-000000000001")
}
