//! The settings file, read so that nothing in it is lost in silence: a key written twice, a key without a value.

use std::fmt;

use figment::providers::{Format, Yaml};
use figment::value::{Dict, Value};
use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub dict: Dict,
    /// Dotted paths that are written more than once.
    pub doubled: Vec<String>,
    /// Dotted paths without a value. They count as not written.
    pub empty: Vec<String>,
}

/// Without the text of the file, which holds secrets: what is wrong and the line.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("is not YAML: {0}")]
    Syntax(String),
    #[error("holds something else than `name: value` lines at the top")]
    NotAMapping,
}

pub(super) fn parse(text: &str) -> Result<Document, DocumentError> {
    let blank =
        |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim() == "---";
    if text.lines().all(blank) {
        return Ok(Document::default());
    }
    let node: Node = Yaml::from_str(text).map_err(|error| DocumentError::Syntax(error.to_string()))?;
    let mut document = Document::default();
    match node {
        Node::Empty => {}
        Node::Mapping(entries) => document.dict = document_dict(entries, "", &mut document),
        Node::List(_) | Node::Leaf(_) => return Err(DocumentError::NotAMapping),
    }
    Ok(document)
}

fn document_dict(entries: Vec<(String, Node)>, within: &str, document: &mut Document) -> Dict {
    let mut dict = Dict::new();
    for (key, node) in entries {
        let path = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
        if dict.contains_key(&key) {
            document.doubled.push(path.clone());
        }
        match node.value(&path, document) {
            Some(value) => {
                dict.insert(key, value);
            }
            None => document.empty.push(path),
        }
    }
    dict
}

enum Node {
    Empty,
    Leaf(Value),
    List(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    fn value(self, path: &str, document: &mut Document) -> Option<Value> {
        match self {
            Node::Empty => None,
            Node::Leaf(value) => Some(value),
            Node::List(items) => {
                // An item without a value stays, as empty text, for the setting to refuse.
                let value = |item: Node| item.value(path, document).unwrap_or_else(|| Value::from(""));
                Some(Value::from(items.into_iter().map(value).collect::<Vec<Value>>()))
            }
            Node::Mapping(entries) => Some(Value::from(document_dict(entries, path, document))),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Empty)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), node)) = map.next_entry()? {
            entries.push((key, node));
        }
        Ok(Node::Mapping(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(de::Error::custom("a tag (`!…`) has no meaning here"))
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Leaf(Value::String(_, text)) => Ok(Key(text)),
            _ => Err(de::Error::custom("the name of a setting is text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_comments_is_an_empty_one() {
        for text in ["", "\n", "# nothing\n---\n", "{}", "~"] {
            assert!(parse(text).unwrap().dict.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn doubled_and_empty_settings_are_noticed() {
        let document = parse("serve:\n  public:\n    port: 1\n    port: 2\ndsn:\n").unwrap();
        assert_eq!(document.doubled, ["serve.public.port"]);
        assert_eq!(document.empty, ["dsn"]);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        assert!(matches!(parse("- a\n"), Err(DocumentError::NotAMapping)));
        assert!(matches!(parse("text"), Err(DocumentError::NotAMapping)));
        for text in ["a: !b c", "1: 2", "a: [", "a: &b *b x"] {
            assert!(matches!(parse(text), Err(DocumentError::Syntax(_))), "{text:?}");
        }
    }
}
