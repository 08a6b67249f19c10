//! For programs of one's own.

use serde::Serialize;

use super::Report;
use crate::doctor::finding::Finding;

#[derive(Debug, Serialize)]
struct Whole<'r> {
    /// Of this shape; fields may be added, none changes its meaning.
    version: u32,
    file: String,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<One<'r>>,
    /// What was asked of running programs and is well.
    well: &'r [String],
}

#[derive(Debug, Serialize)]
struct One<'r> {
    code: &'static str,
    severity: &'static str,
    title: &'static str,
    file: String,
    line: usize,
    column: usize,
    path: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<Place>,
    message: &'r str,
    seen: &'r str,
    why: &'static str,
    mend: &'r str,
    kratos_refuses_to_start: bool,
}

#[derive(Debug, Serialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
}

/// An object, indented.
pub fn json(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let tally = report.tally();
    let file = report.file.display().to_string();
    serde_json::to_string_pretty(&Whole {
        version: 1,
        errors: tally.errors,
        warnings: tally.warnings,
        notes: tally.notes,
        findings: report.findings.iter().map(|finding| one(finding, &file)).collect(),
        well: report.well,
        file,
    })
}

fn one<'r>(finding: &'r Finding, file: &str) -> One<'r> {
    One {
        code: finding.code(),
        severity: finding.severity.as_str(),
        title: finding.explanation.title,
        file: file.to_owned(),
        line: finding.spot.line,
        column: finding.spot.column,
        path: &finding.path,
        elsewhere: finding.elsewhere.as_ref().map(|elsewhere| Place {
            file: elsewhere.file.display().to_string(),
            line: elsewhere.spot.line,
            column: elsewhere.spot.column,
        }),
        message: &finding.message,
        seen: finding.sees(),
        why: finding.explanation.why,
        mend: finding.mend(),
        kratos_refuses_to_start: finding.explanation.stops_start,
    }
}
