//! Kratos as the service sees it: whoami and one identity of the admin API, answering what was recorded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::recordings;
use crate::service::Plan;

pub const COOKIE: &str = "MTc5NTMyMjA4OHxfLTQwZkJJWUMyRGE0azNOVjRZWTMwOGpjd0xSQTdn";

pub struct Kratos {
    pub server: MockServer,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    by_cookie: HashMap<String, ResponseTemplate>,
    by_token: HashMap<String, ResponseTemplate>,
    identities: HashMap<String, ResponseTemplate>,
    /// Whatever the credential.
    whoami: Option<ResponseTemplate>,
}

struct Answering(Arc<Mutex<Answers>>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let answers = self.0.lock().unwrap();
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let path = request.url.path();
        let found = if path == "/sessions/whoami" {
            let by_token = header("x-session-token").map(|token| answers.by_token.get(&token));
            // Only the session cookie may come; with any other beside it this finds nobody.
            let by_cookie = || header("cookie").and_then(|cookies| answers.by_cookie.get(&cookies));
            answers.whoami.as_ref().or_else(|| by_token.unwrap_or_else(by_cookie))
        } else {
            path.strip_prefix("/admin/identities/").and_then(|id| answers.identities.get(id))
        };
        found.cloned().unwrap_or_else(|| {
            let refused = match path {
                "/sessions/whoami" => "v26.2.0/public/error-whoami-no-session.json",
                _ => "v26.2.0/admin/identity-404.json",
            };
            recorded(refused)
        })
    }
}

/// A recorded answer, status and body.
pub fn recorded(path: &str) -> ResponseTemplate {
    let recorded = recordings::json(path);
    let status = u16::try_from(recorded["status"].as_u64().unwrap()).unwrap();
    ResponseTemplate::new(status).set_body_json(&recorded["body"])
}

impl Kratos {
    pub async fn start() -> Kratos {
        let (server, answers) = (MockServer::start().await, Arc::<Mutex<Answers>>::default());
        Mock::given(any()).respond_with(Answering(answers.clone())).mount(&server).await;
        Kratos { server, answers }
    }

    /// Settings that point to it, admin API included.
    pub fn plan(&self) -> Plan {
        self.plan_without_admin().with("KRATOS__ADMIN_URL", self.server.uri())
    }

    pub fn plan_without_admin(&self) -> Plan {
        Plan::new().with("KRATOS__PUBLIC_URL", self.server.uri())
    }

    /// Whoever comes with the cookie of `session` is signed in.
    pub fn signed_in(&self, session: &Session) {
        let answer = ResponseTemplate::new(200).set_body_json(&session.body);
        let cookie = format!("ory_kratos_session={}", session.cookie);
        self.answers.lock().unwrap().by_cookie.insert(cookie, answer);
    }

    /// The same for `X-Session-Token`.
    pub fn signed_in_by_token(&self, token: &str, session: &Session) {
        let answer = ResponseTemplate::new(200).set_body_json(&session.body);
        self.answers.lock().unwrap().by_token.insert(token.to_owned(), answer);
    }

    /// Every session is gone.
    pub fn signed_out(&self) {
        let mut answers = self.answers.lock().unwrap();
        answers.by_cookie.clear();
        answers.by_token.clear();
    }

    /// To everybody, from now on.
    pub fn whoami_answers(&self, answer: ResponseTemplate) {
        self.answers.lock().unwrap().whoami = Some(answer);
    }

    /// As before [`Kratos::whoami_answers`].
    pub fn whoami_heals(&self) {
        self.answers.lock().unwrap().whoami = None;
    }

    /// What the admin API answers for an identity: a recorded one under another id.
    pub fn identity(&self, id: &str, recording: &str) {
        let mut body = recordings::json(recording)["body"].clone();
        body["id"] = json!(id);
        self.identity_answers(id, ResponseTemplate::new(200).set_body_json(body));
    }

    pub fn identity_answers(&self, id: &str, answer: ResponseTemplate) {
        self.answers.lock().unwrap().identities.insert(id.to_owned(), answer);
    }

    /// Calls seen so far at a path.
    pub async fn calls(&self, at: &str) -> usize {
        let seen = self.server.received_requests().await.unwrap_or_default();
        seen.iter().filter(|request| request.url.path() == at).count()
    }
}

/// A recorded whoami, dated now.
#[derive(Clone)]
pub struct Session {
    pub cookie: String,
    pub body: Value,
}

impl Session {
    pub fn recorded(recording: &str) -> Session {
        let body = recordings::json(recording)["body"].clone();
        let session = Session { cookie: COOKIE.to_owned(), body };
        session.authenticated(0).expires(86_400)
    }

    /// A person who registered with a password a moment ago.
    pub fn fresh() -> Session {
        Session::recorded("v26.2.0/public/whoami-fresh.json")
    }

    /// So many seconds ago.
    pub fn authenticated(mut self, seconds: i64) -> Session {
        let then = json!(ago(seconds).to_string());
        for method in self.body["authentication_methods"].as_array_mut().unwrap() {
            method["completed_at"] = then.clone();
        }
        self.body["authenticated_at"] = then.clone();
        self.body["issued_at"] = then;
        self
    }

    /// In so many seconds.
    pub fn expires(mut self, seconds: i64) -> Session {
        self.body["expires_at"] = json!(ago(-seconds).to_string());
        self
    }

    pub fn of(mut self, identity: &str) -> Session {
        self.body["identity"]["id"] = json!(identity);
        self
    }

    /// Another session: its id.
    pub fn named(mut self, id: &str) -> Session {
        self.body["id"] = json!(id);
        self
    }

    pub fn with_cookie(mut self, cookie: &str) -> Session {
        self.cookie = cookie.to_owned();
        self
    }

    pub fn identity(&self) -> String {
        self.body["identity"]["id"].as_str().unwrap().to_owned()
    }

    /// As a browser sends it, between others.
    pub fn cookies(&self) -> String {
        format!("theme=dark; ory_kratos_session={}; other=1", self.cookie)
    }
}

pub fn ago(seconds: i64) -> Timestamp {
    // The tests play the part of Kratos, whose clock is the machine's.
    #[expect(clippy::disallowed_methods)]
    let now = Timestamp::now();
    now - SignedDuration::from_secs(seconds)
}
