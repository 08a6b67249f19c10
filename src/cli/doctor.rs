//! `doctor`: what will not work in a Kratos configuration, and how to mend it.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use url::Url;

use super::configuration::{ConfigArguments, OpeningError};
use super::terminal::say;
use crate::config::{PREFIX, Settings};
use crate::doctor::template::Here;
use crate::doctor::{Document, Format, Report, Spot, Subject, examine, text};

/// Far above what a configuration needs.
const LARGEST: u64 = 4 << 20;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// The configuration of Kratos: YAML, JSON or TOML. Its templates and schemas are read too.
    #[arg(long, value_name = "FILE")]
    kratos_config: PathBuf,
    /// Where the page is, if neither the settings of this service nor the configuration say so.
    #[arg(long, value_name = "URL", value_parser = page)]
    page: Option<Url>,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
}

fn page(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(url),
        _ => Err("is not an http or https URL".to_owned()),
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum DoctorError {
    #[error(transparent)]
    Settings(#[from] OpeningError),
    #[error("{} cannot be read: {source}\n  do: name the file Kratos is started with, by --kratos-config", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is larger than 4 MiB, which is no configuration\n  do: name the file Kratos is started with", .0.display())]
    TooLarge(PathBuf),
    #[error("{}:{}:{}: {problem}\n  do: mend this line; Kratos does not start with it either", path.display(), spot.line, spot.column)]
    NotParsed { path: PathBuf, spot: Spot, problem: String },
    #[error("the configuration has mistakes")]
    Found,
}

pub(super) fn run(arguments: &DoctorArguments) -> Result<(), DoctorError> {
    let path = &arguments.kratos_config;
    let source = read(path)?;
    let format = Format::of(path).unwrap_or(Format::Yaml);
    let document = Document::parse(&source, format).map_err(|error| DoctorError::NotParsed {
        path: path.clone(),
        spot: error.spot,
        problem: error.problem,
    })?;
    let settings = settings(&arguments.config)?;
    let subject = Subject::new(&document, path, settings.as_ref(), arguments.page.clone(), &Here);
    let findings = examine(&subject);
    let report = Report { file: path, findings: &findings };
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    say(&text(&report, colours));
    if report.tally().errors > 0 { Err(DoctorError::Found) } else { Ok(()) }
}

/// Of this service, if anything was said about them.
fn settings(config: &ConfigArguments) -> Result<Option<Settings>, OpeningError> {
    let said = config.file.is_some()
        || config.dev
        || std::env::vars_os().any(|(name, _)| name.to_str().is_some_and(|name| name.starts_with(PREFIX)));
    said.then(|| config.judge()).transpose()
}

fn read(path: &Path) -> Result<String, DoctorError> {
    let unreadable = |source| DoctorError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(DoctorError::TooLarge(path.to_owned()));
    }
    String::from_utf8(text).map_err(|_| unreadable(std::io::Error::other("it is not text (UTF-8)")))
}
