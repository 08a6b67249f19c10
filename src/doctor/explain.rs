//! From a code, or from what Kratos said, to what it means.

use super::checks::nearest;
use super::codes::{self, Explanation};

/// What there is to tell about a question.
#[derive(Debug)]
pub enum Answer {
    Code(&'static Explanation),
    /// The error text was seen with these; the likeliest first.
    Error(Vec<&'static Explanation>),
    /// Neither a code nor a known text. Perhaps this code was meant.
    Unknown(Option<&'static str>),
}

/// Shorter texts are in everything.
const SHORTEST: usize = 5;

pub fn answer(question: &str) -> Answer {
    let question = question.trim();
    let code = question.trim_matches(['[', ']']).to_ascii_lowercase().replace('_', "-");
    if let Some(explanation) = codes::find(&code) {
        return Answer::Code(explanation);
    }
    let found = by_error(question);
    if !found.is_empty() {
        return Answer::Error(found);
    }
    let names: Vec<String> = codes::all().map(|explanation| explanation.code.replace('-', "_")).collect();
    let meant = nearest(&code, names.iter().map(String::as_str));
    Answer::Unknown(meant.and_then(|meant| codes::find(&meant.replace('_', "-"))).map(|found| found.code))
}

fn by_error(question: &str) -> Vec<&'static Explanation> {
    let question = normal(question);
    if question.len() < SHORTEST {
        return Vec::new();
    }
    let mut found: Vec<(usize, &'static Explanation)> = codes::all()
        .filter_map(|explanation| {
            let fits = |error: &&&str| {
                let error = normal(error);
                error.contains(&question) || error.len() >= SHORTEST && question.contains(&error)
            };
            let longest = explanation.errors.iter().filter(fits).map(|error| normal(error).len()).max()?;
            Some((longest, explanation))
        })
        .collect();
    // What explains more of the text comes first; what was written to be looked up before what doctor finds.
    found.sort_by_key(|(length, explanation)| {
        (std::cmp::Reverse((*length).min(question.len())), !explanation.code.starts_with("message-"))
    });
    found.into_iter().map(|(_, explanation)| explanation).collect()
}

/// Letters and digits: quotes, escapes and brackets get lost between a log and a question.
fn normal(text: &str) -> String {
    let kept: String =
        text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(question: &str) -> Vec<&'static str> {
        match answer(question) {
            Answer::Error(found) => found.into_iter().map(|explanation| explanation.code).collect(),
            other => panic!("{question}: {other:?}"),
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for question in ["hook-unknown", "HOOK_UNKNOWN", "[hook-unknown]", " hook-unknown "] {
            assert!(
                matches!(answer(question), Answer::Code(found) if found.code == "hook-unknown"),
                "{question}"
            );
        }
        assert!(matches!(answer("hook-unknwon"), Answer::Unknown(Some("hook-unknown"))));
        assert!(matches!(answer("nothing like it"), Answer::Unknown(None)));
    }

    #[test]
    fn misleading_texts_lead_to_what_they_mean() {
        for (text, code) in [
            ("Could not find a strategy", "message-no-strategy"),
            ("got empty template path", "hook-without-body"),
            ("got empty template path for request with body", "hook-without-body"),
            ("doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"", "message-b2b-sso"),
            ("value must be one of \"b2b_sso\", \"organization\"", "hook-session-with-config"),
            ("value must be one of \\\"b2b_sso\\\", \\\"organization\\\"", "hook-unknown"),
            ("expected string, but got number", "privileged-age-not-a-duration"),
            ("if-then failed", "passkey-without-config"),
            ("session_refresh_required", "privileged-age-zero"),
            ("bufio.Scanner: token too long", "template-too-large"),
            ("4000007", "message-exists-already"),
        ] {
            assert!(codes(text).contains(&code), "{text}: {:?}", codes(text));
        }
    }

    /// What a person copies from the log holds the place, the time and more.
    #[test]
    fn a_whole_line_of_the_log_is_understood() {
        let line = "  I[#/selfservice/flows/registration/after/password] \
                    S[#/definitions/selfServiceAfterRegistration/properties/password/$ref] \
                    doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"";
        assert_eq!(codes(line)[0], "message-b2b-sso");
        assert!(codes(line).contains(&"hook-can-interrupt-with-ignore"));
    }
}
