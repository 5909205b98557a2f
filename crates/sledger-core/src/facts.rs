//! The frozen facts of a session: what was known of it when it was admitted.
//!
//! One immutable value per session, shared by the decider's state, the
//! projector and tombstones. All texts are packed into one, which lies within
//! the facts where it is short.

use crate::packed::{self, Packed, Reader};
use crate::{Millis, Span};
use serde::{Deserialize, Serialize};

/// What a session is, frozen at its admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `user session ip client source n group* n (key value)* n (key value)*`, see [`crate::packed`].
    text: Packed,
    /// When it was admitted, or began at its source where it was adopted.
    pub started: Millis,
    /// Absolute life, from `started`.
    pub ttl: Span,
    /// Life without activity, from the last recorded activity.
    pub idle: Span,
    /// Life after a disconnect.
    pub retention: Span,
}

/// The texts of [`Facts`], one by one: what it is packed from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    /// The user key that sessions count against, folded.
    pub user: &'a str,
    /// The session's id.
    pub session: &'a str,
    /// Network address in canonical form, or other text; empty when unknown.
    pub ip: &'a str,
    /// The client (application, device class); empty when unknown.
    pub client: &'a str,
    /// The system that reports the session; empty when unknown.
    pub source: &'a str,
    /// The user's groups, sorted, without duplicates.
    pub groups: &'a [String],
    /// Attributes of the login.
    pub attributes: &'a [(String, String)],
    /// Attributes of the user, as they were at the login.
    pub user_attributes: &'a [(String, String)],
}

impl Facts {
    /// Packs `texts`; times are 0 and spans `never` until set.
    #[must_use]
    pub fn new(texts: Texts<'_>) -> Self {
        let mut text = Packed::default();
        for part in [texts.user, texts.session, texts.ip, texts.client, texts.source] {
            packed::push(&mut text, part);
        }
        packed::push_count(&mut text, texts.groups.len());
        texts.groups.iter().for_each(|group| packed::push(&mut text, group));
        for pairs in [texts.attributes, texts.user_attributes] {
            packed::push_count(&mut text, pairs.len());
            for (key, value) in pairs {
                packed::push(&mut text, key);
                packed::push(&mut text, value);
            }
        }
        text.shrink();
        Self { text, started: Millis(0), ttl: Span::NEVER, idle: Span::NEVER, retention: Span::ZERO }
    }

    /// The user key, folded; empty when the facts are sealed away.
    #[must_use]
    pub fn user(&self) -> &str {
        self.nth(0)
    }

    /// The session's id.
    #[must_use]
    pub fn session(&self) -> &str {
        self.nth(1)
    }

    /// The network address, `None` when unknown.
    #[must_use]
    pub fn ip(&self) -> Option<&str> {
        known(self.nth(2))
    }

    /// The client, `None` when unknown.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        known(self.nth(3))
    }

    /// The source, `None` when unknown.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        known(self.nth(4))
    }

    /// The groups, sorted.
    pub fn groups(&self) -> impl Iterator<Item = &str> + Clone {
        let mut reader = self.after(5);
        let count = reader.count();
        (0..count).map(move |_| reader.text())
    }

    /// Attributes of the login, in key order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        pairs(self.after_groups())
    }

    /// Attributes of the user, in key order.
    pub fn user_attributes(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let mut reader = self.after_groups();
        let count = reader.count();
        (0..count * 2).for_each(|_| {
            reader.text();
        });
        pairs(reader)
    }

    /// The value of one attribute of the login.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The value of one attribute of the user.
    #[must_use]
    pub fn user_attribute(&self, key: &str) -> Option<&str> {
        self.user_attributes().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Whether the user was in `group`.
    #[must_use]
    pub fn in_group(&self, group: &str) -> bool {
        self.groups().any(|name| name == group)
    }

    /// The end of its absolute life.
    #[must_use]
    pub const fn ends_at(&self) -> Millis {
        self.started.plus(self.ttl)
    }

    fn nth(&self, index: usize) -> &str {
        self.after(index).text()
    }

    fn after(&self, texts: usize) -> Reader<'_> {
        let mut reader = Reader(self.text.as_str());
        (0..texts).for_each(|_| {
            reader.text();
        });
        reader
    }

    fn after_groups(&self) -> Reader<'_> {
        let mut reader = self.after(5);
        let count = reader.count();
        (0..count).for_each(|_| {
            reader.text();
        });
        reader
    }
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn pairs(mut reader: Reader<'_>) -> impl Iterator<Item = (&str, &str)> + Clone {
    let count = reader.count();
    (0..count).map(move |_| (reader.text(), reader.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_back_from_the_packed_form() {
        let groups = ["ops".to_owned(), "staff".to_owned()];
        let attributes = [("device".to_owned(), "mobile".to_owned())];
        let user_attributes = [("country".to_owned(), "no".to_owned())];
        let facts = Facts::new(Texts {
            user: "ann",
            session: "a",
            ip: "10.0.0.1",
            source: "portal",
            groups: &groups,
            attributes: &attributes,
            user_attributes: &user_attributes,
            ..Texts::default()
        });
        assert_eq!((facts.user(), facts.session(), facts.ip()), ("ann", "a", Some("10.0.0.1")));
        assert_eq!((facts.client(), facts.source()), (None, Some("portal")));
        assert_eq!(facts.groups().collect::<Vec<_>>(), ["ops", "staff"]);
        assert_eq!(facts.attribute("device"), Some("mobile"));
        assert_eq!(facts.user_attribute("country"), Some("no"));
        assert_eq!(facts.user_attribute("device"), None);
    }

    #[test]
    fn a_session_without_extras_takes_one_small_allocation() {
        let id = "0123456789abcdef";
        let facts =
            Facts::new(Texts { user: "user-000001", session: id, ip: "203.100.113.207", ..Texts::default() });
        assert!(facts.text.is_inline());
        assert!(size_of::<Facts>() <= 96, "{} bytes", size_of::<Facts>());
    }

    #[test]
    fn short_and_long_texts_are_encoded_alike() {
        for length in [1, 40, 60, 250] {
            let user = "x".repeat(length);
            let facts = Facts::new(Texts { user: &user, session: "a", ..Texts::default() });
            let encoded = crate::codec::encode(&facts);
            let plain = (facts.text.as_str(), facts.started, facts.ttl, facts.idle, facts.retention);
            assert_eq!(encoded, crate::codec::encode(&plain));
            assert_eq!(crate::codec::decode::<Facts>(&encoded), Ok(facts));
        }
    }
}
