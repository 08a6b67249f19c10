//! Makes an identity to try something on, and deletes it again. Kratos runs no hook for either, and sends no mail.

use std::fmt;

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::{LARGEST_OF_ONE, endpoint};
use super::patience::Tries;
use super::{AskError, CallError, Identities};
use crate::onboarding::IdentityId;

/// Characters of what Kratos says about a refusal.
const REASON_MAX: usize = 300;

/// Who is made.
#[derive(Clone)]
pub struct ThrowAway {
    /// Of Kratos's `identity.schemas`.
    pub schema: String,
    pub traits: Value,
    /// For whoever finds it.
    pub note: String,
}

impl fmt::Debug for ThrowAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrowAway").field("schema", &self.schema).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// With what Kratos says about it, which may quote traits.
    #[error("Kratos answered with status {status}: {reason}")]
    Refused { status: u16, reason: String },
    /// It may have been made all the same.
    #[error("Kratos's admin API: {0}")]
    Unsure(CallError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    #[error("Kratos refuses to, with status {0}")]
    Refused(u16),
    #[error("Kratos says that it was done, and it is still there")]
    Stays,
    #[error("Kratos's admin API cannot be asked: {0}")]
    Unreachable(#[from] CallError),
}

impl Identities {
    /// Not active, so that nobody can sign in as it, and without credentials.
    pub async fn make(&self, identity: &ThrowAway) -> Result<IdentityId, MakeError> {
        #[derive(Deserialize)]
        struct Named {
            id: IdentityId,
        }
        let body = json!({
            "schema_id": identity.schema,
            "traits": identity.traits,
            "state": "inactive",
            "metadata_admin": { "made_by": identity.note },
        });
        let url = endpoint(&self.url, "/admin/identities");
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = self.once("make", LARGEST_OF_ONE, request).await.map_err(MakeError::Unsure)?;
        match answer.status {
            201 => {
                let named: Result<Named, _> = serde_json::from_slice(&answer.body);
                named.map(|named| named.id).map_err(|_| MakeError::Unsure(CallError::Body))
            }
            status @ 400..=499 => Err(MakeError::Refused { status, reason: reason(&answer.body) }),
            status => Err(MakeError::Unsure(CallError::Status(status))),
        }
    }

    /// Tried again while it may pass. `Ok`: Kratos knows it no more.
    pub async fn delete(&self, identity: IdentityId) -> Result<(), DeleteError> {
        let mut tries = Tries::of(&self.patience());
        loop {
            let answered = self.once("delete", LARGEST_OF_ONE, self.http.delete(self.of(identity))).await;
            let failed = match &answered {
                Ok(answer) if matches!(answer.status, 200..=299 | 404) => {
                    match self.body_of(identity).await {
                        Err(AskError::Gone) => return Ok(()),
                        Ok(_) => return Err(DeleteError::Stays),
                        Err(AskError::Unreachable(error)) => DeleteError::Unreachable(error),
                        Err(AskError::Token) => DeleteError::Unreachable(CallError::Body),
                    }
                }
                Ok(answer) if (400..=499).contains(&answer.status) && answer.status != 429 => {
                    return Err(DeleteError::Refused(answer.status));
                }
                Ok(answer) => DeleteError::Unreachable(CallError::Status(answer.status)),
                Err(error) => DeleteError::Unreachable(*error),
            };
            let Some(wait) = tries.again(&answered) else { return Err(failed) };
            sleep(wait).await;
        }
    }
}

/// In Ory's envelope, in one line.
fn reason(body: &[u8]) -> String {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = ["/error/reason", "/error/message", "/error/details/reason"];
    let said = texts.iter().find_map(|at| told.pointer(at)?.as_str()).unwrap_or("it says no reason");
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(REASON_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use wiremock::matchers::method;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::{Patience, recordings};
    use super::*;

    const PATIENCE: Patience =
        Patience { answer_within: Duration::from_secs(5), tries_for: Duration::from_secs(5) };

    async fn deleted(server: &MockServer) -> Result<(), DeleteError> {
        recordings::install_tls();
        let url = server.uri().parse().unwrap();
        let identities = Identities::at(url, recordings::keys(), PATIENCE, Arc::default()).unwrap();
        identities.delete("5eddbeec-b3d3-4769-ad6d-07e5374f94b7".parse().unwrap()).await
    }

    async fn answers(server: &MockServer, verb: &str, statuses: &[u16]) {
        for status in statuses {
            let answer = ResponseTemplate::new(*status).set_body_json(json!({ "id": "5eddbeec" }));
            let mock = Mock::given(method(verb)).respond_with(answer);
            mock.up_to_n_times(1).mount(server).await;
        }
    }

    #[tokio::test]
    async fn it_is_deleted_once_kratos_no_longer_knows_it() {
        for (deletions, reads, outcome) in [
            (&[204][..], &[404][..], Ok(())),
            // Done at the first try, and the answer was lost on its way.
            (&[502, 404], &[404], Ok(())),
            (&[503, 429, 204], &[503, 404], Ok(())),
            (&[204], &[200], Err(DeleteError::Stays)),
            (&[403], &[], Err(DeleteError::Refused(403))),
        ] {
            let server = MockServer::start().await;
            answers(&server, "DELETE", deletions).await;
            answers(&server, "GET", reads).await;
            assert_eq!(deleted(&server).await, outcome, "{deletions:?} {reads:?}");
        }
    }

    #[test]
    fn what_kratos_says_is_one_line_and_harmless() {
        let body = json!({ "error": { "message": "invalid", "reason": "a\n\tb\u{1b}[2J" } });
        assert_eq!(reason(body.to_string().as_bytes()), "a b[2J");
        assert_eq!(reason(b"<html>"), "it says no reason");
        let long = json!({ "error": { "message": "x".repeat(1000) } });
        assert_eq!(reason(long.to_string().as_bytes()).len(), REASON_MAX);
    }
}
