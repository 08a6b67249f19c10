mod addresses;
mod events;
mod webauthn;
mod wrong;

use std::io::Write as _;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::known::Known;
use super::reader::Reader;
use super::*;
use crate::onboarding::{Cohort, CohortName};

const PII: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const API_KEY: &str = "0123456789abcdef-key";

/// What production needs at least.
fn base() -> Vec<(String, String)> {
    [
        ("DSN", "sqlite:///tmp/onboarding.db"),
        ("KRATOS__PUBLIC_URL", "http://kratos:4433"),
        ("WEBHOOK__API_KEYS", API_KEY),
        ("SECRETS__PII", PII),
    ]
    .map(|(name, value)| (format!("{PREFIX}{name}"), value.to_owned()))
    .to_vec()
}

fn with(more: &[(&str, &str)]) -> Environment {
    let mut variables = base();
    for (path, value) in more {
        let name = known::variable(path);
        variables.retain(|(there, _)| *there != name);
        variables.push((name, (*value).to_owned()));
    }
    Environment::of(variables)
}

fn load(file: Option<&Path>, mode: Mode, env: &Environment) -> Result<Settings, ConfigErrors> {
    Sources::read(file, mode, env).settings()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn from_env(more: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    load(None, Mode::Production, &with(more))
}

fn from_file(text: &str) -> Result<Settings, ConfigErrors> {
    load(Some(file(text).path()), Mode::Production, &with(&[]))
}

fn named(errors: &ConfigErrors) -> Vec<&str> {
    errors.mistakes().iter().map(|mistake| mistake.setting.as_str()).collect()
}

fn known() -> Known {
    Known::from_schema(schema::document().as_value())
}

#[test]
fn variables_can_come_from_anywhere() {
    assert!(super::load(None, Mode::Production, base()).is_ok());
}

#[test]
fn the_least_production_needs_is_enough() {
    let settings = from_env(&[]).unwrap();
    assert_eq!(settings.serve.public.port, 5050);
    assert!(settings.serve.public.host.is_unspecified());
    assert_eq!(settings.serve.admin.listener.port, 5051);
    assert!(settings.serve.admin.listener.host.is_loopback());
    assert_eq!(settings.kratos.browser_url, settings.kratos.public_url);
    assert_eq!(settings.kratos.admin_url, None, "nobody is asked who was not named");
    assert_eq!(settings.kratos.session_cookie_name, "ory_kratos_session");
    assert_eq!(settings.webhook.api_key_name, "X-Onboarding-Key");
    assert_eq!(settings.page.default_return_url.as_str(), "http://localhost:5050/");
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(
        settings.policy,
        crate::onboarding::Policy::default(),
        "the defaults of the file are the domain's"
    );
}

#[test]
fn without_anything_everything_missing_is_told_at_once() {
    let errors = load(None, Mode::Production, &Environment::default()).unwrap_err();
    assert_eq!(named(&errors), ["dsn", "kratos.public_url", "webhook.api_keys", "secrets.pii"]);
    let text = errors.to_string();
    assert!(text.contains("keygen") && text.contains("ONBOARDING__DSN"), "{text}");
}

#[test]
fn development_has_defaults_for_all_but_keys() {
    let sources = Sources::read(None, Mode::Development, &Environment::default());
    assert_eq!(named(&sources.settings().unwrap_err()), ["webhook.api_keys", "secrets.pii"]);
    let keys = GeneratedKeys {
        webhook_api_key: API_KEY.to_owned(),
        pii: PII.to_owned(),
        admin_token: API_KEY.repeat(2),
    };
    let settings = sources.with_generated(&keys).settings().unwrap();
    assert!(matches!(settings.dsn, Dsn::Sqlite(path) if path == Path::new("kratos-onboarding.db")));
    assert!(settings.serve.public.host.is_loopback());
    assert_eq!(settings.log.format, LogFormat::Pretty);
    assert_eq!(settings.serve.public.base_url.unwrap().as_str(), "http://localhost:5050/");
    assert_eq!(settings.kratos.public_url.as_str(), "http://localhost:4433/");
    assert_eq!(settings.kratos.admin_url.unwrap().as_str(), "http://localhost:4434/");
    assert_eq!(settings.webhook.api_keys[0].expose_secret(), API_KEY);
}

#[test]
fn given_keys_win_over_generated_ones() {
    let other = "the-key-of-the-file-itself";
    let env = Environment::of([("ONBOARDING__WEBHOOK__API_KEYS", other)]);
    let keys = GeneratedKeys {
        webhook_api_key: API_KEY.to_owned(),
        pii: PII.to_owned(),
        admin_token: API_KEY.repeat(2),
    };
    let settings = Sources::read(None, Mode::Development, &env).with_generated(&keys).settings().unwrap();
    let held: Vec<&str> = settings.webhook.api_keys.iter().map(|key| key.expose_secret()).collect();
    assert_eq!(held, [other]);
}

#[test]
fn environment_beats_file_beats_default() {
    let text = "serve:\n  public:\n    port: 1111\n  admin:\n    port: 2222\n";
    let file = file(text);
    let settings =
        load(Some(file.path()), Mode::Production, &with(&[("serve.public.port", "3333")])).unwrap();
    assert_eq!(settings.serve.public.port, 3333, "environment");
    assert_eq!(settings.serve.admin.listener.port, 2222, "file");
    assert_eq!(settings.log.level, "info", "default");
}

#[test]
fn unknown_settings_are_refused_with_what_was_meant() {
    let errors =
        from_file("serve:\n  publik:\n    port: 1\napi_keys: [hidden-hidden-hidden]\nlog:\n  levle:\n")
            .unwrap_err();
    let text = errors.to_string();
    assert!(text.contains("did you mean serve.public?"), "{text}");
    assert!(text.contains("did you mean webhook.api_keys?"), "{text}");
    assert!(text.contains("did you mean log.level?"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
    let errors =
        load(None, Mode::Production, &with(&[("serve.public.prot", "1"), ("nonsense", "1"), ("", "")]));
    let text = errors.unwrap_err().to_string();
    assert!(text.contains("did you mean ONBOARDING__SERVE__PUBLIC__PORT (serve.public.port)?"), "{text}");
    assert!(text.contains("nonsense: there is no such setting"), "{text}");
}

#[test]
fn other_peoples_variables_are_left_alone() {
    let env = Environment::of(base().into_iter().chain([
        ("ONBOARDING_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned()),
        ("ONBOARDING__KRATOS__ADMIN_URL".to_owned(), String::new()),
    ]));
    assert_eq!(load(None, Mode::Production, &env).unwrap().kratos.admin_url, None);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let broken = std::ffi::OsString::from_vec(b"0123456789abcdef\xff".to_vec());
    let env = Environment::of([(std::ffi::OsString::from("ONBOARDING__WEBHOOK__API_KEYS"), broken)]);
    let errors = load(None, Mode::Production, &env).unwrap_err();
    assert!(errors.to_string().contains("is not UTF-8"));
}

#[test]
fn lists_are_read_in_both_forms() {
    let env = from_env(&[("methods", "passkey, webauthn"), ("policy.schemas", "person,shop,")]).unwrap();
    let text = "methods: [passkey, webauthn]\npolicy:\n  schemas:\n    - person\n    - shop\n";
    assert_eq!(from_file(text).unwrap().policy, env.policy);
    assert_eq!(env.policy.enrol.len(), 2);
}

#[test]
fn kratos_is_compared_with_where_it_can_be_asked() {
    let reconcile = from_env(&[]).unwrap().reconcile;
    assert!(!reconcile.enabled, "nobody to ask");
    assert_eq!((reconcile.every.as_hours(), reconcile.jitter.as_mins()), (1, 10));
    let asked = [("kratos.admin_url", "http://kratos:4434")];
    assert!(from_env(&asked).unwrap().reconcile.enabled);
    let text = "kratos: { admin_url: 'http://kratos:4434' }\n\
        reconcile: { enabled: false, every: 1d, jitter: none, page_size: 500, rate: 20 }\n";
    let reconcile = from_file(text).unwrap().reconcile;
    assert_eq!((reconcile.enabled, reconcile.every.as_hours(), reconcile.jitter.as_secs()), (false, 24, 0));
    assert_eq!((reconcile.page_size.get(), reconcile.rate.get()), (500, 20));
}

#[test]
fn policy_is_read_from_the_file() {
    let text = "
policy:
  enabled: false
  registration_methods: [password, oidc]
  max_offers: 7
  skip_pauses: [1d, 36h]
  cancelled_pause: 90m
  removed_pause: 2w
  dismiss_from_offer: never
  failed_pause: 3h
  denied: [5eddbeec-b3d3-4769-ad6d-07e5374f94b7]
  rollout: 12.5%
  hold_out: 5%
  required:
    everybody: { from: 2027-01-01T00:00:00Z, by: '2027-03-01T00:00:00+01:00' }
    new-staff:
      { from: 2026-01-01T00:00:00Z, by: 2026-02-01T00:00:00Z, grace: 14d, schemas: [staff], registration_methods: [oidc],
        registered_from: 2026-02-01T00:00:00Z, registered_before: 2027-02-01T00:00:00Z }
kratos:
  privileged_session_max_age: 15m
";
    let policy = from_file(text).unwrap().policy;
    assert!(!policy.enabled);
    assert_eq!(policy.registration_methods.unwrap().len(), 2);
    assert_eq!(policy.skip_pauses.iter().map(|pause| pause.as_hours()).collect::<Vec<_>>(), [24, 36]);
    assert_eq!((policy.cancelled_pause.as_mins(), policy.removed_pause.unwrap().as_hours()), (90, 14 * 24));
    assert_eq!(policy.failed_pause.unwrap().as_hours(), 3);
    assert_eq!((policy.rollout.to_string(), policy.hold_out.to_string()), ("12.5%".into(), "5%".into()));
    assert_eq!(policy.denied.len(), 1);
    assert_eq!((policy.dismiss_from_offer, policy.max_offers), (None, 7));
    let names: Vec<&str> = policy.required.keys().map(CohortName::as_str).collect();
    assert_eq!(names, ["everybody", "new-staff"]);
    assert_eq!(policy.required["new-staff"].grace.as_hours(), 14 * 24);
    assert_eq!(policy.required["everybody"].cohort, Cohort::default());
    assert_eq!(policy.privileged_session_max_age.as_mins(), 15);
}

#[test]
fn what_an_operator_names_can_be_set_in_the_environment_too() {
    let policy = from_env(&[
        ("policy.required.staff.from", "2027-01-01T00:00:00Z"),
        ("policy.required.staff.by", "2027-02-01T00:00:00Z"),
        ("policy.required.staff.schemas", "staff,partner"),
        ("policy.removed_pause", "never"),
    ]);
    let policy = policy.unwrap().policy;
    assert_eq!(policy.required["staff"].cohort.schemas.as_ref().unwrap().len(), 2);
    assert_eq!((policy.removed_pause, policy.failed_pause), (None, None));
}

#[test]
fn mistakes_in_what_an_operator_names_are_told_by_that_name() {
    let text = "
policy:
  required:
    staff: { from: 2027-03-01T00:00:00Z, by: 2027-01-01T00:00:00Z }
    guests: { by: 2027-01-01T00:00:00Z, form: 2027-01-01T00:00:00Z }
    'Very Important': { from: 2027-01-01T00:00:00Z, by: 2027-02-01T00:00:00Z }
    nobody: { from: 2027-01-01T00:00:00Z, by: 2027-02-01T00:00:00Z, registered_from: 2027-01-01T00:00:00Z,
              registered_before: 2027-01-01T00:00:00Z }
    flat: true
";
    let errors = from_file(text).unwrap_err();
    let text = errors.to_string();
    let names: Vec<&str> = errors.mistakes().iter().map(|mistake| mistake.setting.as_str()).collect();
    for expected in ["policy.required.guests.form", "policy.required.Very Important", "policy.required.flat"]
    {
        assert!(names.contains(&expected), "{expected} is not in:\n{text}");
    }
    assert!(text.contains("did you mean policy.required.guests.from?"), "{text}");
    assert!(text.contains("policy.required.flat.grace"), "{text}");
}

#[test]
fn secrets_can_stand_in_files() {
    let keys = file(&format!("{API_KEY}\n\n  {API_KEY}-2  \r\n"));
    let path = keys.path().display().to_string();
    let env: Vec<_> = base().into_iter().filter(|(name, _)| !name.ends_with("API_KEYS")).collect();
    let env =
        Environment::of(env.into_iter().chain([(known::variable("webhook.api_keys_file"), path.clone())]));
    let settings = load(None, Mode::Production, &env).unwrap();
    let held: Vec<&str> = settings.webhook.api_keys.iter().map(|key| key.expose_secret()).collect();
    assert_eq!(held, [API_KEY.to_owned(), format!("{API_KEY}-2")]);

    let both = from_env(&[("webhook.api_keys_file", &path)]).unwrap_err();
    assert!(both.to_string().contains("and webhook.api_keys_file too"), "{both}");

    let wrong = file("kratos:hidden\nhidden\n");
    let errors = from_env(&[("webhook.basic_auth_file", &wrong.path().display().to_string())]).unwrap_err();
    assert_eq!(errors.mistakes()[0].source, Source::SecretFile { path: wrong.path().into(), line: 2 });
    assert!(!errors.to_string().contains("hidden"), "{errors}");

    let empty = file("\n");
    assert!(from_env(&[("webhook.basic_auth_file", &empty.path().display().to_string())]).is_err());
}

#[test]
fn a_secret_shows_in_neither_error_nor_debug() {
    let text = format!(
        "webhook: {{ api_keys: [short-hidden, {API_KEY}], basic_auth: ['x:hidden', hidden], signing_secrets: [hidden] }}\n\
         secrets: {{ pii: ['hidden hidden'] }}\nsecret: hidden\n"
    );
    let file = file(&text);
    let errors = load(Some(file.path()), Mode::Production, &Environment::default()).unwrap_err();
    assert!(!format!("{errors} {errors:?}").contains("hidden"), "{errors}");
    let settings = format!("{:?}", from_env(&[("webhook.basic_auth", "kratos:hidden")]).unwrap());
    assert!(
        !settings.contains("hidden") && !settings.contains(API_KEY) && !settings.contains(PII),
        "{settings}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_guessing_what_it_holds() {
    let env = Environment::of([("ONBOARDING__LOG__LEVEL", "loud")]);
    let errors = load(Some(Path::new("/nonexistent/settings.yml")), Mode::Production, &env).unwrap_err();
    assert_eq!(named(&errors), ["/nonexistent/settings.yml", "log.level"]);
    let broken = file("a: [");
    assert!(
        load(Some(broken.path()), Mode::Production, &with(&[]))
            .unwrap_err()
            .to_string()
            .contains("is not YAML")
    );
    let doubled = from_file("log: { level: info, level: warn }").unwrap_err();
    assert!(doubled.to_string().contains("log.level: is written twice"), "{doubled}");
}

#[test]
fn the_schema_and_the_reader_know_the_same_settings() {
    let known = known();
    // Somebody has to be named, or nothing is asked of them.
    let any = figment::value::Dict::new;
    let figment = figment::Figment::from(("policy.required.any", any()))
        .merge(("admin.operators.any", any()))
        .merge(("events.receivers.any", any()));
    let mut reader = Reader::new(&figment, &known, Mode::Production, false);
    assert!(sections::read(&mut reader).is_err());
    let asked: Vec<String> = reader.asked.iter().map(|path| path.replace(".any.", ".*.")).collect();
    assert_eq!(known.paths().map(str::to_owned).collect::<Vec<_>>(), asked);
}

#[test]
fn every_setting_says_what_is_allowed_and_secrets_are_marked() {
    let known = known();
    for path in known.paths() {
        let about = known.about(path).unwrap();
        assert!(about.allowed.len() > 20 && about.example != "null", "{path}");
    }
    let secret: Vec<&str> = known.paths().filter(|path| known.about(path).unwrap().secret).collect();
    assert_eq!(
        secret,
        [
            "admin.operators.*.tokens",
            "dsn",
            "events.receivers.*.secrets",
            "events.receivers.*.url",
            "secrets.pii",
            "webhook.api_keys",
            "webhook.basic_auth",
            "webhook.signing_secrets"
        ]
    );
}

#[test]
fn the_defaults_in_the_schema_are_those_in_force() {
    let schema = schema::document();
    let port = schema.as_value().pointer("/properties/serve/properties/public/properties/port/default");
    assert_eq!(port, Some(&Value::from(5050)));
    let defaults = serde_json::to_value(SettingsFile::default()).unwrap();
    let again: SettingsFile = serde_json::from_value(defaults.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), defaults);
}
