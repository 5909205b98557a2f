//! Keys: what each does, how they are written, and how a configuration binds them otherwise.
//!
//! Promise: one meaning a key. A name that is no action, a key that cannot be read, a key bound twice are refused by
//! name before anything is drawn.

use sledger_wire::escape::brief;
use std::collections::BTreeMap;
use std::fmt;

/// What a key stands for on the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A character.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Delete to the left.
    Backspace,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
}

/// A key, perhaps with control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// Whether control is held.
    pub ctrl: bool,
}

/// Keys that have names.
const NAMED: &[(&str, Code)] = &[
    ("space", Code::Char(' ')),
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("home", Code::Home),
    ("end", Code::End),
];

impl Key {
    /// A character without control.
    #[must_use]
    pub const fn char(letter: char) -> Self {
        Self { code: Code::Char(letter), ctrl: false }
    }

    /// A key without control.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false }
    }

    /// Reads `g`, `G`, `space`, `pgdn`, `ctrl-f`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (ctrl, name) = text.strip_prefix("ctrl-").map_or((false, text), |name| (true, name));
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let mut letters = name.chars();
        let code = match (named, letters.next(), letters.next()) {
            (Some(code), ..) => code,
            (None, Some(letter), None) if !letter.is_control() => Code::Char(letter),
            _ => return None,
        };
        Some(Self { code, ctrl })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            out.write_str("ctrl-")?;
        }
        match NAMED.iter().find(|(_, code)| *code == self.code) {
            Some((name, _)) => out.write_str(name),
            None => match self.code {
                Code::Char(letter) => write!(out, "{letter}"),
                _ => Ok(()),
            },
        }
    }
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Action {
    Overview,
    User,
    Replay,
    Policies,
    Down,
    Up,
    First,
    Last,
    PageDown,
    PageUp,
    NextPane,
    Open,
    Back,
    Filter,
    Command,
    Sort,
    Columns,
    Freeze,
    Travel,
    Next,
    Previous,
    NextEnd,
    PreviousEnd,
    NextMark,
    PreviousMark,
    Mark,
    Diff,
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    Faster,
    Slower,
    Why,
    Copy,
    Export,
    Help,
    Quit,
}

/// An action with its name, its keys and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// What it is.
    pub action: Action,
    /// Its name in `[monitor] keys`.
    pub name: &'static str,
    keys: &'static [&'static str],
    /// What it does, for the help.
    pub does: &'static str,
}

const fn bound(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    does: &'static str,
) -> Bound {
    Bound { action, name, keys, does }
}

/// Every action, in the order of the help.
pub const ACTIONS: &[Bound] = &[
    bound(Action::Overview, "overview", &["1"], "overview"),
    bound(Action::User, "user", &["2"], "user that is chosen"),
    bound(Action::Replay, "replay", &["3"], "replay"),
    bound(Action::Policies, "policies", &["4"], "policies"),
    bound(Action::Down, "down", &["j", "down"], "next row"),
    bound(Action::Up, "up", &["k", "up"], "row before"),
    bound(Action::First, "first", &["g", "home"], "first row"),
    bound(Action::Last, "last", &["G", "end"], "last row"),
    bound(Action::PageDown, "page_down", &["pgdn", "ctrl-f"], "a page down"),
    bound(Action::PageUp, "page_up", &["pgup", "ctrl-b"], "a page up"),
    bound(Action::NextPane, "next_pane", &["tab"], "next pane"),
    bound(Action::Open, "open", &["enter"], "open the row, or what an alert is about"),
    bound(Action::Back, "back", &["esc"], "back"),
    bound(Action::Filter, "filter", &["/"], "filter"),
    bound(Action::Command, "command", &[":"], "command"),
    bound(Action::Sort, "sort", &["s"], "sort by a column"),
    bound(Action::Columns, "columns", &["c"], "choose columns"),
    bound(Action::Freeze, "freeze", &["space"], "freeze; in the past: play, pause"),
    bound(Action::Travel, "travel", &["t"], "go back in time from here"),
    bound(Action::Next, "next", &["n"], "next event"),
    bound(Action::Previous, "previous", &["N"], "event before"),
    bound(Action::NextEnd, "next_end", &["v"], "next eviction or refusal"),
    bound(Action::PreviousEnd, "previous_end", &["V"], "eviction or refusal before"),
    bound(Action::NextMark, "next_mark", &["]"], "next mark"),
    bound(Action::PreviousMark, "previous_mark", &["["], "mark before"),
    bound(Action::Mark, "mark", &["m"], "mark this moment"),
    bound(Action::Diff, "diff", &["d"], "difference from the mark"),
    bound(Action::ZoomIn, "zoom_in", &["z"], "look closer at the time line"),
    bound(Action::ZoomOut, "zoom_out", &["Z"], "see more of the time line"),
    bound(Action::PanLeft, "pan_left", &["left"], "earlier"),
    bound(Action::PanRight, "pan_right", &["right"], "later"),
    bound(Action::Faster, "faster", &["+"], "play faster"),
    bound(Action::Slower, "slower", &["-"], "play slower"),
    bound(Action::Why, "why", &["w"], "why it is so"),
    bound(Action::Copy, "copy", &["y"], "copy the row's name or id"),
    bound(Action::Export, "export", &["o"], "write what is shown to a file"),
    bound(Action::Help, "help", &["?"], "the keys in force"),
    bound(Action::Quit, "quit", &["q", "ctrl-c"], "quit"),
];

