//! One tree for everything that is read: TOML, JSON, environment, flags.
//!
//! Each node knows where it was written, so every complaint can name its place.
//! Keys keep all their values: a key given twice is a fault, never a silent
//! last-one-wins. Absent on purpose: anything about what keys mean.

mod json;
mod toml;

pub(crate) use json::parse as parse_json;
pub(crate) use toml::{parse as parse_toml, value as parse_toml_value};

use crate::escape::brief;
use std::fmt;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere that has lines: a request, a recording's own line, a default.
    #[default]
    Nowhere,
    /// This line of the file, counted from 1.
    Line(u32),
    /// This environment variable.
    Environment(Arc<str>),
    /// This flag of the command line.
    Flag(Arc<str>),
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// What was written.
    pub(crate) value: Value,
    /// Where.
    pub(crate) place: Place,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// JSON's null: as if the key were absent.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A fraction, as text: nothing here has one.
    Fraction(String),
    /// Text.
    Text(String),
    /// TOML's own time.
    Time(String),
    /// Text of an environment variable or flag, of whatever type is expected.
    Word(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with their values, in order, repeats included.
    Table(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// The key.
    pub(crate) name: String,
    /// Where.
    pub(crate) place: Place,
}

impl Node {
    /// A table without keys.
    pub(crate) const fn empty() -> Self {
        Self { value: Value::Table(Vec::new()), place: Place::Nowhere }
    }

    /// Whether the key counts as absent.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The last value of `key`, where this is a table that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries
                .iter()
                .rev()
                .find(|(name, node)| name.name == key && !node.is_null())
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Word(text) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    /// As JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(number) => {
                i64::try_from(*number).map_or_else(|_| number.to_string().into(), Into::into)
            }
            Value::Fraction(text) | Value::Text(text) | Value::Time(text) | Value::Word(text) => {
                text.as_str().into()
            }
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(entries) => {
                entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect()
            }
        }
    }
}

impl fmt::Display for Node {
    /// What it is, for complaints: `` the text `x` ``, `a list`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "`{value}`"),
            Value::Int(number) => write!(f, "the number `{number}`"),
            Value::Fraction(number) => write!(f, "the number `{number}`"),
            Value::Text(text) | Value::Word(text) => write!(f, "the text `{}`", brief(text)),
            Value::Time(text) => write!(f, "the time `{text}`"),
            Value::List(_) => f.write_str("a list"),
            Value::Table(_) => f.write_str("a table"),
        }
    }
}
