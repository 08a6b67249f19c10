//! What people and scripts read.

use std::error::Error;
use std::io::Write as _;

/// To standard output. A reader that has gone away (`| head`) is no mistake of ours.
pub(super) fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
    let _ = stdout.flush();
}

/// To standard error, where it does not get into what a script reads.
pub(super) fn say_aside(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// To standard error, with what caused it.
pub(super) fn complain(error: &dyn Error) {
    let mut text = format!("error: {error}\n");
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors repeat their cause in their own message.
        if !told.contains(&message) {
            text.push_str(&format!("  because: {message}\n"));
        }
        told = message;
        cause = error.source();
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Nothing that a terminal would act on.
pub(super) fn harmless(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_eq!(super::harmless("a\u{1b}[2J\nb\t"), "a\\u{1b}[2J\nb\\t");
    }
}
