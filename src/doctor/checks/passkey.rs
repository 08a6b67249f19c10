//! Can people enrol: is the method on, and is the relying party the page's?

use url::{Host, Url};

use crate::doctor::address;
use crate::doctor::codes::{
    NO_ENROL_METHOD, PAGE_NOT_SECURE, PASSKEY_DISABLED, PASSKEY_WITHOUT_CONFIG, RP_ID_NOT_A_NAME,
    RP_ID_NOT_OF_PAGE, RP_IDS_DIFFER, RP_INCOMPLETE, RP_MISSING, RP_OLD_ORIGIN, RP_ORIGIN_MALFORMED,
    RP_ORIGIN_NOT_LISTED, RP_ORIGINS_MISSING, WEBAUTHN_DISABLED, WEBAUTHN_SECOND_FACTOR,
};
use crate::doctor::document::{Place, Value};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::Subject;
use crate::onboarding::EnrolMethod;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    switched_on(subject, findings);
    second_factor(subject, findings);
    for method in ["passkey", "webauthn"].into_iter().filter(|method| subject.is_enabled(method)) {
        relying_party(subject, method, findings);
    }
    let id = |method: &str| subject.method(method).at("config.rp.id");
    if let (Some(passkey), Some(webauthn)) = (id("passkey").text(), id("webauthn").text())
        && passkey != webauthn
        && ["passkey", "webauthn"].into_iter().all(|method| subject.is_enabled(method))
    {
        let message = format!("`passkey` has the relying party `{passkey}`, `webauthn` has `{webauthn}`.");
        findings.push(Finding::new(&RP_IDS_DIFFER, &id("webauthn"), message));
    }
    if let Some(page) = &subject.page
        && page.url.scheme() != "https"
        && !address::is_localhost(&address::host(&page.url))
    {
        let message = format!("The page is at `{}`.", address::origin(&page.url));
        findings.push(Finding::new(&PAGE_NOT_SECURE, &subject.at("selfservice.methods.passkey"), message));
    }
}

fn switched_on(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let enrol = subject.enrol_methods();
    let (passkey, webauthn) = (subject.is_enabled("passkey"), subject.is_enabled("webauthn"));
    if !(passkey || webauthn && subject.is_passwordless()) {
        let place = subject.method("passkey").get("enabled");
        let message = "Neither `passkey` nor a passwordless `webauthn` is enabled.";
        findings.push(Finding::new(&NO_ENROL_METHOD, &place, message));
    }
    let says =
        if subject.settings.is_some() { "The settings say" } else { "Unless the settings say otherwise," };
    if !passkey && enrol.contains(&EnrolMethod::Passkey) {
        let message = format!("{says} people enrol with a passkey; the method is off.");
        findings.push(Finding::new(&PASSKEY_DISABLED, &subject.method("passkey").get("enabled"), message));
    }
    if !webauthn && enrol.contains(&EnrolMethod::Webauthn) {
        let message = format!("{says} people enrol with `webauthn`; the method is off.");
        findings.push(Finding::new(&WEBAUTHN_DISABLED, &subject.method("webauthn").get("enabled"), message));
    }
}

fn second_factor(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if !subject.is_enabled("webauthn") || subject.is_passwordless() {
        return;
    }
    let place = subject.method("webauthn").at("config.passwordless");
    let lenient = |path: &str| subject.at(path).text() == Some("aal1");
    let locks =
        !lenient("session.whoami.required_aal") || !lenient("selfservice.flows.settings.required_aal");
    let fallback = subject.is_enabled("lookup_secret");
    let message = match (locks, fallback) {
        (true, true) => {
            "`webauthn` is a second factor, and sessions need it once it is there. Backup codes are the way out."
        }
        (true, false) => {
            "`webauthn` is a second factor, and sessions need it once it is there. There are no backup codes."
        }
        (false, _) => "`webauthn` is a second factor, which nothing requires.",
    };
    let finding = Finding::new(&WEBAUTHN_SECOND_FACTOR, &place, message);
    // This service would count on keys that sign nobody in.
    let counted = subject.settings.is_some() && subject.enrol_methods().contains(&EnrolMethod::Webauthn);
    findings.push(if counted { finding.as_severe_as(Severity::Error) } else { finding });
}

fn relying_party(subject: &Subject<'_>, method: &str, findings: &mut Vec<Finding>) {
    let place = subject.method(method);
    let config = place.get("config");
    if config.value().is_none() {
        let message = format!("`{method}` is enabled and has no `config`.");
        findings.push(Finding::new(&PASSKEY_WITHOUT_CONFIG, &place, message));
        return;
    }
    let rp = config.get("rp");
    if !rp.is_mapping() {
        let message = format!("`{method}` has no relying party.");
        let finding = Finding::new(&RP_MISSING, &rp, message);
        findings.push(finding);
        return;
    }
    for needed in ["id", "display_name"].into_iter().filter(|needed| rp.get(needed).text().is_none()) {
        let message = format!("`rp.{needed}` of `{method}` is {}.", missing(&rp.get(needed)));
        findings.push(Finding::new(&RP_INCOMPLETE, &rp.get(needed), message));
    }
    let origins = rp.get("origins");
    if origins.value().is_some_and(|value| !matches!(value, Value::List(_))) {
        let message = format!("`rp.origins` of `{method}` is {}, not a list.", origins.kind());
        findings.push(Finding::new(&RP_INCOMPLETE, &origins, message));
        return;
    }
    if method == "webauthn" && origins.exists() && rp.get("origin").exists() {
        let message = "`webauthn` has both `rp.origin` and `rp.origins`; Kratos takes one of them.";
        findings.push(
            Finding::new(&RP_INCOMPLETE, &rp.get("origin"), message).mended_by("Take the old `origin` away."),
        );
    }
    if let Some(id) = rp.get("id").text() {
        identifier(subject, method, &rp.get("id"), id, findings);
        accepted(subject, method, &rp, id, findings);
    }
}

