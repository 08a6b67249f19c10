//! Decide and serve: what the page asks, what it reports, and what it is told.

mod bodies;
mod cors;
mod decision;
mod document;
mod eligibility;
mod events;
mod own;
mod passkeys;
mod reports;
mod sessions;
mod trouble;
mod waiting;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::database::Database;
use crate::double::{Kratos, Session};
use crate::recordings;
use crate::service::{Plan, Service, delivered};

const WHOAMI: &str = "/sessions/whoami";
/// The person of the recordings, told of by their registration and later by their settings.
const REGISTERED: &str = "v26.2.0/hooks/registration-password.ctx.json";
const ONE_PASSKEY: &str = "v26.2.0/hooks/settings-passkey.ctx.1-passkeys-0-security-keys.json";
/// Somebody else.
const ANOTHER: &str = "9b7a92df-7c3d-443c-9566-2e905aa14ed5";
const PATIENCE: Duration = Duration::from_secs(20);

/// A service with Kratos in front, and one person signed in there by cookie.
pub struct House {
    pub kratos: Kratos,
    pub service: Service,
    pub person: Session,
}

impl House {
    /// Nobody told of the person, and there is no admin API to ask.
    pub async fn start() -> House {
        House::with(Kratos::plan_without_admin).await
    }

    /// The same, with the admin API.
    pub async fn with_admin() -> House {
        House::with(Kratos::plan).await
    }

    pub async fn with(plan: impl FnOnce(&Kratos) -> Plan) -> House {
        let kratos = Kratos::start().await;
        let person = Session::fresh();
        kratos.signed_in(&person);
        let service = plan(&kratos).start();
        House { kratos, service, person }
    }

    /// The hook of the registration by password came.
    pub async fn registered() -> House {
        House::start().await.hooked(REGISTERED).await
    }

    /// The hook of the settings flow came, with one passkey left.
    pub async fn done() -> House {
        House::registered().await.hooked(ONE_PASSKEY).await
    }

    /// Stopped, and started again on the same files, without the admin API.
    pub async fn restarted(self) -> House {
        let House { kratos, service, person } = self;
        service.signal("TERM");
        let (_, directory, _) = service.ended();
        let service = kratos.plan_without_admin().on(directory).start();
        House { kratos, service, person }
    }

    async fn hooked(self, recording: &str) -> House {
        self.hook(recording).await;
        self
    }

    pub async fn hook(&self, recording: &str) {
        let answer = self.service.send(&recordings::hook(recording)).await;
        assert_eq!(answer.status(), 204, "{recording}: {}", self.service.log());
    }

    /// Somebody registered with a password.
    pub async fn tell_of(&self, identity: &str) {
        let body = json!({ "identity_id": identity }).to_string();
        let told = self.service.hook("/api/kratos/hooks/registration/password", body);
        assert_eq!(delivered(told).await.status(), 204);
    }

    /// Another person, registered with a password and signed in.
    pub async fn somebody(&self, identity: &str) -> Session {
        let session =
            Session::fresh().of(identity).named(identity).with_cookie(&format!("cookie-of-{identity}"));
        self.kratos.signed_in(&session);
        self.tell_of(identity).await;
        session
    }

    pub fn get(&self, query: &str) -> RequestBuilder {
        self.get_as(&self.person, query)
    }

    pub fn get_as(&self, person: &Session, query: &str) -> RequestBuilder {
        self.service.get(&format!("/api/onboarding{query}")).header("Cookie", person.cookies())
    }

    /// As the page served here sends it.
    pub fn report(&self, action: &str) -> RequestBuilder {
        self.report_as(&self.person, action)
    }

    pub fn report_as(&self, person: &Session, action: &str) -> RequestBuilder {
        self.service
            .post(&format!("/api/onboarding/{action}"))
            .header("Cookie", person.cookies())
            .header("Origin", &self.service.public)
    }

    /// The document, answered 200.
    pub async fn decision(&self) -> Value {
        document(self.get("").send().await.unwrap()).await
    }

    /// The document and its tag.
    pub async fn tagged(&self) -> (String, Value) {
        let answer = self.get("").send().await.unwrap();
        (header(answer.headers(), "etag").unwrap(), document(answer).await)
    }

    /// Reports and wants 200; under a key of its own, so that it can be sent again while the disk is busy.
    pub async fn reported(&self, action: &str, body: Value) -> Value {
        static REPORTS: AtomicU64 = AtomicU64::new(0);
        let key = format!("report-{}", REPORTS.fetch_add(1, Ordering::SeqCst));
        document(delivered(self.report(action).header("Idempotency-Key", key).json(&body)).await).await
    }

    /// The audit log.
    pub async fn log(&self) -> Vec<[String; 4]> {
        Database::of(&self.service).log().await
    }

    /// The kinds of what this person did through the page.
    pub async fn told_by(&self, person: &Session) -> Vec<String> {
        let identity = person.identity().replace('-', "");
        let log = self.log().await.into_iter();
        log.filter(|[of, actor, ..]| *of == identity && actor == "person").map(|[.., kind]| kind).collect()
    }

    /// Until so many pages wait.
    pub async fn until_waiting(&self, pages: f64) {
        let deadline = Instant::now() + PATIENCE;
        while self.service.metric("onboarding_waiting_pages").await < pages {
            assert!(Instant::now() < deadline, "nobody waits");
        }
    }
}

pub fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// The body of a 200.
pub async fn document(answer: Response) -> Value {
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Decision and reason.
pub fn verdict(document: &Value) -> (&str, &str) {
    (document["decision"].as_str().unwrap(), document["reason"].as_str().unwrap())
}
