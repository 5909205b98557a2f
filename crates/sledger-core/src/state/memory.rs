//! What is remembered for a while: command ids with their answers, failing policies, storms of denials.

use crate::answer::Answer;
use crate::config::{COMMAND_MEMORY, COMMANDS_REMEMBERED_MAX};
use crate::event::{CommandMark, PolicyRef};
use crate::{Millis, Span};
use std::collections::{BTreeMap, VecDeque};
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

/// Answers by command id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    by_id: BTreeMap<Box<str>, Remembered>,
    order: VecDeque<(Millis, Box<str>)>,
}

/// The answer that a command id got.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) mark: [u8; 8],
    pub(crate) at: Millis,
    pub(crate) answer: Arc<Answer>,
    /// Whether it can be folded from the ledger; the others may be forgotten over a restart.
    pub(crate) recorded: bool,
}

impl Commands {
    pub(crate) fn get(&self, id: &str, at: Millis) -> Option<&Remembered> {
        self.by_id.get(id).filter(|found| at.since(found.at) < COMMAND_MEMORY.as_millis())
    }

    pub(crate) fn put(&mut self, mark: &CommandMark, at: Millis, answer: Arc<Answer>, recorded: bool) {
        let remembered = Remembered { mark: mark.mark, at, answer, recorded };
        self.by_id.insert(mark.id.clone(), remembered);
        self.order.push_back((at, mark.id.clone()));
        self.forget(at);
    }

    fn forget(&mut self, now: Millis) {
        while let Some((at, id)) = self.order.front() {
            let old = now.since(*at) >= COMMAND_MEMORY.as_millis();
            if !old && self.order.len() <= COMMANDS_REMEMBERED_MAX {
                break;
            }
            if self.by_id.get(id).is_some_and(|found| found.at == *at) {
                self.by_id.remove(id);
            }
            self.order.pop_front();
        }
    }

    /// Those that are folded and still remembered at `at`.
    pub(crate) fn recorded(&self, at: Millis) -> impl Iterator<Item = (&str, &Remembered)> {
        let fresh = move |found: &Remembered| at.since(found.at) < COMMAND_MEMORY.as_millis();
        self.by_id
            .iter()
            .filter(move |(_, found)| found.recorded && fresh(found))
            .map(|(id, found)| (&**id, found))
    }
}

/// Failures of policies, by quota and policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trips(BTreeMap<(u16, PolicyRef), Trip>);

#[derive(Clone, Debug, Default)]
struct Trip {
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
    by_kind: BTreeMap<Kind, (Millis, u32)>,
    order: VecDeque<(Millis, Kind)>,
}

impl Storms {
    /// Whether one more denial of `kind` at `at` is only counted.
    pub(crate) fn is_storm(&self, kind: &Kind, at: Millis) -> bool {
        self.by_kind.get(kind).is_some_and(|(since, count)| {
            at.since(*since) < STORM_WINDOW.as_millis() && *count >= STORM_DENIALS
        })
    }

    pub(crate) fn denied(&mut self, kind: Kind, at: Millis) {
        let fresh = match self.by_kind.get_mut(&kind) {
            Some((since, count)) if at.since(*since) < STORM_WINDOW.as_millis() => {
                *count = count.saturating_add(1);
                false
            }
            _ => true,
        };
        if fresh {
            self.by_kind.insert(kind.clone(), (at, 1));
            self.order.push_back((at, kind));
        }
        self.forget(at);
    }

    fn forget(&mut self, now: Millis) {
        while let Some((since, kind)) = self.order.front() {
            let old = now.since(*since) >= STORM_WINDOW.as_millis();
            if !old && self.order.len() <= STORMS_MAX {
                break;
            }
            if self.by_kind.get(kind).is_some_and(|(begun, _)| begun == since) {
                self.by_kind.remove(kind);
            }
            self.order.pop_front();
        }
    }

    pub(crate) fn tell(&self, hash: &mut blake3::Hasher, at: Millis) {
        let recent =
            self.by_kind.iter().filter(|(_, (since, _))| at.since(*since) < STORM_WINDOW.as_millis());
        for ((user, quota, policy), (since, count)) in recent {
            let policy = policy.as_ref().map(ToString::to_string);
            hash.update(format!("storm {user:?} {quota:?} {policy:?} {} {count}\n", since.0).as_bytes());
        }
    }
}
