//! `doctor --explain`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{doctor, status};
use crate::cli::{err, out};

#[test]
fn a_code_is_explained() {
    let output = doctor(&["--explain", "hook-session-with-config"]);
    assert_eq!(status(&output), 0);
    let text = out(&output);
    for part in ["Kratos does not start", "seen", "why", "mend", "hook: session", "b2b_sso", "v26.2.0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_kratos_said_leads_to_codes() {
    for (said, code) in [
        ("Could not find a strategy", "message-no-strategy"),
        ("got empty template path", "hook-without-body"),
        ("doesn't validate with \"#/definitions/selfServiceAfterRegistrationMethod\"", "hook-unknown"),
        ("value must be one of \"b2b_sso\", \"organization\"", "hook-session-with-config"),
        ("RUNTIME ERROR: Field does not exist: nope", "template-fails"),
    ] {
        let output = doctor(&["--explain", said]);
        assert_eq!(status(&output), 0, "{said}");
        assert!(out(&output).contains(code), "{said}: {}", out(&output));
    }
}

#[test]
fn what_nobody_knows_is_told_with_the_nearest_code() {
    let output = doctor(&["--explain", "hook-sesion-with-config"]);
    assert_eq!(status(&output), 1);
    assert!(out(&output).is_empty());
    assert!(err(&output).contains("hook-session-with-config"), "{}", err(&output));
    let output = doctor(&["--explain", "the weather"]);
    assert_eq!(status(&output), 1);
    assert!(err(&output).contains("docs/doctor/README.md"), "{}", err(&output));
}

/// What a person would be told to look up has to be there.
#[test]
fn every_code_a_page_names_has_a_page() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor");
    let pages: BTreeSet<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in &pages {
        let text = fs::read_to_string(directory.join(page)).unwrap();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = rest.split(')').next().unwrap();
            assert!(pages.contains(target), "{page} links to {target}");
        }
    }
    let index = fs::read_to_string(directory.join("README.md")).unwrap();
    for misleading in
        ["Could not find a strategy", "got empty template path", "doesn't validate with", "b2b_sso"]
    {
        assert!(index.contains(misleading), "{misleading}");
    }
}
