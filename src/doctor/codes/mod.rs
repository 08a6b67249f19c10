//! Every finding there can be: a stable code, and what a person needs to know about it.
//!
//! A code is never given another meaning and never used again. The pages in `docs/doctor/` are made from this.

mod cookies;
mod files;
mod hook_lists;
mod hook_reach;
mod hook_sending;
mod hook_shape;
mod live;
mod live_write;
mod messages;
mod origins;
mod own_ceremony;
mod passkey;
mod schema;
mod session;
mod templates;

pub use cookies::*;
pub use files::*;
pub use hook_lists::*;
pub use hook_reach::*;
pub use hook_sending::*;
pub use hook_shape::*;
pub use live::*;
pub use live_write::*;
pub use messages::*;
pub use origins::*;
pub use own_ceremony::*;
pub use passkey::*;
pub use schema::*;
pub use session::*;
pub use templates::*;

use super::finding::Severity;

/// One code. The texts are Markdown without headings.
#[derive(Debug)]
pub struct Explanation {
    /// Kebab-case.
    pub code: &'static str,
    /// What it usually is; a finding may be milder or harsher.
    pub severity: Severity,
    pub title: &'static str,
    /// What a person, or the operator, would see.
    pub sees: &'static str,
    pub why: &'static str,
    pub mend: &'static str,
    /// YAML of a Kratos configuration unless the text says otherwise; may be empty.
    pub example: &'static str,
    /// What Kratos or a browser says about it, as it is printed.
    pub errors: &'static [&'static str],
    /// Where this was seen.
    pub observed: &'static str,
    /// Kratos does not start with it.
    pub stops_start: bool,
}

/// Where most of them were seen.
const V26: &str = "Kratos v26.2.0";
const SERVICE: &str = "this service";

/// In the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Explanation> {
    [
        files::ALL,
        hook_shape::ALL,
        hook_sending::ALL,
        hook_lists::ALL,
        hook_reach::ALL,
        templates::ALL,
        passkey::ALL,
        own_ceremony::ALL,
        schema::ALL,
        session::ALL,
        origins::ALL,
        cookies::ALL,
        live::ALL,
        live_write::ALL,
        messages::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

pub fn find(code: &str) -> Option<&'static Explanation> {
    all().find(|explanation| explanation.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_in_kebab_case() {
        let mut seen = BTreeSet::new();
        for explanation in all() {
            let code = explanation.code;
            assert!(seen.insert(code), "{code} is there twice");
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(code.chars().all(kebab) && !code.starts_with('-') && !code.ends_with('-'), "{code}");
        }
    }

    #[test]
    fn every_code_says_all_there_is_to_say() {
        for explanation in all() {
            let Explanation { title, sees, why, mend, observed, .. } = explanation;
            for (part, text) in
                [("title", title), ("sees", sees), ("why", why), ("mend", mend), ("observed", observed)]
            {
                assert!(!text.trim().is_empty(), "{}: {part} is empty", explanation.code);
                assert!(!text.contains('\t') && !text.ends_with(' '), "{}: {part}", explanation.code);
            }
            if explanation.stops_start {
                assert_eq!(explanation.severity, Severity::Error, "{}", explanation.code);
            }
        }
    }
}