fn missing(place: &Place<'_>) -> String {
    if place.value().is_none() { "missing".to_owned() } else { place.kind().to_owned() }
}

fn identifier(subject: &Subject<'_>, method: &str, place: &Place<'_>, id: &str, findings: &mut Vec<Finding>) {
    let refused = |why: String, finding: fn(Finding) -> Finding| {
        finding(Finding::new(&RP_ID_NOT_A_NAME, place, format!("`rp.id` of `{method}` is `{id}`: {why}.")))
    };
    let as_is: fn(Finding) -> Finding = |finding| finding;
    let name = match Host::parse(id) {
        Ok(Host::Domain(name)) if !id.contains(['/', ':', '*']) => name,
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            findings.push(refused("an IP address cannot be a relying party".to_owned(), as_is));
            return;
        }
        _ => {
            let bare = Url::parse(id).ok().and_then(|url| url.host_str().map(str::to_owned));
            let finding = refused("it is not a bare host name".to_owned(), as_is);
            findings.push(match bare {
                Some(host) if id.contains("://") => finding.mended_by(format!("Write `id: {host}`.")),
                _ => finding,
            });
            return;
        }
    };
    if address::is_public_suffix(&name) && name.contains('.') || name.is_empty() {
        findings.push(refused("anybody can have a name below it".to_owned(), as_is));
        return;
    }
    if let Some(page) = &subject.page {
        let host = address::host(&page.url);
        if !address::is_within(&host, &name) {
            let message = format!("`rp.id` of `{method}` is `{id}`; the page's host is `{host}`.");
            let finding = Finding::new(&RP_ID_NOT_OF_PAGE, place, message);
            let better =
                subject.kratos_url().and_then(|url| address::shared_domain(&host, &address::host(&url)));
            findings.push(match better {
                Some(domain) => finding.mended_by(format!(
                    "Write `id: {domain}`, as long as there are no passkeys yet: those that exist are bound to the old name."
                )),
                None => finding,
            });
        }
    }
}

/// Will Kratos take what the page submits?
fn accepted(subject: &Subject<'_>, method: &str, rp: &Place<'_>, id: &str, findings: &mut Vec<Finding>) {
    let origins = rp.get("origins");
    let listed: Vec<Place<'_>> = origins.items().collect();
    for entry in &listed {
        if let Some(why) = entry.text().and_then(malformed) {
            let message =
                format!("`{}` in `rp.origins` of `{method}` {why}.", entry.text().unwrap_or_default());
            findings.push(Finding::new(&RP_ORIGIN_MALFORMED, entry, message));
        }
    }
    let Some(page) = &subject.page else {
        if listed.is_empty() && !rp.get("origin").exists() {
            let message = format!("`{method}` has no `rp.origins`.");
            findings.push(Finding::new(&RP_ORIGINS_MISSING, rp, message).as_severe_as(Severity::Warning));
        }
        return;
    };
    let page = address::origin(&page.url);
    if !listed.is_empty() {
        let is_page = |entry: &Place<'_>| entry.text().is_some_and(|text| text.eq_ignore_ascii_case(&page));
        if !listed.iter().any(is_page) {
            let message = format!("The page's origin is `{page}`.");
            let finding = Finding::new(&RP_ORIGIN_NOT_LISTED, &origins, message);
            findings.push(finding.mended_by(format!("Add `{page}` to `rp.origins` of `{method}`.")));
        }
        return;
    }
    let old = rp.get("origin");
    // An empty list counts as none.
    let scheme = subject.kratos_url().map_or("http".to_owned(), |url| url.scheme().to_owned());
    let taken = match old.text() {
        Some(old) if method == "webauthn" => old.to_owned(),
        _ => format!("{scheme}://{id}"),
    };
    if old.exists() && method == "passkey" {
        let message =
            format!("`passkey` has `rp.origin`; Kratos expects `{taken}`, the page's origin is `{page}`.");
        let finding = Finding::new(&RP_OLD_ORIGIN, &old, message);
        let finding = finding.mended_by(format!("Write `origins:` with `- {page}` below it."));
        let harmless = taken == page;
        findings.push(if harmless { finding.as_severe_as(Severity::Warning) } else { finding });
    } else if taken != page {
        let message = format!("Kratos expects `{taken}` of `{method}`, the page's origin is `{page}`.");
        let finding = Finding::new(&RP_ORIGINS_MISSING, rp, message);
        findings.push(finding.mended_by(format!("Write `origins:` with `- {page}` below it.")));
    }
}

/// Why this is no origin. Native apps have some of their own.
fn malformed(text: &str) -> Option<&'static str> {
    if text.starts_with("android:apk-key-hash:") || text.starts_with("ios:bundle-id:") {
        return None;
    }
    if text.contains('*') {
        return Some("holds a wildcard");
    }
    let Ok(url) = Url::parse(text) else { return Some("is no address with a scheme") };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("is no address with `http://` or `https://`");
    }
    if text.ends_with('/') {
        return Some("ends with a `/`");
    }
    (!address::origin(&url).eq_ignore_ascii_case(text)).then_some("is more than scheme, host and port")
}
