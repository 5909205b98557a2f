//! Reading tables key by key, collecting every fault on the way.
//!
//! A reader that finds a fault goes on: the operator sees all of them at once.
//! Unknown and repeated keys are faults when a table is opened.

use crate::escape::brief;
use crate::suggest::nearest;
use crate::tree::{Node, Place, Value};
use crate::values::Reason;
use std::collections::BTreeMap;

/// Faults that are kept; a file of garbage does not need more to be refused.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub place: Place,
    /// The dotted key, e.g. `quota[0].max_sessions`; empty for a syntax error.
    pub key: String,
    /// What is wrong and what to write instead.
    pub reason: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Fault {
    /// Reason and suggestion in one line.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.suggestion {
            Some(meant) => format!("{}; did you mean `{meant}`?", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// What was found wrong, in the order of reading.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Notes a fault at `place`.
    pub(crate) fn add(&mut self, place: &Place, key: impl Into<String>, reason: impl Into<String>) {
        self.push(Fault { place: place.clone(), key: key.into(), reason: reason.into(), suggestion: None });
    }

    const fn is_full(&self) -> bool {
        self.0.len() >= FAULTS_MAX
    }

    fn push(&mut self, fault: Fault) {
        if !self.is_full() {
            self.0.push(fault);
        }
    }

    /// Notes the fault of a value, or passes the value on.
    pub(crate) fn check<T>(&mut self, place: &Place, key: &str, read: Result<T, Reason>) -> Option<T> {
        read.map_err(|reason| self.add(place, key, reason.0)).ok()
    }
}

/// A table that has been opened: its keys are known and given once.
pub(crate) struct Fields<'n> {
    /// The dotted key of the table, empty for the root.
    path: String,
    /// Where it stands.
    place: Place,
    entries: BTreeMap<&'n str, &'n Node>,
}

impl<'n> Fields<'n> {
    /// Opens a table whose keys must be among `known`; a known key that ends in `:` is a prefix.
    pub(crate) fn open(node: &'n Node, path: &str, known: &[&str], faults: &mut Faults) -> Self {
        let mut fields = Self { path: path.to_owned(), place: node.place.clone(), entries: BTreeMap::new() };
        for (key, value) in entries_of(node, path, faults) {
            if !known.iter().any(|known| is_known(&key.name, known)) {
                // Guessing what was meant takes time, and a stranger may send very many keys.
                if !faults.is_full() {
                    faults.push(unknown(&fields.path_of(&brief(&key.name)), &key.place, &key.name, known));
                }
            } else if fields.entries.insert(&key.name, value).is_some() {
                faults.add(&key.place, fields.path_of(&key.name), "is given twice");
            }
        }
        fields
    }

    /// The dotted key of `key`.
    pub(crate) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The place of `key`, or of the table where it is absent.
    pub(crate) fn place_of(&self, key: &str) -> &Place {
        self.get(key).map_or(&self.place, |node| &node.place)
    }

    /// The value of `key`, unless it is absent or null.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).copied().filter(|node| !node.is_null())
    }

    /// The keys that begin with `prefix`, with what follows it.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&'n str, &'n str, &'n Node)> {
        let named = |(key, node): (&&'n str, &&'n Node)| (*key, *node);
        let rest = move |(key, node): (&'n str, &'n Node)| Some((key, key.strip_prefix(prefix)?, node));
        self.entries.iter().map(named).filter_map(rest).filter(|(.., node)| !node.is_null())
    }

    /// Reads `key` where it is given.
    pub(crate) fn read<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&'n Node) -> Result<T, Reason>,
    ) -> Option<T> {
        let node = self.get(key)?;
        faults.check(&node.place, &self.path_of(key), read(node))
    }

    /// Reads each item of the list `key`; `None` where it is absent.
    pub(crate) fn read_list<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        mut read: impl FnMut(&Node, &str, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.read(key, faults, super::readers::list)?;
        let path = self.path_of(key);
        let item = |(index, node): (usize, &Node)| read(node, &format!("{path}[{index}]"), faults);
        Some(items.iter().enumerate().filter_map(item).collect())
    }

    /// Notes that `key` is missing or wrong.
    pub(crate) fn fault(&self, key: &str, faults: &mut Faults, reason: impl Into<String>) {
        faults.add(self.place_of(key), self.path_of(key), reason);
    }
}

fn is_known(key: &str, known: &str) -> bool {
    key == known || (known.ends_with(':') && key.len() > known.len() && key.starts_with(known))
}

/// `path.key`, or `key` at the root.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The entries of a table; a fault where it is none.
fn entries_of<'n>(node: &'n Node, path: &str, faults: &mut Faults) -> &'n [(crate::tree::Key, Node)] {
    if let Value::Table(entries) = &node.value {
        return entries;
    }
    faults.add(&node.place, path, format!("is {node}, not a table of keys"));
    &[]
}

fn unknown(path: &str, place: &Place, key: &str, known: &[&str]) -> Fault {
    let meant = nearest(key, known.iter().copied()).map(str::to_owned);
    let reason = match &meant {
        Some(_) => "is unknown".to_owned(),
        None if known.is_empty() => "is unknown: nothing is expected here".to_owned(),
        None => format!("is unknown; known here: {}", known.join(" ")),
    };
    Fault { place: place.clone(), key: path.to_owned(), reason, suggestion: meant }
}
