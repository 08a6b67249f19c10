//! Who is told of transitions.

use super::*;
use crate::onboarding::{ReceiverName, Stage};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn with_url(url: &str, private: bool) -> Result<Settings, ConfigErrors> {
    from_env(&[
        ("events.receivers.crm.url", url),
        ("events.receivers.crm.secrets", SECRET),
        ("events.allow_private_addresses", if private { "true" } else { "false" }),
    ])
}

#[test]
fn without_receivers_there_is_nobody_to_tell() {
    assert!(from_env(&[]).unwrap().events.receivers.is_empty());
}

#[test]
fn a_receiver_is_read_with_what_it_wants() {
    let text = format!(
        "
events:
  receivers:
    crm:
      url: https://crm.example.org/hooks?team=3
      secrets: [{SECRET}, {SECRET}]
      stages: [enrolled, gone]
    audit-log: {{ url: 'https://audit.example.org', secrets: [{SECRET}] }}
  timeout: 2500ms
  retry_pauses: [10ms, 5m, 1d]
"
    );
    let events = from_file(&text).unwrap().events;
    let names: Vec<&str> = events.receivers.keys().map(ReceiverName::as_str).collect();
    assert_eq!(names, ["audit-log", "crm"]);
    let crm = &events.receivers["crm"];
    assert_eq!(crm.url.0.as_str(), "https://crm.example.org/hooks?team=3");
    assert_eq!(crm.secrets.len(), 2);
    assert_eq!(crm.stages.clone().unwrap().into_iter().collect::<Vec<_>>(), [Stage::Enrolled, Stage::Gone]);
    assert_eq!(events.receivers["audit-log"].stages, None);
    assert_eq!(events.timeout.as_millis(), 2500);
    assert_eq!(events.retry_pauses.iter().map(|pause| pause.as_millis()).sum::<i128>(), 86_700_010);
}

#[test]
fn an_address_inside_is_refused_unless_it_is_allowed() {
    for inside in [
        "http://crm.example.org/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00::1]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://crm.localhost/",
    ] {
        let errors = with_url(inside, false).unwrap_err();
        assert_eq!(named(&errors), ["events.receivers.crm.url"], "{inside}");
        assert!(errors.to_string().contains("events.allow_private_addresses"), "{errors}");
        assert!(with_url(inside, true).is_ok(), "{inside}");
    }
    for outside in ["https://1.1.1.1/", "https://crm.example.org:8443/", "https://[2606:4700::1111]/"] {
        assert!(with_url(outside, false).is_ok(), "{outside}");
    }
    for never in ["ftp://crm.example.org/", "https://user:hidden@crm.example.org/", "crm", "https://a/#x"] {
        let errors = with_url(never, true).unwrap_err();
        assert_eq!(named(&errors), ["events.receivers.crm.url"], "{never}");
        assert!(!errors.to_string().contains("hidden"), "{errors}");
    }
}

#[test]
fn every_mistake_about_receivers_is_told_by_name() {
    let text = "
events:
  receivers:
    crm: { url: 'https://crm.example.org/hidden' }
    audit: { secrets: [whsec_hidden], stages: [enroled] }
    'No Name': { url: 'https://example.org', secrets: [whsec_hidden] }
  timeout: 2m
  retry_pauses: []
";
    let errors = from_file(text).unwrap_err();
    let text = errors.to_string();
    for expected in [
        "events.receivers.crm.secrets: is not set",
        "events.receivers.audit.secrets[0]",
        "events.receivers.audit.stages[0]: is not a stage",
        "events.receivers.audit.url: is not set",
        "events.receivers.No Name: is a name that",
        "events.timeout: is longer than a minute",
        "events.retry_pauses: has 0 pauses; 1 to 30 are allowed",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(!text.contains("hidden"), "{text}");
}

#[test]
fn a_receiver_shows_neither_url_nor_secret() {
    let shown = format!("{:?}", with_url("https://crm.example.org/hidden", false).unwrap());
    assert!(!shown.contains("hidden") && !shown.contains("C2FVs"), "{shown}");
}
