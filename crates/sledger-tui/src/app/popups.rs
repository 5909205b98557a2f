//! Keys of what lies over a view: lists to choose from, texts to read.

use super::rows::{Column, SESSION_COLUMNS, USER_COLUMNS};
use super::{App, Effect, Order, Pane, Popup};
use crate::keys::{ACTIONS, Action};

/// Lines of a reason at most, as far as it can be scrolled.
const WHY_LINES_MAX: usize = 200;

impl App {
    pub(super) fn columns(&self) -> Option<(Pane, &'static [Column])> {
        match self.pane {
            Pane::Users => Some((Pane::Users, USER_COLUMNS)),
            Pane::Sessions => Some((Pane::Sessions, SESSION_COLUMNS)),
            Pane::Events | Pane::Alerts | Pane::Policies | Pane::Source => None,
        }
    }

    pub(super) fn choose_column(&mut self, popup: fn(usize) -> Popup) {
        match self.pane {
            Pane::Users => self.popup = Some(popup(self.users_order.column)),
            Pane::Sessions => self.popup = Some(popup(self.sessions_order.column)),
            Pane::Events | Pane::Alerts | Pane::Policies | Pane::Source => {
                self.say("this list has its own order, and the columns there is room for");
            }
        }
    }

    /// Keys of what lies over the view; false where nothing does.
    pub(super) fn popup_action(&mut self, action: Action, effects: &mut Vec<Effect>) -> bool {
        let Some(popup) = self.popup.clone() else { return false };
        let rows = match (&popup, self.columns()) {
            (Popup::Sort(_) | Popup::Columns(_), Some((_, columns))) => columns.len(),
            (Popup::Help(_), _) => ACTIONS.len(),
            _ => 1,
        };
        let moved = |at: usize| match action {
            Action::Down => Some((at + 1).min(rows - 1)),
            Action::Up => Some(at.saturating_sub(1)),
            Action::PageDown => Some((at + 10).min(rows - 1)),
            Action::PageUp => Some(at.saturating_sub(10)),
            _ => None,
        };
        match popup {
            Popup::Sort(at) => match (moved(at), action) {
                (Some(to), _) => self.popup = Some(Popup::Sort(to)),
                (None, Action::Open | Action::Sort) => self.sort_by(at),
                _ => self.popup = None,
            },
            Popup::Columns(at) => match (moved(at), action) {
                (Some(to), _) => self.popup = Some(Popup::Columns(to)),
                (None, Action::Open | Action::Freeze) => self.toggle_column(at),
                _ => self.popup = None,
            },
            Popup::Help(at) => match moved(at) {
                Some(to) => self.popup = Some(Popup::Help(to)),
                None => self.popup = None,
            },
            Popup::Why(about, at) => match action {
                Action::Down => self.popup = Some(Popup::Why(about, (at + 1).min(WHY_LINES_MAX))),
                Action::Up => self.popup = Some(Popup::Why(about, at.saturating_sub(1))),
                Action::Copy => self.copy_why(effects),
                _ => self.popup = None,
            },
            Popup::Diff | Popup::Confirm(_) => self.popup = None,
        }
        true
    }

    /// Sorts by a column; by the same once more, the other way round.
    pub(super) fn sort_by(&mut self, column: usize) {
        self.popup = None;
        let order = if self.pane == Pane::Users { &mut self.users_order } else { &mut self.sessions_order };
        let descending = if order.column == column { !order.descending } else { false };
        *order = Order { column, descending };
        self.users_changed();
    }

    pub(super) fn toggle_column(&mut self, column: usize) {
        let Some((pane, _)) = self.columns() else { return };
        // The first column says what a row is.
        if column == 0 {
            self.say("the first column stays");
            return;
        }
        match self.hidden.iter().position(|hidden| *hidden == (pane, column)) {
            Some(place) => drop(self.hidden.remove(place)),
            None => self.hidden.push((pane, column)),
        }
    }
}
