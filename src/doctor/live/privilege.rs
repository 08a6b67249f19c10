//! How long a sign-in really counts. Only a session can tell: a settings flow is begun with it, and something that is no passkey is
//! submitted. Kratos looks at the age of the sign-in first (403 `session_refresh_required`) and at what was submitted after that
//! (400): the person's credentials stay as they are (v26.2.0).

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, COOKIE, HeaderValue, SET_COOKIE};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::ask::{Answer, below, send};
use super::{Asked, Checked};
use crate::clock::Clock;
use crate::doctor::codes::{LIVE_NOT_CHECKED, LIVE_PRIVILEGED_AGE};
use crate::doctor::duration::shown;
use crate::doctor::finding::Finding;
use crate::doctor::subject::Subject;

/// Closer to the limit than this nothing can be said.
const MARGIN: Duration = Duration::from_secs(2);

/// A session of somebody, who need not be an administrator.
#[derive(Clone)]
pub enum SessionProof {
    /// `X-Session-Token`.
    Token(String),
    /// `name=value`, as a browser sends it.
    Cookie(String),
}

impl fmt::Debug for SessionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionProof(…)")
    }
}

impl SessionProof {
    fn on(&self, request: RequestBuilder, more_cookies: &[String]) -> RequestBuilder {
        let request = request.header(ACCEPT, "application/json");
        let sensitive = |text: &str| {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        match self {
            SessionProof::Token(token) => match sensitive(token) {
                Some(token) => request.header("X-Session-Token", token),
                None => request,
            },
            SessionProof::Cookie(cookie) => {
                let all: Vec<&str> =
                    std::iter::once(cookie.as_str()).chain(more_cookies.iter().map(String::as_str)).collect();
                match sensitive(&all.join("; ")) {
                    Some(cookies) => request.header(COOKIE, cookies),
                    None => request,
                }
            }
        }
    }

    fn flow(&self) -> &'static str {
        match self {
            SessionProof::Token(_) => "/self-service/settings/api",
            SessionProof::Cookie(_) => "/self-service/settings/browser",
        }
    }
}

pub(super) async fn check(
    client: &Client,
    asked: &Asked<'_>,
    subject: &Subject<'_>,
    clock: &Clock,
    proof: Option<&SessionProof>,
    checked: &mut Checked,
) {
    let place = subject.at("selfservice.flows.settings.privileged_session_max_age");
    let not_checked = |why: &str| {
        let message =
            format!("Whether Kratos applies this `privileged_session_max_age` was not checked: {why}.");
        Finding::new(&LIVE_NOT_CHECKED, &place, message)
    };
    let Some(proof) = proof else {
        let why =
            "that needs somebody's session, in KRATOS_SESSION_TOKEN or KRATOS_SESSION_COOKIE (`name=value`)";
        checked.findings.push(not_checked(why));
        return;
    };
    let Some(configured) = subject.privileged_age() else {
        checked.findings.push(not_checked("the configuration says no duration"));
        return;
    };
    match judge(client, asked, clock, proof).await {
        Err(why) => checked.findings.push(not_checked(&why)),
        Ok((age, refused)) => {
            let sure = age + MARGIN < configured || age > configured + MARGIN;
            let agrees = refused == (age >= configured);
            let age = Duration::from_secs(age.as_secs());
            let did = if refused { "was refused" } else { "was let through" };
            if !sure {
                checked.findings.push(not_checked("the sign-in is just as old as it may be"));
            } else if agrees {
                checked.well.push(format!(
                    "a change {} after signing in {did}, as the file says ({})",
                    shown(age),
                    shown(configured)
                ));
            } else {
                let message = format!(
                    "The file says {}; a change {} after signing in {did}.",
                    shown(configured),
                    shown(age)
                );
                checked.findings.push(Finding::new(&LIVE_PRIVILEGED_AGE, &place, message));
            }
        }
    }
}

/// How old the sign-in is, and whether it is too old.
async fn judge(
    client: &Client,
    asked: &Asked<'_>,
    clock: &Clock,
    proof: &SessionProof,
) -> Result<(Duration, bool), String> {
    let whoami = send(proof.on(client.get(below(&asked.url, "/sessions/whoami")), &[])).await?;
    let authenticated: Option<Timestamp> =
        whoami.text("/authenticated_at").and_then(|text| text.parse().ok());
    let Some(authenticated) = authenticated.filter(|_| whoami.status == 200) else {
        return Err(format!("Kratos does not take the session (status {})", whoami.status));
    };
    let begun = send(proof.on(client.get(below(&asked.url, proof.flow())), &[])).await?;
    let Some(id) = begun.text("/id").filter(|_| begun.status == 200) else {
        return Err(format!("no settings flow could be begun (status {})", begun.status));
    };
    let mut url = below(&asked.url, "/self-service/settings");
    url.query_pairs_mut().append_pair("flow", &id);
    let submission = json!({
        "method": "passkey",
        // Not an attestation, so that nothing can come of it.
        "passkey_settings_register": "{}",
        "csrf_token": csrf(&begun.json()),
    });
    let request = client.post(url).json(&submission);
    let answer = send(proof.on(request, &cookies(&begun))).await?;
    let now = clock.now();
    let age = Duration::try_from(now.duration_since(authenticated)).unwrap_or_default();
    match (answer.status, answer.error_id().as_deref()) {
        (403, Some("session_refresh_required")) => Ok((age, true)),
        // What was submitted was looked at, and is no passkey.
        (400, None) => Ok((age, false)),
        (status, Some(id)) => Err(format!("Kratos answered {status} `{id}`")),
        (status, None) => Err(format!("Kratos answered with status {status}")),
    }
}

fn csrf(flow: &Value) -> &str {
    let nodes = flow.pointer("/ui/nodes").and_then(Value::as_array);
    let mut inputs = nodes.into_iter().flatten().filter_map(|node| node.get("attributes"));
    let token = inputs.find(|input| input.get("name").is_some_and(|name| name == "csrf_token"));
    token.and_then(|input| input.get("value")?.as_str()).unwrap_or_default()
}

/// `name=value` of each cookie that was set.
fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()).map(|pair| pair.trim().to_owned()).collect()
}
