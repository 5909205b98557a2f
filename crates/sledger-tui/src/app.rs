//! The monitor's reducer: what is known and shown, and what becomes of it with each message.
//!
//! Promise: [`App::update`] is pure. It reads no clock, no terminal and no socket; time comes with a message, and what is
//! to be done outside is told as an [`Effect`]. Present and past go through the same code.
//! Invariants: what is chosen is known by name or number, never by its place; a frozen view changes in nothing but its
//! age; a change needs its target shown and `yes` typed, and is impossible where actions are not allowed.

mod alerts;
mod asking;
mod commands;
mod input;
mod past;
mod popups;
mod rows;
mod telling;
mod told;

pub use alerts::{Alert, Place};
pub use commands::COMMANDS;
pub use commands::Confirm;
pub use past::{Mark, SPEEDS, Speed};
pub use rows::{Column, SESSION_COLUMNS, USER_COLUMNS};

use crate::cursor::Cursor;
use crate::filter::Filter;
use crate::keys::{Key, Keymap};
use crate::scene::Scene;
use crate::source::{Ask, Failed, Fed, Kind, Move, Side, Told};
use crate::theme::ThemeName;
use sledger_core::Millis;
use sledger_wire::values::{Moment, Offset};
use sledger_wire::why::Why;
use std::collections::BTreeMap;

/// What does not change while a monitor runs.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Setup {
    /// What is looked at: a URL, a folder, a file.
    pub target: String,
    /// Whether changes are allowed.
    pub allow_actions: bool,
    /// From this share of a limit on, in percent, a user is near it.
    pub near: u64,
    /// The keys.
    pub keys: Keymap,
    /// Colours.
    pub theme: ThemeName,
    /// Whether the terminal shows ASCII only.
    pub ascii: bool,
    /// Minutes east of Greenwich that times are shown in.
    pub zone_minutes: i64,
    /// The same, for reading times.
    pub offset: Offset,
    /// Whether there is a served ledger.
    pub has_live: bool,
    /// Whether the past can be walked.
    pub has_past: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// It is now this late.
    Tick(Millis),
    /// A key.
    Key(Key),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The wheel: rows down, or up where negative.
    Wheel(i16),
    /// An answer.
    Told(Side, Told),
    /// No answer.
    Failed(Side, Failed),
    /// A file was written, or why it was not.
    Exported(Result<String, String>),
    /// The feed; of one user where it names one.
    Fed(Option<String>, Fed),
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask this.
    Ask(Side, Ask),
    /// Follow the events of this user, or of none.
    Follow(Option<String>),
    /// Put this text into the terminal's clipboard.
    Copy(String),
    /// Write a new file of this name here.
    Export {
        /// Its name.
        name: String,
        /// What it holds.
        text: String,
    },
    /// End.
    Quit,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// All in one.
    Overview,
    /// One user.
    User(String),
    /// One session, by `id@SEQ`.
    Session(String),
    /// The past.
    Replay,
    /// The policies.
    Policies,
}

/// A part of a view that takes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The list of users.
    Users,
    /// The event tail.
    Events,
    /// The alerts.
    Alerts,
    /// The sessions of a user.
    Sessions,
    /// The policies.
    Policies,
    /// The source of a policy.
    Source,
}

/// What lies over a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Popup {
    /// The keys in force.
    Help(usize),
    /// Which column to sort by.
    Sort(usize),
    /// Which columns to show.
    Columns(usize),
    /// Why what is named so is as it is, from this line on.
    Why(String, usize),
    /// The difference from the mark.
    Diff,
    /// A change to be confirmed.
    Confirm(Confirm),
}

/// A line being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// `/` or `:`.
    pub sign: char,
    /// What was typed.
    pub text: String,
}

/// Whether the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing was answered yet.
    #[default]
    Starting,
    /// It answers.
    Up,
    /// It does not.
    Lost {
        /// Since when.
        since: Millis,
        /// Why.
        why: String,
    },
}

/// A view as it was.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// When.
    pub at: Millis,
    /// What was known.
    pub scene: Scene,
}

/// How a list is sorted: the column's index, and whether it descends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: usize,
    /// Whether the greatest come first.
    pub descending: bool,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct App {
    /// What does not change.
    pub setup: Setup,
    /// How late it is.
    pub now: Millis,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Whether the present or the past is shown.
    pub side: Side,
    /// The present.
    pub live: Scene,
    /// The past.
    pub past: Scene,
    /// What was frozen.
    pub frozen: Option<Box<Frozen>>,
    /// Where one is; the last one is shown.
    pub views: Vec<View>,
    /// The pane with the keys.
    pub pane: Pane,
    /// The user chosen.
    pub users: Cursor<String>,
    /// The session chosen, by number.
    pub sessions: Cursor<u64>,
    /// The event chosen, by seq.
    pub events: Cursor<u64>,
    /// The use of a policy chosen: policy and quota.
    pub policies: Cursor<(String, String)>,
    /// The alert chosen.
    pub alerts: Cursor<String>,
    /// What is looked for.
    pub filter: Filter,
    /// How users are sorted.
    pub users_order: Order,
    /// How sessions are sorted.
    pub sessions_order: Order,
    /// Columns that are not shown: of which list, and which.
    pub hidden: Vec<(Pane, usize)>,
    /// What lies over the view.
    pub popup: Option<Popup>,
    /// What is being typed.
    pub prompt: Option<Prompt>,
    /// What is to be said, and until when.
    pub message: Option<(Millis, String)>,
    /// Whether the server answers.
    pub link: Link,
    /// Why the feed does not flow.
    pub feed_broken: Option<String>,
    /// Colours.
    pub theme: ThemeName,
    /// How the past is walked.
    pub walk: past::Walk,
    /// Why something is as it is, or why that cannot be told; and what was asked about.
    pub why: Option<(String, Result<Box<Why>, String>)>,
    /// The first line shown of a policy's source.
    pub source_line: usize,
    /// Questions under way, by when they were asked.
    asked: BTreeMap<(Side, Kind), Millis>,
    /// When each kind was last answered.
    answered: BTreeMap<(Side, Kind), Millis>,
    /// Whether something changed since it was last drawn.
    dirty: bool,
}

