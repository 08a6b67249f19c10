//! Does the session cookie that Kratos sets reach the page and the service?

use url::Url;

use crate::doctor::address;
use crate::doctor::codes::{
    COOKIE_CROSS_SITE, COOKIE_DOMAIN_MISSING, COOKIE_DOMAIN_WRONG, COOKIE_NAME_DIFFERS, COOKIE_PATH,
    COOKIE_SAME_SITE_NONE, COOKIE_SAME_SITE_STRICT, COOKIE_SECURE_OVER_HTTP, COOKIE_SETTING_INVALID,
};
use crate::doctor::document::{Place, Value};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::subject::Subject;

const DEFAULT_NAME: &str = "ory_kratos_session";

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let sections = [("cookies", subject.at("cookies")), ("session.cookie", subject.at("session.cookie"))];
    for (path, section) in &sections {
        settings(path, section, findings);
    }
    name(subject, findings);
    let Some(kratos) = subject.kratos_url() else { return };
    for target in targets(subject) {
        if reaches(subject, &kratos, &target, findings) {
            break;
        }
    }
    same_site(subject, &kratos, findings);
    secure(subject, &kratos, findings);
}

/// A setting of the session's cookie wins over one of all cookies.
fn effective<'d>(subject: &Subject<'d>, name: &str) -> Place<'d> {
    let own = subject.at("session.cookie").get(name);
    if own.exists() { own } else { subject.at("cookies").get(name) }
}

fn settings(path: &str, section: &Place<'_>, findings: &mut Vec<Finding>) {
    let known: &[&str] = match path {
        "cookies" => &["domain", "path", "secure", "same_site"],
        _ => &["domain", "name", "path", "persistent", "secure", "same_site"],
    };
    for (key, place) in section.entries().filter(|(key, _)| !known.contains(key)) {
        let message = format!("There is no `{path}.{key}`.");
        let finding = Finding::new(&COOKIE_SETTING_INVALID, &place, message);
        findings.push(match key {
            "name" => finding.mended_by("Write it as `session.cookie.name`."),
            _ => finding.mended_by("Take it away."),
        });
    }
    let same_site = section.get("same_site");
    if same_site.exists() && !matches!(same_site.text(), Some("Strict" | "Lax" | "None")) {
        let written = same_site.text().unwrap_or(same_site.kind());
        let message = format!("`{path}.same_site` is `{written}`.");
        let finding = Finding::new(&COOKIE_SETTING_INVALID, &same_site, message);
        findings.push(match written.to_ascii_lowercase().as_str() {
            "strict" => finding.mended_by("Write `Strict`."),
            "lax" => finding.mended_by("Write `Lax`."),
            "none" => finding.mended_by("Write `None`."),
            _ => finding,
        });
    }
    let secure = section.get("secure");
    if let Some(Value::Truth(truth)) = secure.value() {
        let message = format!("`{path}.secure` is {truth} without quotes.");
        findings.push(
            Finding::new(&COOKIE_SETTING_INVALID, &secure, message)
                .mended_by(format!("Write `secure: \"{truth}\"`.")),
        );
    }
}

fn name(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Some(settings) = subject.settings else { return };
    let place = subject.at("session.cookie.name");
    let (ours, theirs) = (&settings.kratos.session_cookie_name, place.text().unwrap_or(DEFAULT_NAME));
    if ours != theirs {
        let message = format!("Kratos names it `{theirs}`, the service looks for `{ours}`.");
        findings.push(Finding::new(&COOKIE_NAME_DIFFERS, &place, message));
    }
}

/// Where the cookie has to arrive: the page, and the service it asks.
fn targets(subject: &Subject<'_>) -> Vec<Url> {
    let service = subject.settings.map(|settings| {
        let public = &settings.serve.public;
        public.url(public.port)
    });
    subject.page.iter().map(|page| page.url.clone()).chain(service).collect()
}

