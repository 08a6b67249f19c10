//! Is the service told of everything it should hear, and are people signed in afterwards?

use std::collections::BTreeSet;

use crate::doctor::codes::{
    HOOK_GLOBAL_HIDDEN, HOOK_GLOBAL_ONLY, HOOK_LOGIN_MISSING, HOOK_MISSING, HOOK_OPTIONAL_MISSING,
    HOOK_SETTINGS_MISSING, SESSION_HOOK_MISSING,
};
use crate::doctor::document::Place;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::hook::{Arrangement, HookList, LOGIN_METHODS, Owner, whose};
use crate::doctor::subject::{Subject, of_method};
use crate::onboarding::{EnrolMethod, HookKind};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let arrangement = subject.hooks();
    for method in subject.registration_methods() {
        registration(&arrangement, method, findings);
    }
    general(subject, &arrangement, findings);
    settings(subject, &arrangement, findings);
    login(subject, &arrangement, findings);
}

/// The web hook is there, as far as anybody can tell: a misspelt name is told elsewhere.
fn tells_us(list: &HookList<'_>) -> bool {
    list.hooks().any(|hook| hook.is_ours())
}

/// The list of a method, or the closest to it that exists.
fn place<'d>(arrangement: &Arrangement<'d>, flow: HookKind, method: &str) -> Place<'d> {
    arrangement.list(flow, of_method(method)).place
}

/// None of ours in the list that is used.
fn missing(arrangement: &Arrangement<'_>, flow: HookKind, method: &str) -> Option<Finding> {
    let used = arrangement.used(flow, method);
    if tells_us(&used) || tells_us(&arrangement.list(flow, of_method(method))) {
        return None;
    }
    let of = whose(flow, &of_method(method));
    let place = place(arrangement, flow, method);
    if used.owner != Owner::General && tells_us(&arrangement.list(flow, Owner::General)) {
        let message =
            format!("The {of} has a list of its own without our hook; the general one is not looked at.");
        return Some(Finding::new(&HOOK_GLOBAL_HIDDEN, &place, message));
    }
    let code = match flow {
        HookKind::Registration => &HOOK_MISSING,
        HookKind::Settings => &HOOK_SETTINGS_MISSING,
        HookKind::Login => &HOOK_LOGIN_MISSING,
    };
    Some(Finding::new(code, &place, format!("The {of} is enabled and has no hook to this service.")))
}

fn registration(arrangement: &Arrangement<'_>, method: &str, findings: &mut Vec<Finding>) {
    let flow = HookKind::Registration;
    findings.extend(missing(arrangement, flow, method));
    let used = arrangement.used(flow, method);
    if used.hooks().any(|hook| hook.name() == Some("session")) {
        return;
    }
    let own = arrangement.list(flow, of_method(method));
    let general = used.owner == Owner::General && used.is_used() && !own.place.exists();
    let message = if general {
        format!("The registration by {method} uses the general list, which cannot hold a `session` hook.")
    } else {
        format!("The list of the registration by {method} has no `session` hook.")
    };
    let finding = Finding::new(&SESSION_HOOK_MISSING, &own.place, message);
    findings.push(if general {
        finding.mended_by("Give the method a list of its own: the web hook, then `- hook: session`.")
    } else {
        finding
    });
}

fn general(subject: &Subject<'_>, arrangement: &Arrangement<'_>, findings: &mut Vec<Finding>) {
    for flow in [HookKind::Registration, HookKind::Login, HookKind::Settings] {
        let list = arrangement.list(flow, Owner::General);
        let methods = match flow {
            HookKind::Registration => subject.registration_methods(),
            _ => Vec::new(),
        };
        let served =
            methods.iter().filter(|method| arrangement.used(flow, method).owner == Owner::General).count();
        if tells_us(&list) && (served > 0 || flow != HookKind::Registration) {
            let message =
                format!("The {} goes to one address, whatever the method.", whose(flow, &Owner::General));
            let finding = Finding::new(&HOOK_GLOBAL_ONLY, &list.place, message);
            findings.push(match flow {
                HookKind::Registration => finding,
                _ => finding
                    .as_severe_as(Severity::Note)
                    .seen_as("The service cannot always tell which method it was."),
            });
        }
    }
}

fn settings(subject: &Subject<'_>, arrangement: &Arrangement<'_>, findings: &mut Vec<Finding>) {
    let enrol = subject.enrol_methods();
    let watched = ["passkey", "webauthn"].into_iter().filter(|method| subject.is_enabled(method));
    for method in watched {
        let is_enrolled_with = match method {
            "passkey" => enrol.contains(&EnrolMethod::Passkey),
            _ => enrol.contains(&EnrolMethod::Webauthn) || subject.is_passwordless(),
        };
        let found = missing(arrangement, HookKind::Settings, method);
        findings.extend(found.map(|finding| match is_enrolled_with {
            true => finding,
            false => finding.as_severe_as(Severity::Note),
        }));
    }
    optional(arrangement, HookKind::Settings, &["profile"], findings);
}

fn login(subject: &Subject<'_>, arrangement: &Arrangement<'_>, findings: &mut Vec<Finding>) {
    let second: BTreeSet<&str> = BTreeSet::from(["totp", "lookup_secret"]);
    let usable = |method: &&str| {
        subject.is_enabled(method)
            && match *method {
                "code" => subject.method("code").get("passwordless_enabled").truth().unwrap_or_default(),
                "webauthn" => subject.is_passwordless(),
                _ => !second.contains(method),
            }
    };
    for method in LOGIN_METHODS.into_iter().filter(usable) {
        findings.extend(missing(arrangement, HookKind::Login, method));
    }
    let second: Vec<&str> = second.into_iter().filter(|method| subject.is_enabled(method)).collect();
    optional(arrangement, HookKind::Login, &second, findings);
}

fn optional(arrangement: &Arrangement<'_>, flow: HookKind, methods: &[&str], findings: &mut Vec<Finding>) {
    let absent: Vec<&str> =
        methods.iter().copied().filter(|method| missing(arrangement, flow, method).is_some()).collect();
    // Where none of our hooks are, these are the least of it.
    let any = arrangement.lists().iter().any(|list| list.flow == flow && tells_us(list));
    if let (Some(first), true) = (absent.first(), any) {
        let named = absent.iter().map(|method| format!("`{method}`")).collect::<Vec<_>>().join(", ");
        let what = match flow {
            HookKind::Settings => "a changed address",
            _ => "a second factor",
        };
        let message =
            format!("After `{}` there is no hook for {named}: {what} is heard of later.", flow.as_str());
        findings.push(Finding::new(&HOOK_OPTIONAL_MISSING, &place(arrangement, flow, first), message));
    }
}
