//! `--assume-end`: what to make of sessions whose end nobody recorded.

use sledger_core::command::Actor;
use sledger_core::{Millis, Span};
use sledger_wire::values::{Reason, span};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// When a session without an end is taken to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssumeEnd {
    /// With the last line.
    Last,
    /// So long after its login.
    After(Span),
}

impl FromStr for AssumeEnd {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        if text == "last" {
            return Ok(Self::Last);
        }
        let after = span(text).map_err(|reason| Reason::new(format!("{reason}; or write `last`")))?;
        if after.is_never() || after.is_zero() {
            return Err("write e.g. `12h` after the login, or `last` for the end of the recording".into());
        }
        Ok(Self::After(after))
    }
}

/// A session that is open, as far as the lines replayed so far tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// Its user.
    pub(crate) user: String,
    /// Its login, or the last one that resumed it.
    pub(crate) since: Millis,
    /// The file of that login, and its line.
    pub(crate) origin: (Actor, Option<String>),
}

/// Sessions that are open, by id, and in the order in which their end would be assumed.
#[derive(Debug, Default)]
pub(crate) struct OpenSessions {
    by_id: BTreeMap<String, Open>,
    by_time: BTreeSet<(Millis, String)>,
}

impl OpenSessions {
    /// A session was opened or resumed.
    pub(crate) fn opened(&mut self, id: &str, open: Open) {
        self.closed(id);
        self.by_time.insert((open.since, id.to_owned()));
        self.by_id.insert(id.to_owned(), open);
    }

    /// A session ended, however.
    pub(crate) fn closed(&mut self, id: &str) {
        if let Some(open) = self.by_id.remove(id) {
            self.by_time.remove(&(open.since, id.to_owned()));
        }
    }

    /// The session that was opened first, if it was opened at `until` or before.
    pub(crate) fn first_until(&self, until: Millis) -> Option<(String, Open)> {
        let (since, id) = self.by_time.first()?;
        let open = self.by_id.get(id).filter(|_| *since <= until)?;
        Some((id.clone(), open.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_opened_is_assumed_to_end_first() {
        let mut open = OpenSessions::default();
        let at = |ms| Open { user: "ann".to_owned(), since: Millis(ms), origin: (Actor::Cli, None) };
        open.opened("b", at(10));
        open.opened("a", at(5));
        open.opened("b", at(3));
        assert_eq!(open.first_until(Millis(9)).map(|(id, _)| id), Some("b".to_owned()));
        open.closed("b");
        assert_eq!(open.first_until(Millis(4)), None);
        assert!(open.first_until(Millis(5)).is_some());
    }

    #[test]
    fn forms_of_assume_end_are_told_when_another_is_given() {
        assert_eq!("last".parse(), Ok(AssumeEnd::Last));
        assert_eq!("12h".parse(), Ok(AssumeEnd::After(Span::seconds(43_200))));
        for text in ["never", "0s", "soon"] {
            assert!(text.parse::<AssumeEnd>().unwrap_err().0.contains("last"), "{text}");
        }
    }
}
