//! Is each hook one that Kratos takes? If not it does not start, and does not say why.

use super::nearest;
use crate::doctor::codes::{
    HOOK_AUTH_INVALID, HOOK_CAN_INTERRUPT_WITH_IGNORE, HOOK_DOUBLED, HOOK_INCOMPLETE, HOOK_METHOD_UNKNOWN,
    HOOK_NOT_ALLOWED_HERE, HOOK_PARSE_WITH_IGNORE, HOOK_SESSION_WITH_CONFIG, HOOK_TAKES_NO_CONFIG,
    HOOK_UNKNOWN, HOOK_UNKNOWN_KEY, HOOK_WRONG_TYPE,
};
use crate::doctor::document::{Place, Value};
use crate::doctor::finding::Finding;
use crate::doctor::hook::{
    ConfiguredHook, KNOWN, LOGIN_METHODS, Owner, REGISTRATION_METHODS, SETTINGS_METHODS, is_same,
};
use crate::doctor::subject::Subject;
use crate::onboarding::HookKind;

const CONFIG: [&str; 10] = [
    "id",
    "response",
    "url",
    "method",
    "headers",
    "body",
    "can_interrupt",
    "emit_analytics_event",
    "auth",
    "additionalProperties",
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let arrangement = subject.hooks();
    for (flow, methods) in [
        (HookKind::Registration, &REGISTRATION_METHODS[..]),
        (HookKind::Login, &LOGIN_METHODS),
        (HookKind::Settings, &SETTINGS_METHODS),
    ] {
        owners(flow, methods, &arrangement.after(flow), findings);
    }
    for list in arrangement.lists() {
        doubled(&list.place, findings);
        for hook in list.hooks() {
            one(list.takes(), &hook.whose(), &hook, findings);
        }
    }
    others(subject, findings);
}

/// Lists in which this service has no hook, but a mistake of which stops Kratos all the same.
fn others(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    const WEB: &[&str] = &["web_hook", "b2b_sso", "organization"];
    const RECOVERY: &[&str] = &["web_hook", "revoke_active_sessions"];
    let flows = subject.at("selfservice.flows");
    for (flow, stage, takes) in [
        ("registration", "before", WEB),
        ("login", "before", WEB),
        ("settings", "before", WEB),
        ("recovery", "before", WEB),
        ("verification", "before", WEB),
        ("recovery", "after", RECOVERY),
        ("verification", "after", WEB),
    ] {
        let list = flows.get(flow).get(stage).get("hooks");
        doubled(&list, findings);
        for place in list.items() {
            // Neither flow nor owner is looked at here.
            let hook = ConfiguredHook { flow: HookKind::Settings, owner: Owner::General, place };
            one(takes, &format!("list {stage} the {flow}"), &hook, findings);
        }
    }
}

fn owners(flow: HookKind, methods: &[&str], after: &Place<'_>, findings: &mut Vec<Finding>) {
    let beside = ["hooks", "default_browser_return_url"];
    for (key, place) in after.entries().filter(|(key, _)| !methods.contains(key) && !beside.contains(key)) {
        let message = format!("After a {} there is no `{key}`.", flow.as_str());
        let finding = Finding::new(&HOOK_METHOD_UNKNOWN, &place, message);
        let all = methods.iter().chain(&beside).copied();
        findings.push(match nearest(key, all) {
            Some(meant) => finding.mended_by(format!("Write `{meant}`.")),
            None => finding.mended_by(format!("It can be one of {}.", named(methods))),
        });
    }
}

fn named(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn doubled(list: &Place<'_>, findings: &mut Vec<Finding>) {
    let items: Vec<Place<'_>> = list.items().collect();
    for (index, item) in items.iter().enumerate() {
        let same = |earlier: &&Place<'_>| match (earlier.value(), item.value()) {
            (Some(one), Some(other)) => is_same(one, other),
            _ => false,
        };
        if let Some(first) = items.iter().take(index).find(same) {
            let message = format!("This is the same as the hook in line {}.", first.spot().line);
            findings.push(Finding::new(&HOOK_DOUBLED, item, message));
        }
    }
}

