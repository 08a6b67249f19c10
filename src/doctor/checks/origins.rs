//! May the page speak to Kratos, and does Kratos send people to it?

use url::Url;

use crate::doctor::address;
use crate::doctor::codes::{
    BASE_URL_DIFFERS, BASE_URL_MISSING, CORS_HEADERS, CORS_METHODS, CORS_OFF, CORS_WILDCARD,
    CORS_WITHOUT_CREDENTIALS, CORS_WITHOUT_PAGE, LANDING_ELSEWHERE, LOCALHOST_AND_ADDRESS,
    PAGE_NOT_ALLOWED_TO_RETURN, PAGE_UNKNOWN, RETURN_WILDCARD,
};
use crate::doctor::document::Place;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::{SaidBy, Subject};
use crate::onboarding::HookKind;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let base = subject.at("serve.public.base_url");
    let kratos = subject.kratos_url();
    if kratos.is_none() {
        findings.push(Finding::new(&BASE_URL_MISSING, &base, "`serve.public.base_url` is not set."));
    }
    if let (Some(kratos), Some(settings)) = (&kratos, subject.settings) {
        let believed = &settings.kratos.browser_url;
        if address::origin(believed) != address::origin(kratos) {
            let message = format!(
                "Kratos is at `{}`, the service sends browsers to `{}`.",
                address::origin(kratos),
                address::origin(believed)
            );
            findings.push(Finding::new(&BASE_URL_DIFFERS, &base, message));
        }
    }
    wildcards(subject, findings);
    let Some(page) = &subject.page else {
        let place = subject.at("selfservice.flows.registration.after.default_browser_return_url");
        findings.push(Finding::new(
            &PAGE_UNKNOWN,
            &place,
            "Where the page is stands neither here nor was it given.",
        ));
        return;
    };
    returned_to(subject, &page.url, findings);
    if page.said_by != SaidBy::Configuration {
        landing(subject, &page.url, findings);
    }
    if let Some(kratos) = &kratos {
        names(subject, &base, kratos, &page.url, findings);
        if address::origin(kratos) != address::origin(&page.url) {
            cors(subject, &address::origin(&page.url), findings);
        }
    }
}

/// As Kratos compares: scheme, host (perhaps `*.domain`), and a prefix of the path.
fn allows(entry: &str, target: &Url) -> bool {
    let Ok(allowed) = Url::parse(&entry.replacen("://*.", "://wildcard.", 1)) else { return false };
    let wild = entry.contains("://*.");
    let authority = |url: &Url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", address::host(url))
    };
    let (want, have) = (authority(&allowed), authority(target));
    let host = match want.strip_prefix("wildcard") {
        Some(suffix) if wild => have.ends_with(suffix),
        _ => want == have,
    };
    allowed.scheme() == target.scheme() && host && target.path().starts_with(allowed.path())
}

fn returned_to(subject: &Subject<'_>, page: &Url, findings: &mut Vec<Finding>) {
    let list = subject.at("selfservice.allowed_return_urls");
    if list.texts().any(|entry| allows(entry, page)) {
        return;
    }
    let message = format!("`{page}` is not covered by `allowed_return_urls`.");
    let finding = Finding::new(&PAGE_NOT_ALLOWED_TO_RETURN, &list, message);
    let mut root = page.clone();
    root.set_path("/");
    root.set_query(None);
    findings.push(finding.mended_by(format!("Add `{root}`.")));
}

fn wildcards(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for entry in subject.at("selfservice.allowed_return_urls").items() {
        let Some(text) = entry.text() else { continue };
        let Some((_, host)) = text.split_once("://*.") else {
            if text.contains("://*") {
                let message = format!("Kratos ignores `{text}`.");
                findings
                    .push(Finding::new(&RETURN_WILDCARD, &entry, message).as_severe_as(Severity::Warning));
            }
            continue;
        };
        let domain = host.split(['/', ':']).next().unwrap_or_default();
        if address::is_public_suffix(domain) {
            let message = format!("Kratos ignores `{text}`: anybody can have a name below `{domain}`.");
            findings.push(Finding::new(&RETURN_WILDCARD, &entry, message).as_severe_as(Severity::Warning));
        } else {
            let message = format!("`{text}` lets people be sent to every host below `{domain}`.");
            findings.push(Finding::new(&RETURN_WILDCARD, &entry, message));
        }
    }
}

fn landing(subject: &Subject<'_>, page: &Url, findings: &mut Vec<Finding>) {
    let after = subject.hooks().after(HookKind::Registration);
    let general = after.get("default_browser_return_url");
    let is_page = |place: &Place<'_>| {
        place.text().and_then(|text| Url::parse(text).ok()).is_some_and(|url| {
            address::origin(&url) == address::origin(page)
                && url.path().trim_end_matches('/') == page.path().trim_end_matches('/')
        })
    };
    let methods = subject.registration_methods();
    let lands = |method: &&str| {
        let own = after.get(method).get("default_browser_return_url");
        is_page(if own.exists() { &own } else { &general })
    };
    let elsewhere: Vec<&str> = methods.iter().copied().filter(|method| !lands(method)).collect();
    if elsewhere.is_empty() {
        return;
    }
    let named = elsewhere.iter().map(|method| format!("`{method}`")).collect::<Vec<_>>().join(", ");
    let message = format!("A registration by {named} does not end at `{page}`.");
    let finding = Finding::new(&LANDING_ELSEWHERE, &general, message);
    findings.push(finding.mended_by(format!(
        "Write `default_browser_return_url: {page}`, unless your pages lead there by `return_to` or hold the element themselves."
    )));
}

