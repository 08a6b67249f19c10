//! The file itself: its name, what is written twice, what Kratos does not know.

use super::nearest;
use crate::doctor::codes::{CONFIG_EXTENSION, CONFIG_KEY_TWICE, CONFIG_KEY_UNKNOWN};
use crate::doctor::document::Format;
use crate::doctor::finding::Finding;
use crate::doctor::subject::Subject;

/// Where Kratos takes no unknown settings, and what it takes there (v26.2.0). Only what this service has to do with.
const KNOWN: [(&str, &[&str]); 9] = [
    (
        "",
        &[
            "selfservice",
            "database",
            "dsn",
            "courier",
            "oauth2_provider",
            "preview",
            "serve",
            "tracing",
            "log",
            "identity",
            "secrets",
            "hashers",
            "ciphers",
            "cookies",
            "session",
            "security",
            "version",
            "dev",
            "help",
            "sqa-opt-out",
            "watch-courier",
            "expose-metrics-port",
            "config",
            "clients",
            "feature_flags",
            "organizations",
            "enterprise",
            "revision",
        ],
    ),
    ("serve", &["public", "admin"]),
    ("selfservice", &["default_browser_return_url", "allowed_return_urls", "flows", "methods"]),
    (
        "selfservice.methods",
        &[
            "b2b",
            "profile",
            "link",
            "code",
            "password",
            "totp",
            "lookup_secret",
            "webauthn",
            "passkey",
            "oidc",
            "saml",
            "deviceauthn",
        ],
    ),
    (
        "selfservice.flows",
        &["settings", "logout", "registration", "login", "verification", "recovery", "error"],
    ),
    ("selfservice.methods.passkey", &["enabled", "config"]),
    ("selfservice.methods.passkey.config", &["rp"]),
    ("selfservice.methods.webauthn", &["enabled", "config"]),
    ("selfservice.methods.webauthn.config", &["passwordless", "rp"]),
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if Format::of(subject.file).is_none() {
        let name = subject.file.file_name().unwrap_or_default().to_string_lossy();
        let message = format!("`{name}` ends neither in `.yaml`, `.yml`, `.json` nor in `.toml`.");
        findings.push(Finding::new(&CONFIG_EXTENSION, &subject.document.root(), message));
    }
    for doubled in &subject.document.doubled {
        let message = format!("`{}` stands in line {} already.", doubled.key, doubled.first.line);
        let mut finding = Finding::new(&CONFIG_KEY_TWICE, &subject.document.root(), message);
        finding.spot = doubled.again;
        finding.path.clone_from(&doubled.key);
        findings.push(finding);
    }
    for (path, known) in KNOWN {
        let place = if path.is_empty() { subject.document.root() } else { subject.at(path) };
        for (key, place) in place.entries().filter(|(key, _)| !known.contains(key)) {
            let within = if path.is_empty() { "at the top".to_owned() } else { format!("in `{path}`") };
            let finding =
                Finding::new(&CONFIG_KEY_UNKNOWN, &place, format!("There is no setting `{key}` {within}."));
            findings.push(match (path, key) {
                ("serve", "cors") => finding.mended_by("Write it in `serve.public.cors`."),
                (_, "passwordless") => {
                    finding.mended_by("Only `webauthn` has `passwordless`; a passkey always is.")
                }
                _ => match nearest(key, known.iter().copied()) {
                    Some(meant) => finding.mended_by(format!("Write `{meant}`.")),
                    None => finding,
                },
            });
        }
    }
}
