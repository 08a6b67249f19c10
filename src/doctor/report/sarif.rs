//! SARIF 2.1.0 (OASIS), for what shows findings beside the lines of a change. Only the parts that are filled in.

use std::path::Path;

use serde::Serialize;

use super::Report;
use crate::doctor::codes::{self, Explanation};
use crate::doctor::document::Spot;
use crate::doctor::finding::Finding;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Debug, Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<ResultObject>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Text,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

/// One run, whose rules are the codes that were found.
pub fn sarif(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let found =
        |rule: &&'static Explanation| report.findings.iter().any(|finding| finding.code() == rule.code);
    let rules: Vec<&'static Explanation> = codes::all().filter(found).collect();
    let results = report.findings.iter().map(|finding| result(report, finding, &rules)).collect();
    serde_json::to_string_pretty(&Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "kratos-onboarding doctor",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: rules.iter().map(|rule| described(rule)).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results,
        }],
    })
}

fn described(rule: &Explanation) -> Rule {
    Rule {
        id: rule.code,
        short_description: Text { text: rule.title.to_owned() },
        full_description: Text { text: rule.why.to_owned() },
        help: Text { text: format!("{} {}", rule.mend, rule.sees) },
        default_configuration: Configuration { level: rule.severity.as_str() },
    }
}

fn result(report: &Report<'_>, finding: &Finding, rules: &[&'static Explanation]) -> ResultObject {
    let logical = (!finding.path.is_empty())
        .then(|| LogicalLocation { fully_qualified_name: finding.path.clone() })
        .into_iter()
        .collect();
    ResultObject {
        rule_id: finding.code(),
        rule_index: rules.iter().position(|rule| rule.code == finding.code()).unwrap_or_default(),
        level: finding.severity.as_str(),
        message: Text { text: format!("{} {}", finding.message, finding.mend()) },
        locations: vec![location(report.file, finding.spot, logical)],
        related_locations: finding
            .elsewhere
            .iter()
            .map(|elsewhere| location(&elsewhere.file, elsewhere.spot, Vec::new()))
            .collect(),
    }
}

fn location(file: &Path, spot: Spot, logical_locations: Vec<LogicalLocation>) -> Location {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(file) },
            region: Region { start_line: spot.line, start_column: spot.column },
        },
        logical_locations,
    }
}

/// A relative reference for a relative path, so that it is found in a checkout.
fn uri(file: &Path) -> String {
    if file.is_absolute()
        && let Ok(url) = url::Url::from_file_path(file)
    {
        return url.into();
    }
    let segments = file.components().map(|part| {
        let part = part.as_os_str().to_string_lossy();
        percent_encoded(&part)
    });
    segments.filter(|part| part != ".").collect::<Vec<_>>().join("/")
}

fn percent_encoded(segment: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    segment
        .bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference() {
        for (path, reference) in [
            ("kratos.yml", "kratos.yml"),
            ("./a b/kratos.yml", "a%20b/kratos.yml"),
            ("../kratos.yml", "../kratos.yml"),
            ("/etc/kratos.yml", "file:///etc/kratos.yml"),
        ] {
            assert_eq!(uri(Path::new(path)), reference);
        }
    }
}
