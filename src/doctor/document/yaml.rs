//! YAML 1.2 with the merge key, as Kratos's parser (go-yaml v3) takes it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{DEPTH_MAX, Doubled, Entry, NODES_MAX, Node, NotReadable, Spot, Value};

pub(super) fn parse(text: &str) -> Result<(Node, Vec<Doubled>), NotReadable> {
    let mut loader = Loader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refused(&error))?;
        loader.take(event, spot(span))?;
        if loader.done {
            break;
        }
    }
    let root = loader.root.unwrap_or(Node { spot: Spot::TOP, value: Value::Null });
    Ok((root, loader.doubled))
}

fn spot(span: Span) -> Spot {
    Spot { line: span.start.line(), column: span.start.col() + 1 }
}

fn refused(error: &ScanError) -> NotReadable {
    let spot = Spot { line: error.marker().line().max(1), column: error.marker().col() + 1 };
    NotReadable::at(spot, format!("this is not YAML: {}", error.info()))
}

/// Puts the parser's events together without recursion.
#[derive(Default)]
struct Loader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    doubled: Vec<Doubled>,
    nodes: usize,
    done: bool,
}

enum Open {
    List { spot: Spot, anchor: usize, items: Vec<Node>, size: usize },
    Mapping { spot: Spot, anchor: usize, entries: Vec<Entry>, key: Option<(String, Spot)>, size: usize },
}

impl Loader {
    fn take(&mut self, event: Event<'_>, spot: Spot) -> Result<(), NotReadable> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            Event::DocumentEnd => self.done = true,
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id) else {
                    return Err(NotReadable::at(spot, "an alias names no anchor that is complete here"));
                };
                let (node, size) = (Node { spot, value: node.value.clone() }, *size);
                self.count(size, spot)?;
                self.put(node, 0, size, spot)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !as_text;
                let value = if plain { resolve(&text) } else { Value::Text(text.into_owned()) };
                self.count(1, spot)?;
                self.put(Node { spot, value }, anchor, 1, spot)?;
            }
            Event::SequenceStart(anchor, _) => {
                self.enter(Open::List { spot, anchor, items: Vec::new(), size: 1 }, spot)?;
            }
            Event::MappingStart(anchor, _) => {
                self.enter(Open::Mapping { spot, anchor, entries: Vec::new(), key: None, size: 1 }, spot)?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { spot, anchor, items, size }) => {
                    self.put(Node { spot, value: Value::List(items) }, anchor, size, spot)?;
                }
                Some(Open::Mapping { spot, anchor, entries, size, .. }) => {
                    let entries = merged(entries);
                    self.put(Node { spot, value: Value::Mapping(entries) }, anchor, size, spot)?;
                }
                None => {}
            },
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, spot: Spot) -> Result<(), NotReadable> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            let problem = format!("with its aliases this has more than {NODES_MAX} values");
            return Err(NotReadable::at(spot, problem));
        }
        Ok(())
    }

    fn enter(&mut self, open: Open, spot: Spot) -> Result<(), NotReadable> {
        self.count(1, spot)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(NotReadable::at(spot, format!("this is nested deeper than {DEPTH_MAX} levels")));
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize, nodes: usize, spot: Spot) -> Result<(), NotReadable> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), nodes));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, size, .. }) => {
                items.push(node);
                *size += nodes;
            }
            Some(Open::Mapping { entries, key, size, .. }) => {
                *size += nodes;
                match key.take() {
                    None => {
                        let Some(name) = as_key(&node.value) else {
                            return Err(NotReadable::at(spot, "the name of a setting is text"));
                        };
                        *key = Some((name, spot));
                    }
                    Some((name, spot)) => {
                        let first = entries.iter_mut().find(|entry| entry.key == name && name != "<<");
                        if let Some(first) = first {
                            let (first, key) = (first.spot, name.clone());
                            self.doubled.push(Doubled { key, first, again: spot });
                        } else {
                            entries.push(Entry { key: name, spot, node });
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn as_key(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Truth(truth) => Some(truth.to_string()),
        Value::Null | Value::List(_) | Value::Mapping(_) => None,
    }
}

/// `<<` brings the entries of other mappings along; what is written beside it wins.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().all(|entry| entry.key != "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|e| e.key == "<<");
    let brought = merges.into_iter().flat_map(|merge| match merge.node.value {
        Value::List(items) => items,
        _ => vec![merge.node],
    });
    for node in brought {
        let Value::Mapping(entries) = node.value else { continue };
        for entry in entries {
            if own.iter().all(|kept| kept.key != entry.key) {
                own.push(entry);
            }
        }
    }
    own
}

/// The core schema (YAML 1.2, section 10.3).
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Truth(true),
        "false" | "False" | "FALSE" => return Value::Truth(false),
        _ => {}
    }
    if is_number(text) { Value::Number(text.to_owned()) } else { Value::Text(text.to_owned()) }
}

fn is_number(text: &str) -> bool {
    let radix = |prefix: &str, allowed: fn(char) -> bool| {
        text.strip_prefix(prefix).is_some_and(|digits| !digits.is_empty() && digits.chars().all(allowed))
    };
    if radix("0x", |c| c.is_ascii_hexdigit()) || radix("0o", |c| c.is_digit(8)) {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
        || unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && unsigned.parse::<f64>().is_ok()
            && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'))
}
