//! Lists of sessions, page by page in the order of their numbers.
//!
//! Numbers never come again and never change, so a list read page by page has
//! no duplicates, and misses only what ended or began meanwhile.

use super::Projection;
use super::rows::Row;
use sledger_core::answer::SessionView;
use sledger_core::{Facts, Limit, Seq};
use std::sync::Arc;

/// Most entries of one page.
pub const PAGE_MAX: usize = 1000;
/// Most sessions looked at for one page: a rare filter gives short pages instead of long waits.
const LOOKED_AT_MAX: usize = 65_536;

/// Which sessions are wanted; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionQuery {
    /// Of this user key.
    pub user: Option<String>,
    /// With this client, frozen or seen last.
    pub client: Option<String>,
    /// Of this source.
    pub source: Option<String>,
    /// From this address, frozen or seen last.
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

impl SessionQuery {
    fn wants(&self, row: &Row) -> bool {
        let facts: &Facts = &row.facts;
        let is = |wanted: &Option<String>, frozen: Option<&str>, seen: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| frozen == Some(wanted) || seen == Some(wanted))
        };
        let seen = row.rare.as_deref();
        is(&self.user, Some(facts.user()), None)
            && is(&self.source, facts.source(), None)
            && is(&self.client, facts.client(), seen.and_then(|seen| seen.seen_client.as_deref()))
            && is(&self.ip, facts.ip(), seen.and_then(|seen| seen.seen_ip.as_deref()))
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
        let mut sessions = Vec::new();
        let mut last = None;
        for (number, slot) in found.by_ref().take(LOOKED_AT_MAX) {
            last = Some(number);
            let row = self.rows.get(slot as usize).filter(|row| query.wants(row));
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
