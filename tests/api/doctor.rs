//! `doctor`, as an operator calls it.

mod configurations;
mod explaining;
mod live;
mod reports;
mod write;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::cli;

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos-configs")
}

/// In the directory of the configurations.
pub fn doctor(arguments: &[&str]) -> Output {
    let mut all = vec!["doctor"];
    all.extend(arguments);
    cli::call(&fixtures(), &all, &[])
}

pub fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// What `--format json` says.
pub struct Said(pub Value);

impl Said {
    pub fn of(output: &Output) -> Said {
        Said(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")))
    }

    pub fn findings(&self) -> impl Iterator<Item = &Value> {
        self.0["findings"].as_array().unwrap().iter()
    }

    /// `error hook-unknown`, each once, without notes.
    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self
            .findings()
            .filter(|finding| finding["severity"] != "note")
            .map(|finding| {
                format!("{} {}", finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap())
            })
            .collect();
        codes.sort();
        codes.dedup();
        codes
    }

    pub fn has(&self, severity: &str, code: &str) -> bool {
        self.findings().any(|finding| finding["severity"] == severity && finding["code"] == code)
    }
}
