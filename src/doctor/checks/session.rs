//! How recent a sign-in has to be, and which factors it needs.

use std::time::Duration;

use crate::doctor::codes::{
    PRIVILEGED_AGE_DIFFERS, PRIVILEGED_AGE_NOT_A_DURATION, PRIVILEGED_AGE_SHORT, PRIVILEGED_AGE_ZERO,
    REQUIRED_AAL_LOWERED, REQUIRED_AAL_UNKNOWN, SESSION_SHORTER_THAN_PRIVILEGE,
};
use crate::doctor::document::Place;
use crate::doctor::duration::{self, shown};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::Subject;

/// Reading the offer and finding the sensor takes some minutes.
const SHORT: Duration = Duration::from_secs(300);

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let settings = subject.at("selfservice.flows.settings");
    privilege(subject, &settings.get("privileged_session_max_age"), findings);
    let levels =
        [("settings", settings.get("required_aal")), ("sessions", subject.at("session.whoami.required_aal"))];
    for (of, place) in levels {
        level(subject, of, &place, findings);
    }
}

fn privilege(subject: &Subject<'_>, place: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(age) = subject.privileged_age() else {
        let message = match place.text() {
            Some(text) => format!("`{text}` is no duration."),
            None if place.number().is_some() => "It is a number, which has no unit.".to_owned(),
            None => format!("It is {}.", place.kind()),
        };
        let finding = Finding::new(&PRIVILEGED_AGE_NOT_A_DURATION, place, message);
        findings.push(match place.number().and_then(|number| number.parse().ok()) {
            Some(seconds) => {
                let meant = shown(Duration::from_secs(seconds)).replace(' ', "");
                finding.mended_by(format!("Write `{meant}`, if seconds were meant."))
            }
            None => finding,
        });
        return;
    };
    if age.is_zero() {
        findings.push(Finding::new(&PRIVILEGED_AGE_ZERO, place, "No sign-in is ever recent enough."));
        return;
    }
    if age < SHORT {
        let message = format!("A sign-in counts for {}.", shown(age));
        findings.push(Finding::new(&PRIVILEGED_AGE_SHORT, place, message));
    }
    if let Some(settings) = subject.settings {
        let believed = settings.kratos.privileged_session_max_age.unsigned_abs();
        if believed != age {
            let message = format!("Kratos has {}, the service believes in {}.", shown(age), shown(believed));
            let finding = Finding::new(&PRIVILEGED_AGE_DIFFERS, place, message);
            findings.push(if believed < age { finding.as_severe_as(Severity::Warning) } else { finding });
        }
    }
    let lifespan = subject.at("session.lifespan");
    if lifespan.text().and_then(duration::parse).is_some_and(|lifespan| lifespan < age) {
        let message = format!(
            "Sessions end after {}, privilege after {}.",
            lifespan.text().unwrap_or_default(),
            shown(age)
        );
        findings.push(Finding::new(&SESSION_SHORTER_THAN_PRIVILEGE, &lifespan, message));
    }
}

fn level(subject: &Subject<'_>, of: &str, place: &Place<'_>, findings: &mut Vec<Finding>) {
    match place.text() {
        _ if !place.exists() => {}
        Some("highest_available") => {}
        Some("aal1") => {
            let second = ["totp", "lookup_secret"].into_iter().find(|method| subject.is_enabled(method));
            let second = second.or_else(|| {
                (subject.is_enabled("webauthn") && !subject.is_passwordless()).then_some("webauthn")
            });
            let second = second.or_else(|| {
                (subject.method("code").get("mfa_enabled").truth() == Some(true)).then_some("code")
            });
            let message = match second {
                Some(second) => {
                    format!("For {of} a second factor does not count, although `{second}` is enabled.")
                }
                None => format!("For {of} a second factor does not count; none is enabled."),
            };
            let finding = Finding::new(&REQUIRED_AAL_LOWERED, place, message);
            findings.push(if second.is_some() { finding } else { finding.as_severe_as(Severity::Note) });
        }
        other => {
            let message = match other {
                Some(text) => format!("There is no level `{text}` to be required for {of}."),
                None => format!("The level required for {of} is {}.", place.kind()),
            };
            findings.push(Finding::new(&REQUIRED_AAL_UNKNOWN, place, message));
        }
    }
}
