//! How our hooks are sent: with a body, after the identity is stored, beside the flow, to an address there is.

use crate::doctor::codes::{
    HOOK_BEFORE_IDENTITY, HOOK_BLOCKING, HOOK_CONTENT_TYPE, HOOK_NAMES_ANOTHER_FLOW, HOOK_NO_TRIGGER_ID,
    HOOK_NOT_POST, HOOK_WITHOUT_BODY, HOOK_WRONG_PATH,
};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::hook::{ConfiguredHook, Owner, Target};
use crate::doctor::subject::Subject;
use crate::onboarding::HookKind;
use crate::webhook::Hook;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for hook in subject.hooks().hooks().iter().filter(|hook| hook.is_web_hook()) {
        body(hook, findings);
        if hook.is_ours() {
            answer(hook, findings);
            request(hook, findings);
            target(hook, findings);
        }
    }
}

/// Of every web hook: whoever's it is, it is never sent, or fails a registration that we would have heard of.
fn body(hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let method = hook.config().get("method");
    let has_body = hook.config().get("body").value().is_some();
    if has_body || method.text().is_some_and(|method| method == "TRACE") || !hook.config().is_mapping() {
        return;
    }
    let whose = hook.whose();
    let message = format!("The `web_hook` of the {whose} has no `body`, and is never sent.");
    let finding = Finding::new(&HOOK_WITHOUT_BODY, &hook.config(), message);
    findings.push(if hook.truth("response.ignore") {
        finding.seen_as("Nothing: the flow succeeds and nobody is told that the hook was not sent.")
    } else {
        finding.seen_as(
            "An error, although the identity is stored. The person tries again, and the address exists already (4000007).",
        )
    });
}

fn answer(hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let config = hook.config();
    let whose = hook.whose();
    let switches =
        [("response.parse", config.at("response.parse")), ("can_interrupt", config.get("can_interrupt"))];
    let ignore = hook.truth("response.ignore");
    let before = switches.iter().find(|(_, place)| place.truth() == Some(true));
    if let Some((name, place)) = before
        && !ignore
    {
        let message = format!("`{name}: true` in the hook of the {whose}.");
        let finding = Finding::new(&HOOK_BEFORE_IDENTITY, place, message);
        findings.push(match hook.flow {
            HookKind::Registration => finding,
            _ => finding.as_severe_as(Severity::Warning).seen_as(
                "The person waits for the hook and fails with it; in the settings the service hears what was true before the change.",
            ),
        });
    } else if !ignore {
        let place = if config.get("response").exists() { config.at("response.ignore") } else { config };
        let message = format!("The hook of the {whose} does not ignore the answer: people wait for it.");
        findings.push(Finding::new(&HOOK_BLOCKING, &place, message));
    }
}

fn request(hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let config = hook.config();
    let whose = hook.whose();
    let method = config.get("method");
    if let Some(written) = method.text().filter(|written| *written != "POST") {
        let message = format!("The hook of the {whose} is sent by `{written}`.");
        findings.push(Finding::new(&HOOK_NOT_POST, &method, message));
    }
    for (name, place) in config.get("headers").entries() {
        let value = place.text().unwrap_or_default();
        if name.eq_ignore_ascii_case("content-type") && value != "application/json" {
            let message = format!("The hook of the {whose} is declared as `{value}`.");
            findings.push(Finding::new(&HOOK_CONTENT_TYPE, &place, message));
        }
    }
    let event = config.get("emit_analytics_event");
    if event.truth() == Some(false) {
        let message = format!("`emit_analytics_event: false` in the hook of the {whose}.");
        findings.push(Finding::new(&HOOK_NO_TRIGGER_ID, &event, message));
    }
}

fn target(hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let url = hook.config().get("url");
    let whose = hook.whose();
    let own = match &hook.owner {
        Owner::Method(method) => format!("/api/kratos/hooks/{}/{method}", hook.flow.as_str()),
        Owner::General => format!("/api/kratos/hooks/{}/…", hook.flow.as_str()),
    };
    match hook.target() {
        None => {}
        Some(Target::Nowhere) => {
            let path = hook.url().map(|url| url.path().to_owned()).unwrap_or_default();
            let message = format!("The hook of the {whose} goes to `{path}`, where this service has none.");
            findings.push(Finding::new(&HOOK_WRONG_PATH, &url, message).mended_by(format!("Write `{own}`.")));
        }
        Some(Target::Hook(Hook::POST_REGISTRATION)) if hook.flow == HookKind::Registration => {}
        Some(Target::Hook(target)) => {
            let other_method = match (&hook.owner, target.method()) {
                (Owner::Method(method), Some(named)) => {
                    target.name() != format!("{}/{method}", target.kind().as_str())
                        && named.as_str() != method
                }
                _ => false,
            };
            if target.kind() != hook.flow || other_method {
                let message = format!("The hook of the {whose} goes to `{}`.", target.name());
                let finding = Finding::new(&HOOK_NAMES_ANOTHER_FLOW, &url, message);
                findings.push(finding.mended_by(format!("Write `{own}`.")));
            }
        }
    }
}
