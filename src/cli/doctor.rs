//! `doctor`: what will not work in a configuration of Kratos, and how to mend it.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use url::Url;

use super::configuration::{ConfigArguments, OpeningError};
use super::evaluate_template::InChild;
use super::interrupted::interrupted;
use super::terminal::{say, say_aside};
use crate::clock::Clock;
use crate::config::{PREFIX, Settings};
use crate::doctor::live::{self, Checked, LiveError, SessionProof};
use crate::doctor::{
    Answer, Document, Format, Report, Spot, Subject, answer, examine, explained, json, sarif, sort, text,
};

/// Far above what a configuration needs.
const LARGEST: u64 = 4 << 20;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// The configuration of Kratos: YAML, JSON or TOML. Its templates and schemas are read too.
    #[arg(long, value_name = "FILE", required_unless_present = "explain")]
    kratos_config: Option<PathBuf>,
    /// Where the page is, if neither the settings of this service nor the configuration say so.
    #[arg(long, value_name = "URL", value_parser = page)]
    page: Option<Url>,
    /// For people, for programs, or for what shows findings beside the lines of a change (SARIF 2.1.0).
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Ask Kratos and the service too: are they reachable, do keys and clocks agree. With somebody's session in
    /// KRATOS_SESSION_TOKEN or KRATOS_SESSION_COOKIE (`name=value`), how long a sign-in really counts as well.
    #[arg(long)]
    live: bool,
    /// With --live: try whether Kratos takes passkeys of the service's own ceremony. It makes an identity, not active, by the
    /// admin API, hands two passkeys in that nobody can sign in with, and always deletes it again.
    #[arg(long, requires = "live")]
    write: bool,
    /// Tell all about a code, or find the code by the words of an error.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["kratos_config", "page", "live", "write"])]
    explain: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Sarif,
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
    #[error("{} cannot be read: {source}\n  do: name the file Kratos is started with", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is larger than 4 MiB, which is no configuration\n  do: name the file Kratos is started with", .0.display())]
    TooLarge(PathBuf),
    #[error("{}:{}:{}: {problem}\n  do: mend this line; Kratos does not start with it either", path.display(), spot.line, spot.column)]
    NotParsed { path: PathBuf, spot: Spot, problem: String },
    #[error("there is no code {question:?}, and no error of Kratos with these words is known{}", meant(.nearest))]
    NothingKnown { question: String, nearest: Option<&'static str> },
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("signals cannot be watched")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error("the findings cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

fn meant(nearest: &Option<&'static str>) -> String {
    match nearest {
        Some(code) => format!("\n  do: look at {code}, if that was meant"),
        None => "\n  do: look through docs/doctor/README.md".to_owned(),
    }
}

/// 1 when there are errors among the findings, or it was interrupted.
pub(super) fn run(arguments: &DoctorArguments) -> Result<ExitCode, DoctorError> {
    if let Some(question) = &arguments.explain {
        explain(question)?;
        return Ok(ExitCode::SUCCESS);
    }
    // `required_unless_present` has seen to it.
    let Some(path) = &arguments.kratos_config else { return Ok(ExitCode::FAILURE) };
    let source = read(path)?;
    let format = Format::of(path).unwrap_or(Format::Yaml);
    let document = Document::parse(&source, format).map_err(|error| DoctorError::NotParsed {
        path: path.clone(),
        spot: error.spot,
        problem: error.problem,
    })?;
    let settings = settings(&arguments.config)?;
    let subject = Subject::new(&document, path, settings.as_ref(), arguments.page.clone(), &InChild);
    let mut findings = examine(&subject);
    let (mut well, mut was_interrupted) = (Vec::new(), false);
    if arguments.live {
        let checked = ask(&subject, arguments.write)?;
        findings.extend(checked.findings);
        sort(&mut findings);
        well = checked.well;
        was_interrupted = checked.was_interrupted;
    }
    let report = Report { file: path, findings: &findings, well: &well };
    say(&match arguments.format {
        Form::Text => text(&report, colours()),
        Form::Json => json(&report)?,
        Form::Sarif => sarif(&report)?,
    });
    Ok(if report.tally().errors > 0 || was_interrupted { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn ask(subject: &Subject<'_>, write: bool) -> Result<Checked, DoctorError> {
    // Somebody in this process may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DoctorError::Runtime)?;
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let proof = given("KRATOS_SESSION_TOKEN")
        .map(SessionProof::Token)
        .or_else(|| given("KRATOS_SESSION_COOKIE").map(SessionProof::Cookie));
    let clock = Clock::system();
    runtime.block_on(async {
        let mut checked = live::examine(subject, &clock, proof.as_ref()).await?;
        if write {
            // Only from here on: before that there is nothing to put right.
            let stopped = interrupted().map_err(DoctorError::Signals)?;
            live::write(subject, &clock, stopped, say_aside, &mut checked).await;
        }
        Ok(checked)
    })
}

fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn explain(question: &str) -> Result<(), DoctorError> {
    match answer(question) {
        Answer::Code(explanation) => say(&explained(explanation, colours())),
        Answer::Error(found) => {
            let mut text = found.first().map(|first| explained(first, colours())).unwrap_or_default();
            if found.len() > 1 {
                text.push_str("\nIt was seen with these as well; --explain CODE tells more:\n\n");
            }
            for one in found.iter().skip(1) {
                text.push_str(&format!("  {:32} {}\n", one.code, one.title));
            }
            say(&text);
        }
        Answer::Unknown(nearest) => {
            return Err(DoctorError::NothingKnown { question: question.to_owned(), nearest });
        }
    }
    Ok(())
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
