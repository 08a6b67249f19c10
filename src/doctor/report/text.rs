//! For people, on a terminal or in a log.

use std::path::Path;

use super::{Report, Tally};
use crate::doctor::codes::Explanation;
use crate::doctor::document::Spot;
use crate::doctor::finding::{Finding, Severity};

/// Columns of running text.
const WIDTH: usize = 100;
const INDENT: usize = 11;

/// Escape sequences, or nothing.
#[derive(Debug, Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.with(code, severity.as_str())
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// A paragraph a code, with every place it was found at, and a line at the end. `colours`: for a terminal.
pub fn text(report: &Report<'_>, colours: bool) -> String {
    let paint = Paint(colours);
    let mut out = String::new();
    for group in groups(report.findings) {
        paragraph(report, &group, paint, &mut out);
    }
    for line in report.well {
        out.push_str(&format!("{}  {line}\n", paint.with("32", "well")));
    }
    if !report.well.is_empty() {
        out.push('\n');
    }
    out.push_str(&summary(report.tally(), &report.file.display().to_string(), paint));
    out
}

/// Of one code and one severity, in the order in which the first of each was found.
fn groups(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let alike = |group: &&mut Vec<&Finding>| {
            group
                .first()
                .is_some_and(|first| first.code() == finding.code() && first.severity == finding.severity)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn paragraph(report: &Report<'_>, group: &[&Finding], paint: Paint, out: &mut String) {
    let Some(first) = group.first() else { return };
    let title = paint.bold(first.explanation.title);
    out.push_str(&format!("{}[{}]  {title}\n", paint.severity(first.severity), first.code()));
    let mends_differ = group.iter().any(|finding| finding.mend() != first.mend());
    let sees_differ = group.iter().any(|finding| finding.sees() != first.sees());
    for finding in group {
        place(report, finding, paint, out);
        labelled("here", &finding.message, paint, out);
        if sees_differ && finding.severity != Severity::Note {
            labelled("seen", finding.sees(), paint, out);
        }
        if mends_differ {
            labelled("mend", finding.mend(), paint, out);
        }
    }
    if !sees_differ && first.severity != Severity::Note {
        labelled("seen", first.sees(), paint, out);
    }
    labelled("why", first.explanation.why, paint, out);
    if !mends_differ {
        labelled("mend", first.mend(), paint, out);
    }
    out.push('\n');
}

fn place(report: &Report<'_>, finding: &Finding, paint: Paint, out: &mut String) {
    let at = |file: &Path, spot: Spot| format!("{}:{}:{}", file.display(), spot.line, spot.column);
    let mut line = at(report.file, finding.spot);
    if !finding.path.is_empty() {
        line.push_str(&format!("  {}", finding.path));
    }
    out.push_str(&format!("  {}\n", paint.dim(&line)));
    if let Some(elsewhere) = &finding.elsewhere {
        out.push_str(&format!("  {}\n", paint.dim(&at(&elsewhere.file, elsewhere.spot))));
    }
}

fn labelled(label: &str, text: &str, paint: Paint, out: &mut String) {
    for (index, line) in wrapped(text, WIDTH - INDENT).iter().enumerate() {
        let before = if index == 0 { format!("    {label:5}") } else { String::new() };
        let before = format!("{before:INDENT$}");
        let before = if index == 0 { paint.dim(&before) } else { before };
        out.push_str(&format!("{before}{line}\n"));
    }
}

/// All there is to know about one code.
pub fn explained(explanation: &Explanation, colours: bool) -> String {
    let paint = Paint(colours);
    let title = paint.bold(explanation.title);
    let mut out = format!("{}[{}]  {title}\n", paint.severity(explanation.severity), explanation.code);
    if explanation.stops_start {
        out.push_str("  Kratos does not start with it.\n");
    }
    labelled("seen", explanation.sees, paint, &mut out);
    labelled("why", explanation.why, paint, &mut out);
    labelled("mend", explanation.mend, paint, &mut out);
    listed("like", explanation.example.lines(), paint, &mut out);
    listed("says", explanation.errors.iter().copied(), paint, &mut out);
    labelled("with", explanation.observed, paint, &mut out);
    out
}

/// Lines as they are.
fn listed<'t>(label: &str, lines: impl Iterator<Item = &'t str>, paint: Paint, out: &mut String) {
    for (index, line) in lines.enumerate() {
        let before = if index == 0 { format!("    {label:5}") } else { String::new() };
        out.push_str(&format!("{}{line}\n", paint.dim(&format!("{before:INDENT$}"))));
    }
}

/// By words; a word that is longer than a line stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn summary(tally: Tally, file: &str, paint: Paint) -> String {
    let counted = |count: usize, one: &str| {
        (count > 0).then(|| format!("{count} {one}{}", if count == 1 { "" } else { "s" }))
    };
    let parts: Vec<String> =
        [counted(tally.errors, "error"), counted(tally.warnings, "warning"), counted(tally.notes, "note")]
            .into_iter()
            .flatten()
            .collect();
    if parts.is_empty() {
        return format!("{}\n", paint.bold(&format!("{file}: nothing to mend")));
    }
    let mut line = format!("{file}: {}", parts.join(", "));
    if tally.errors == 0 && tally.warnings == 0 {
        line.push_str(", nothing to mend");
    }
    let mut text = format!("{}\n", paint.bold(&line));
    if tally.errors + tally.warnings > 0 {
        text.push_str(&paint.dim("more about one of them: kratos-onboarding doctor --explain CODE"));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("a-very-long-word b", 5), ["a-very-long-word", "b"]);
        assert!(wrapped("", 5).is_empty());
    }

    #[test]
    fn a_clean_file_is_told_in_one_line() {
        let tally = Tally::default();
        assert_eq!(summary(tally, "kratos.yml", Paint(false)), "kratos.yml: nothing to mend\n");
    }
}
