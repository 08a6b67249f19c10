//! Is the service where our hooks go, and does it accept their keys?
//!
//! Asked with a delivery that announces more than a hook may have. The service looks at the key first (401), then at the length
//! (413 `payload_too_large`), and reads nothing: nothing is stored and nothing put aside.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use reqwest::{Body, Client, RequestBuilder};

use super::Checked;
use super::ask::{Answer, send};
use crate::doctor::address;
use crate::doctor::codes::{HOOK_WRONG_PATH, LIVE_HOOK_REFUSED, LIVE_HOOK_UNREACHABLE, LIVE_NOT_CHECKED};
use crate::doctor::finding::Finding;
use crate::doctor::hook::{ConfiguredHook, Target};
use crate::doctor::subject::Subject;
use crate::webhook::BODY_MAX;

/// Kratos makes up no more hooks than this, and nobody wants a request for each.
const GROUPS_MAX: usize = 16;
const HEAD_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn check(client: &Client, subject: &Subject<'_>, checked: &mut Checked) {
    let hooks = subject.hooks().ours();
    // One of those that go to the same place with the same key.
    let mut groups: BTreeMap<(String, String), Vec<&ConfiguredHook<'_>>> = BTreeMap::new();
    for hook in hooks.iter().filter(|hook| matches!(hook.target(), Some(Target::Hook(_)))) {
        let Some(url) = hook.url().filter(|url| matches!(url.scheme(), "http" | "https")) else { continue };
        let place = format!("{}{}", address::origin(&url), hook.base_path().unwrap_or_default());
        groups.entry((place, credentials(hook))).or_default().push(hook);
    }
    if groups.is_empty() {
        let message = "No hook to this service was found, so none was tried.";
        checked.findings.push(Finding::new(&LIVE_NOT_CHECKED, &subject.at("selfservice.flows"), message));
    }
    let probes = groups.iter().take(GROUPS_MAX).map(|((place, _), hooks)| async move {
        let first = hooks.first()?;
        Some((place.clone(), *first, hooks.len(), ask(client, first).await?))
    });
    for (place, hook, count, answer) in join_all(probes).await.into_iter().flatten() {
        judge(&place, hook, count, answer, checked);
    }
}

/// The head alone first; what waits for the whole body, as many proxies do, gets it.
async fn ask(client: &Client, hook: &ConfiguredHook<'_>) -> Option<Result<Answer, String>> {
    let never = Body::wrap_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let head = probe(client, hook)?.header(CONTENT_LENGTH, BODY_MAX + 1).body(never).timeout(HEAD_WITHIN);
    match send(head).await {
        Ok(answer) => Some(Ok(answer)),
        Err(_) => Some(send(probe(client, hook)?.body(vec![b' '; BODY_MAX + 1])).await),
    }
}

fn judge(
    place: &str,
    hook: &ConfiguredHook<'_>,
    count: usize,
    answer: Result<Answer, String>,
    checked: &mut Checked,
) {
    let url = hook.config().get("url");
    let of = match count {
        1 => format!("the hook of the {}", hook.whose()),
        _ => format!("{count} hooks, such as that of the {},", hook.whose()),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            let message = format!("`{place}`, where {of} goes: {why}.").replace(", goes:", " go:");
            checked.findings.push(Finding::new(&LIVE_HOOK_UNREACHABLE, &url, message));
            return;
        }
    };
    match (answer.status, answer.error_id().as_deref()) {
        (413, Some("payload_too_large")) => {
            let hooks = if count == 1 { "1 hook".to_owned() } else { format!("{count} hooks") };
            checked.well.push(format!("the service answers at {place} and accepts the key of {hooks}"));
        }
        (401, Some("webhook_unauthorized")) => {
            let message = format!("At `{place}` {of} was not let in.").replace(", was", " were");
            checked.findings.push(Finding::new(&LIVE_HOOK_REFUSED, &hook.config().get("auth"), message));
        }
        (404, Some("not_found")) => {
            let message = format!(
                "At `{place}` the service has no such hook; its paths may begin with another base path."
            );
            checked.findings.push(Finding::new(&HOOK_WRONG_PATH, &url, message));
        }
        (status, _) => {
            let message = format!(
                "At `{place}`, where {of} goes, something answers with status {status}, not as this service does."
            );
            checked.findings.push(Finding::new(&LIVE_HOOK_UNREACHABLE, &url, message));
        }
    }
}

/// As text, to tell groups apart. Never shown.
fn credentials(hook: &ConfiguredHook<'_>) -> String {
    let auth = hook.config().get("auth");
    let parts = ["type", "config.name", "config.value", "config.in", "config.user", "config.password"];
    parts.map(|part| auth.at(part).text().unwrap_or_default()).join("\u{0}")
}

/// `None`: Kratos could not send it either.
fn probe(client: &Client, hook: &ConfiguredHook<'_>) -> Option<RequestBuilder> {
    let auth = hook.config().at("auth");
    let request = client.post(hook.url()?).header(CONTENT_TYPE, "application/json");
    let text = |path: &str| auth.at(path).text();
    match text("type") {
        Some("api_key") => {
            let (name, value) = (text("config.name")?, text("config.value")?);
            if text("config.in") == Some("cookie") {
                return Some(request.header(COOKIE, secret(&format!("{name}={value}"))?));
            }
            Some(request.header(name.parse::<HeaderName>().ok()?, secret(value)?))
        }
        Some("basic_auth") => Some(request.basic_auth(text("config.user")?, text("config.password"))),
        _ => Some(request),
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
