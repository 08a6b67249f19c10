//! Do our hooks reach the service, as far as addresses tell?

use std::collections::BTreeMap;

use url::Url;

use crate::config::Settings;
use crate::doctor::address;
use crate::doctor::codes::{
    HOOK_CERTIFICATE, HOOK_PRIVATE_ADDRESS, HOOK_URL_NOT_OURS, HOOK_URL_ODD, HOOK_URL_SCHEME,
};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::hook::ConfiguredHook;
use crate::doctor::subject::Subject;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let hooks = subject.hooks().ours();
    let odd = odd(&hooks, findings);
    for hook in &hooks {
        let Some(url) = hook.url() else { continue };
        if !matches!(url.scheme(), "http" | "https") {
            let message =
                format!("The URL of the hook of the {} begins with `{}:`.", hook.whose(), url.scheme());
            findings.push(Finding::new(&HOOK_URL_SCHEME, &hook.config().get("url"), message));
            continue;
        }
        private(subject, hook, &url, findings);
        let mut told = odd.contains(&hook.place.path().to_owned());
        if let Some(settings) = subject.settings
            && !told
        {
            told = not_ours(settings, hook, &url, findings);
        }
        if !told {
            certificate(hook, &url, findings);
        }
    }
}

/// Paths of those that were told.
fn odd(hooks: &[ConfiguredHook<'_>], findings: &mut Vec<Finding>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    for url in hooks.iter().filter_map(ConfiguredHook::url).filter(is_web) {
        *counts.entry(address::origin(&url)).or_default() += 1;
    }
    let Some((usual, most)) = counts.iter().max_by_key(|(_, count)| **count) else { return Vec::new() };
    let mut told = Vec::new();
    for hook in hooks {
        let origin = hook.url().filter(is_web).map(|url| address::origin(&url));
        let Some(origin) = origin.filter(|origin| origin != usual) else { continue };
        let count = counts.get(&origin).copied().unwrap_or_default();
        if count == *most && counts.len() > 1 && hooks.len() < 3 {
            continue;
        }
        told.push(hook.place.path().to_owned());
        let whose = hook.whose();
        let same_port =
            origin.split_once("://").map(|(_, rest)| rest) == usual.split_once("://").map(|(_, rest)| rest);
        let message = if same_port {
            format!(
                "The hook of the {whose} goes to `{origin}`, {most} others to `{usual}`: one port does not speak both."
            )
        } else {
            format!("The hook of the {whose} goes to `{origin}`, {most} others to `{usual}`.")
        };
        let finding = Finding::new(&HOOK_URL_ODD, &hook.config().get("url"), message);
        let finding = finding.mended_by(format!("Write `{usual}`, as in the other hooks."));
        // Where as many go here as there, it may be meant.
        let clear = count * 2 <= *most || same_port;
        findings.push(if clear { finding } else { finding.as_severe_as(Severity::Warning) });
    }
    told
}

fn private(subject: &Subject<'_>, hook: &ConfiguredHook<'_>, url: &Url, findings: &mut Vec<Finding>) {
    let client = subject.at("clients.http");
    if client.get("disallow_private_ip_ranges").truth() != Some(true) {
        return;
    }
    let mut asked = url.clone();
    asked.set_query(None);
    asked.set_fragment(None);
    // Kratos compares what is written, and writes no `/` behind a bare host.
    let written = hook.config().get("url").text().unwrap_or_default();
    let exceptions: Vec<&str> = client.get("private_ip_exception_urls").texts().collect();
    let is_exception = |pattern: &&str| {
        address::glob_matches(pattern, written) || address::glob_matches(pattern, asked.as_str())
    };
    if exceptions.iter().any(is_exception) {
        return;
    }
    let whose = hook.whose();
    let host = address::host(url);
    let finding = match address::is_private(url) {
        Some(false) => return,
        Some(true) => {
            let message = format!("The hook of the {whose} goes to `{host}`, which is a private address.");
            Finding::new(&HOOK_PRIVATE_ADDRESS, &hook.config().get("url"), message)
        }
        None => {
            let message =
                format!("If `{host}` is at a private address, the hook of the {whose} is never sent.");
            Finding::new(&HOOK_PRIVATE_ADDRESS, &hook.config().get("url"), message)
                .as_severe_as(Severity::Note)
        }
    };
    let below = format!("{}{}/api/kratos/**", address::origin(url), hook.base_path().unwrap_or_default());
    findings.push(finding.mended_by(format!("List `{below}` in `clients.http.private_ip_exception_urls`.")));
}

/// Only what loopback tells for sure: elsewhere a proxy may stand between.
fn not_ours(settings: &Settings, hook: &ConfiguredHook<'_>, url: &Url, findings: &mut Vec<Finding>) -> bool {
    let public = &settings.serve.public;
    let whose = hook.whose();
    let place = hook.config().get("url");
    let refused = |message: String, mend: String| {
        Finding::new(&HOOK_URL_NOT_OURS, &place, format!("The hook of the {whose} {message}."))
            .mended_by(mend)
    };
    let port = url.port_or_known_default().unwrap_or_default();
    if address::is_loopback(&address::host(url)) && public.port != 0 {
        if port != public.port {
            let message =
                format!("goes to port {port} of this machine; the service listens on {}", public.port);
            findings.push(refused(message, format!("Write port {}.", public.port)));
            return true;
        }
        let scheme = if public.tls.is_some() { "https" } else { "http" };
        if url.scheme() != scheme {
            let message = format!("speaks `{}`; the service speaks `{scheme}` there", url.scheme());
            findings.push(refused(message, format!("Write `{scheme}://`.")));
            return true;
        }
    }
    if let Some(written) = hook.base_path().filter(|written| *written != public.base_path) {
        let message =
            format!("begins with `{written}/`; the paths of the service begin with `{}/`", public.base_path);
        let finding = refused(message, "Write the path as the service has it.".to_owned());
        findings.push(finding.as_severe_as(Severity::Warning));
        return true;
    }
    false
}

fn certificate(hook: &ConfiguredHook<'_>, url: &Url, findings: &mut Vec<Finding>) {
    if url.scheme() == "https" && address::is_private(url) == Some(true) {
        let message = format!(
            "The hook of the {} goes to `https://{}`.",
            hook.whose(),
            url.host_str().unwrap_or_default()
        );
        findings.push(Finding::new(&HOOK_CERTIFICATE, &hook.config().get("url"), message));
    }
}
