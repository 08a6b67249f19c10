//! What a running Kratos and a running service say. Every call is bounded in time and size, and changes nothing, but for one
//! settings flow where a session is given, and an identity that is made and deleted where [`write`] is asked for.

mod ask;
mod hooks;
mod kratos;
mod privilege;
mod throw_away;
mod write;

use std::time::Duration;

use url::Url;

use super::document::Place;
use super::finding::Finding;
use super::subject::Subject;
use crate::clock::Clock;

pub use privilege::SessionProof;
pub use write::write;

/// One call, from connecting to the last byte.
const WITHIN: Duration = Duration::from_secs(5);

/// What was found, and what was asked and is well.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// One line each.
    pub well: Vec<String>,
    /// Somebody wanted it to end before it was done.
    pub was_interrupted: bool,
    /// Kratos's admin API answers as it does.
    has_admin: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct LiveError(#[source] reqwest::Error);

/// An address to ask, and the place in the configuration that is about it.
#[derive(Debug)]
struct Asked<'d> {
    url: Url,
    place: Place<'d>,
}

/// Asks Kratos and the service.
pub async fn examine(
    subject: &Subject<'_>,
    clock: &Clock,
    proof: Option<&SessionProof>,
) -> Result<Checked, LiveError> {
    let client = ask::client(WITHIN).map_err(LiveError)?;
    let mut checked = Checked::default();
    let (public, admin) = (public(subject), admin(subject));
    let reachable = kratos::public(&client, &public, clock, &mut checked).await;
    checked.has_admin = kratos::admin(&client, &admin, clock, &mut checked).await;
    if reachable {
        kratos::cors(&client, &public, subject, &mut checked).await;
    }
    privilege::check(&client, &public, subject, clock, proof.filter(|_| reachable), &mut checked).await;
    hooks::check(&client, subject, &mut checked).await;
    Ok(checked)
}

/// As the service reaches it, else as browsers do, else where it listens.
fn public<'d>(subject: &Subject<'d>) -> Asked<'d> {
    let place = subject.at("serve.public.base_url");
    let settings = subject.settings.map(|settings| settings.kratos.public_url.clone());
    let url = settings
        .or_else(|| Url::parse(place.text()?).ok())
        .unwrap_or_else(|| listening(subject, "public", 4433));
    Asked { url, place }
}

fn admin<'d>(subject: &Subject<'d>) -> Asked<'d> {
    let place = subject.at("serve.admin.base_url");
    let settings = subject.settings.and_then(|settings| settings.kratos.admin_url.clone());
    let url = settings
        .or_else(|| Url::parse(place.text()?).ok())
        .unwrap_or_else(|| listening(subject, "admin", 4434));
    Asked { url, place }
}

fn listening(subject: &Subject<'_>, which: &str, port: u16) -> Url {
    let serve = subject.at("serve").get(which);
    let host =
        serve.get("host").text().filter(|host| !host.is_empty() && *host != "0.0.0.0" && *host != "::");
    let port = serve.get("port").number().and_then(|port| port.parse().ok()).unwrap_or(port);
    let local = || Url::parse(&format!("http://127.0.0.1:{port}/"));
    Url::parse(&format!("http://{}:{port}/", host.unwrap_or("127.0.0.1")))
        .or_else(|_| local())
        .unwrap_or(fallback())
}

#[expect(clippy::expect_used, reason = "the text is a URL")]
fn fallback() -> Url {
    Url::parse("http://127.0.0.1:4433/").expect("a URL")
}
