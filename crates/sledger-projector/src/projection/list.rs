//! Lists of sessions, page by page in the order of their numbers.
//!
//! Numbers never come again and never change, so a list read page by page has
//! no duplicates, and misses only what ended or began meanwhile.

use super::Projection;
use super::rows::Row;
use ipnet::IpNet;
use sledger_core::answer::SessionView;
use sledger_core::{Facts, Limit, Seq};
use std::net::IpAddr;
use std::sync::Arc;
use wildmatch::WildMatch;

/// Most entries of one page.
pub const PAGE_MAX: usize = 1000;
/// Most sessions looked at for one page: a rare filter gives short pages instead of long waits.
const LOOKED_AT_MAX: usize = 65_536;

/// Which sessions are wanted; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionQuery {
    /// Of this user key.
    pub user: Option<String>,
    /// With this client, frozen or seen last; a glob where it holds `*` or `?`.
    pub client: Option<String>,
    /// Of this source; a glob likewise.
    pub source: Option<String>,
    /// From this address, frozen or seen last, or from one of a range such as `10.0.0.0/8`.
    pub ip: Option<String>,
    /// Only those with a greater number.
    pub cursor: Option<Seq>,
    /// Entries of a page; at most [`PAGE_MAX`], 0 for that many.
    pub page_size: usize,
}

/// A page of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionsPage {
    /// The last event folded.
    pub seq: Seq,
    /// The sessions, in the order of their numbers. May be fewer than a page holds, even none, with more to come.
    pub sessions: Vec<SessionView>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<Seq>,
}

/// A user with live sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDetail {
    /// The last event folded.
    pub seq: Seq,
    /// The user key.
    pub user: Arc<str>,
    /// Live sessions.
    pub active: u32,
    /// The limit of the quota with the least room left.
    pub limit: Option<Limit>,
    /// That quota.
    pub quota: Option<Arc<str>>,
    /// The sessions in (start, number) order; at most [`PAGE_MAX`], the rest can be listed.
    pub sessions: Vec<SessionView>,
}

/// What one part of a session must be.
enum Wanted {
    Anything,
    Text(String),
    Glob(WildMatch),
    Net(IpNet),
}

impl Wanted {
    fn text(text: Option<&String>) -> Self {
        match text {
            None => Self::Anything,
            Some(glob) if glob.contains(['*', '?']) => Self::Glob(WildMatch::new(glob)),
            Some(text) => Self::Text(text.clone()),
        }
    }

    fn ip(text: Option<&String>) -> Self {
        match text.and_then(|text| text.parse().ok()) {
            Some(net) => Self::Net(net),
            None => text.map_or(Self::Anything, |text| Self::Text(text.clone())),
        }
    }

    fn is(&self, frozen: Option<&str>, seen: Option<&str>) -> bool {
        let mut both = frozen.into_iter().chain(seen);
        match self {
            Self::Anything => true,
            Self::Text(text) => both.any(|one| one == text),
            Self::Glob(glob) => both.any(|one| glob.matches(one)),
            Self::Net(net) => both.any(|one| one.parse::<IpAddr>().is_ok_and(|ip| net.contains(&ip))),
        }
    }
}

/// A query, read once for all sessions.
pub struct SessionMatch<'q> {
    user: Option<&'q str>,
    client: Wanted,
    source: Wanted,
    ip: Wanted,
}

impl<'q> SessionMatch<'q> {
    /// Reads a query; its page and cursor are no part of it.
    #[must_use]
    pub fn of(query: &'q SessionQuery) -> Self {
        Self {
            user: query.user.as_deref(),
            client: Wanted::text(query.client.as_ref()),
            source: Wanted::text(query.source.as_ref()),
            ip: Wanted::ip(query.ip.as_ref()),
        }
    }

    fn wants(&self, row: &Row) -> bool {
        let seen = row.rare.as_deref();
        let client = seen.and_then(|seen| seen.seen_client.as_deref());
        self.is(&row.facts, client, seen.and_then(|seen| seen.seen_ip.as_deref()))
    }

    /// Whether a session is wanted.
    #[must_use]
    pub fn wants_view(&self, view: &SessionView) -> bool {
        self.is(&view.facts, view.seen_client.as_deref(), view.seen_ip.as_deref())
    }

    fn is(&self, facts: &Facts, seen_client: Option<&str>, seen_ip: Option<&str>) -> bool {
        self.user.is_none_or(|user| facts.user() == user)
            && self.source.is(facts.source(), None)
            && self.client.is(facts.client(), seen_client)
            && self.ip.is(facts.ip(), seen_ip)
    }
}

/// How many entries a page of the size asked for has.
pub(super) fn page_size(asked: usize) -> usize {
    if asked == 0 { PAGE_MAX } else { asked.min(PAGE_MAX) }
}

impl Projection {
    /// A page of live sessions.
    #[must_use]
    pub fn sessions(&self, query: &SessionQuery) -> SessionsPage {
        let after = query.cursor.unwrap_or_default();
        match &query.user {
            Some(user) => {
                let mut found = self.numbers_of(user);
                found.retain(|(number, _)| *number > after);
                self.page(query, found.into_iter())
            }
            None => self.page(query, self.numbers.after(after)),
        }
    }

    /// A user with live sessions.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<UserDetail> {
        let user = self.find_user(name).and_then(|slot| self.users.get(slot as usize))?;
        let slots = user.members.slots();
        let mut rows: Vec<&Row> = slots.iter().filter_map(|slot| self.rows.get(*slot as usize)).collect();
        rows.sort_unstable_by_key(|row| (row.facts.started, row.number));
        let tightest = self.tightest(user);
        Some(UserDetail {
            seq: self.seq,
            user: Arc::clone(&user.name),
            active: user.members.count(),
            limit: tightest.map(|(_, used)| used.limit),
            quota: tightest.and_then(|(quota, _)| self.quota_name(quota)),
            sessions: rows.into_iter().take(PAGE_MAX).map(Row::view).collect(),
        })
    }

    /// The name of the quota at `index` of the configuration in force.
    #[must_use]
    pub fn quota_name(&self, index: u16) -> Option<Arc<str>> {
        self.ready.quota(index).map(|quota| Arc::clone(&quota.name))
    }

    fn page(&self, query: &SessionQuery, found: impl Iterator<Item = (Seq, u32)>) -> SessionsPage {
        let size = page_size(query.page_size);
        let mut found = found.peekable();
        let looked = SessionMatch::of(query);
        let mut sessions = Vec::new();
        let mut last = None;
        for (number, slot) in found.by_ref().take(LOOKED_AT_MAX) {
            last = Some(number);
            let row = self.rows.get(slot as usize).filter(|row| looked.wants(row));
            sessions.extend(row.map(Row::view));
            if sessions.len() >= size {
                break;
            }
        }
        let next = last.filter(|_| found.peek().is_some());
        SessionsPage { seq: self.seq, sessions, next }
    }

    /// The numbers of a user's sessions, in order, with their slots.
    fn numbers_of(&self, user: &str) -> Vec<(Seq, u32)> {
        let user = self.find_user(user).and_then(|slot| self.users.get(slot as usize));
        let slots = user.map(|user| user.members.slots()).unwrap_or_default();
        let numbered = |slot: u32| self.rows.get(slot as usize).map(|row| (row.number, slot));
        let mut numbers: Vec<_> = slots.into_iter().filter_map(numbered).collect();
        numbers.sort_unstable();
        numbers
    }
}
