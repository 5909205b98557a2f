//! What became of a login, as far as one quota or some had a say in it.

use sledger_core::Seq;
use sledger_core::event::{Cause, Code, Decision, Event, Judged, Judgement, PolicyCode};
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

/// What the policy's answers came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Let in, nobody ended for it; also where the quota had room.
    Allow,
    /// Refused.
    Deny,
    /// Room was made.
    Evict,
    /// The policy failed, and `on_error` decided.
    Error,
}

impl Kind {
    /// All of them, in the order in which tables show them.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Evict, Self::Error];

    /// As other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Evict => "evict",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What became of a login at the quotas looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What their policies' answers came to, the gravest where there are several.
    pub kind: Kind,
    /// Whether one of them was exhausted.
    pub exhausted: bool,
    /// Whether the login came in, whatever else had a say.
    pub admitted: bool,
    /// Ids of those that the policies chose, sorted.
    pub victims: Vec<Arc<str>>,
    /// Sessions evicted by the login, whoever chose them.
    pub evicted: u32,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// Where the policy decided or failed; 0 when nowhere.
    pub line: u32,
    /// How it failed.
    pub failure: Option<PolicyCode>,
}

impl Outcome {
    /// The outcome of a login at the quotas with these indexes; `id` knows the sessions it met. `None` where quotas
    /// had no say: a resume, a conflict, an id that may not come again.
    pub(crate) fn of(
        decision: &Decision,
        quotas: &[u16],
        id: impl Fn(Seq) -> Option<Arc<str>>,
    ) -> Option<Self> {
        let is_heard = match decision.events.last()? {
            Event::Admitted { .. } | Event::Denied { judged: Some(_), .. } => true,
            // Too many would have had to go: refused whole, and nothing of what was asked is kept.
            Event::Denied { code, .. } => *code == Code::ExcessTooLarge,
            _ => false,
        };
        is_heard.then(|| Self::whole(decision, quotas, id))
    }

    /// As [`Outcome::of`], whatever became of the login.
    pub(crate) fn whole(decision: &Decision, quotas: &[u16], id: impl Fn(Seq) -> Option<Arc<str>>) -> Self {
        let concerned = || decision.judged.iter().filter(|judged| quotas.contains(&judged.quota));
        let gravest = concerned().max_by_key(|judged| (gravity(kind(judged)), Reverse(judged.quota)));
        let mut victims: Vec<Arc<str>> = concerned().flat_map(victims).filter_map(id).collect();
        victims.sort_unstable();
        let failure = gravest.and_then(|judged| judged.failure.as_ref());
        Self {
            kind: gravest.map_or_else(|| unheard(decision), kind),
            exhausted: gravest.is_some(),
            admitted: is_in(decision),
            victims,
            evicted: count(decision.events.iter().filter(|event| is_eviction(event)).count()),
            reason: gravest.and_then(|judged| judged.reason.clone()),
            line: failure.map_or_else(|| gravest.map_or(0, |judged| judged.line), |failure| failure.line),
            failure: failure.map(|failure| failure.code),
        }
    }

    /// Whether the login or somebody's session would notice.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        (self.kind, self.admitted, &self.victims) != (other.kind, other.admitted, &other.victims)
    }
}

fn kind(judged: &Judged) -> Kind {
    match (&judged.failure, &judged.answer) {
        (Some(_), _) => Kind::Error,
        (None, Judgement::Allow) => Kind::Allow,
        (None, Judgement::Deny { .. }) => Kind::Deny,
        (None, Judgement::Evict { .. }) => Kind::Evict,
    }
}

/// What a login comes to at quotas that did not judge it.
fn unheard(decision: &Decision) -> Kind {
    match decision.events.last() {
        Some(Event::Denied { judged: None, .. } | Event::Conflicted { .. }) => Kind::Deny,
        _ => Kind::Allow,
    }
}

fn is_in(decision: &Decision) -> bool {
    matches!(decision.events.last(), Some(Event::Admitted { .. } | Event::Resumed { .. }))
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

const fn gravity(kind: Kind) -> u8 {
    match kind {
        Kind::Allow => 0,
        Kind::Evict => 1,
        Kind::Deny => 2,
        Kind::Error => 3,
    }
}

fn victims(judged: &Judged) -> impl Iterator<Item = Seq> {
    let chosen = match &judged.answer {
        Judgement::Evict { victims } => victims.as_slice(),
        Judgement::Allow | Judgement::Deny { .. } => &[],
    };
    chosen.iter().copied()
}

const fn is_eviction(event: &Event) -> bool {
    matches!(event, Event::Ended { cause: Cause::Evicted, .. })
}