/// Why bindings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No such action.
    #[error("monitor.keys: there is no action `{0}`; `:keys` in the monitor lists them")]
    Action(String),
    /// No such key.
    #[error("monitor.keys.{action}: `{key}` is no key; write e.g. `g`, `space`, `pgdn`, `ctrl-f`")]
    Key {
        /// The action.
        action: &'static str,
        /// What was written.
        key: String,
    },
    /// One key for two actions.
    #[error("monitor.keys.{action}: `{key}` is bound to `{other}` already")]
    Twice {
        /// The action.
        action: &'static str,
        /// The key.
        key: String,
        /// What it does already.
        other: &'static str,
    },
}

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<Key, Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&BTreeMap::new()).expect("the built-in keys are read by a test")
    }
}

impl Keymap {
    /// The built-in keys, but those of the actions in `bindings`.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn new(bindings: &BTreeMap<String, Vec<String>>) -> Result<Self, KeysError> {
        if let Some(unknown) = bindings.keys().find(|name| ACTIONS.iter().all(|one| one.name != **name)) {
            return Err(KeysError::Action(brief(unknown)));
        }
        let mut keys = BTreeMap::new();
        // What was asked for goes before what is built in.
        for one in ACTIONS {
            for text in bindings.get(one.name).into_iter().flatten() {
                let key = Key::read(text).ok_or(KeysError::Key { action: one.name, key: brief(text) })?;
                if let Some(other) = keys.insert(key, one.action).filter(|other| *other != one.action) {
                    return Err(KeysError::Twice {
                        action: one.name,
                        key: brief(text),
                        other: name_of(other),
                    });
                }
            }
        }
        for one in ACTIONS.iter().filter(|one| !bindings.contains_key(one.name)) {
            for key in one.keys.iter().filter_map(|text| Key::read(text)) {
                keys.entry(key).or_insert(one.action);
            }
        }
        Ok(Self { keys })
    }

    /// What a key does.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        self.keys.get(&key).copied()
    }

    /// The keys of an action, as they are written; empty where it has none.
    #[must_use]
    pub fn keys_of(&self, action: Action) -> String {
        let keys = self.keys.iter().filter(|(_, one)| **one == action);
        keys.map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The shortest key of an action, for hints; `-` where it has none.
    #[must_use]
    pub fn hint(&self, action: Action) -> String {
        let keys = self.keys.iter().filter(|(_, one)| **one == action).map(|(key, _)| key.to_string());
        keys.min_by_key(String::len).unwrap_or_else(|| "-".to_owned())
    }
}

fn name_of(action: Action) -> &'static str {
    ACTIONS.iter().find(|one| one.action == action).map_or("", |one| one.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(name, key)| ((*name).to_owned(), vec![(*key).to_owned()])).collect()
    }

    #[test]
    fn every_action_has_a_key_of_its_own_that_reads_back() {
        let map = Keymap::default();
        let mut count = 0;
        for one in ACTIONS {
            for text in one.keys {
                let key = Key::read(text).unwrap();
                assert_eq!(key.to_string(), *text);
                assert_eq!(map.action(key), Some(one.action), "{text}");
                count += 1;
            }
        }
        assert_eq!(map.keys.len(), count, "no key stands for two actions");
    }

    #[test]
    fn a_binding_replaces_the_keys_of_its_action_and_takes_those_of_others() {
        let map = Keymap::new(&bindings(&[("quit", "x"), ("sort", "q")])).unwrap();
        let action = |text: &str| map.action(Key::read(text).unwrap());
        assert_eq!((action("x"), action("q")), (Some(Action::Quit), Some(Action::Sort)));
        assert_eq!((action("ctrl-c"), action("s")), (None, None));
        assert_eq!(map.hint(Action::Sort), "q");
    }

    #[test]
    fn what_cannot_be_bound_is_refused_by_name() {
        let refused = |pairs: &[(&str, &str)]| Keymap::new(&bindings(pairs)).unwrap_err().to_string();
        assert_eq!(
            refused(&[("fly", "x")]),
            "monitor.keys: there is no action `fly`; `:keys` in the monitor lists them"
        );
        for odd in ["", "xx", "ctrl-", "\u{1b}", "f99"] {
            assert!(refused(&[("quit", odd)]).contains("is no key"), "{odd:?}");
        }
        assert_eq!(
            refused(&[("quit", "x"), ("sort", "x")]),
            "monitor.keys.quit: `x` is bound to `sort` already"
        );
    }
}
