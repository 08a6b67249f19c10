//! One thing that is wrong, told so that it can be mended.

use std::fmt;
use std::path::PathBuf;

use super::codes::Explanation;
use super::document::{Place, Spot};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work for somebody, or a secret travels.
    Error,
    /// It works today, and will hurt somebody.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// SARIF's word, which is ours too.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in another file than the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    pub file: PathBuf,
    pub spot: Spot,
}

#[derive(Debug, Clone)]
pub struct Finding {
    pub explanation: &'static Explanation,
    pub severity: Severity,
    /// In the configuration.
    pub spot: Spot,
    /// Dotted; empty for the whole file.
    pub path: String,
    /// Where the mistake itself is, if in a template or schema.
    pub elsewhere: Option<Elsewhere>,
    /// What is written here. One sentence or two; never a secret.
    pub message: String,
    /// What somebody would see; the explanation's words unless this place has better ones.
    pub sees: Option<String>,
    /// How to mend it here; the explanation's words unless this place has better ones.
    pub mend: Option<String>,
}

impl Finding {
    pub fn new(explanation: &'static Explanation, place: &Place<'_>, message: impl Into<String>) -> Finding {
        Finding {
            explanation,
            severity: explanation.severity,
            spot: place.spot(),
            path: place.path().to_owned(),
            elsewhere: None,
            message: message.into(),
            sees: None,
            mend: None,
        }
    }

    #[must_use]
    pub fn as_severe_as(mut self, severity: Severity) -> Finding {
        self.severity = severity;
        self
    }

    #[must_use]
    pub fn seen_as(mut self, sees: impl Into<String>) -> Finding {
        self.sees = Some(sees.into());
        self
    }

    #[must_use]
    pub fn mended_by(mut self, mend: impl Into<String>) -> Finding {
        self.mend = Some(mend.into());
        self
    }

    #[must_use]
    pub fn at(mut self, file: PathBuf, spot: Spot) -> Finding {
        self.elsewhere = Some(Elsewhere { file, spot });
        self
    }

    pub fn code(&self) -> &'static str {
        self.explanation.code
    }

    pub fn sees(&self) -> &str {
        self.sees.as_deref().unwrap_or(self.explanation.sees)
    }

    pub fn mend(&self) -> &str {
        self.mend.as_deref().unwrap_or(self.explanation.mend)
    }
}
