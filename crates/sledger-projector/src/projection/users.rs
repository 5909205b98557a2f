//! Lists of users, page by page in a total order that a cursor can resume.
//!
//! A page is the least entries after the cursor: a list read page by page has
//! no duplicates while nothing changes, and a user that moves meanwhile is
//! found where it then stands. Each page looks at every user; what a monitor
//! asks for each second, [`Projection::top`], looks at the fullest only.

use super::list::page_size;
use super::rows::User;
use super::{Projection, QueryError};
use crate::fullness::Fullness;
use sledger_core::{Limit, Seq};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::str::FromStr;
use std::sync::Arc;
use wildmatch::WildMatch;

/// What users are sorted by; names decide where it is equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The user key.
    User,
    /// Live sessions.
    Active,
    /// How full the fullest quota is, or the one asked for.
    #[default]
    Used,
}

/// An order of users: written `user`, `active`, `used`, each also with `-` before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// Whether the greatest come first. Names ascend all the same, but where they alone are sorted by.
    pub descending: bool,
}

impl FromStr for Sort {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let (descending, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
        let by = match word {
            "user" => SortBy::User,
            "active" => SortBy::Active,
            "used" => SortBy::Used,
            _ => return Err(QueryError::Sort(text.to_owned())),
        };
        Ok(Self { by, descending })
    }
}

/// Which users are wanted, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// The order.
    pub sort: Sort,
    /// Only users with a quota of which at least this many percent are used.
    pub near: Option<u32>,
    /// Only users whose key matches this glob of `*` and `?`.
    pub glob: Option<String>,
    /// By this quota instead of the one with the least room left; only users that it counts.
    pub quota: Option<String>,
    /// The `next` of the page before, of the same query.
    pub cursor: Option<String>,
    /// Entries of a page; at most [`super::PAGE_MAX`], 0 for that many.
    pub page_size: usize,
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The user key.
    pub user: Arc<str>,
    /// Live sessions.
    pub active: u32,
    /// Live sessions under the quota's key.
    pub used: u32,
    /// The quota's limit; `None` where no enabled hard quota counts the user.
    pub limit: Option<Limit>,
    /// The quota.
    pub quota: Option<Arc<str>>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsersPage {
    /// The last event folded.
    pub seq: Seq,
    /// The users.
    pub users: Vec<UserRow>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Where a user stands in an order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'a> {
    Name(&'a str),
    NameDown(Reverse<&'a str>),
    Number(Fullness, &'a str),
    NumberDown(Reverse<Fullness>, &'a str),
}

/// A user that is wanted.
struct Candidate<'a> {
    rank: Rank<'a>,
    user: &'a User,
    shown: Option<(u16, Fullness)>,
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Candidate<'_> {}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl Sort {
    fn rank(self, used: Fullness, active: u32, name: &str) -> Rank<'_> {
        let number = match self.by {
            SortBy::User if self.descending => return Rank::NameDown(Reverse(name)),
            SortBy::User => return Rank::Name(name),
            SortBy::Active => Fullness { active, limit: Limit::Unlimited },
            SortBy::Used => used,
        };
        if self.descending { Rank::NumberDown(Reverse(number), name) } else { Rank::Number(number, name) }
    }
}

impl Projection {
    /// A page of users with live sessions.
    ///
    /// # Errors
    /// Names a cursor that no page gave, or a quota that is not in force.
    pub fn users(&self, query: &UserQuery) -> Result<UsersPage, QueryError> {
        let fixed = query.quota.as_deref().map(|name| self.quota_named(name)).transpose()?;
        let cursor = query.cursor.as_deref().map(Cursor::read).transpose()?;
        let after =
            cursor.as_ref().map(|cursor| query.sort.rank(cursor.used, cursor.used.active, &cursor.name));
        let glob = query.glob.as_deref().map(WildMatch::new);
        let size = page_size(query.page_size);
        let mut least = BinaryHeap::new();
        for (_, user) in &self.users {
            let Some(candidate) = self.candidate(query, fixed, user) else { continue };
            let matches = glob.as_ref().is_none_or(|glob| glob.matches(&user.name));
            if matches && after.as_ref().is_none_or(|after| candidate.rank > *after) {
                keep_least(&mut least, candidate, size + 1);
            }
        }
        let mut found = least.into_sorted_vec();
        let more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| more).map(Cursor::of);
        Ok(UsersPage { seq: self.seq, users: found.iter().map(|found| self.user_row(found)).collect(), next })
    }

    /// The `most` users nearest to their limits, fullest first, by name where they are equally full.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<UserRow> {
        let most = page_size(most);
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for (class, slots) in self.classes.fullest() {
            let mut least = BinaryHeap::new();
            for user in slots.iter().filter_map(|slot| self.users.get(*slot as usize)) {
                let rank = Rank::NumberDown(Reverse(class), &user.name);
                let shown = None;
                keep_least(&mut least, Candidate { rank, user, shown }, most - found.len());
            }
            found.extend(least.into_sorted_vec());
            if found.len() >= most {
                break;
            }
        }
        for found in &mut found {
            found.shown = self.tightest(found.user);
        }
        found.iter().map(|found| self.user_row(found)).collect()
    }

    fn candidate<'a>(&self, query: &UserQuery, fixed: Option<u16>, user: &'a User) -> Option<Candidate<'a>> {
        let shown = match fixed {
            Some(fixed) => {
                let keys = self.keys_of(user).filter(|(quota, _)| *quota == fixed);
                Some(keys.max_by_key(|(_, used)| *used)?)
            }
            None => self.tightest(user),
        };
        let used = shown.filter(|_| fixed.is_some()).map_or(user.class, |(_, used)| used);
        let near = query.near.is_none_or(|near| used.is_at_limit() || used.is_near(near));
        let rank = query.sort.rank(used, user.members.count(), &user.name);
        near.then_some(Candidate { rank, user, shown })
    }

    fn user_row(&self, found: &Candidate<'_>) -> UserRow {
        let active = found.user.members.count();
        UserRow {
            user: Arc::clone(&found.user.name),
            active,
            used: found.shown.map_or(active, |(_, used)| used.active),
            limit: found.shown.map(|(_, used)| used.limit),
            quota: found.shown.and_then(|(quota, _)| self.quota_name(quota)),
        }
    }

    fn quota_named(&self, name: &str) -> Result<u16, QueryError> {
        let mut named = self.ready.quotas.iter().zip(0u16..).filter(|(quota, _)| &*quota.name == name);
        named.next().map(|(_, index)| index).ok_or_else(|| QueryError::Quota(name.to_owned()))
    }
}

