use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::reader::{Noted, Reader, Refused, Scalar};
use crate::config::settings::{Log, LogFormat};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogFile {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`; or several separated by commas, each for a part of the
    /// program: `warn,kratos_onboarding=debug`.
    #[schemars(example = &"info")]
    level: String,
    /// `json` (one object a line) or `pretty` (for a terminal). In development mode `pretty` is the default.
    #[schemars(example = &"json")]
    pub format: LogFormatFile,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormatFile {
    Json,
    Pretty,
}

impl Default for LogFile {
    fn default() -> LogFile {
        LogFile { level: "info".to_owned(), format: LogFormatFile::Json }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Log, Noted> {
    let level = reader.required("log.level", level);
    let format = reader.required("log.format", |scalar| match scalar.text()? {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("is not a log format".into()),
    });
    Ok(Log { level: level?, format: format? })
}

/// Narrower than what tracing takes: there a misspelt level is the name of a module, and silence.
fn level(scalar: &Scalar<'_>) -> Result<String, Refused> {
    let text = scalar.text()?;
    for directive in text.split(',').map(str::trim) {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("", directive));
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return Err(format!("names no level: the levels are {}", LEVELS.join(", ")).into());
        }
        if !target.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c)) {
            return Err("names a part of the program that cannot exist".into());
        }
    }
    Ok(text.to_owned())
}
