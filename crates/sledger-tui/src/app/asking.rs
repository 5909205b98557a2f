//! What is asked, and how often: of each kind one question at a time, and of the past once for each moment.

use super::rows::{USER_COLUMNS, USERS_USED};
use super::{App, Effect, Order, Popup, View};
use crate::source::{Ask, Found, Kind, Move, Side};
use sledger_wire::queries::{SessionsQuery, UsersQuery};
use sledger_wire::values::Moment;

/// Users that are asked for beyond those of the figures.
const PAGE: u32 = 200;
/// Rows of a terminal for which the users of the figures are enough.
const ROWS_MAX: u16 = 54;
/// From this place on the users of the figures may soon not be enough.
const NEAR_END: usize = 16;
/// Milliseconds between two questions of a kind.
const FIGURES_MS: u64 = 1_000;
const LIST_MS: u64 = 2_000;
const POLICIES_MS: u64 = 3_000;
const SEARCH_MS: u64 = 5_000;
const SELDOM_MS: u64 = 10_000;
/// The same before it is asked again for what history must be read for and was not had.
const AGAIN_MS: u64 = 30_000;

impl App {
    pub(super) fn ask_what_is_due(&mut self, effects: &mut Vec<Effect>) {
        if self.side == Side::Live && self.users_query().is_none() {
            self.live.users = None;
        }
        for (side, ask, every) in self.wanted() {
            let kind = (side, ask.kind());
            let is_due = match (side, self.answered.get(&kind)) {
                (_, None) => true,
                (Side::Past, Some(_)) => false,
                (Side::Live, Some(at)) => self.now.since(*at) >= every,
            };
            if is_due && !self.asked.contains_key(&kind) {
                self.ask(side, ask, effects);
            }
        }
    }

    /// Asks at once, whatever was asked before.
    pub(super) fn ask(&mut self, side: Side, ask: Ask, effects: &mut Vec<Effect>) {
        self.asked.insert((side, ask.kind()), self.now);
        effects.push(Effect::Ask(side, ask));
    }

    /// Lets what was told of a kind count no more.
    pub(super) fn forget(&mut self, side: Side, kind: Kind) {
        self.answered.remove(&(side, kind));
    }

    /// Notes an answer; how long it took.
    pub(super) fn note(&mut self, side: Side, kind: Kind) -> u64 {
        let asked = self.asked.remove(&(side, kind));
        self.answered.insert((side, kind), self.now);
        asked.map_or(0, |asked| self.now.since(asked))
    }

    /// How long ago a question of this kind was answered.
    pub(super) fn since_answered(&self, side: Side, kind: Kind) -> Option<u64> {
        self.answered.get(&(side, kind)).map(|at| self.now.since(*at))
    }

    /// Whether a question of this kind is under way.
    #[must_use]
    pub fn is_asking(&self, side: Side, kind: Kind) -> bool {
        self.asked.contains_key(&(side, kind))
    }

    /// The past: what was told of another moment counts no more.
    pub(super) fn forget_past(&mut self) {
        self.answered.retain(|(side, kind), _| *side == Side::Live || *kind == Kind::Timeline);
    }

    fn wanted(&self) -> Vec<(Side, Ask, u64)> {
        let side = self.side;
        let mut wanted = Vec::new();
        if self.setup.has_live {
            // Collected also while the past is shown: whoever comes back has missed nothing.
            wanted.push((Side::Live, Ask::Top, FIGURES_MS));
            wanted.push((Side::Live, Ask::Ledger, SELDOM_MS));
            wanted.push((Side::Live, Ask::Quotas, SELDOM_MS));
            wanted.push((Side::Live, Ask::Policies, SELDOM_MS));
        }
        if side == Side::Past {
            if self.past.position.is_none() {
                // Asked once: where it fails, another moment is asked for by hand.
                if self.walk.failed.is_none() {
                    wanted.push((side, Ask::Move(Move::To(Moment::Now)), FIGURES_MS));
                }
                return wanted;
            }
            wanted.push((side, Ask::Top, FIGURES_MS));
            wanted.push((side, Ask::Policies, FIGURES_MS));
        }
        self.wanted_by_view(&mut wanted);
        wanted
    }

