//! Answers of a real Kratos, from `tests/fixtures/kratos`.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::Session;
use crate::config;
use crate::onboarding::{PiiKey, PiiKeys};

pub const VERSIONS: [&str; 3] = ["v1.3.1", "v26.2.0", "main-2026-04"];

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos").join(version)
}

pub fn recording(version: &str, path: &str) -> serde_json::Value {
    let text = std::fs::read(folder(version).join(path)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub fn body(version: &str, path: &str) -> Vec<u8> {
    serde_json::to_vec(&recording(version, path)["body"]).unwrap()
}

pub fn header(version: &str, path: &str, name: &str) -> Option<String> {
    recording(version, path)["headers"][name].as_str().map(str::to_owned)
}

pub fn status(version: &str, path: &str) -> u16 {
    u16::try_from(recording(version, path)["status"].as_u64().unwrap()).unwrap()
}

/// Of the form `public/NAME.json`; `start` is `public/` and how NAME begins.
pub fn names(version: &str, start: &str) -> Vec<String> {
    let (sub, start) = start.split_once('/').unwrap();
    let files = std::fs::read_dir(folder(version).join(sub)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(start)).map(|name| format!("{sub}/{name}")).collect()
}

pub fn keys() -> PiiKeys {
    PiiKeys::new(PiiKey::new(vec![7; 32]).unwrap(), Vec::new())
}

/// A recorded session of v26.2.0.
pub fn session(name: &str) -> Session {
    session_of("v26.2.0", name)
}

pub fn session_of(version: &str, name: &str) -> Session {
    Session::parse(&body(version, &format!("public/{name}.json")), &keys()).unwrap().unwrap()
}

pub fn settings(url: &str) -> config::Kratos {
    config::Kratos {
        public_url: url.parse().unwrap(),
        browser_url: url.parse().unwrap(),
        admin_url: None,
        session_cookie_name: "ory_kratos_session".to_owned(),
        privileged_session_max_age: SignedDuration::from_hours(1),
        code_mfa: false,
    }
}

/// The process does this at its start.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
