//! A Kratos configuration as a tree that knows where each of its values stands.
//!
//! Kratos takes YAML, JSON and TOML, and tells them apart by the name of the file (v1.3 to v26.2).

mod place;
mod toml;
mod yaml;

use std::fmt;
use std::path::Path;

pub use place::Place;

/// Nested deeper than this is no configuration.
const DEPTH_MAX: usize = 64;
/// Aliases of YAML can make a small file enormous.
const NODES_MAX: usize = 100_000;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub line: usize,
    pub column: usize,
}

impl Spot {
    pub const TOP: Spot = Spot { line: 1, column: 1 };
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub spot: Spot,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Truth(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

impl Value {
    /// What a person would call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "empty",
            Value::Truth(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub spot: Spot,
    pub node: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Toml,
}

impl Format {
    /// `None`: Kratos does not read a file of this name.
    pub fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            "toml" => Some(Format::Toml),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Yaml => "YAML",
            Format::Json => "JSON",
            Format::Toml => "TOML",
        })
    }
}

/// Why a text is no configuration. Holds nothing of the text, which has secrets in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct NotReadable {
    pub spot: Spot,
    pub problem: String,
}

impl NotReadable {
    fn at(spot: Spot, problem: impl Into<String>) -> NotReadable {
        NotReadable { spot, problem: problem.into() }
    }
}

/// A key that is written twice in one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubled {
    pub key: String,
    pub first: Spot,
    pub again: Spot,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    root: Node,
    pub doubled: Vec<Doubled>,
}

impl Document {
    pub fn parse(text: &str, format: Format) -> Result<Document, NotReadable> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (root, doubled) = match format {
            Format::Yaml => yaml::parse(text)?,
            Format::Json => {
                // JSON is YAML, but not the other way round.
                let strict: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
                if let Err(error) = strict {
                    let spot = Spot { line: error.line().max(1), column: error.column().max(1) };
                    return Err(NotReadable::at(spot, format!("this is not JSON: {}", what(&error))));
                }
                yaml::parse(text)?
            }
            Format::Toml => (toml::parse(text)?, Vec::new()),
        };
        match root.value {
            Value::Mapping(_) | Value::Null => Ok(Document { root, doubled }),
            _ => Err(NotReadable::at(root.spot, "a configuration is a mapping of names to values")),
        }
    }

    pub fn root(&self) -> Place<'_> {
        Place::root(&self.root)
    }

    /// By keys, such as `selfservice.methods.passkey`.
    pub fn at(&self, path: &str) -> Place<'_> {
        self.root().at(path)
    }
}

/// Without the place, which is told apart.
fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: Format) -> Document {
        Document::parse(text, format).unwrap()
    }

    #[test]
    fn the_three_formats_say_the_same_and_where() {
        let yaml = read("serve:\n  public:\n    port: 1\n    hosts: [a, b]\n", Format::Yaml);
        let json = read(
            "{\n  \"serve\": {\n    \"public\": {\"port\": 1, \"hosts\": [\"a\", \"b\"]}\n  }\n}",
            Format::Json,
        );
        let toml = read("[serve.public]\nport = 1\nhosts = [\"a\", \"b\"]\n", Format::Toml);
        for (document, line, column) in [(&yaml, 3, 5), (&json, 3, 16), (&toml, 2, 1)] {
            let port = document.at("serve.public.port");
            assert_eq!(port.number(), Some("1"));
            assert_eq!(port.spot(), Spot { line, column });
            let hosts: Vec<_> = document.at("serve.public.hosts").texts().collect();
            assert_eq!(hosts, ["a", "b"]);
        }
    }

    #[test]
    fn what_is_missing_stands_at_its_closest_parent() {
        let document = read("a: 1\nserve:\n  public:\n    port: 1\n", Format::Yaml);
        let missing = document.at("serve.public.cors.enabled");
        assert!(!missing.exists());
        assert_eq!(missing.spot(), Spot { line: 3, column: 3 });
        assert_eq!(missing.path(), "serve.public.cors.enabled");
        assert_eq!(document.at("session.cookie").spot(), Spot::TOP);
    }

    #[test]
    fn anchors_aliases_and_merged_keys_are_followed() {
        let text = "a: &x\n  name: one\n  kind: two\nb: *x\nc:\n  <<: *x\n  kind: three\n";
        let document = read(text, Format::Yaml);
        assert_eq!(document.at("b.name").text(), Some("one"));
        assert_eq!(document.at("b").spot(), Spot { line: 4, column: 1 });
        assert_eq!(document.at("c.name").text(), Some("one"));
        assert_eq!(document.at("c.kind").text(), Some("three"));
    }

    #[test]
    fn quoted_scalars_are_text_and_plain_ones_what_they_look_like() {
        let document =
            read("a: \"86400\"\nb: 86400\nc: true\nd: 'true'\ne:\nf: 1h\ng: 0x1F\nh: 1.5\n", Format::Yaml);
        let kinds: Vec<_> = document.root().entries().map(|(_, place)| place.kind()).collect();
        let expected = ["text", "a number", "true or false", "text", "empty", "text", "a number", "a number"];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_key_written_twice_is_noticed() {
        let document = read("a:\n  b: 1\n  b: 2\n", Format::Yaml);
        let doubled = &document.doubled[0];
        assert_eq!((doubled.key.as_str(), doubled.first.line, doubled.again.line), ("b", 2, 3));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, format, line) in [
            ("a: [\nb: {", Format::Yaml, 2),
            ("a: 1\n b: 2\n", Format::Yaml, 2),
            ("{\n\"a\": 1,\n}", Format::Json, 3),
            ("a: 1", Format::Json, 1),
            ("a = 1\nb = \n", Format::Toml, 2),
            ("- a\n", Format::Yaml, 1),
            ("a: *nobody\n", Format::Yaml, 1),
        ] {
            let error = Document::parse(text, format).unwrap_err();
            assert_eq!(error.spot.line, line, "{text:?}: {error}");
            assert!(!error.problem.is_empty());
        }
    }

    #[test]
    fn a_small_file_cannot_become_an_enormous_tree() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        let error = Document::parse(&text, Format::Yaml).unwrap_err();
        assert!(error.problem.contains("100000"), "{error}");
        let deep = "[".repeat(5000);
        assert!(Document::parse(&format!("a: {deep}"), Format::Yaml).is_err());
    }

    #[test]
    fn the_format_is_in_the_name() {
        for (name, format) in [
            ("kratos.yml", Some(Format::Yaml)),
            ("kratos.yaml", Some(Format::Yaml)),
            ("kratos.json", Some(Format::Json)),
            ("kratos.toml", Some(Format::Toml)),
            ("kratos.conf", None),
            ("kratos", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }
}