fn one(takes: &[&str], whose: &str, hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let Some(name) = hook.name() else {
        let message =
            format!("A hook of the {whose} has no name: `hook` is {}.", hook.place.get("hook").kind());
        findings.push(Finding::new(&HOOK_UNKNOWN, &hook.place, message).mended_by(choice(takes)));
        return;
    };
    let place = hook.place.get("hook");
    if !KNOWN.contains(&name) {
        let message = format!("The {whose} has a hook `{name}`, and there is none of this name.");
        let finding = Finding::new(&HOOK_UNKNOWN, &place, message);
        findings.push(match nearest(name, KNOWN) {
            Some(meant) => finding.mended_by(format!("Write `hook: {meant}`.")),
            None => finding.mended_by(choice(takes)),
        });
        return;
    }
    if !takes.contains(&name) {
        findings.push(not_here(hook, whose, name, takes));
        return;
    }
    match name {
        "web_hook" => web_hook(hook, whose, findings),
        "b2b_sso" | "organization" => {}
        _ if hook.config().value().is_some() => {
            let code = if name == "session" { &HOOK_SESSION_WITH_CONFIG } else { &HOOK_TAKES_NO_CONFIG };
            let message = format!("`{name}` in the {whose} has a `config`.");
            findings.push(Finding::new(code, &hook.config(), message));
        }
        _ => {
            for (key, place) in hook.place.entries().filter(|(key, _)| *key != "hook") {
                let message = format!("`{name}` in the {whose} has a setting `{key}`.");
                findings.push(Finding::new(&HOOK_UNKNOWN_KEY, &place, message));
            }
        }
    }
}

fn choice(takes: &[&str]) -> String {
    format!("This list takes {}.", named(takes))
}

fn not_here(hook: &ConfiguredHook<'_>, whose: &str, name: &str, takes: &[&str]) -> Finding {
    let message = format!("`{name}` cannot stand among the hooks of the {whose}.");
    let finding = Finding::new(&HOOK_NOT_ALLOWED_HERE, &hook.place.get("hook"), message);
    match (name, hook.flow) {
        ("session", HookKind::Registration) => {
            finding.mended_by("Move it into the list of each method: the general list takes web hooks only.")
        }
        ("session", HookKind::Login) => {
            finding.mended_by("Take it away: a login makes its session by itself.")
        }
        _ => finding.mended_by(choice(takes)),
    }
}

fn web_hook(hook: &ConfiguredHook<'_>, whose: &str, findings: &mut Vec<Finding>) {
    let config = hook.config();
    if !config.is_mapping() {
        let message = format!("The `web_hook` of the {whose} has no `config`.");
        findings.push(Finding::new(&HOOK_INCOMPLETE, &hook.place, message));
        return;
    }
    for needed in ["url", "method"].into_iter().filter(|needed| config.get(needed).value().is_none()) {
        let message = format!("The `web_hook` of the {whose} has no `{needed}`.");
        findings.push(Finding::new(&HOOK_INCOMPLETE, &config, message).mended_by(match needed {
            "method" => "Write `method: POST`.".to_owned(),
            _ => "Write the address of this service's hook as `url`.".to_owned(),
        }));
    }
    unknown_keys(&hook.place, &["hook", "config"], whose, findings);
    unknown_keys(&config, &CONFIG, whose, findings);
    unknown_keys(&config.get("response"), &["ignore", "parse"], whose, findings);
    types(&config, whose, findings);
    excluded(&config, whose, findings);
    auth(&config.get("auth"), whose, findings);
}

fn unknown_keys(place: &Place<'_>, known: &[&str], whose: &str, findings: &mut Vec<Finding>) {
    for (key, place) in place.entries().filter(|(key, _)| !known.contains(key)) {
        let message =
            format!("The `web_hook` of the {whose} has a setting `{key}`, which Kratos does not know there.");
        let finding = Finding::new(&HOOK_UNKNOWN_KEY, &place, message);
        findings.push(match nearest(key, known.iter().copied()) {
            Some(meant) => finding.mended_by(format!("Write `{meant}`.")),
            None => finding.mended_by(format!("Take it away; there are {}.", named(known))),
        });
    }
}

