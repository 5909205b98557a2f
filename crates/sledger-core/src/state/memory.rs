//! What is remembered for a while: command ids with their answers, failing policies, storms of denials.

use crate::answer::Answer;
use crate::config::{COMMAND_MEMORY, COMMANDS_REMEMBERED_MAX};
use crate::event::{CommandMark, PolicyRef};
use crate::{Millis, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Failures within [`TRIP_WITHIN`] that trip a policy.
pub const TRIP_FAILURES: usize = 100;
/// See [`TRIP_FAILURES`].
pub const TRIP_WITHIN: Span = Span::seconds(10);
/// How long a tripped policy is not asked.
pub const TRIP_FOR: Span = Span::seconds(30);
/// Denials of one kind within [`STORM_WINDOW`] that are recorded one by one.
pub const STORM_DENIALS: u32 = 10;
/// See [`STORM_DENIALS`].
pub const STORM_WINDOW: Span = Span::seconds(60);
/// Kinds of denials watched at once; the longest watched is forgotten first.
const STORMS_MAX: usize = 65_536;

/// Answers by command id. Those that recorded something are a fold of the ledger; the others take the room that is
/// left, so that they never push one of those out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    recorded: Answers,
    unrecorded: Answers,
}

/// Answers by command id, and in the order in which they were given.
#[derive(Clone, Debug, Default)]
struct Answers {
    by_id: BTreeMap<Box<str>, Remembered>,
    order: VecDeque<(Millis, Box<str>)>,
    /// Position since the beginning of the front of `order`.
    gone: u64,
}

/// The answer that a command id got.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) mark: [u8; 8],
    pub(crate) at: Millis,
    pub(crate) answer: Arc<Answer>,
}

impl Commands {
    pub(crate) fn get(&self, id: &str, at: Millis) -> Option<&Remembered> {
        let fresh = |found: &&Remembered| at.since(found.at) < COMMAND_MEMORY.as_millis();
        let found = self.recorded.by_id.get(id).filter(fresh);
        found.or_else(|| self.unrecorded.by_id.get(id).filter(fresh))
    }

    /// Remembers an answer. Those that are not `recorded` may be forgotten over a restart.
    pub(crate) fn put(&mut self, mark: &CommandMark, at: Millis, answer: Arc<Answer>, recorded: bool) {
        let answers = if recorded { &mut self.recorded } else { &mut self.unrecorded };
        answers.put(mark, at, answer);
        if recorded {
            self.recorded.forget(at, COMMANDS_REMEMBERED_MAX);
        }
        let room = COMMANDS_REMEMBERED_MAX.saturating_sub(self.recorded.order.len());
        self.unrecorded.forget(at, room);
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Those that are folded and still remembered at `at`.
    pub(crate) fn recorded(&self, at: Millis) -> impl Iterator<Item = (&str, &Remembered)> {
        let fresh = move |found: &Remembered| at.since(found.at) < COMMAND_MEMORY.as_millis();
        let all = self.recorded.by_id.iter();
        all.filter(move |(_, found)| fresh(found)).map(|(id, found)| (&**id, found))
    }

    /// Positions since the beginning of the folded ones remembered now.
    pub(crate) fn positions(&self) -> Range<u64> {
        self.recorded.gone..self.recorded.gone.saturating_add(self.recorded.order.len() as u64)
    }

    /// The folded one at a position, unless it is forgotten or its id was used again.
    pub(crate) fn at(&self, position: u64) -> Option<(&str, &Remembered)> {
        let index = position.checked_sub(self.recorded.gone)?;
        let (at, id) = self.recorded.order.get(usize::try_from(index).ok()?)?;
        self.recorded.by_id.get(id).filter(|found| found.at == *at).map(|found| (&**id, found))
    }
}

impl Answers {
    fn put(&mut self, mark: &CommandMark, at: Millis, answer: Arc<Answer>) {
        self.by_id.insert(mark.id.clone(), Remembered { mark: mark.mark, at, answer });
        self.order.push_back((at, mark.id.clone()));
    }

