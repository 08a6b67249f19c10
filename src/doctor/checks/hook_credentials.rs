//! Does the service let our hooks in?

use std::collections::BTreeMap;

use secrecy::ExposeSecret;

use crate::doctor::address;
use crate::doctor::codes::{
    HOOK_KEY_IN_CLEAR, HOOK_KEY_NAME, HOOK_KEY_ODD, HOOK_KEY_PLACEHOLDER, HOOK_KEY_UNKNOWN, HOOK_WITHOUT_KEY,
};
use crate::doctor::document::Place;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::hook::ConfiguredHook;
use crate::doctor::subject::Subject;

/// `kratos-config/kratos.yml` holds it.
const PLACEHOLDER: &str = "REPLACE-WITH-YOUR";
const DEFAULT_NAME: &str = "X-Onboarding-Key";

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let hooks = subject.hooks().ours();
    let mut placeholder_told = false;
    for hook in &hooks {
        let auth = hook.config().get("auth");
        match auth.get("type").text() {
            None if auth.exists() => {}
            None => without(subject, hook, findings),
            Some("api_key") => {
                let value = auth.at("config.value");
                if value.text().is_some_and(|text| text.starts_with(PLACEHOLDER)) {
                    if !placeholder_told {
                        let message = "The key of the hooks is the placeholder.";
                        findings.push(Finding::new(&HOOK_KEY_PLACEHOLDER, &value, message));
                    }
                    placeholder_told = true;
                } else {
                    api_key(subject, hook, &auth, findings);
                }
            }
            Some("basic_auth") => basic(subject, hook, &auth, findings),
            Some(_) => {}
        }
        in_clear(hook, &auth, findings);
    }
    if subject.settings.is_none() {
        odd(&hooks, findings);
    }
}

fn without(subject: &Subject<'_>, hook: &ConfiguredHook<'_>, findings: &mut Vec<Finding>) {
    let message = format!("The hook of the {} has no `auth`.", hook.whose());
    let finding = Finding::new(&HOOK_WITHOUT_KEY, &hook.config(), message);
    let relay = subject.settings.is_some_and(|settings| !settings.webhook.signing_secrets.is_empty());
    // A relay that signs may stand between the two.
    findings.push(if relay { finding.as_severe_as(Severity::Warning) } else { finding });
}

fn api_key(subject: &Subject<'_>, hook: &ConfiguredHook<'_>, auth: &Place<'_>, findings: &mut Vec<Finding>) {
    let whose = hook.whose();
    let (name, value) = (auth.at("config.name"), auth.at("config.value"));
    let expected = subject.settings.map_or(DEFAULT_NAME, |settings| settings.webhook.api_key_name.as_str());
    // The name of a header is read in any case, that of a cookie is not.
    let is_cookie = auth.at("config.in").text() == Some("cookie");
    let is_name = |text: &str| if is_cookie { text == expected } else { text.eq_ignore_ascii_case(expected) };
    if let Some(written) = name.text().filter(|text| !is_name(text)) {
        let finding = match subject.settings {
            Some(_) => Finding::new(
                &HOOK_KEY_NAME,
                &name,
                format!("The key of the {whose} comes as `{written}`; the service looks for `{expected}`."),
            ),
            None => Finding::new(
                &HOOK_KEY_NAME,
                &name,
                format!("The key of the {whose} comes as `{written}`; the service looks for `{expected}` unless it is told otherwise."),
            )
            .as_severe_as(Severity::Warning),
        };
        findings.push(
            finding.mended_by(format!(
                "Write `name: {expected}`, or set `webhook.api_key_name` of the service."
            )),
        );
    }
    if let (Some(settings), Some(key)) = (subject.settings, value.text())
        && !settings.webhook.api_keys.iter().any(|known| known.expose_secret() == key)
    {
        let message = format!("The key of the hook of the {whose} is none that `webhook.api_keys` lists.");
        findings.push(Finding::new(&HOOK_KEY_UNKNOWN, &value, message));
    }
}

fn basic(subject: &Subject<'_>, hook: &ConfiguredHook<'_>, auth: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(settings) = subject.settings else { return };
    let (user, password) = (auth.at("config.user"), auth.at("config.password"));
    let (Some(user), Some(given)) = (user.text(), password.text()) else { return };
    let known = settings.webhook.basic_auth.iter();
    if !known.into_iter().any(|known| known.user == user && known.password.expose_secret() == given) {
        let message = format!(
            "User and password of the hook of the {} are none that `webhook.basic_auth` lists.",
            hook.whose()
        );
        findings.push(Finding::new(&HOOK_KEY_UNKNOWN, &password, message));
    }
}

fn in_clear(hook: &ConfiguredHook<'_>, auth: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(url) = hook.url().filter(|url| url.scheme() == "http" && auth.exists()) else { return };
    if address::is_private(&url) != Some(true) {
        let message = format!("The hook of the {} goes to `http://{}`.", hook.whose(), address::host(&url));
        findings.push(Finding::new(&HOOK_KEY_IN_CLEAR, &hook.config().get("url"), message));
    }
}

/// Without the settings only the other hooks tell which key is right.
fn odd(hooks: &[ConfiguredHook<'_>], findings: &mut Vec<Finding>) {
    let key = |hook: &ConfiguredHook<'_>| {
        let config = hook.config().at("auth.config");
        let secret = config.get("value").text().or_else(|| config.get("password").text())?;
        Some(format!("{}\n{secret}", config.get("name").text().unwrap_or_default()))
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for found in hooks.iter().filter_map(key) {
        *counts.entry(found).or_default() += 1;
    }
    let Some((usual, most)) = counts.iter().max_by_key(|(_, count)| **count) else { return };
    for hook in hooks {
        let is_odd =
            key(hook).is_some_and(|key| key != *usual && counts.get(&key).is_some_and(|count| count < most));
        if is_odd {
            let message = format!("{most} hooks carry one key, the hook of the {} another.", hook.whose());
            findings.push(Finding::new(&HOOK_KEY_ODD, &hook.config().at("auth.config.value"), message));
        }
    }
}
