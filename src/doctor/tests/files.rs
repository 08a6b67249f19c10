use super::*;

#[test]
fn what_kratos_does_not_know_is_named() {
    Configuration::good().with("/selfservices", json!({})).says(&["error config-key-unknown"]);
    let passkeys = Configuration::good().with("/selfservice/methods/passkeys", json!({ "enabled": true }));
    assert_eq!(passkeys.finding("config-key-unknown").mend(), "Write `passkey`.");
    Configuration::good().with("/version", json!("v26.2.0")).says(&[]);
}

#[test]
fn lines_are_those_of_the_file() {
    let text = std::fs::read_to_string(fixtures().join("good.yml")).unwrap();
    let changed = text.replacen("privileged_session_max_age: 15m", "privileged_session_max_age: 0s", 1);
    let line = changed.lines().position(|line| line.contains("max_age")).unwrap() + 1;
    let document = Document::parse(&changed, Format::Yaml).unwrap();
    let file = fixtures().join("changed.yml");
    let findings = examine(&Subject::new(&document, &file, None, None, &Nobody));
    let finding = findings.iter().find(|finding| finding.code() == "privileged-age-zero").unwrap();
    assert_eq!((finding.spot.line, finding.spot.column), (line, 7));
    assert_eq!(finding.path, "selfservice.flows.settings.privileged_session_max_age");
}

#[test]
fn a_setting_written_twice_stands_at_its_second_place() {
    let document = Document::parse("dsn: memory\ndsn: other\n", Format::Yaml).unwrap();
    let findings = examine(&Subject::new(&document, Path::new("kratos.yml"), None, None, &Nobody));
    let finding = findings.iter().find(|finding| finding.code() == "config-key-twice").unwrap();
    assert_eq!(finding.spot.line, 2);
}

#[test]
fn a_name_kratos_does_not_read_is_told() {
    let document = Document::parse("dsn: memory\n", Format::Yaml).unwrap();
    let findings = examine(&Subject::new(&document, Path::new("kratos.conf"), None, None, &Nobody));
    assert!(findings.iter().any(|finding| finding.code() == "config-extension"));
}

/// Nothing at all must not end in a panic.
#[test]
fn any_configuration_is_examined() {
    for text in [
        "",
        "{}",
        "a: 1",
        "selfservice: [1]",
        "selfservice: { flows: 1, methods: x }",
        "identity: { schemas: 1 }",
        "selfservice: { flows: { registration: { after: { password: { hooks: [1, {}, { hook: 1 }, null] } } } } }",
        "serve: { public: { base_url: 'no url' } }\ncookies: x\nclients: { http: { disallow_private_ip_ranges: true } }",
    ] {
        let document = Document::parse(text, Format::Yaml).unwrap();
        examine(&Subject::new(&document, Path::new("kratos.yml"), None, None, &Nobody));
    }
}