impl App {
    /// A monitor that has seen nothing yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let (side, view) =
            if setup.has_live { (Side::Live, View::Overview) } else { (Side::Past, View::Replay) };
        Self {
            theme: setup.theme,
            setup,
            now: Millis(0),
            size: (80, 24),
            side,
            live: Scene::default(),
            past: Scene::default(),
            frozen: None,
            pane: rows::panes(&view).first().copied().unwrap_or(Pane::Users),
            views: vec![view],
            users: Cursor::default(),
            sessions: Cursor::default(),
            events: Cursor::default(),
            policies: Cursor::default(),
            alerts: Cursor::default(),
            filter: Filter::default(),
            users_order: Order { column: rows::USERS_USED, descending: true },
            sessions_order: Order { column: rows::SESSIONS_STARTED, descending: false },
            hidden: Vec::new(),
            popup: None,
            prompt: None,
            message: None,
            link: Link::Starting,
            feed_broken: None,
            walk: past::Walk::default(),
            why: None,
            source_line: 0,
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            dirty: true,
        }
    }

    /// What becomes of it with `msg`, and what is to be done outside.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        match msg {
            Msg::Tick(now) => self.tick(now, &mut effects),
            Msg::Key(key) => self.key(key, &mut effects),
            Msg::Resize(columns, rows) => {
                self.size = (columns, rows);
                self.dirty = true;
            }
            Msg::Wheel(rows) => self.wheel(rows),
            Msg::Told(side, told) => self.told(side, told, &mut effects),
            Msg::Failed(side, failed) => self.failed(side, failed),
            Msg::Exported(Ok(name)) => self.say(format!("written to {name}")),
            Msg::Exported(Err(why)) => self.say(why),
            Msg::Fed(user, fed) => self.fed(user.as_deref(), fed),
        }
        self.settle();
        self.ask_what_is_due(&mut effects);
        effects
    }

    /// Whether it must be drawn again; says so once.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// The view that is shown.
    #[must_use]
    pub fn view(&self) -> &View {
        self.views.last().unwrap_or(&View::Overview)
    }

    /// Opens a view as if it was gone to by keys.
    pub fn go_to(&mut self, view: View) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.enter(view, &mut effects);
        self.ask_what_is_due(&mut effects);
        effects
    }

    /// Goes to a moment of the past as if it was gone to by `:goto`.
    pub fn go_back_to(&mut self, moment: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.travel(Move::To(moment), &mut effects);
        self.ask_what_is_due(&mut effects);
        effects
    }

    /// What is shown: frozen where it is frozen.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        match (&self.frozen, self.side) {
            (Some(frozen), Side::Live) => &frozen.scene,
            (None, Side::Live) => &self.live,
            (_, Side::Past) => &self.past,
        }
    }

    /// The moment that is shown, by the clock of what is shown.
    #[must_use]
    pub fn moment(&self) -> Millis {
        match (self.side, &self.frozen, &self.past.position) {
            (Side::Live, Some(frozen), _) => frozen.at,
            (Side::Live, None, _) => self.now,
            (Side::Past, _, Some(position)) => position.at,
            (Side::Past, _, None) => Millis(0),
        }
    }

    /// Says something for some seconds.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some((Millis(self.now.0.saturating_add(MESSAGE_MS)), text.into()));
        self.dirty = true;
    }

    fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.now, now);
        // Ages are shown in seconds.
        if before.0 / 1000 != now.0 / 1000 {
            self.dirty = true;
        }
        if self.message.as_ref().is_some_and(|(until, _)| *until <= now) {
            self.message = None;
            self.dirty = true;
        }
        self.play(before, effects);
        self.count_on(effects);
    }

    /// Chosen rows remember where they stand.
    fn settle(&mut self) {
        let users: Vec<String> = self.user_rows().into_iter().map(|row| row.user).collect();
        self.users.settle(&users);
        let sessions: Vec<u64> = self.session_rows().iter().map(|row| row.number).collect();
        self.sessions.settle(&sessions);
    }
}

/// How long a message stands.
const MESSAGE_MS: u64 = 6_000;

#[cfg(test)]
mod tests;