fn names(subject: &Subject<'_>, base: &Place<'_>, kratos: &Url, page: &Url, findings: &mut Vec<Finding>) {
    let (one, other) = (address::host(kratos), address::host(page));
    let is_loopback = address::is_loopback(&one) && address::is_loopback(&other);
    if is_loopback && one != other {
        let message = format!("Kratos is at `{one}`, the page at `{other}`.");
        findings.push(Finding::new(&LOCALHOST_AND_ADDRESS, base, message));
    }
    // Pages of Kratos's own flows share its cookies as well.
    for flow in ["login", "registration", "settings"] {
        let place = subject.at("selfservice.flows").get(flow).get("ui_url");
        let Some(url) = place.text().and_then(|text| Url::parse(text).ok()) else { continue };
        let host = address::host(&url);
        if address::is_loopback(&host) && address::is_loopback(&one) && host != one {
            let message = format!("Kratos is at `{one}`, the pages of the {flow} at `{host}`.");
            findings.push(Finding::new(&LOCALHOST_AND_ADDRESS, &place, message));
        }
    }
}

fn cors(subject: &Subject<'_>, page: &str, findings: &mut Vec<Finding>) {
    let cors = subject.at("serve.public.cors");
    if cors.get("enabled").truth() != Some(true) {
        let message = format!("CORS is off; the page is at `{page}`.");
        findings.push(Finding::new(&CORS_OFF, &cors.get("enabled"), message));
        return;
    }
    let credentials = cors.get("allow_credentials");
    if credentials.truth() == Some(false) {
        findings.push(Finding::new(
            &CORS_WITHOUT_CREDENTIALS,
            &credentials,
            "`allow_credentials` is `false`.",
        ));
    }
    let origins = cors.get("allowed_origins");
    let listed: Vec<&str> = origins.texts().collect();
    let wild = |entry: &&&str| entry.contains('*') && matches_wildcard(entry, page);
    let exact = listed.iter().any(|entry| entry.eq_ignore_ascii_case(page));
    if !origins.exists() || listed.contains(&"*") {
        let message = if origins.exists() {
            "`allowed_origins` holds `*`."
        } else {
            "`allowed_origins` is not set, which means `*`."
        };
        findings.push(
            Finding::new(&CORS_WILDCARD, &origins, message)
                .mended_by(format!("List `{page}`, and your other pages.")),
        );
    } else if let (false, Some(entry)) = (exact, listed.iter().find(wild)) {
        let message = format!("The page is allowed by `{entry}`, and with it every host below.");
        findings.push(Finding::new(&CORS_WILDCARD, &origins, message).as_severe_as(Severity::Note));
    } else if !exact {
        let message = format!("`{page}` is not in `allowed_origins`.");
        let finding = Finding::new(&CORS_WITHOUT_PAGE, &origins, message);
        let slash = listed.iter().any(|entry| entry.trim_end_matches('/').eq_ignore_ascii_case(page));
        findings.push(if slash {
            finding.mended_by(format!("Write it without the `/` at the end: `{page}`."))
        } else {
            finding.mended_by(format!("Add `{page}`."))
        });
    }
    let methods = cors.get("allowed_methods");
    let absent: Vec<&str> = ["GET", "POST"]
        .into_iter()
        .filter(|method| !methods.texts().any(|allowed| allowed == *method))
        .collect();
    if methods.exists() && !absent.is_empty() {
        let message = format!("`allowed_methods` does not hold {}.", absent.join(" and "));
        findings.push(Finding::new(&CORS_METHODS, &methods, message));
    }
    let headers = cors.get("allowed_headers");
    let is_allowed = |name: &str| headers.texts().any(|text| text == "*" || text.eq_ignore_ascii_case(name));
    if headers.exists() && !is_allowed("Content-Type") {
        findings.push(Finding::new(
            &CORS_HEADERS,
            &headers,
            "`allowed_headers` does not hold `Content-Type`.",
        ));
    }
}

/// One `*` for any number of characters (rs/cors, which Kratos uses).
fn matches_wildcard(pattern: &str, origin: &str) -> bool {
    let (pattern, origin) = (pattern.to_ascii_lowercase(), origin.to_ascii_lowercase());
    match pattern.split_once('*') {
        Some((before, after)) => {
            origin.len() >= before.len() + after.len()
                && origin.starts_with(before)
                && origin.ends_with(after)
        }
        None => pattern == origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_urls_are_compared_as_kratos_does() {
        let page = Url::parse("https://onboarding.example.org/post-registration").unwrap();
        for (entry, allowed) in [
            ("https://onboarding.example.org", true),
            ("https://onboarding.example.org/", true),
            ("https://onboarding.example.org/post", true),
            ("https://onboarding.example.org/other", false),
            ("https://ONBOARDING.example.org/", true),
            ("http://onboarding.example.org/", false),
            ("https://onboarding.example.org:8443/", false),
            ("https://*.example.org/", true),
            ("https://*.onboarding.example.org/", false),
            ("https://example.org/", false),
            ("/post-registration", false),
        ] {
            assert_eq!(allows(entry, &page), allowed, "{entry}");
        }
    }
}