/// Keeps the `most` least in the heap.
fn keep_least<'a>(least: &mut BinaryHeap<Candidate<'a>>, candidate: Candidate<'a>, most: usize) {
    if least.len() < most {
        least.push(candidate);
    } else if let Some(mut greatest) = least.peek_mut()
        && candidate < *greatest
    {
        *greatest = candidate;
    }
}

/// Where the next page begins: after this user, wherever it stands by then.
struct Cursor {
    used: Fullness,
    name: String,
}

impl Cursor {
    /// `active.limit.name`, the limit in one letter and its number, the name in hex.
    fn of(last: &Candidate<'_>) -> String {
        let used = match last.rank {
            Rank::Number(used, _) | Rank::NumberDown(Reverse(used), _) => used,
            Rank::Name(_) | Rank::NameDown(_) => Fullness { active: 0, limit: Limit::Unlimited },
        };
        let limit = match used.limit {
            Limit::Unlimited => "u".to_owned(),
            Limit::Banned => "b".to_owned(),
            Limit::Max(max) => format!("m{max}"),
        };
        let mut text = format!("{}.{limit}.", used.active);
        for byte in last.user.name.bytes() {
            text.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
            );
        }
        text
    }

    fn read(text: &str) -> Result<Self, QueryError> {
        Self::parse(text).ok_or_else(|| QueryError::Cursor(text.chars().take(80).collect()))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let active = parts.next()?.parse().ok()?;
        let limit = match parts.next()?.split_at_checked(1)? {
            ("u", "") => Limit::Unlimited,
            ("b", "") => Limit::Banned,
            ("m", number) => Limit::at_most(number.parse().ok()?)?,
            _ => return None,
        };
        let hex = parts.next()?.as_bytes();
        let pairs = hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let name = String::from_utf8(pairs.collect::<Option<Vec<u8>>>()?).ok()?;
        Some(Self { used: Fullness { active, limit }, name })
    }
}
