//! Findings, told to people and to machines.

mod json;
mod sarif;
mod text;

use std::path::Path;

use super::finding::{Finding, Severity};

pub use json::json;
pub use sarif::sarif;
pub use text::{explained, text};

/// All there is to tell.
#[derive(Debug)]
pub struct Report<'r> {
    /// The configuration, as it was named.
    pub file: &'r Path,
    pub findings: &'r [Finding],
    /// What was asked of running programs and is well, a line each.
    pub well: &'r [String],
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
}

impl Report<'_> {
    pub fn tally(&self) -> Tally {
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        Tally {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        }
    }
}
