//! What is known of a ledger at one moment: now, or then. The views draw nothing else.
//!
//! Invariant: nothing here grows without a bound.

use crate::figure::{self, milli};
use crate::filter::Looked;
use crate::source::{Differences, Found, Position, SwitchedOff};
use sledger_core::Millis;
use sledger_wire::answer::SessionObject;
use sledger_wire::events::EventLine;
use sledger_wire::pages::{LedgerStats, LoginCount, Rates, Top, UserDetail, UserRow};
use sledger_wire::policies::PolicyObject;
use sledger_wire::values::LimitWord;
use std::collections::{BTreeMap, VecDeque};

/// Events kept of the tail.
pub const TAIL_MAX: usize = 500;
/// Events kept of one user.
pub const TIMELINE_MAX: usize = 2_000;
/// Sessions of a search kept.
pub const SESSIONS_MAX: usize = 1_000;
/// Seconds of rates kept.
pub const SAMPLES_MAX: usize = 3_600;

/// How far counts are looked back on, and how often they are kept.
const COUNTED_MS: u64 = 300_000;
const COUNTED_EVERY_MS: u64 = 10_000;

/// Rates in thousandths, as they were at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Millis,
    /// Logins admitted.
    pub admitted: u64,
    /// Logins denied.
    pub denied: u64,
    /// Logins resumed.
    pub resumed: u64,
    /// Sessions evicted.
    pub evicted: u64,
    /// Sessions expired.
    pub expired: u64,
    /// Sessions ended otherwise.
    pub ended: u64,
}

impl Sample {
    fn of(at: Millis, rates: &Rates) -> Self {
        let value = |rate| milli(rate).unwrap_or(0);
        Self {
            at,
            admitted: value(rates.admitted),
            denied: value(rates.denied),
            resumed: value(rates.resumed),
            evicted: value(rates.evicted),
            expired: value(rates.expired),
            ended: value(rates.ended),
        }
    }
}

/// Logins with a code, by kind, as they were counted at one moment.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// When.
    pub at: Millis,
    /// How many of each kind.
    pub logins: Vec<LoginCount>,
}

/// The newest events, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// The events.
    pub events: VecDeque<EventLine>,
    /// How many were passed over or dropped: never shown.
    pub skipped: u64,
}

impl Tail {
    /// Adds events; the oldest go.
    pub fn add(&mut self, events: Vec<EventLine>, skipped: u64, most: usize) {
        self.skipped = self.skipped.saturating_add(skipped);
        let behind = self.events.back().map_or(0, |event| event.seq);
        self.events.extend(events.into_iter().filter(|event| event.seq > behind));
        let over = self.events.len().saturating_sub(most);
        self.events.drain(..over);
    }
}

/// What happened to one user.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The user.
    pub user: String,
    /// The events.
    pub tail: Tail,
    /// Since when; none for the whole past.
    pub since: Option<Millis>,
    /// Whether what happened before it was looked at is in it.
    pub is_told: bool,
}

impl Timeline {
    /// Takes what happened before it was looked at; what came since stays behind it.
    pub fn begin(&mut self, user: String, events: Vec<EventLine>, is_whole: bool) {
        let since = events.first().and_then(|event| figure::read(&event.at));
        let mut tail = Tail::default();
        tail.add(events, 0, TIMELINE_MAX);
        if self.user == user {
            tail.add(self.tail.events.drain(..).collect(), self.tail.skipped, TIMELINE_MAX);
        }
        *self = Self { user, tail, since: since.filter(|_| !is_whole), is_told: true };
    }
}

/// Everything that views draw.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The figures.
    pub top: Option<Box<Top>>,
    /// When they came.
    pub top_at: Millis,
    /// How long the answer took.
    pub lag: u64,
    /// Rates, oldest first.
    pub samples: VecDeque<Sample>,
    /// Logins with a code over the last minutes, oldest first.
    pub counted: VecDeque<Counted>,
    /// The ledger in numbers.
    pub ledger: Option<Box<LedgerStats>>,
    /// A page of users; none where those of the figures will do.
    pub users: Option<Vec<UserRow>>,
    /// Whether there are more users than the page holds.
    pub more_users: bool,
    /// Sessions that were looked for, and whether these are all of them; none where nobody looks for any.
    pub found: Option<(Vec<SessionObject>, bool)>,
    /// One user.
    pub user: Option<Box<UserDetail>>,
    /// One session.
    pub session: Option<Box<Found>>,
    /// The policies.
    pub policies: Vec<PolicyObject>,
    /// One of them with its source.
    pub policy: Option<Box<PolicyObject>>,
    /// Quotas that are switched off.
    pub switched_off: Vec<SwitchedOff>,
    /// The newest events.
    pub tail: Tail,
    /// The events of the user that is looked at.
    pub timeline: Timeline,
    /// What differs from a mark.
    pub diff: Option<Box<Differences>>,
    /// Where the past is looked at.
    pub position: Option<Box<Position>>,
}

