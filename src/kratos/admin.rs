//! Kratos's admin API: the last word on which passkeys exist.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::client::{client, endpoint, runtime, send, with_credentials};
use super::{CallError, ClientError, Held};
use crate::config;
use crate::onboarding::{IdentityId, PiiKeys};
use crate::telemetry::Metrics;

/// One question, waiting for a place included: the page that waits for it gives up after three seconds.
const WITHIN: Duration = Duration::from_secs(1);
const CALLS_AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    #[error("Kratos knows no such identity")]
    Gone,
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(#[from] CallError),
}

/// Asks what an identity holds. Bounded in number and time.
#[derive(Debug)]
pub struct Admin {
    http: reqwest::Client,
    url: Url,
    keys: PiiKeys,
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    runtime: Handle,
}

impl Admin {
    /// `None` without a `kratos.admin_url`. Needs rustls's process-wide provider where that is `https`; calls are made
    /// on the current tokio runtime.
    pub fn new(
        kratos: &config::Kratos,
        keys: PiiKeys,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Admin>, ClientError> {
        let Some(url) = kratos.admin_url.clone() else { return Ok(None) };
        let places = Arc::new(Semaphore::new(CALLS_AT_ONCE));
        Ok(Some(Admin { http: client(&url, WITHIN)?, url, keys, places, metrics, runtime: runtime()? }))
    }

    /// What its calls are made on, for what has to go on when a request ends.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Never from memory: what is asked now is true now.
    pub async fn held(&self, identity: IdentityId) -> Result<Held, AdminError> {
        let url = with_credentials(endpoint(&self.url, &format!("/admin/identities/{identity}")));
        let (request, places) = (self.http.get(url), self.places.clone());
        // On the runtime that outlives the caller: so does the connection.
        let call = self.runtime.spawn(async move {
            // Within the call too: nobody waits for a place that no longer waits for an answer.
            let call = async {
                let _place = places.acquire().await.map_err(|_| CallError::Slow)?;
                send(request).await
            };
            timeout(WITHIN, call).await.unwrap_or(Err(CallError::Slow))
        });
        let answered = match timeout(WITHIN, call).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(CallError::Down),
            Err(_) => Err(CallError::Slow),
        };
        let held = match answered {
            Ok((200, body)) => Held::parse(&body, &self.keys).map_err(AdminError::from),
            Ok((404, _)) => Err(AdminError::Gone),
            Ok((status, _)) => Err(CallError::Status(status).into()),
            Err(error) => Err(error.into()),
        };
        let outcome = match &held {
            Ok(_) => "ok",
            Err(AdminError::Gone) => "gone",
            Err(AdminError::Unreachable(_)) => "unreachable",
        };
        self.metrics.kratos_call("identity", outcome);
        held
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::recordings;
    use super::*;

    const IDENTITY: &str = "5eddbeec-b3d3-4769-ad6d-07e5374f94b7";

    async fn ask(answer: ResponseTemplate) -> Result<Held, AdminError> {
        recordings::install_tls();
        let kratos = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path(format!("/kratos/admin/identities/{IDENTITY}")))
            .and(query_param("include_credential", "passkey"))
            .respond_with(answer)
            .mount(&kratos)
            .await;
        let mut settings = recordings::settings(&kratos.uri());
        settings.admin_url = Some(format!("{}/kratos/", kratos.uri()).parse().unwrap());
        let admin = Admin::new(&settings, recordings::keys(), Arc::default()).unwrap().unwrap();
        admin.held(IDENTITY.parse().unwrap()).await
    }

    #[tokio::test]
    async fn it_counts_what_kratos_answers() {
        let body = recordings::body("v26.2.0", "admin/identity-password-passkey.json");
        let held = ask(ResponseTemplate::new(200).set_body_bytes(body)).await.unwrap();
        assert_eq!((held.passkeys, held.security_keys), (1, 0));
    }

    #[tokio::test]
    async fn a_deleted_identity_is_gone_and_a_refusal_is_not() {
        assert_eq!(ask(ResponseTemplate::new(404)).await.unwrap_err(), AdminError::Gone);
        let refused = ask(ResponseTemplate::new(401)).await.unwrap_err();
        assert_eq!(refused, AdminError::Unreachable(CallError::Status(401)));
    }

    #[tokio::test]
    async fn a_slow_answer_is_not_waited_for() {
        let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(5));
        assert_eq!(ask(slow).await.unwrap_err(), AdminError::Unreachable(CallError::Slow));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let away = ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/");
        assert_eq!(ask(away).await.unwrap_err(), AdminError::Unreachable(CallError::Status(302)));
    }
}
