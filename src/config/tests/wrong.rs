//! What is refused, and how it is told.

use proptest::prelude::*;

use super::*;

/// Each with values that are wrong, in the environment.
const WRONG: &[(&str, &[&str])] = &[
    (
        "dsn",
        &[
            "memory",
            "mysql://h",
            "sqlite3://a.db",
            "postgres",
            "postgres://u:hidden@h",
            "postgres://u:hidden#h/db",
            "postgres://u:hidden/h/db",
            "postgres://u:hidden",
            "postgres://u:42/hidden@h/db",
            "postgres://u:hidden@hidden@h/db",
            "postgres://h1,h2/db",
            "postgres://h/db?password=hidden&sslmode=on",
            "postgres://h/db?max_conns=3",
            "postgres://h/db?notify=no",
            "postgres://h/db?connect_timeout=1",
            "sqlite://",
            "sqlite:///a.db?mode=ro",
            "sqlite:///dir/",
        ],
    ),
    ("dsn_file", &["/nonexistent/dsn"]),
    ("serve.public.host", &["localhost", "example.org", "1.2.3", "1.2.3.4:80"]),
    ("serve.public.port", &["abc", "-1", "65536", "5050.5", "true"]),
    (
        "serve.public.base_url",
        &["example.org", "ftp://a", "http://a/?x", "http://a/#x", "http://u:hidden@a", "http://a:0"],
    ),
    ("serve.public.base_path", &["/a b", "/..", "/a?b"]),
    ("serve.public.tls.cert_file", &["/nonexistent/cert", "/"]),
    ("serve.public.tls.key_file", &["/nonexistent/key"]),
    ("serve.admin.host", &["0.0.0.0", "x", "::"]),
    ("serve.admin.port", &["x", "5050"]),
    ("serve.admin.base_url", &["x"]),
    ("serve.admin.base_path", &["/%"]),
    ("serve.admin.tls.cert_file", &["/nonexistent/cert"]),
    ("serve.admin.tls.key_file", &["/nonexistent/key"]),
    ("serve.admin.allow_insecure", &["yes", "1"]),
    ("kratos.public_url", &["kratos:4433", "http://", "unix:///x"]),
    ("kratos.browser_url", &["/", "http://a?x"]),
    ("kratos.admin_url", &["http://u:hidden@a", "x"]),
    ("kratos.session_cookie_name", &["a b", "a;b", "ä"]),
    ("kratos.privileged_session_max_age", &["3600", "1d", "0s", "1", "h", "-1h", "11years"]),
    ("kratos.code_mfa", &["yes", "1"]),
    ("page.ceremony", &["kratos", "true", "own"]),
    ("page.conditional_create", &["yes", "1", "true"]),
    ("webauthn.rp_id", &["https://example.org", "example.org:443", "Example.org", "127.0.0.1"]),
    ("webauthn.rp_name", &["two\nlines"]),
    ("webauthn.origins", &["https://*.example.org", "http://app.example.org", "https://app.example.org/"]),
    ("webauthn.import", &["yes", "on"]),
    ("webauthn.own_ceremony_max_age", &["3600", "0s", "1d"]),
    ("reconcile.enabled", &["yes", "1", "true"]),
    ("reconcile.every", &["1", "0s", "never", "11years"]),
    ("reconcile.jitter", &["10", "0s", "some"]),
    ("reconcile.page_size", &["0", "501", "-1", "all"]),
    ("reconcile.rate", &["0", "1001", "fast", "2.5"]),
    ("webhook.api_keys", &["hidden", "hidden hidden hidden hidden", "REPLACE-WITH-YOUR-ONBOARDING-KEY"]),
    ("webhook.api_keys_file", &["/nonexistent/keys"]),
    ("webhook.api_key_name", &["a b", "a:b", "ä"]),
    ("webhook.basic_auth", &["hidden", ":hidden", "hidden:"]),
    ("webhook.basic_auth_file", &["/nonexistent/auth"]),
    ("webhook.signing_secrets", &["hidden", "whsec_hidden", "whsec_aGlkZGVu"]),
    ("webhook.signing_secrets_file", &["/nonexistent/secrets"]),
    ("page.allowed_origins", &["null", "*", "https://a/", "https://a/b", "https://*.a", "a.example"]),
    ("page.default_return_url", &["/welcome", "javascript:alert(1)", "https://u:hidden@a"]),
    ("page.allowed_return_urls", &["/welcome", "*", "https://*.a/", "https://a/?x"]),
    ("page.brand.name", &["a\u{7}b", "a name of sixty-five characters, which is one more than can be shown"]),
    (
        "page.brand.logo",
        &["logo.svg", "//cdn.example/logo.svg", "data:image/svg+xml,x", "https://u:hidden@a/x"],
    ),
    ("page.brand.colour", &["red", "#12", "#12345", "1f4fd8"]),
    ("page.brand.support_url", &["/help", "javascript:alert(1)", "mailto:", "https://u:hidden@a"]),
    ("admin.allowed_hosts", &["https://a.example", "a b", "user@host", "host:port"]),
    ("admin.operators.staff.tokens", &["hidden-and-short", "REPLACE-WITH-A-TOKEN-hidden-0123456789"]),
    ("admin.operators.staff.tokens_file", &["/nonexistent/token"]),
    ("methods", &["password", "passkeys", ",", "passkey;webauthn"]),
    ("policy.enabled", &["on", "0"]),
    ("policy.registration_methods", &["passwort", ","]),
    ("policy.schemas", &["a\u{1}b", ","]),
    ("policy.max_offers", &["0", "1001", "many"]),
    ("policy.skip_pauses", &["14", "14d,x", ","]),
    ("policy.cancelled_pause", &["24", "a day", "0s"]),
    ("policy.removed_pause", &["90", "90x"]),
    ("policy.dismiss_from_offer", &["0", "always"]),
    ("policy.failed_pause", &["never", "24"]),
    ("policy.denied", &["somebody", "00000000-0000-0000-0000-000000000000"]),
    ("policy.denied_file", &["/nonexistent/denied"]),
    ("policy.rollout", &["25", "101%", "%", "-1%", "1.234%", "half"]),
    ("policy.hold_out", &["5", "655.36%"]),
    ("policy.required.staff.from", &["tomorrow", "2027-01-01"]),
    ("policy.required.staff.by", &["tomorrow"]),
    ("policy.required.staff.grace", &["14", "a week"]),
    ("policy.required.staff.schemas", &["a\u{1}b", ","]),
    ("policy.required.staff.registration_methods", &["passwort"]),
    ("policy.required.staff.registered_from", &["2027"]),
    ("policy.required.staff.registered_before", &["soon"]),
    ("events.allow_private_addresses", &["yes", "1"]),
    ("events.timeout", &["15", "0s", "61s", "never"]),
    ("events.retry_pauses", &["5", "5s,x", ","]),
    (
        "events.receivers.staff.url",
        &[
            "crm",
            "http://crm.example.org/hidden",
            "https://10.0.0.1/hidden",
            "https://u:hidden@crm.example.org/",
        ],
    ),
    ("events.receivers.staff.secrets", &["hidden", "whsec_hidden", "whsec_aGlkZGVu"]),
    ("events.receivers.staff.secrets_file", &["/nonexistent/secrets"]),
    ("events.receivers.staff.stages", &["enroled", ","]),
    ("secrets.pii", &["hidden!", "aGlkZGVu"]),
    ("secrets.pii_file", &["/nonexistent/pii"]),
    ("log.level", &["inof", "kratos_onboarding=loud", "[span]=info"]),
    ("log.format", &["text", "JSON!"]),
];

