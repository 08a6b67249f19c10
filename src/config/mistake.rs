//! What is wrong with the settings, told so that it can be put right: all of it at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Default,
    /// The file named by `-c`.
    File(PathBuf),
    /// An environment variable, by name.
    Variable(String),
    /// A line, counted from 1, of the file that a `…_file` setting names.
    SecretFile {
        path: PathBuf,
        line: usize,
    },
    /// Nobody gave it.
    Nowhere,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("the built-in default"),
            Source::File(path) => write!(f, "file {}", path.display()),
            Source::Variable(name) => write!(f, "environment variable {name}"),
            Source::SecretFile { path, line } => write!(f, "file {}, line {line}", path.display()),
            Source::Nowhere => f.write_str("nowhere: neither the file nor the environment has it"),
        }
    }
}

/// One wrong, missing or unknown setting. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Dotted path, with an index into a list: `webhook.api_keys[1]`. The file's name when it could not be read.
    pub setting: String,
    pub source: Source,
    /// The value, shortened; `None` for a secret and for what was not given.
    pub given: Option<String>,
    pub problem: String,
    pub allowed: Option<String>,
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)?;
        if let Some(given) = &self.given {
            write!(f, "\n  given:   {given}")?;
        }
        write!(f, "\n  from:    {}", self.source)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "\n  allowed: {allowed}")?;
        }
        write!(f, "\n  do:      {}", self.remedy)
    }
}

/// Every mistake found, one paragraph each. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<Mistake>);

impl ConfigErrors {
    pub(super) fn new(mistakes: Vec<Mistake>) -> ConfigErrors {
        ConfigErrors(mistakes)
    }

    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("1 mistake in the settings")?,
            count => write!(f, "{count} mistakes in the settings")?,
        }
        for mistake in &self.0 {
            write!(f, "\n\n{mistake}")?;
        }
        Ok(())
    }
}
