//! What becomes of keys: a table says what each does, here it is done.

use super::rows::panes;
use super::{App, Effect, Frozen, Pane, Place, Popup, Prompt, View};
use crate::cursor::Step;
use crate::filter::Filter;
use crate::keys::{Action, Code, Key};
use crate::scene::Timeline;
use crate::source::{Kind, Side};

/// Characters of a line being typed at most.
const PROMPT_MAX: usize = 200;
/// Views one behind the other at most.
const VIEWS_MAX: usize = 16;

impl App {
    pub(super) fn key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        self.dirty = true;
        if self.prompt.is_some() {
            self.type_key(key, effects);
            return;
        }
        if matches!(self.popup, Some(Popup::Confirm(_))) {
            self.confirm_key(key, effects);
            return;
        }
        let Some(action) = self.setup.keys.action(key) else {
            self.say(format!(
                "{key} does nothing here; {} shows the keys",
                self.setup.keys.hint(Action::Help)
            ));
            return;
        };
        if !self.popup_action(action, effects) {
            self.action(action, effects);
        }
    }

    pub(super) fn wheel(&mut self, rows: i16) {
        let count = usize::from(rows.unsigned_abs());
        self.step(if rows < 0 { Step::Up(count) } else { Step::Down(count) });
    }

    fn action(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Overview => self.show(View::Overview, effects),
            Action::User => self.open_user(effects),
            Action::Replay => self.travel_now(effects),
            Action::Policies => self.show(View::Policies, effects),
            Action::Down => self.step(Step::Down(1)),
            Action::Up => self.step(Step::Up(1)),
            Action::First => self.step(Step::First),
            Action::Last => self.step(Step::Last),
            Action::PageDown => self.step(Step::Down(self.page())),
            Action::PageUp => self.step(Step::Up(self.page())),
            Action::NextPane => self.next_pane(),
            Action::Open => self.open(effects),
            Action::Back => self.back(effects),
            Action::Filter => self.begin('/', self.filter.text.clone()),
            Action::Command => self.begin(':', String::new()),
            Action::Sort => self.choose_column(Popup::Sort),
            Action::Columns => self.choose_column(Popup::Columns),
            Action::Freeze if self.side == Side::Live => self.freeze(),
            Action::Help => self.popup = Some(Popup::Help(0)),
            Action::Why => self.why(),
            Action::Copy => self.copy(effects),
            Action::Export => self.export(effects),
            Action::Quit => effects.push(Effect::Quit),
            Action::Freeze
            | Action::Travel
            | Action::Next
            | Action::Previous
            | Action::NextEnd
            | Action::PreviousEnd
            | Action::NextMark
            | Action::PreviousMark
            | Action::Mark
            | Action::Diff
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::PanLeft
            | Action::PanRight
            | Action::Faster
            | Action::Slower => self.walk_action(action, effects),
        }
    }

    /// Rows of a page, of about half the screen.
    fn page(&self) -> usize {
        usize::from(self.size.1 / 2).max(1)
    }

    /// Goes to a view of its own: what was opened on the way is closed.
    pub(super) fn show(&mut self, view: View, effects: &mut Vec<Effect>) {
        self.views.clear();
        if view == View::Policies || (view == View::Overview && self.side == Side::Past) {
            self.views.push(self.home());
        }
        self.enter(view, effects);
    }

    /// Where one begins.
    pub(super) fn home(&self) -> View {
        if self.side == Side::Past { View::Replay } else { View::Overview }
    }

    /// Opens a view in front of the one that is shown.
    pub(super) fn enter(&mut self, view: View, effects: &mut Vec<Effect>) {
        if self.views.last() != Some(&view) {
            if self.views.len() >= VIEWS_MAX {
                self.views.remove(0);
            }
            self.views.push(view);
        }
        self.entered(effects);
    }

    fn entered(&mut self, effects: &mut Vec<Effect>) {
        self.popup = None;
        self.pane = panes(self.view()).first().copied().unwrap_or(Pane::Users);
        self.events.clear();
        if let View::Session(_) = self.view() {
            for side in [Side::Live, Side::Past] {
                self.forget(side, Kind::Session);
            }
            let scene = if self.side == Side::Live { &mut self.live } else { &mut self.past };
            scene.session = None;
            self.why = None;
            self.forget(self.side, Kind::Why);
        }
        self.follow(effects);
    }

    /// Follows the user that is looked at, and no other.
    pub(super) fn follow(&mut self, effects: &mut Vec<Effect>) {
        let user = match self.user_view() {
            View::User(name) => Some(name.clone()),
            _ => None,
        };
        let side = self.side;
        let now = self.now;
        let scene = if side == Side::Live { &mut self.live } else { &mut self.past };
        let Some(user) = user else {
            if side == Side::Live && !scene.timeline.user.is_empty() {
                scene.timeline = Timeline::default();
                effects.push(Effect::Follow(None));
            }
            return;
        };
        if scene.timeline.user == user {
            return;
        }
        self.sessions.clear();
        // Told before or not: what is opened while the view is frozen is of one moment.
        if let Some(frozen) = self.frozen.as_mut().filter(|_| side == Side::Live) {
            (frozen.scene.user, frozen.scene.timeline) = (None, Timeline::default());
        }
        let scene = if side == Side::Live { &mut self.live } else { &mut self.past };
        scene.user = None;
        (self.walk.pan, self.walk.zoom) = (0, if side == Side::Live { 0 } else { self.walk.zoom });
        scene.timeline = Timeline { user: user.clone(), since: Some(now), ..Timeline::default() };
        self.forget(side, Kind::User);
        self.forget(side, Kind::Timeline);
        if side == Side::Live {
            effects.push(Effect::Follow(Some(user)));
        }
    }

    fn open_user(&mut self, effects: &mut Vec<Effect>) {
        let name = match (self.user_view(), self.pane) {
            (View::User(name), _) => Some(name.clone()),
            (_, Pane::Events) => self.chosen_event().and_then(|event| event.user.clone()),
            _ => self.users.chosen.clone(),
        };
        match name {
            Some(name) => self.show_user(name, effects),
            None => self.say("choose a user first, with j and k"),
        }
    }

    pub(super) fn show_user(&mut self, name: String, effects: &mut Vec<Effect>) {
        self.views.truncate(1);
        self.enter(View::User(name), effects);
    }

    fn open(&mut self, effects: &mut Vec<Effect>) {
        match self.pane {
            Pane::Users => match self.users.chosen.clone() {
                Some(name) => self.enter(View::User(name), effects),
                None => self.say("choose a row first, with j and k"),
            },
            Pane::Sessions => match self.chosen_session() {
                Some(row) => self.enter(View::Session(row.unique()), effects),
                None => self.say("choose a session first, with j and k"),
            },
            Pane::Events => self.open_event(effects),
            Pane::Alerts => self.open_alert(effects),
            Pane::Policies if self.policies.chosen.is_some() => self.pane = Pane::Source,
            Pane::Policies => self.say("choose a policy first, with j and k"),
            Pane::Source => {}
        }
    }

    fn open_event(&mut self, effects: &mut Vec<Effect>) {
        let Some(event) = self.chosen_event() else {
            self.say("choose an event first, with j and k");
            return;
        };
        let session = event.session.clone().zip(event.number).map(|(id, number)| format!("{id}@{number}"));
        let user = event.user.clone();
        let is_policy = event.kind.starts_with("policy.");
        match (session, user) {
            (Some(unique), Some(user)) => {
                if *self.user_view() != View::User(user.clone()) {
                    self.enter(View::User(user), effects);
                }
                self.enter(View::Session(unique), effects);
            }
            (None, Some(user)) => self.enter(View::User(user), effects),
            _ if is_policy => self.enter(View::Policies, effects),
            _ => self.say("this event is about no session and no user"),
        }
    }

    fn open_alert(&mut self, effects: &mut Vec<Effect>) {
        let alerts = self.alert_rows();
        let chosen = self.alerts.chosen.as_ref();
        let alert = alerts.iter().find(|alert| Some(&alert.key) == chosen).or(alerts.first());
        match alert.map(|alert| (alert.place.clone(), alert.todo.clone())) {
            Some((Place::View(view), _)) => self.enter(view, effects),
            Some((Place::Events(glob), _)) => {
                self.set_filter(&format!("type:{glob}"));
                self.pane = Pane::Events;
            }
            Some((Place::Nowhere, todo)) => self.say(todo),
            None => {}
        }
    }

    /// Back by one: from what lies over the view, the choice, the filter, the view, the past.
    fn back(&mut self, effects: &mut Vec<Effect>) {
        if self.pane == Pane::Source {
            self.pane = Pane::Policies;
        } else if self.views.len() > 1 {
            self.views.pop();
            self.entered(effects);
        } else if self.side == Side::Past && self.setup.has_live {
            self.return_to_the_present(effects);
        } else if !self.filter.is_empty() {
            self.set_filter("");
        } else {
            self.users.clear();
            self.events.clear();
            self.users_changed();
        }
    }

    fn next_pane(&mut self) {
        let panes = panes(self.view());
        let at = panes.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        self.pane = panes.get((at + 1) % panes.len().max(1)).copied().unwrap_or(self.pane);
    }

    fn step(&mut self, step: Step) {
        match self.pane {
            Pane::Users => {
                let rows: Vec<String> = self.user_rows().into_iter().map(|row| row.user).collect();
                self.users.step(step, &rows);
            }
            Pane::Sessions => {
                let rows: Vec<u64> = self.session_rows().iter().map(|row| row.number).collect();
                self.sessions.step(step, &rows);
            }
            Pane::Events => {
                let rows: Vec<u64> = self.event_rows().iter().map(|event| event.seq).collect();
                self.events.step(step, &rows);
            }
            Pane::Alerts => {
                let rows: Vec<String> = self.alert_rows().into_iter().map(|alert| alert.key).collect();
                self.alerts.step(step, &rows);
            }
            Pane::Policies => {
                let rows = self.policy_keys();
                self.policies.step(step, &rows);
                self.source_line = 0;
                self.forget(self.side, Kind::Policy);
            }
            Pane::Source => self.scroll_source(step),
        }
        self.dirty = true;
    }

    fn scroll_source(&mut self, step: Step) {
        let text = self.scene().policy.as_ref().and_then(|policy| policy.text.as_deref());
        let last = text.unwrap_or_default().lines().count().saturating_sub(1);
        self.source_line = match step {
            Step::Down(lines) => self.source_line.saturating_add(lines).min(last),
            Step::Up(lines) => self.source_line.saturating_sub(lines),
            Step::First => 0,
            Step::Last => last,
        };
    }

    fn freeze(&mut self) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen { at: self.now, scene: self.live.clone() })),
        };
    }

    pub(super) fn set_filter(&mut self, text: &str) {
        match Filter::read(text) {
            Ok(filter) => {
                self.message = None;
                self.filter = filter;
                self.users_changed();
            }
            Err(error) => self.say(error.to_string()),
        }
    }

    fn begin(&mut self, sign: char, text: String) {
        self.prompt = Some(Prompt { sign, text });
    }

    fn type_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(prompt) = &mut self.prompt else { return };
        match (key.code, key.ctrl) {
            (Code::Char(letter), false) if prompt.text.chars().count() < PROMPT_MAX => {
                prompt.text.push(letter);
            }
            (Code::Backspace, _) if prompt.text.is_empty() => self.prompt = None,
            (Code::Backspace, _) => drop(prompt.text.pop()),
            (Code::Char('u'), true) => prompt.text.clear(),
            (Code::Esc, _) | (Code::Char('c'), true) => self.prompt = None,
            (Code::Enter, _) => {
                let Some(Prompt { sign, text }) = self.prompt.take() else { return };
                if sign == '/' { self.set_filter(&text) } else { self.command(&text, effects) }
            }
            _ => {}
        }
    }
}