#[test]
fn every_setting_refuses_what_is_wrong_and_is_named() {
    let untested: Vec<String> = known()
        .paths()
        .filter(|path| WRONG.iter().all(|(tested, _)| tested.replace(".staff.", ".*.") != *path))
        .map(str::to_owned)
        .collect();
    assert_eq!(untested, Vec::<String>::new(), "a setting without a wrong value in this test");
    for (path, values) in WRONG {
        for value in *values {
            // A file beside the list it replaces is a mistake of its own.
            let list = path.strip_suffix("_file").unwrap_or_default();
            let mut variables = base();
            variables.retain(|(name, _)| *name != known::variable(list) && *name != known::variable(path));
            variables.push((known::variable(path), (*value).to_owned()));
            let errors = match load(None, Mode::Production, &Environment::of(variables)) {
                Ok(_) => panic!("{path}={value:?} was accepted"),
                Err(errors) => errors,
            };
            let text = errors.to_string();
            assert!(named(&errors).iter().any(|name| name.starts_with(path)), "{path}={value:?}:\n{text}");
            assert!(text.contains(&known::variable(path)), "{path}={value:?} names the variable:\n{text}");
            assert!(text.contains("allowed:") && text.contains("do:"), "{text}");
            assert!(!text.contains("hidden"), "{path}: a secret is shown:\n{text}");
        }
    }
}

