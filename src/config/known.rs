//! Which settings there are and what each may be, read off the JSON Schema: one text for both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Stands in a path for a name that the operator chooses.
const ANY_NAME: &str = "*";

/// What the schema says about one setting.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// The schema's description, on one line.
    pub allowed: String,
    /// As YAML.
    pub example: String,
    /// As the value of a variable.
    pub example_in_env: String,
    pub secret: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    settings: BTreeMap<String, About>,
    sections: BTreeSet<String>,
}

impl Known {
    pub fn from_schema(schema: &Value) -> Known {
        let mut known = Known::default();
        known.add("", schema);
        known
    }

    fn add(&mut self, path: &str, schema: &Value) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if let Some(named) = schema.get("additionalProperties").filter(|named| named.is_object()) {
            self.sections.insert(path.to_owned());
            self.add(&below(ANY_NAME), named);
            return;
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            self.settings.insert(path.to_owned(), About::of(schema));
            return;
        };
        self.sections.insert(path.to_owned());
        for (name, inner) in properties {
            self.add(&below(name), inner);
        }
    }

    pub fn about(&self, path: &str) -> Option<&About> {
        let named = || self.settings.iter().find(|(known, _)| is_named(known, path)).map(|(_, about)| about);
        self.settings.get(path).or_else(named)
    }

    pub fn is_section(&self, path: &str) -> bool {
        self.sections.contains(path) || self.sections.iter().any(|known| is_named(known, path))
    }

    /// Full names directly below a section; `NAME` where the operator chooses it.
    pub fn below(&self, section: &str) -> impl Iterator<Item = String> {
        let depth = section.split('.').count();
        let all = self.settings.keys().chain(&self.sections);
        all.filter(move |path| {
            path.split('.').count() == depth + 1
                && path
                    .split('.')
                    .zip(section.split('.'))
                    .all(|(known, given)| known == ANY_NAME || known == given)
        })
        .map(move |path| {
            let (_, last) = path.rsplit_once('.').unwrap_or_default();
            format!("{section}.{}", if last == ANY_NAME { "NAME" } else { last })
        })
    }

    #[cfg(test)]
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    /// The setting that was probably meant.
    pub fn nearest(&self, wrong: &str) -> Option<String> {
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let wrong_last = last(wrong);
        let likeness = |path: &str| {
            let whole = strsim::normalized_damerau_levenshtein(path, wrong);
            // `api_keys` at the top, or under the wrong section, is `webhook.api_keys`.
            let end = strsim::normalized_damerau_levenshtein(&last(path), &wrong_last);
            if end >= 0.8 { whole.max(0.6 + end * 0.2 + whole * 0.2) } else { whole }
        };
        // Too long to be a slip of the finger, and comparing takes the square of it.
        if wrong.len() > 100 {
            return None;
        }
        let candidates = self.settings.keys().chain(&self.sections).filter(|path| !path.is_empty());
        candidates
            .filter_map(|path| with_names_of(path, wrong))
            .map(|path| (likeness(&path), path))
            .filter(|(likeness, _)| *likeness > 0.6)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, path)| path)
    }
}

impl About {
    fn of(schema: &Value) -> About {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let example = schema.get("examples").and_then(|all| all.get(0)).cloned().unwrap_or(Value::Null);
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let example_in_env = match &example {
            Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
            single => plain(single),
        };
        About {
            allowed: description.split_whitespace().collect::<Vec<_>>().join(" "),
            example: example.to_string(),
            example_in_env,
            secret: schema.get("writeOnly").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

/// Whether `path` is `known` with names in place of the stars.
fn is_named(known: &str, path: &str) -> bool {
    known.contains(ANY_NAME)
        && known.split('.').count() == path.split('.').count()
        && known.split('.').zip(path.split('.')).all(|(known, given)| known == ANY_NAME || known == given)
}

/// `known` with the names that stand in their places in `wrong`; `None` where there are none.
fn with_names_of(known: &str, wrong: &str) -> Option<String> {
    let mut given = wrong.split('.');
    let parts = known.split('.').map(|part| {
        let given = given.next();
        if part == ANY_NAME { given } else { Some(part) }
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("."))
}

/// The variable that sets `path`.
pub(super) fn variable(path: &str) -> String {
    format!("{}{}", super::sources::PREFIX, path.replace('.', "__").to_uppercase())
}