impl Scene {
    /// Takes new figures.
    pub fn figures(&mut self, top: Box<Top>, now: Millis, lag: u64) {
        if top.rates.admitted.is_some() {
            self.samples.push_back(Sample::of(now, &top.rates));
            let over = self.samples.len().saturating_sub(SAMPLES_MAX);
            self.samples.drain(..over);
        }
        if self.counted.back().is_none_or(|last| now.since(last.at) >= COUNTED_EVERY_MS) {
            self.counted.push_back(Counted { at: now, logins: top.logins.clone() });
            while self.counted.front().is_some_and(|first| now.since(first.at) > COUNTED_MS) {
                self.counted.pop_front();
            }
        }
        (self.top, self.top_at, self.lag) = (Some(top), now, lag);
    }

    /// Logins with a code by kind, most frequent first, within the last minutes as far as they were watched; and since
    /// when. None where the source does not count them.
    #[must_use]
    pub fn codes(&self) -> Option<(Vec<LoginCount>, Millis)> {
        let now = &self.top.as_ref()?.logins;
        let first = self.counted.front()?;
        let before = |kind: &LoginCount| {
            let same = |one: &&LoginCount| {
                one.outcome == kind.outcome && one.quota == kind.quota && one.code == kind.code
            };
            first.logins.iter().find(same).map_or(0, |one| one.count)
        };
        let since =
            |kind: &LoginCount| LoginCount { count: kind.count.saturating_sub(before(kind)), ..kind.clone() };
        let mut kinds: Vec<LoginCount> = now.iter().map(since).filter(|kind| kind.count > 0).collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        (!now.is_empty()).then_some((kinds, first.at))
    }

    /// The last event that the figures know.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.top.as_ref().map_or(0, |top| top.seq)
    }

    /// The users of the sessions that were looked for: as full as they are where that is known, else with how many of
    /// these sessions each has.
    #[must_use]
    pub fn found_rows(&self) -> Option<Vec<UserRow>> {
        let (sessions, _) = self.found.as_ref()?;
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for session in sessions {
            *counts.entry(&session.user).or_default() += 1;
        }
        let known: BTreeMap<String, UserRow> =
            self.user_rows().into_iter().map(|row| (row.user.clone(), row)).collect();
        let row = |(user, active): (&str, u32)| {
            let count = || UserRow { user: user.to_owned(), active, limit: None, quota: None };
            known.get(user).cloned().unwrap_or_else(count)
        };
        Some(counts.into_iter().map(row).collect())
    }

    /// The users, as the source put them.
    #[must_use]
    pub fn user_rows(&self) -> Vec<UserRow> {
        if let Some(users) = &self.users {
            return users.clone();
        }
        let rows = self.top.as_ref().map_or(&[][..], |top| top.top.as_slice());
        let row = |row: &sledger_wire::pages::TopRow| UserRow {
            user: row.user.clone(),
            active: row.active,
            limit: row.limit.clone(),
            quota: row.quota.clone(),
        };
        rows.iter().map(row).collect()
    }
}

/// A limit as a number; none where it is unlimited or not known.
#[must_use]
pub fn limit_of(limit: Option<&LimitWord>) -> Option<u64> {
    match limit {
        Some(LimitWord::Number(number)) => Some(u64::from(*number)),
        Some(LimitWord::Word(word)) if word == "banned" => Some(0),
        Some(LimitWord::Word(_)) | None => None,
    }
}

/// A limit in a word.
#[must_use]
pub fn limit_word(limit: Option<&LimitWord>) -> String {
    match limit {
        Some(LimitWord::Number(number)) => number.to_string(),
        Some(LimitWord::Word(word)) => word.clone(),
        None => "-".to_owned(),
    }
}

