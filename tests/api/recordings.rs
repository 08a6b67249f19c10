//! What a real Kratos was seen to send and to answer: `tests/fixtures/kratos`.

use std::path::{Path, PathBuf};

use serde_json::Value;

pub const VERSIONS: [&str; 3] = ["v1.3.1", "v26.2.0", "main-2026-04"];

/// A hook as it was sent.
pub struct Hook {
    pub name: String,
    /// `registration`, `settings` or `login`, from the file's name.
    pub flow: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Hook {
    pub fn path(&self) -> String {
        format!("/api/kratos/hooks/{}/{}", self.flow, self.method)
    }

    pub fn identity(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let id =
            if body["identity"]["id"].is_string() { &body["identity"]["id"] } else { &body["identity_id"] };
        id.as_str().unwrap().to_owned()
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos")
}

pub fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join(path)).unwrap()).unwrap()
}

/// Every recorded hook that was sent once; `retries` is a list and apart.
pub fn hooks() -> Vec<Hook> {
    let mut hooks = Vec::new();
    for version in VERSIONS {
        let mut files: Vec<_> = std::fs::read_dir(fixtures().join(version).join("hooks"))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        hooks.extend(
            files
                .iter()
                .filter(|file| !file.starts_with("retries"))
                .map(|file| hook(&format!("{version}/hooks/{file}"))),
        );
    }
    assert!(hooks.len() > 80, "only {} recordings", hooks.len());
    hooks
}

pub fn hook(path: &str) -> Hook {
    let recorded = json(path);
    let file = path.rsplit('/').next().unwrap();
    let (flow, rest) = file.split_once('-').unwrap();
    let headers = recorded["headers"].as_object().unwrap();
    Hook {
        name: path.to_owned(),
        flow: flow.to_owned(),
        method: rest.split('.').next().unwrap().to_owned(),
        headers: headers
            .iter()
            .filter(|(name, _)| name.starts_with("ory-"))
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        body: recorded["body"].as_str().unwrap().to_owned(),
    }
}