#[test]
fn every_type_is_checked_on_its_own() {
    let text = "
dsn: 5
serve:
  public: { port: abc, host: [1], tls: yes please }
  admin: { port: { a: 1 }, allow_insecure: 1 }
kratos: { public_url: true, privileged_session_max_age: 3600 }
webhook: { api_keys: just-one-key-as-text, api_key_name: 3 }
methods: passkey
policy: { enabled: 1, max_offers: 1.5, skip_pauses: [14] }
log: info
";
    let file = file(text);
    let env = Environment::of([("ONBOARDING__SECRETS__PII", "x"), ("ONBOARDING__SERVE", "1")]);
    let errors = load(Some(file.path()), Mode::Production, &env).unwrap_err();
    for path in [
        "dsn",
        "serve",
        "serve.public.port",
        "serve.public.host",
        "serve.public.tls",
        "serve.admin.port",
        "serve.admin.port.a",
        "serve.admin.allow_insecure",
        "kratos.public_url",
        "kratos.privileged_session_max_age",
        "webhook.api_keys",
        "webhook.api_key_name",
        "methods",
        "policy.enabled",
        "policy.max_offers",
        "policy.skip_pauses[0]",
        "secrets.pii[0]",
        "log",
    ] {
        // What lies below a setting is told with the setting.
        let expected = if path == "serve.admin.port.a" { "serve.admin.port" } else { path };
        assert!(named(&errors).contains(&expected), "{path} is not in:\n{errors}");
    }
    let text = errors.to_string();
    assert!(text.contains(&file.path().display().to_string()), "{text}");
    assert!(text.contains("bare number") && !text.contains("just-one-key"), "{text}");
}

#[test]
fn a_name_that_is_refused_hides_no_mistake_of_the_others() {
    let text = "
policy:
  required:
    'No Name': { from: '2027-01-01T00:00:00Z', by: '2027-02-01T00:00:00Z' }
    guests: { from: tomorrow, by: '2027-02-01T00:00:00Z' }
admin:
  operators:
    'No Name': { tokens: [0123456789012345678901234567890123456789abc] }
    alice: { tokens: [short] }
    bob: {}
";
    let errors = from_file(text).unwrap_err();
    for expected in [
        "policy.required.No Name",
        "policy.required.guests.from",
        "admin.operators.No Name",
        "admin.operators.alice.tokens[0]",
        "admin.operators.bob.tokens",
    ] {
        assert!(named(&errors).contains(&expected), "{expected} is not in:\n{errors}");
    }
    assert_eq!(errors.mistakes().len(), 5, "{errors}");
}

#[test]
fn a_name_that_is_refused_is_enough_to_refuse_the_start() {
    for section in [
        "policy: { required: { 'No Name': { from: '2027-01-01T00:00:00Z', by: '2027-02-01T00:00:00Z' } } }",
        "admin: { operators: { 'No Name': { tokens: [0123456789012345678901234567890123456789abc] } } }",
    ] {
        let errors = from_file(section).unwrap_err();
        assert_eq!(errors.mistakes().len(), 1, "{errors}");
        assert!(named(&errors)[0].ends_with(".No Name"), "{errors}");
    }
}

proptest! {
    #[test]
    fn no_value_panics(index in 0..WRONG.len(), value in "\\PC{0,60}|[0-9a-z:/.?#@%*-]{0,40}") {
        let path = WRONG[index].0;
        let _ = from_env(&[(path, &value)]).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_variable_panics(name in "[A-Za-z_.]{0,30}", value in ".{0,20}") {
        let env = Environment::of([(format!("{PREFIX}{name}"), value)]);
        let _ = load(None, Mode::Production, &env).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_file_panics(text in "(serve|log|dsn|policy|page|- |  |: |\\n|\\[|\\]|[a-z0-9&*!'\"{},#]){0,40}|.{0,80}") {
        let _ = from_file(&text).map_err(|errors| errors.to_string());
    }
}