    fn forget(&mut self, now: Millis, most: usize) {
        while let Some((at, id)) = self.order.front() {
            let old = now.since(*at) >= COMMAND_MEMORY.as_millis();
            if !old && self.order.len() <= most {
                break;
            }
            if self.by_id.get(id).is_some_and(|found| found.at == *at) {
                self.by_id.remove(id);
            }
            self.order.pop_front();
            self.gone = self.gone.saturating_add(1);
        }
    }
}

/// Failures of policies, by quota and policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trips(BTreeMap<(u16, PolicyRef), Trip>);

/// When a policy failed, and until when it is not asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Trip {
    failures: VecDeque<Millis>,
    until: Option<Millis>,
}

impl Trips {
    /// Whether the policy is not to be asked at `at`.
    pub(crate) fn is_tripped(&self, quota: u16, policy: &PolicyRef, at: Millis) -> bool {
        // A lookup by value: the map is empty as long as no policy ever failed.
        !self.0.is_empty()
            && self
                .0
                .get(&(quota, policy.clone()))
                .and_then(|trip| trip.until)
                .is_some_and(|until| at < until)
    }

    /// Whether one more failure at `at` trips the policy.
    pub(crate) fn would_trip(&self, quota: u16, policy: &PolicyRef, at: Millis) -> bool {
        self.0.get(&(quota, policy.clone())).is_some_and(|trip| {
            let recent = trip.failures.iter().filter(|then| at.since(**then) < TRIP_WITHIN.as_millis());
            recent.count() + 1 >= TRIP_FAILURES
        })
    }

    pub(crate) fn failed(&mut self, quota: u16, policy: &PolicyRef, at: Millis) {
        let trip = self.0.entry((quota, policy.clone())).or_default();
        trip.failures.push_back(at);
        while trip.failures.len() > TRIP_FAILURES {
            trip.failures.pop_front();
        }
    }

    pub(crate) fn trip(&mut self, quota: u16, policy: &PolicyRef, until: Millis) {
        let trip = self.0.entry((quota, policy.clone())).or_default();
        trip.until = Some(until);
        trip.failures.clear();
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps those that are `asked` still.
    pub(crate) fn retain(&mut self, asked: impl Fn(u16, &PolicyRef) -> bool) {
        self.0.retain(|(quota, policy), _| asked(*quota, policy));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&(u16, PolicyRef), &Trip)> {
        self.0.iter()
    }

    /// Puts in what a snapshot held.
    pub(crate) fn restore(&mut self, key: (u16, PolicyRef), trip: Trip) {
        self.0.insert(key, trip);
    }

    pub(crate) fn tell(&self, hash: &mut blake3::Hasher) {
        for ((quota, policy), trip) in &self.0 {
            hash.update(format!("trip {quota} {policy} {:?} {:?}\n", trip.failures, trip.until).as_bytes());
        }
    }
}

/// One kind of denial: user key, quota, policy revision.
pub(crate) type Kind = (Arc<str>, Option<u16>, Option<PolicyRef>);

/// How often each kind of denial was recorded lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Storms {
    by_kind: BTreeMap<Kind, Recent>,
    order: VecDeque<(Millis, Kind)>,
    /// Position since the beginning of the front of `order`.
    gone: u64,
}

/// Denials of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    since: Millis,
    count: u32,
    /// Where it stands in the order of beginnings, from the beginning.
    position: u64,
}

impl Recent {
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }
}

impl Storms {
    /// Whether one more denial of `kind` at `at` is only counted.
    pub(crate) fn is_storm(&self, kind: &Kind, at: Millis) -> bool {
        self.by_kind.get(kind).is_some_and(|recent| {
            at.since(recent.since) < STORM_WINDOW.as_millis() && recent.count >= STORM_DENIALS
        })
    }

    pub(crate) fn denied(&mut self, kind: Kind, at: Millis) {
        match self.by_kind.get_mut(&kind) {
            Some(recent) if at.since(recent.since) < STORM_WINDOW.as_millis() => {
                recent.count = recent.count.saturating_add(1);
            }
            _ => self.begin(kind, at, 1),
        }
        self.forget(at);
    }

