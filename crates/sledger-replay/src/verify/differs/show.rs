//! Values as people read them.

use sledger_core::command::Actor;
use sledger_core::event::PolicyRef;
use sledger_core::{Millis, Personal, Span};
use sledger_wire::escape;
use sledger_wire::events::actor_text;
use std::fmt::Debug;
use std::sync::Arc;

/// A value with a form of its own.
pub(super) trait Show {
    /// The form. What strangers named is escaped.
    fn show(&self) -> String;
}

impl Show for Millis {
    fn show(&self) -> String {
        self.rfc3339()
    }
}

impl Show for Span {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for Actor {
    fn show(&self) -> String {
        quoted(&actor_text(self))
    }
}

impl Show for PolicyRef {
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Show for Arc<str> {
    fn show(&self) -> String {
        quoted(self)
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Show::show)
    }
}

impl<T: Show> Show for Personal<T> {
    fn show(&self) -> String {
        self.plain().map_or_else(|| "sealed".to_owned(), Show::show)
    }
}

/// A value without a form of its own.
pub(super) fn plain<T: Debug>(value: &T) -> String {
    escape::brief(&format!("{value:?}"))
}

/// A name that a stranger chose.
pub(super) fn quoted(value: &str) -> String {
    format!("`{}`", escape::brief(value))
}

/// What was recorded beside what is decided again.
pub(super) fn said(what: &str, recorded: &str, again: &str) -> String {
    format!("{what}: recorded {recorded}, decided again {again}")
}