/// True when something was said: the same of the next host would be no news.
fn reaches(subject: &Subject<'_>, kratos: &Url, target: &Url, findings: &mut Vec<Finding>) -> bool {
    let (home, host) = (address::host(kratos), address::host(target));
    let domain = effective(subject, "domain");
    let before = findings.len();
    if let Some(written) = domain.text() {
        domain_of(&domain, written, &home, &host, findings);
    } else if home != host && !(address::is_loopback(&home) && address::is_loopback(&host)) {
        let place = subject.at("cookies.domain");
        match address::shared_domain(&home, &host) {
            Some(shared) => {
                let message = format!("Kratos sets it on `{home}`; the page is on `{host}`.");
                let finding = Finding::new(&COOKIE_DOMAIN_MISSING, &place, message);
                findings.push(finding.mended_by(format!("Write `domain: {shared}`.")));
            }
            None => {
                let message = format!("`{home}` and `{host}` share no domain that a cookie could have.");
                findings.push(Finding::new(&COOKIE_CROSS_SITE, &place, message));
            }
        }
    }
    if home != host || kratos.scheme() != target.scheme() {
        let same = address::site(&home) == address::site(&host);
        let loopback = address::is_loopback(&home) && address::is_loopback(&host);
        if same && kratos.scheme() != target.scheme() && !loopback && findings.len() == before {
            let message = format!("Kratos speaks `{}`, the page `{}`.", kratos.scheme(), target.scheme());
            findings.push(Finding::new(&COOKIE_CROSS_SITE, &subject.at("serve.public.base_url"), message));
        }
    }
    let path = effective(subject, "path");
    if let Some(written) = path.text().filter(|written| *written != "/") {
        let covered = target.path().starts_with(written);
        let message = format!("It is sent below `{written}` only; the page is at `{}`.", target.path());
        // The page also asks the service, whose paths are others.
        if !covered || !"/api/onboarding".starts_with(written) {
            findings.push(Finding::new(&COOKIE_PATH, &path, message));
        }
    }
    findings.len() > before
}

fn domain_of(place: &Place<'_>, written: &str, home: &str, host: &str, findings: &mut Vec<Finding>) {
    let domain = written.strip_prefix('.').unwrap_or(written).to_ascii_lowercase();
    let wrong = |why: String| Finding::new(&COOKIE_DOMAIN_WRONG, place, format!("`{written}` {why}."));
    if domain.contains(['/', ':', '*']) {
        findings.push(wrong("is no bare domain".to_owned()));
    } else if address::as_ip(&domain).is_some() && domain != home {
        findings.push(wrong("is an address".to_owned()));
    } else if address::is_public_suffix(&domain) && domain != home {
        findings.push(wrong("is a domain that anybody can have a name below; browsers refuse it".to_owned()));
    } else if !address::is_within(home, &domain) {
        findings.push(wrong(format!(
            "is not a domain of `{home}`, where Kratos is: the browser throws the cookie away"
        )));
    } else if !address::is_within(host, &domain) {
        findings.push(wrong(format!("does not reach the page's host `{host}`")));
    }
}

fn same_site(subject: &Subject<'_>, kratos: &Url, findings: &mut Vec<Finding>) {
    let place = effective(subject, "same_site");
    match place.text() {
        Some("Strict") => {
            findings.push(Finding::new(&COOKIE_SAME_SITE_STRICT, &place, "`same_site` is `Strict`."))
        }
        Some("None") => {
            let secure = effective(subject, "secure").text();
            if kratos.scheme() != "https" || secure == Some("false") {
                let message = match secure {
                    Some("false") => "`same_site` is `None`, and `secure` is false.".to_owned(),
                    _ => format!("`same_site` is `None`, and Kratos speaks `{}`.", kratos.scheme()),
                };
                findings.push(Finding::new(&COOKIE_SAME_SITE_NONE, &place, message));
            }
        }
        _ => {}
    }
}

fn secure(subject: &Subject<'_>, kratos: &Url, findings: &mut Vec<Finding>) {
    let place = effective(subject, "secure");
    let is_plain = |url: &Url| url.scheme() == "http" && !address::is_loopback(&address::host(url));
    let dev = subject.at("dev").truth() == Some(true);
    let secure = match place.text() {
        Some("false") => false,
        Some(_) => true,
        None => !dev,
    };
    let plain = is_plain(kratos).then_some(kratos).or(subject
        .page
        .as_ref()
        .map(|page| &page.url)
        .filter(|url| is_plain(url)));
    if let (true, Some(url)) = (secure, plain) {
        let message = format!("Cookies are `Secure`, and `{}` is plain HTTP.", address::origin(url));
        findings.push(Finding::new(&COOKIE_SECURE_OVER_HTTP, &place, message));
    } else if secure && place.text().is_some() && kratos.scheme() == "http" {
        let message = "Cookies are `Secure`, and Kratos speaks plain HTTP; not every browser makes an exception for `localhost`.";
        findings
            .push(Finding::new(&COOKIE_SECURE_OVER_HTTP, &place, message).as_severe_as(Severity::Warning));
    }
}
