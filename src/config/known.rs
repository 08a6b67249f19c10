//! Which settings there are and what each may be, read off the JSON Schema: one text for both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

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
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            self.settings.insert(path.to_owned(), About::of(schema));
            return;
        };
        self.sections.insert(path.to_owned());
        for (name, inner) in properties {
            let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.add(&inner_path, inner);
        }
    }

    pub fn about(&self, path: &str) -> Option<&About> {
        self.settings.get(path)
    }

    pub fn is_section(&self, path: &str) -> bool {
        self.sections.contains(path)
    }

    /// Full names directly below a section.
    pub fn below<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.settings.keys().chain(&self.sections);
        all.map(String::as_str).filter(move |path| {
            let rest = path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| !rest.contains('.'))
        })
    }

    #[cfg(test)]
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    /// The setting that was probably meant.
    pub fn nearest(&self, wrong: &str) -> Option<&str> {
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
            .map(|path| (likeness(path), path.as_str()))
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

/// The variable that sets `path`.
pub(super) fn variable(path: &str) -> String {
    format!("{}{}", super::sources::PREFIX, path.replace('.', "__").to_uppercase())
}
