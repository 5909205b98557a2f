//! Users as they stood: their sessions, and the limit of the quota with the least room left.

use super::At;
use sledger_core::config::{Dimension, Level, Settings};
use sledger_core::quota::{Ready, ReadyQuota};
use sledger_core::state::Session;
use sledger_core::{Limit, Millis};
use sledger_projector::Fullness;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a user stood.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The sessions that were in, in (start, number) order.
    pub sessions: Vec<&'a Session>,
    /// The limit of the enabled hard quota with the least room left; `None` where none counts the user.
    pub limit: Option<Limit>,
    /// That quota.
    pub quota: Option<Arc<str>>,
    /// How full the fullest of them is; `None` where none counts the user.
    pub fullest: Option<Fullness>,
}

impl<'a> Standing<'a> {
    pub(super) fn new(at: &'a At, sessions: Vec<&'a Session>) -> Self {
        let quotas = Watched::new(at, None);
        Self::by(&quotas, sessions, at.at())
    }

    fn by(quotas: &Watched<'_>, sessions: Vec<&'a Session>, at: Millis) -> Self {
        let (mut tightest, mut fullest): (Option<(Fullness, &ReadyQuota)>, Option<Fullness>) = (None, None);
        for (used, quota) in quotas.fullness(&sessions, at) {
            let room = |used: Fullness| used.room().unwrap_or(u32::MAX);
            if tightest.is_none_or(|(before, _)| room(used) < room(before)) {
                tightest = Some((used, quota));
            }
            fullest = fullest.max(Some(used));
        }
        let (limit, quota) = tightest.map(|(used, quota)| (used.limit, Arc::clone(&quota.name))).unzip();
        Self { sessions, limit, quota, fullest }
    }

    /// The user; `None` without sessions.
    #[must_use]
    pub fn user(&self) -> Option<&'a str> {
        self.sessions.first().map(|session| session.facts.user())
    }
}

/// The quotas that say how full one user is: enabled, hard, counted by user, perhaps with more.
struct Watched<'a> {
    ready: Cow<'a, Arc<Ready>>,
    /// Only the quota of this name.
    only: Option<&'a str>,
}

impl<'a> Watched<'a> {
    fn new(at: &'a At, only: Option<&'a str>) -> Self {
        let ready = at.state().ready();
        let lapsed = ready.next_end.is_some_and(|end| end <= at.at());
        let again = lapsed.then(|| Ready::new(without_lapsed(&ready.settings, at.at())).ok()).flatten();
        Self { ready: again.map_or(Cow::Borrowed(ready), |ready| Cow::Owned(Arc::new(ready))), only }
    }

    fn fullness(&self, sessions: &[&Session], at: Millis) -> impl Iterator<Item = (Fullness, &ReadyQuota)> {
        let is_asked = |quota: &&ReadyQuota| self.only.is_none_or(|name| *quota.name == *name);
        let watched = self.ready.quotas.iter().filter(|quota| is_watched(quota)).filter(is_asked);
        watched
            .flat_map(move |quota| fullness(quota, sessions, at).into_iter().map(move |used| (used, quota)))
    }
}

fn is_watched(quota: &ReadyQuota) -> bool {
    let quota = &quota.quota;
    quota.enabled && quota.level == Level::Hard && quota.count_by.contains(&Dimension::User)
}

/// How full each key of a user is. The newest session resolves the limit of its keys.
fn fullness(quota: &ReadyQuota, sessions: &[&Session], at: Millis) -> Vec<Fullness> {
    let mut keys: BTreeMap<Arc<str>, (u32, &Session)> = BTreeMap::new();
    for session in sessions {
        for key in quota.keys_counting(&session.facts) {
            let (count, newest) = keys.entry(key).or_insert((0, session));
            *count = count.saturating_add(1);
            if newest.number < session.number {
                *newest = session;
            }
        }
    }
    let used = keys.into_values();
    used.map(|(active, newest)| Fullness { active, limit: quota.configured_limit(&newest.facts, at).0 })
        .collect()
}

/// Switches that had lapsed by then out of force, whether or not the timer had written it down.
pub(crate) fn without_lapsed(settings: &Settings, at: Millis) -> Settings {
    let mut settings = settings.clone();
    settings.switches.retain_mut(|switch| {
        let is_over = switch.until.is_some_and(|until| until <= at);
        if let (true, Some(enabled)) = (is_over, switch.afterwards) {
            (switch.enabled, switch.until, switch.afterwards) = (enabled, None, None);
            return true;
        }
        !is_over
    });
    settings
}

/// Everybody who was in, by name.
pub struct Users<'a> {
    sessions: std::iter::Peekable<std::vec::IntoIter<&'a Session>>,
    quotas: Watched<'a>,
    at: Millis,
}

impl<'a> Users<'a> {
    pub(super) fn new(at: &'a At, quota: Option<&'a str>) -> Self {
        let mut sessions = at.state().sessions();
        sessions.retain(|session| at.is_in(session));
        // By number already, and this order is kept among equals.
        sessions.sort_by(|a, b| (a.facts.user(), a.facts.started).cmp(&(b.facts.user(), b.facts.started)));
        Self { sessions: sessions.into_iter().peekable(), quotas: Watched::new(at, quota), at: at.at() }
    }
}

impl<'a> Iterator for Users<'a> {
    type Item = Standing<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.sessions.next()?;
        let mut sessions = vec![first];
        while let Some(next) = self.sessions.next_if(|next| next.facts.user() == first.facts.user()) {
            sessions.push(next);
        }
        Some(Standing::by(&self.quotas, sessions, self.at))
    }
}

impl std::fmt::Debug for Users<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("left", &self.sessions.len()).finish_non_exhaustive()
    }
}
