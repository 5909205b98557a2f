//! Names as a case can write them, and stand-ins for those it cannot or should not.

use std::collections::BTreeMap;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    User,
    Session,
    Address,
    /// A client, source or attribute's value.
    Value,
    /// An attribute's name.
    Key,
}

/// Names in order of appearance: equal names get equal stand-ins.
#[derive(Debug, Default)]
pub(super) struct Names {
    redact: bool,
    known: BTreeMap<(Of, String), String>,
    counts: BTreeMap<Of, usize>,
    unwritable: usize,
}

impl Names {
    pub(super) fn new(redact: bool) -> Self {
        Self { redact, ..Self::default() }
    }

    /// A name as a word of a session line, or a stand-in.
    pub(super) fn word(&mut self, of: Of, name: &str) -> String {
        let is_secret = self.redact && matches!(of, Of::User | Of::Session | Of::Address | Of::Value);
        let is_word = !name.is_empty() && name.chars().all(|letter| is_plain(of, letter));
        if is_word && !is_secret {
            return name.to_owned();
        }
        if let Some(known) = self.known.get(&(of, name.to_owned())) {
            return known.clone();
        }
        let count = self.counts.entry(of).or_default();
        *count += 1;
        let stand_in = match of {
            Of::User => format!("user-{count}"),
            Of::Session => format!("session-{count}"),
            // Addresses set aside for examples.
            Of::Address if *count < 255 => format!("192.0.2.{count}"),
            Of::Address => format!("2001:db8::{count:x}"),
            Of::Value => format!("value-{count}"),
            Of::Key => format!("key-{count}"),
        };
        self.unwritable += usize::from(!is_word);
        self.known.insert((of, name.to_owned()), stand_in.clone());
        stand_in
    }

    /// Whether words of a policy may name somebody.
    pub(super) const fn is_redacted(&self) -> bool {
        self.redact
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.redact {
            notes.push(
                "users, ids, addresses and attributes have stand-ins, and no words are expected".to_owned(),
            );
        }
        if self.unwritable > 0 {
            let count = self.unwritable;
            notes.push(format!("{count} names cannot be written in a session line: they have stand-ins"));
        }
        notes
    }
}

/// What stands in a session line without parting it, and shows as itself.
fn is_plain(of: Of, letter: char) -> bool {
    let parts = match of {
        Of::Session | Of::Key => "=\"'\\",
        Of::User | Of::Address | Of::Value => "\"'\\",
    };
    let is_shown = sledger_wire::escape(letter.encode_utf8(&mut [0; 4])).len() == letter.len_utf8();
    is_shown && !letter.is_whitespace() && !parts.contains(letter)
}