/// The share of its limit that a user takes, in percent.
#[must_use]
pub fn used(row: &UserRow) -> u64 {
    match limit_of(row.limit.as_ref()) {
        Some(0) => 100,
        Some(limit) => figure::percent(u64::from(row.active), limit),
        None => 0,
    }
}

/// A user, to be looked at by a filter.
#[must_use]
pub fn looked_user(row: &UserRow) -> Looked<'_> {
    Looked {
        user: Some(&row.user),
        quota: row.quota.as_deref(),
        used: Some(used(row)),
        active: Some(u64::from(row.active)),
        ..Looked::default()
    }
}

/// An event, to be looked at by a filter.
#[must_use]
pub fn looked_event(event: &EventLine) -> Looked<'_> {
    Looked {
        user: Some(text_of(event.user.as_ref())),
        session: Some(text_of(event.session.as_ref())),
        client: Some(text_of(event.client.as_ref())),
        source: Some(text_of(event.source.as_ref())),
        ip: Some(text_of(event.ip.as_ref())),
        quota: Some(text_of(event.quota.as_ref())),
        policy: Some(text_of(event.policy.as_ref())),
        code: Some(text_of(event.code.as_ref())),
        state: event.kind.rsplit('.').next(),
        kind: Some(&event.kind),
        ..Looked::default()
    }
}

/// What events have, also where this one does not.
fn text_of(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// A session in a list, live or ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRow {
    /// Its number: no other session ever has the same.
    pub number: u64,
    /// Its id.
    pub session: String,
    /// Its client.
    pub client: String,
    /// The system that reports it.
    pub source: String,
    /// Its address.
    pub ip: String,
    /// When it began.
    pub started: Millis,
    /// When it was last active.
    pub last_active: Millis,
    /// When it will be over.
    pub expires: Millis,
    /// When it was over, and why.
    pub ended: Option<(Millis, String)>,
    /// The newcomer that it made room for.
    pub by: Option<String>,
    /// What decided, where that is known.
    pub policy: Option<String>,
    /// Whether it is disconnected and kept.
    pub retained: bool,
}

impl SessionRow {
    /// A live session.
    #[must_use]
    pub fn live(session: &SessionObject) -> Self {
        let time = |text: &str| figure::read(text).unwrap_or_default();
        Self {
            number: session.number,
            session: session.session.clone(),
            client: session.client.clone().unwrap_or_default(),
            source: session.source.clone().unwrap_or_default(),
            ip: session.seen_ip.clone().or_else(|| session.ip.clone()).unwrap_or_default(),
            started: time(&session.started),
            last_active: time(&session.last_active),
            expires: time(&session.expires),
            retained: session.retained,
            ..Self::default()
        }
    }

    /// A session that an event ended.
    #[must_use]
    pub fn ended(event: &EventLine) -> Option<Self> {
        if !matches!(event.kind.as_str(), "session.ended" | "session.evicted") {
            return None;
        }
        let time = |text: Option<&String>| text.and_then(|text| figure::read(text)).unwrap_or_default();
        let ended = time(event.ended_at.as_ref());
        Some(Self {
            number: event.number?,
            session: event.session.clone().unwrap_or_default(),
            client: event.client.clone().unwrap_or_default(),
            source: event.source.clone().unwrap_or_default(),
            ip: event.ip.clone().unwrap_or_default(),
            started: time(event.started.as_ref()),
            last_active: ended,
            expires: ended,
            ended: Some((ended, event.cause.clone().unwrap_or_else(|| "ended".to_owned()))),
            by: event.by_session.clone(),
            policy: event.policy.clone(),
            retained: false,
        })
    }

    /// `live`, `kept`, or why it ended.
    #[must_use]
    pub fn state(&self) -> &str {
        match &self.ended {
            Some((_, cause)) => cause,
            None if self.retained => "retained",
            None => "live",
        }
    }

    /// What no other session has, as a command takes it.
    #[must_use]
    pub fn unique(&self) -> String {
        format!("{}@{}", self.session, self.number)
    }

    /// To be looked at by a filter.
    #[must_use]
    pub fn looked<'a>(&'a self, user: &'a str) -> Looked<'a> {
        Looked {
            user: Some(user),
            session: Some(&self.session),
            client: Some(&self.client),
            source: Some(&self.source),
            ip: Some(&self.ip),
            policy: Some(self.policy.as_deref().unwrap_or("")),
            state: Some(self.state()),
            ..Looked::default()
        }
    }
}