    fn wanted_by_view(&self, wanted: &mut Vec<(Side, Ask, u64)>) {
        let side = self.side;
        match self.view() {
            View::Overview | View::Replay => {
                if let Some(query) = self.sessions_query() {
                    wanted.push((side, Ask::Sessions(query), SEARCH_MS));
                }
                if let Some(query) = self.users_query() {
                    wanted.push((side, Ask::Users(query), LIST_MS));
                }
            }
            View::Policies => {
                wanted.push((side, Ask::Policies, POLICIES_MS));
                if let Some((name, _)) = &self.policies.chosen {
                    wanted.push((side, Ask::Policy(name.clone()), SELDOM_MS));
                }
            }
            View::User(_) | View::Session(_) => {}
        }
        if let View::Session(unique) = self.view() {
            wanted.push((side, Ask::Session(unique.clone()), LIST_MS));
        }
        if let View::User(name) = self.user_view() {
            wanted.push((side, Ask::User(name.clone()), FIGURES_MS));
            let scene = if side == Side::Live { &self.live } else { &self.past };
            if !scene.timeline.is_told {
                wanted.push((side, Ask::Timeline(name.clone()), AGAIN_MS));
            }
        }
        if let (Some(Popup::Diff), Side::Past, Some(mark)) = (&self.popup, side, self.compared()) {
            wanted.push((side, Ask::Diff(mark.seq), AGAIN_MS));
        }
        if let Some(about) = self.why_wanted()
            && self.why.as_ref().is_none_or(|(known, _)| *known != about)
        {
            wanted.push((side, Ask::Why(about), AGAIN_MS));
        }
    }

    /// What it is asked of why it is so: the view of a session tells it by itself.
    #[must_use]
    pub fn why_wanted(&self) -> Option<String> {
        match (&self.popup, self.view()) {
            (Some(Popup::Why(about, _)), _) => Some(about.clone()),
            (_, View::Session(unique)) => self.why_of_session(unique),
            _ => None,
        }
    }

    /// What is asked about the session that is looked at. At a moment of the past at which it was in, that is how it came
    /// in: its end lies behind that moment.
    fn why_of_session(&self, unique: &str) -> Option<String> {
        match (self.side, self.scene().session.as_deref()) {
            (Side::Live, _) | (Side::Past, Some(Found::Ended(_))) => Some(unique.to_owned()),
            (Side::Past, Some(Found::Live(session))) => Some(format!("seq:{}", session.number)),
            (Side::Past, Some(Found::Unknown(_)) | None) => None,
        }
    }

    /// The page that is needed; none where the users of the figures will do, which cost the server least.
    fn users_query(&self) -> Option<UsersQuery> {
        let by_share = Order { column: USERS_USED, descending: true };
        let is_plain = self.users_order == by_share && self.filter.is_empty() && self.size.1 <= ROWS_MAX;
        if is_plain && !self.is_far_down() && self.side == Side::Live {
            return None;
        }
        let word = USER_COLUMNS.get(self.users_order.column).and_then(|column| column.sort).unwrap_or("used");
        let is_down = self.users_order.descending || word == "used";
        let near = self.filter.used_at_least().filter(|share| *share <= 100);
        Some(UsersQuery {
            sort: Some(format!("{}{word}", if is_down { "-" } else { "" })),
            near: near.map(|share| format!("{share}%")),
            user: self.filter.user_glob(),
            page_size: Some(PAGE),
            ..UsersQuery::default()
        })
    }

    /// The sessions that are looked for.
    pub(super) fn sessions_query(&self) -> Option<SessionsQuery> {
        self.filter.sessions_query()
    }

    /// Whether the chosen user is at the end of those of the figures, or not among them.
    fn is_far_down(&self) -> bool {
        let Some(chosen) = &self.users.chosen else { return false };
        let top = self.live.top.as_ref().map_or(&[][..], |top| top.top.as_slice());
        top.iter().position(|row| row.user == *chosen).is_none_or(|place| place >= NEAR_END)
    }

    /// The users of a page are no longer those that are asked for.
    pub(super) fn users_changed(&mut self) {
        for side in [Side::Live, Side::Past] {
            self.forget(side, Kind::Users);
            self.forget(side, Kind::Sessions);
        }
        (self.live.found, self.past.found) = (None, None);
        if self.users_query().is_none() {
            self.live.users = None;
        }
    }
}