    /// Gives a user's kinds another name.
    pub(crate) fn rename(&mut self, user: &str, to: &Arc<str>) {
        let named = |(name, quota, policy): Kind| {
            let name = if *name == *user { Arc::clone(to) } else { name };
            (name, quota, policy)
        };
        self.by_kind =
            std::mem::take(&mut self.by_kind).into_iter().map(|(kind, r)| (named(kind), r)).collect();
        self.order =
            std::mem::take(&mut self.order).into_iter().map(|(at, kind)| (at, named(kind))).collect();
    }

    fn begin(&mut self, kind: Kind, since: Millis, count: u32) {
        let position = self.positions().end;
        self.by_kind.insert(kind.clone(), Recent { since, count, position });
        self.order.push_back((since, kind));
    }

    /// Positions since the beginning of those watched now.
    pub(crate) fn positions(&self) -> Range<u64> {
        self.gone..self.gone.saturating_add(self.order.len() as u64)
    }

    /// The one at a position, unless it is forgotten or has begun again.
    pub(crate) fn at(&self, position: u64) -> Option<(&Kind, Recent)> {
        let index = usize::try_from(position.checked_sub(self.gone)?).ok()?;
        let (_, kind) = self.order.get(index)?;
        self.get(kind).filter(|recent| recent.position == position).map(|recent| (kind, recent))
    }

    /// What is known of a kind.
    pub(crate) fn get(&self, kind: &Kind) -> Option<Recent> {
        self.by_kind.get(kind).copied()
    }

    /// Puts in what a snapshot held, in the order of positions.
    pub(crate) fn restore(&mut self, kind: Kind, recent: Recent) {
        self.begin(kind, recent.since, recent.count);
    }

    fn forget(&mut self, now: Millis) {
        while let Some((since, kind)) = self.order.front() {
            let old = now.since(*since) >= STORM_WINDOW.as_millis();
            if !old && self.order.len() <= STORMS_MAX {
                break;
            }
            if self.by_kind.get(kind).is_some_and(|recent| recent.position == self.gone) {
                self.by_kind.remove(kind);
            }
            self.order.pop_front();
            self.gone = self.gone.saturating_add(1);
        }
    }

    pub(crate) fn tell(&self, hash: &mut blake3::Hasher, at: Millis) {
        let is_recent = |recent: &Recent| at.since(recent.since) < STORM_WINDOW.as_millis();
        for ((user, quota, policy), recent) in self.by_kind.iter().filter(|(_, recent)| is_recent(recent)) {
            let policy = policy.as_ref().map(ToString::to_string);
            hash.update(
                format!("storm {user:?} {quota:?} {policy:?} {} {}\n", recent.since.0, recent.count)
                    .as_bytes(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Outcome;

    #[test]
    fn answers_that_recorded_nothing_take_only_the_room_that_is_left() {
        let mut commands = Commands::default();
        let answer = Arc::new(Answer::new(Outcome::Touched, Millis(5)));
        let mut put = |id: String, recorded| {
            let mark = CommandMark { id: id.into(), mark: [0; 8] };
            commands.put(&mark, Millis(5), Arc::clone(&answer), recorded);
        };
        (0..60_000).for_each(|n| put(format!("recorded-{n}"), true));
        (0..50_000).for_each(|n| put(format!("seen-{n}"), false));
        (60_000..60_100).for_each(|n| put(format!("recorded-{n}"), true));
        assert_eq!(commands.recorded(Millis(5)).count(), 60_100, "[14]");
        assert_eq!(commands.unrecorded.order.len() + 60_100, COMMANDS_REMEMBERED_MAX, "[14]");
        assert!(commands.get("recorded-0", Millis(5)).is_some());
        assert!(commands.get("seen-10099", Millis(5)).is_none());
        assert!(commands.get("seen-49999", Millis(5)).is_some());
    }
}
