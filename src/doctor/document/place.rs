//! A value of the configuration, or where it would stand.

use super::{Node, Spot, Value};

/// Found by its path. What does not exist stands at the closest parent that does.
#[derive(Debug, Clone)]
pub struct Place<'d> {
    path: String,
    node: Option<&'d Node>,
    spot: Spot,
}

impl<'d> Place<'d> {
    pub(super) fn root(node: &'d Node) -> Place<'d> {
        Place { path: String::new(), node: Some(node), spot: Spot::TOP }
    }

    /// Dotted, with an index into a list: `a.b[0].c`.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// There is a value, and it is not empty.
    pub fn exists(&self) -> bool {
        self.value().is_some_and(|value| *value != Value::Null)
    }

    pub fn value(&self) -> Option<&'d Value> {
        self.node.map(|node| &node.value)
    }

    /// What a person would call the value; `empty` where there is none.
    pub fn kind(&self) -> &'static str {
        self.value().map_or("empty", Value::kind)
    }

    pub fn get(&self, key: &str) -> Place<'d> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let found = match self.value() {
            Some(Value::Mapping(entries)) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        };
        Place {
            path,
            node: found.map(|entry| &entry.node),
            spot: found.map_or(self.spot, |entry| entry.spot),
        }
    }

    /// By keys with dots between them.
    pub fn at(&self, path: &str) -> Place<'d> {
        path.split('.').fold(self.clone(), |place, key| place.get(key))
    }

    pub fn items(&self) -> impl Iterator<Item = Place<'d>> + use<'d> {
        let items: &[Node] = match self.value() {
            Some(Value::List(items)) => items,
            _ => &[],
        };
        let path = self.path.clone();
        items.iter().enumerate().map(move |(index, node)| Place {
            path: format!("{path}[{index}]"),
            node: Some(node),
            spot: node.spot,
        })
    }

    pub fn entries(&self) -> impl Iterator<Item = (&'d str, Place<'d>)> + use<'d> {
        let this = self.clone();
        let keys: Vec<&'d str> = match self.value() {
            Some(Value::Mapping(entries)) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        };
        keys.into_iter().map(move |key| (key, this.get(key)))
    }

    pub fn text(&self) -> Option<&'d str> {
        match self.value() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// As it is written.
    pub fn number(&self) -> Option<&'d str> {
        match self.value() {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    pub fn truth(&self) -> Option<bool> {
        match self.value() {
            Some(Value::Truth(truth)) => Some(*truth),
            _ => None,
        }
    }

    pub fn is_mapping(&self) -> bool {
        matches!(self.value(), Some(Value::Mapping(_)))
    }

    /// The texts in a list; what is no text is left out.
    pub fn texts(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        self.items().filter_map(|item| item.text())
    }
}
