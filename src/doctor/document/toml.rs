//! TOML, with the place of each value.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DEPTH_MAX, Entry, Node, NotReadable, Spot, Value};

pub(super) fn parse(text: &str) -> Result<Node, NotReadable> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let spot = error.span().map_or(Spot::TOP, |span| lines.spot(span.start));
        NotReadable::at(spot, format!("this is not TOML: {}", error.message().trim_end()))
    })?;
    Ok(Node { spot: Spot::TOP, value: mapping(table.get_ref(), &lines, 0)? })
}

fn mapping(table: &DeTable<'_>, lines: &Lines<'_>, depth: usize) -> Result<Value, NotReadable> {
    let mut entries = Vec::new();
    for (key, value) in table.iter() {
        let spot = lines.spot(key.span().start);
        let node = Node { spot: lines.spot(value.span().start), value: read(value, lines, depth + 1)? };
        entries.push(Entry { key: key.get_ref().to_string(), spot, node });
    }
    // The table is sorted by name; people read from the top.
    entries.sort_by_key(|entry| entry.spot);
    Ok(Value::Mapping(entries))
}

fn read(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>, depth: usize) -> Result<Value, NotReadable> {
    if depth > DEPTH_MAX {
        let spot = lines.spot(value.span().start);
        return Err(NotReadable::at(spot, format!("this is nested deeper than {DEPTH_MAX} levels")));
    }
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => {
            let node = |item: &Spanned<DeValue<'_>>| {
                Ok(Node { spot: lines.spot(item.span().start), value: read(item, lines, depth + 1)? })
            };
            Value::List(items.iter().map(node).collect::<Result<_, NotReadable>>()?)
        }
        DeValue::Table(table) => mapping(table, lines, depth)?,
    })
}

struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Lines<'t> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    fn spot(&self, offset: usize) -> Spot {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Spot { line, column }
    }
}
