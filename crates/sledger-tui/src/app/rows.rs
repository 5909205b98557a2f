//! The lists as they are shown: filtered, sorted, without what is hidden.

use super::{App, Order, Pane, View};
use crate::scene::{self, SessionRow};
use crate::source::Side;
use sledger_wire::events::EventLine;
use sledger_wire::pages::UserRow;
use sledger_wire::policies::{PolicyObject, PolicyUse};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A column: its head, and the order that users of a server can be asked for in.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub head: &'static str,
    /// The word of the contract for its order.
    pub sort: Option<&'static str>,
}

const fn column(head: &'static str, sort: Option<&'static str>) -> Column {
    Column { head, sort }
}

/// Index of the share used among [`USER_COLUMNS`].
pub(crate) const USERS_USED: usize = 3;
/// Index of the begin among [`SESSION_COLUMNS`].
pub(crate) const SESSIONS_STARTED: usize = 4;

/// Columns of the list of users.
pub const USER_COLUMNS: &[Column] = &[
    column("USER", Some("user")),
    column("USED", Some("active")),
    column("LIMIT", None),
    column("SHARE", Some("used")),
    column("QUOTA", None),
];

/// Columns of the list of sessions.
pub const SESSION_COLUMNS: &[Column] = &[
    column("SESSION", None),
    column("CLIENT", None),
    column("SOURCE", None),
    column("FROM", None),
    column("SINCE", None),
    column("AGE", None),
    column("IDLE", None),
    column("EXPIRES", None),
    column("STATE", None),
];

/// The panes of a view, in the order of the tabulator.
#[must_use]
pub(crate) fn panes(view: &View) -> &'static [Pane] {
    match view {
        View::Overview => &[Pane::Users, Pane::Events, Pane::Alerts],
        View::User(_) => &[Pane::Sessions, Pane::Events],
        View::Session(_) => &[Pane::Events],
        View::Replay => &[Pane::Events, Pane::Users],
        View::Policies => &[Pane::Policies, Pane::Source, Pane::Events],
    }
}

impl App {
    /// The users that are shown.
    #[must_use]
    pub fn user_rows(&self) -> Vec<UserRow> {
        let found = self.sessions_query().and_then(|_| self.scene().found_rows());
        let mut rows = found.unwrap_or_else(|| self.scene().user_rows());
        rows.retain(|row| self.filter.wants(&scene::looked_user(row)));
        sort_users(&mut rows, self.users_order);
        rows
    }

    /// The sessions of the user that is looked at: the live ones, and those whose end is known.
    #[must_use]
    pub fn session_rows(&self) -> Vec<SessionRow> {
        let View::User(name) = self.user_view() else { return Vec::new() };
        let scene = self.scene();
        let detail = scene.user.as_ref().filter(|user| user.user == *name);
        let live = detail.map_or(&[][..], |user| user.sessions.as_slice());
        let ended: Vec<SessionRow> = self.timeline().filter_map(SessionRow::ended).collect();
        let over: BTreeSet<u64> = ended.iter().map(|row| row.number).collect();
        let live = live.iter().map(SessionRow::live).filter(|row| !over.contains(&row.number));
        let mut rows: Vec<SessionRow> = live.chain(ended.iter().cloned()).collect();
        rows.retain(|row| self.filter.wants(&row.looked(name)));
        sort_sessions(&mut rows, self.sessions_order);
        rows
    }

    /// The view of the user that is looked at, also from a session of his.
    pub(crate) fn user_view(&self) -> &View {
        let users = self.views.iter().rev().find(|view| matches!(view, View::User(_)));
        users.unwrap_or(&View::Overview)
    }

    /// The events of the user that is looked at, up to the moment that is shown.
    pub fn timeline(&self) -> impl Iterator<Item = &EventLine> {
        let timeline = &self.scene().timeline;
        let is_it = matches!(self.user_view(), View::User(name) if *name == timeline.user);
        let last = match (self.side, &self.scene().position) {
            (Side::Past, Some(position)) => position.seq.0,
            _ => u64::MAX,
        };
        timeline.tail.events.iter().filter(move |event| is_it && event.seq <= last)
    }

    /// The events that are shown, newest first.
    #[must_use]
    pub fn event_rows(&self) -> Vec<&EventLine> {
        let wants = |event: &&EventLine| self.filter.wants(&scene::looked_event(event));
        match (self.view(), self.side, &self.scene().position) {
            (View::User(_), ..) => {
                self.timeline().filter(wants).collect::<Vec<_>>().into_iter().rev().collect()
            }
            (View::Session(unique), ..) => {
                let number = unique.rsplit('@').next().and_then(|number| number.parse::<u64>().ok());
                let about = |event: &&EventLine| event.number.is_some() && event.number == number;
                self.timeline().filter(about).collect::<Vec<_>>().into_iter().rev().collect()
            }
            (View::Policies, Side::Live, _) => {
                self.scene().tail.events.iter().rev().filter(|event| self.is_of_policy(event)).collect()
            }
            (View::Policies, Side::Past, Some(position)) => {
                position.events.iter().filter(|event| self.is_of_policy(event)).collect()
            }
            (_, Side::Past, Some(position)) => position.events.iter().filter(wants).collect(),
            _ => self.scene().tail.events.iter().rev().filter(wants).collect(),
        }
    }

