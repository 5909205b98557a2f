//! File, environment and flags laid over each other, each value keeping its place.

use super::Written;
use crate::escape::brief;
use crate::fields::{Faults, join};
use crate::tree::{Key, Node, Place, Value, parse_toml, parse_toml_value};
use std::collections::BTreeMap;

const PREFIX: &str = "SLEDGER__";

/// One tree of everything written.
pub(super) fn merge(written: &Written<'_>, faults: &mut Faults) -> Node {
    let mut tree = written.file.map_or_else(Node::empty, |(_, text)| from_file(text, faults));
    for (name, value) in written.environment {
        if let Some(path) = name.strip_prefix(PREFIX) {
            let path = path.to_ascii_lowercase().replace("__", ".");
            lay(&mut tree, &path, value, &Place::Environment(name.as_str().into()), faults);
        }
    }
    for (path, value) in written.flags {
        lay(&mut tree, path, value, &Place::Flag(path.as_str().into()), faults);
    }
    tree
}

fn from_file(text: &str, faults: &mut Faults) -> Node {
    parse_toml(text).unwrap_or_else(|errors| {
        for (place, reason) in errors {
            faults.add(&place, "", reason);
        }
        Node::empty()
    })
}

/// Sets the dotted `path` to `value`.
fn lay(tree: &mut Node, path: &str, value: &str, place: &Place, faults: &mut Faults) {
    let mut node = tree;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Value::Table(entries) = &mut node.value else {
            faults.add(place, brief(path), "names a key inside a value that has none: give the whole value");
            return;
        };
        let index = entries.iter().position(|(key, _)| key.name == part).unwrap_or(entries.len());
        if index == entries.len() {
            let key = Key { name: part.to_owned(), place: place.clone() };
            entries.push((key, Node { place: place.clone(), ..Node::empty() }));
        }
        let Some((_, inner)) = entries.get_mut(index) else { return };
        if parts.peek().is_none() {
            *inner = word(value, place);
            return;
        }
        node = inner;
    }
}

/// Lists and tables are written as in TOML; all else is a word of whatever type is expected.
fn word(text: &str, place: &Place) -> Node {
    let nested = text.trim_start().starts_with(['[', '{']).then(|| parse_toml_value(text.trim())).flatten();
    nested.map_or_else(
        || Node { value: Value::Word(text.to_owned()), place: place.clone() },
        |node| placed(node, place),
    )
}

fn placed(node: Node, place: &Place) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| placed(item, place)).collect()),
        Value::Table(entries) => Value::Table(
            entries
                .into_iter()
                .map(|(key, value)| (Key { place: place.clone(), ..key }, placed(value, place)))
                .collect(),
        ),
        other => other,
    };
    Node { value, place: place.clone() }
}

/// Where each key was written, by dotted key.
pub(super) fn places(tree: &Node) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    note(tree, "", &mut places);
    places
}

fn note(node: &Node, path: &str, places: &mut BTreeMap<String, Place>) {
    if !path.is_empty() {
        places.insert(path.to_owned(), node.place.clone());
    }
    match &node.value {
        Value::Table(entries) => {
            for (key, value) in entries {
                note(value, &join(path, &key.name), places);
            }
        }
        Value::List(items) => {
            let tables = items.iter().enumerate().filter(|(_, item)| matches!(item.value, Value::Table(_)));
            tables.for_each(|(index, item)| note(item, &format!("{path}[{index}]"), places));
        }
        _ => {}
    }
}