fn types(config: &Place<'_>, whose: &str, findings: &mut Vec<Finding>) {
    type Is = fn(&Value) -> bool;
    let (text, truth): (Is, Is) =
        (|value| matches!(value, Value::Text(_)), |value| matches!(value, Value::Truth(_)));
    let mapping: Is = |value| matches!(value, Value::Mapping(_));
    let expected: [(&str, Is, &str); 11] = [
        ("id", text, "text"),
        ("url", text, "text"),
        ("method", text, "text"),
        ("body", text, "text"),
        ("can_interrupt", truth, "`true` or `false` without quotes"),
        ("emit_analytics_event", truth, "`true` or `false` without quotes"),
        ("response", mapping, "a mapping"),
        ("response.ignore", truth, "`true` or `false` without quotes"),
        ("response.parse", truth, "`true` or `false` without quotes"),
        ("headers", mapping, "a mapping"),
        ("auth", mapping, "a mapping"),
    ];
    for (path, is, wanted) in expected {
        let place = config.at(path);
        if place.value().is_some_and(|value| !is(value)) {
            let message =
                format!("`{path}` of the `web_hook` of the {whose} is {}, not {wanted}.", place.kind());
            findings
                .push(Finding::new(&HOOK_WRONG_TYPE, &place, message).mended_by(format!("Write {wanted}.")));
        }
    }
    let url = config.get("url");
    if url.text().is_some_and(|text| !text.contains(':')) {
        let message = format!("`url` of the `web_hook` of the {whose} is no address with a scheme.");
        findings.push(
            Finding::new(&HOOK_WRONG_TYPE, &url, message).mended_by("Write it with `http://` or `https://`."),
        );
    }
}

fn excluded(config: &Place<'_>, whose: &str, findings: &mut Vec<Finding>) {
    let ignore = config.at("response.ignore").truth() == Some(true);
    let parse = config.at("response.parse");
    if ignore && parse.truth() == Some(true) {
        let message = format!("The `web_hook` of the {whose} is to ignore the answer and to parse it.");
        findings.push(Finding::new(&HOOK_PARSE_WITH_IGNORE, &parse, message));
    }
    let interrupt = config.get("can_interrupt");
    if ignore && interrupt.truth() == Some(true) {
        let message = format!("The `web_hook` of the {whose} is to ignore the answer and may interrupt.");
        findings.push(Finding::new(&HOOK_CAN_INTERRUPT_WITH_IGNORE, &interrupt, message));
    }
}

fn auth(auth: &Place<'_>, whose: &str, findings: &mut Vec<Finding>) {
    if !auth.is_mapping() {
        return;
    }
    let refused = |place: &Place<'_>, message: String| {
        Finding::new(
            &HOOK_AUTH_INVALID,
            place,
            format!("The `auth` of the `web_hook` of the {whose} {message}."),
        )
    };
    let kind = auth.get("type");
    let needed: &[&str] = match kind.text() {
        Some("api_key") => &["name", "value", "in"],
        Some("basic_auth") => &["user", "password"],
        _ => {
            let message = "has a `type` that is neither `api_key` nor `basic_auth`".to_owned();
            findings.push(refused(&kind, message));
            return;
        }
    };
    let config = auth.get("config");
    for key in needed.iter().filter(|key| config.get(key).text().is_none()) {
        findings.push(refused(&config.get(key), format!("needs `{key}`, as text")));
    }
    for (key, place) in config.entries().filter(|(key, _)| !needed.contains(key)) {
        findings.push(refused(&place, format!("has a setting `{key}`, which there is not")));
    }
    for (key, place) in auth.entries().filter(|(key, _)| !["type", "config"].contains(key)) {
        findings.push(refused(&place, format!("has a setting `{key}`, which there is not")));
    }
    let whence = config.get("in");
    if let Some(text) = whence.text().filter(|text| !["header", "cookie"].contains(text)) {
        let message = format!("has `in: {text}`; Kratos sends a key in a `header` or a `cookie`");
        findings.push(refused(&whence, message).mended_by("Write `in: header`."));
    }
}