    /// Whether an event is about policies: about the one that is chosen, where one is.
    fn is_of_policy(&self, event: &EventLine) -> bool {
        let chosen = self.policies.chosen.as_ref().map(|(name, _)| name.as_str());
        let details = event.details.get("policy").and_then(|policy| policy.as_str());
        let named = event.policy.as_deref().or(details);
        let name = named.and_then(|named| named.split('@').next());
        event.kind.starts_with("policy.") && (chosen.is_none() || chosen == name)
    }

    /// The event that ended a session, where it is known.
    #[must_use]
    pub fn ending(&self, number: u64) -> Option<&EventLine> {
        let is_it = |event: &&EventLine| event.number == Some(number) && SessionRow::ended(event).is_some();
        self.timeline().find(is_it)
    }

    /// Where each policy is in force or on trial; those of no quota once, without one.
    #[must_use]
    pub fn policy_rows(&self) -> Vec<(&PolicyObject, Option<&PolicyUse>)> {
        let uses = |policy: &'_ PolicyObject| policy.uses.len().max(1);
        let rows = self.scene().policies.iter();
        let mut rows: Vec<_> = rows
            .flat_map(|policy| (0..uses(policy)).map(move |place| (policy, policy.uses.get(place))))
            .collect();
        // What decides something first.
        rows.sort_by_key(|(policy, used)| (used.is_none(), policy.name.clone()));
        rows
    }

    /// What is chosen among the policies: the policy, and the quota it is used by.
    #[must_use]
    pub fn policy_keys(&self) -> Vec<(String, String)> {
        let key = |(policy, used): &(&PolicyObject, Option<&PolicyUse>)| {
            let used = used.map(|used| format!("{} {} {}", used.quota, used.policy, used.state));
            (policy.name.clone(), used.unwrap_or_default())
        };
        self.policy_rows().iter().map(key).collect()
    }

    /// The session that is chosen.
    #[must_use]
    pub fn chosen_session(&self) -> Option<SessionRow> {
        let number = self.sessions.chosen?;
        self.session_rows().into_iter().find(|row| row.number == number)
    }

    /// The event that is chosen.
    #[must_use]
    pub fn chosen_event(&self) -> Option<&EventLine> {
        let seq = self.events.chosen?;
        self.event_rows().into_iter().find(|event| event.seq == seq)
    }

    /// Whether a column of a list is shown.
    #[must_use]
    pub fn shows(&self, pane: Pane, column: usize) -> bool {
        !self.hidden.contains(&(pane, column))
    }
}

fn sort_users(rows: &mut [UserRow], order: Order) {
    // Stable: what is equal stays as the server put it.
    rows.sort_by(|a, b| {
        let by = match order.column {
            0 => a.user.cmp(&b.user),
            1 => a.active.cmp(&b.active),
            2 => scene::limit_of(a.limit.as_ref()).cmp(&scene::limit_of(b.limit.as_ref())),
            4 => a.quota.cmp(&b.quota),
            _ => scene::used(a).cmp(&scene::used(b)),
        };
        if order.descending { by.reverse() } else { by }
    });
}

fn sort_sessions(rows: &mut [SessionRow], order: Order) {
    rows.sort_by(|a, b| {
        let by = match order.column {
            0 => a.session.cmp(&b.session),
            1 => a.client.cmp(&b.client),
            2 => a.source.cmp(&b.source),
            3 => a.ip.cmp(&b.ip),
            5 => b.started.cmp(&a.started),
            6 => b.last_active.cmp(&a.last_active),
            7 => a.expires.cmp(&b.expires),
            8 => a.state().cmp(b.state()),
            _ => a.started.cmp(&b.started),
        };
        let by = by.then(a.number.cmp(&b.number));
        let by = if order.descending { by.reverse() } else { by };
        // Who is in stands before who was, and of those the latest first where nothing else is asked for.
        let was = a.ended.is_some().cmp(&b.ended.is_some());
        let end = |row: &SessionRow| row.ended.as_ref().map(|(at, _)| *at);
        let latest = if order.column == SESSIONS_STARTED { end(b).cmp(&end(a)) } else { Ordering::Equal };
        was.then(latest).then(by)
    });
}
