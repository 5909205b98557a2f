//! Users in a list: filtered, sorted and cut into pages.
//!
//! A page is a part of the whole list, which stays the same as long as the moment does: a cursor is where it begins.

use super::shown::Shown;
use sledger_core::Limit;
use sledger_projector::{Fullness, QueryError, Sort, SortBy};
use sledger_replay::at::{At, Standing};
use sledger_wire::pages::{TopRow, UserRow, UsersPage};
use sledger_wire::queries::{UsersQuery, page_size, share};
use std::cmp::Ordering;
use std::sync::Arc;
use wildmatch::WildMatch;

/// A user who was in.
#[derive(Clone, Debug)]
pub(super) struct Row {
    user: String,
    active: u32,
    limit: Option<Limit>,
    quota: Option<Arc<str>>,
    /// How full the fullest quota is.
    used: Fullness,
}

impl Row {
    pub(super) fn of(one: &Standing<'_>) -> Self {
        let active = u32::try_from(one.sessions.len()).unwrap_or(u32::MAX);
        Self {
            user: one.user().unwrap_or_default().to_owned(),
            active,
            limit: one.limit,
            quota: one.quota.clone(),
            used: one.fullest.unwrap_or(Fullness { active: 0, limit: Limit::Unlimited }),
        }
    }

    pub(super) const fn active(&self) -> u32 {
        self.active
    }

    pub(super) fn is_at_limit(&self) -> bool {
        self.used.is_at_limit()
    }

    pub(super) fn is_near(&self, percent: u32) -> bool {
        self.used.is_at_limit() || self.used.is_near(percent)
    }

    fn cmp(&self, other: &Self, sort: Sort) -> Ordering {
        let by = match sort.by {
            SortBy::User => self.user.cmp(&other.user),
            SortBy::Active => self.active.cmp(&other.active),
            SortBy::Used => self.used.cmp(&other.used),
        };
        let by = if sort.descending { by.reverse() } else { by };
        by.then_with(|| self.user.cmp(&other.user))
    }

    fn told(&self) -> UserRow {
        UserRow {
            user: self.user.clone(),
            active: self.active,
            limit: self.limit.map(Into::into),
            quota: self.quota.as_ref().map(ToString::to_string),
        }
    }
}

/// The `most` users nearest to their limits, fullest first.
pub(super) fn top(rows: &[Row], most: usize) -> Vec<TopRow> {
    let sort = Sort { by: SortBy::Used, descending: true };
    let mut all: Vec<&Row> = rows.iter().collect();
    if all.len() > most {
        all.select_nth_unstable_by(most, |a, b| a.cmp(b, sort));
        all.truncate(most);
    }
    all.sort_unstable_by(|a, b| a.cmp(b, sort));
    let row = |row: &&Row| {
        let UserRow { user, active, limit, quota } = row.told();
        TopRow { user, active, limit, quota }
    };
    all.iter().map(row).collect()
}

/// A page of users.
pub(super) fn page(shown: &mut Shown, asked: &UsersQuery) -> Result<UsersPage, String> {
    let sort = asked.sort.as_deref().unwrap_or("-used").parse::<Sort>();
    let sort = sort.map_err(|error| error.to_string())?;
    let near = asked.near.as_deref().map(share).transpose().map_err(|reason| reason.0)?;
    let from = asked.cursor.as_deref().map_or(Ok(0), cursor)?;
    let glob = asked.user.as_deref().map(WildMatch::new);
    let seq = shown.at.seq().0;
    let under = asked.quota.as_deref().map(|quota| under(&shown.at, quota)).transpose()?;
    let rows = under.as_deref().unwrap_or_else(|| shown.rows());
    let is_wanted = |row: &&Row| {
        near.is_none_or(|near| row.is_near(u32::from(near)))
            && glob.as_ref().is_none_or(|glob| glob.matches(&row.user))
    };
    let mut all: Vec<&Row> = rows.iter().filter(is_wanted).collect();
    all.sort_unstable_by(|a, b| a.cmp(b, sort));
    let until = from.saturating_add(page_size(asked.page_size)).min(all.len());
    let users = all.get(from..until).unwrap_or_default().iter().map(|row| row.told()).collect();
    Ok(UsersPage { seq, users, next: (until < all.len()).then(|| until.to_string()) })
}

fn cursor(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| QueryError::Cursor(text.chars().take(80).collect()).to_string())
}

/// Those whom a quota counts, as full as that quota.
fn under(at: &At, quota: &str) -> Result<Vec<Row>, String> {
    if !at.state().ready().quotas.iter().any(|known| *known.name == *quota) {
        return Err(QueryError::Quota(quota.to_owned()).to_string());
    }
    let counted = at.users_under(quota).filter(|one| one.limit.is_some());
    Ok(counted.map(|one| Row::of(&one)).collect())
}
