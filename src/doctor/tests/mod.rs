//! What is said about what: each a configuration that works, `good.yml`, with one thing changed.

mod cookies;
mod files;
mod hooks;
mod origins;
mod own_ceremony;
mod passkeys;
mod schemas;
mod sessions;
mod templates;

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use url::Url;

use super::template::{Asked, Evaluate, Here, Outcome};
use super::{Document, Finding, Format, Severity, Subject, examine};
use crate::config::{Mode, PREFIX, Settings, load};

const HOOK: &str = "/selfservice/flows/registration/after/password/hooks/0";
const CONFIG: &str = "/selfservice/flows/registration/after/password/hooks/0/config";
const PASSKEY: &str = "/selfservice/methods/passkey";
const FLOWS: &str = "/selfservice/flows";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kratos-configs")
}

/// Nothing is said about templates by this one, and it is quick.
struct Nobody;

impl Evaluate for Nobody {
    fn evaluate(&self, asked: &Asked) -> Vec<Outcome> {
        vec![Outcome::Unknown("nothing".to_owned()); asked.contexts.len()]
    }
}

struct Configuration {
    value: Json,
    settings: Option<Settings>,
    page: Option<Url>,
    evaluate: &'static dyn Evaluate,
}

impl Configuration {
    fn good() -> Configuration {
        use figment::providers::{Format as _, Yaml};
        let text = std::fs::read_to_string(fixtures().join("good.yml")).unwrap();
        let value = Yaml::from_str(&text).unwrap();
        Configuration { value, settings: None, page: None, evaluate: &Nobody }
    }

    /// At a JSON pointer, whose parents are made where they are missing.
    fn with(mut self, pointer: &str, value: Json) -> Configuration {
        let mut place = &mut self.value;
        for key in pointer.split('/').skip(1) {
            place = match place {
                Json::Array(items) => &mut items[key.parse::<usize>().unwrap()],
                other => {
                    if !other.is_object() {
                        *other = json!({});
                    }
                    other.as_object_mut().unwrap().entry(key).or_insert(Json::Null)
                }
            };
        }
        *place = value;
        self
    }

    fn without(mut self, pointer: &str) -> Configuration {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match self.value.pointer_mut(parent).unwrap() {
            Json::Array(items) => drop(items.remove(key.parse().unwrap())),
            Json::Object(map) => drop(map.remove(key).unwrap()),
            other => panic!("{pointer}: {other}"),
        }
        self
    }

    /// Text instead of text, wherever it stands.
    fn replacing(mut self, from: &str, to: &str) -> Configuration {
        self.value = serde_json::from_str(&self.value.to_string().replace(from, to)).unwrap();
        self
    }

    fn settings(mut self, more: &[(&str, &str)]) -> Configuration {
        self.settings = Some(settings(more));
        self
    }

    fn page(mut self, url: &str) -> Configuration {
        self.page = Some(Url::parse(url).unwrap());
        self
    }

    fn template(mut self, text: &str) -> Configuration {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        self.evaluate = &Here;
        self.with(&format!("{CONFIG}/body"), json!(format!("base64://{encoded}")))
    }

    fn schema(self, change: impl FnOnce(&mut Json)) -> Configuration {
        use base64::Engine as _;
        let text = std::fs::read_to_string(fixtures().join("identity.schema.json")).unwrap();
        let mut schema: Json = serde_json::from_str(&text).unwrap();
        change(schema.pointer_mut("/properties/traits/properties").unwrap());
        let encoded = base64::engine::general_purpose::STANDARD.encode(schema.to_string());
        self.with("/identity/schemas/0/url", json!(format!("base64://{encoded}")))
    }

    fn examine(&self) -> Vec<Finding> {
        let text = serde_json::to_string_pretty(&self.value).unwrap();
        let document = Document::parse(&text, Format::Json).unwrap();
        let file = fixtures().join("changed.json");
        examine(&Subject::new(&document, &file, self.settings.as_ref(), self.page.clone(), self.evaluate))
    }

    /// Codes of errors and warnings.
    fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self
            .examine()
            .iter()
            .filter(|finding| finding.severity != Severity::Note)
            .map(|finding| format!("{} {}", finding.severity, finding.code()))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    #[track_caller]
    fn says(&self, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(self.codes(), expected);
    }

    #[track_caller]
    fn finding(&self, code: &str) -> Finding {
        let found = self.examine();
        let one = found.iter().find(|finding| finding.code() == code);
        one.unwrap_or_else(|| panic!("no {code} in {:?}", self.codes())).clone()
    }
}

fn settings(more: &[(&str, &str)]) -> Settings {
    let mut all = vec![
        ("DSN", "sqlite:///tmp/onboarding.db"),
        ("SERVE__PUBLIC__PORT", "5050"),
        ("SERVE__PUBLIC__BASE_URL", "http://localhost:4455/"),
        ("KRATOS__PUBLIC_URL", "http://localhost:4433"),
        ("KRATOS__PRIVILEGED_SESSION_MAX_AGE", "15m"),
        ("WEBHOOK__API_KEYS", "recording-key-of-16"),
        ("SECRETS__PII", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];
    all.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    all.extend(more);
    load(None, Mode::Production, all.into_iter().map(|(name, value)| (format!("{PREFIX}{name}"), value)))
        .unwrap()
}

fn with_settings(more: &[(&str, &str)]) -> Configuration {
    Configuration::good().replacing("recording-key", "recording-key-of-16").settings(more)
}

#[test]
fn what_works_is_left_alone() {
    Configuration::good().says(&[]);
    with_settings(&[]).says(&[]);
}
