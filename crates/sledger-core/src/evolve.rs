//! Folding: what each event does to the state. Total: history cannot be refused.

mod erased;
mod sessions;
mod settings;

pub use erased::{Forgetting, sealed_user, shown};
pub(crate) use sessions::key_texts;
pub use settings::Parts;
pub(crate) use settings::{assemble, hash_of, split};

use crate::State;
use crate::answer::Tombstone;
use crate::event::{Decision, Event, Op};
use crate::state::{Hold, Kind, Source, Tables};
use crate::{Facts, Millis, Personal, Seq};
use smallvec::SmallVec;
use std::sync::Arc;

/// One event with where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Happened<'a> {
    /// Its seq.
    pub seq: Seq,
    /// Seq of its decision's first event.
    pub first: Seq,
    /// The whole decision.
    pub decision: &'a Decision,
    /// The event.
    pub event: &'a Event,
}

/// What an event did, as far as an answer tells of it.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Nothing that an answer names.
    Nothing,
    /// A session ended.
    Ended(Arc<Tombstone>),
    /// A session is retained from now on.
    Retained(Arc<Facts>),
    /// A session is live, and new or resumed.
    Live(Seq),
}

impl Effect {
    /// The facts of a session that ended.
    #[must_use]
    pub fn ended(&self) -> Option<Arc<Facts>> {
        match self {
            Self::Ended(tombstone) => Some(Arc::clone(&tombstone.facts)),
            Self::Nothing | Self::Retained(_) | Self::Live(_) => None,
        }
    }
}

/// Folds one event.
pub fn evolve(state: &mut State, happened: Happened<'_>) -> Effect {
    let tables = state.change();
    tables.seq = happened.seq;
    tables.at = tables.at.max(happened.decision.at);
    fold(tables, happened)
}

/// What each event of a decision did: mostly one, or an end and an admission.
pub type Effects = SmallVec<[Effect; 2]>;

/// Folds a whole decision whose first event is `first`; says what each event did.
pub fn evolve_decision(state: &mut State, first: Seq, decision: &Decision) -> Effects {
    let tables = state.change();
    tables.at = tables.at.max(decision.at);
    note_met(tables, first, decision);
    let events = decision.events.iter().zip(first.0..);
    events
        .map(|(event, seq)| {
            tables.seq = Seq(seq);
            fold(tables, Happened { seq: Seq(seq), first, decision, event })
        })
        .collect()
}

/// Logins kept of those that met an exhausted quota.
const MET_MAX: usize = 64;

/// Keeps some of the logins that met an exhausted quota.
fn note_met(tables: &mut Tables, first: Seq, decision: &Decision) {
    let [judged, ..] = decision.judged.as_slice() else { return };
    if tables.met.len() >= MET_MAX {
        // One in a while is enough, and costs next to nothing.
        if !first.0.is_multiple_of(16) {
            return;
        }
        tables.met.pop_front();
    }
    if let (Op::Login(login), Some(quota)) = (&decision.op, tables.ready.quota(judged.quota))
        && let Some(facts) = login.facts.plain()
    {
        tables.met.push_back((Arc::clone(&quota.name), Arc::clone(facts)));
    }
}

fn fold(tables: &mut Tables, happened: Happened<'_>) -> Effect {
    match happened.event {
        Event::Admitted { user, counted } => sessions::admitted(tables, happened, *user, counted),
        Event::Adopted { user, facts, last_active, counted } => {
            let facts = erased::facts_of(facts, happened.seq, happened.decision.at);
            sessions::adopted(tables, happened, (*user, facts, *last_active), counted)
        }
        Event::Resumed { session, retention } => sessions::resumed(tables, happened, *session, *retention),
        Event::Touched { session, last_active } => sessions::touched(tables, *session, *last_active),
        Event::Disconnected { session } => sessions::disconnected(tables, *session, happened.decision.at),
        Event::Ended { session, cause, ended_at, judged } => {
            sessions::ended(tables, happened, (*session, *cause, *ended_at), *judged)
        }
        Event::Denied { .. } => denied(tables, happened),
        Event::UserErased { key, .. } => erased::erased(tables, happened, *key),
        Event::PolicyFailed { quota, failure, .. } => {
            tables.trips.failed(*quota, &failure.policy, happened.decision.at);
            Effect::Nothing
        }
        Event::PolicyTripped { quota, policy, until } => {
            tables.trips.trip(*quota, policy, *until);
            Effect::Nothing
        }
        Event::ConfigPart { hash, part } => {
            tables.parts.note(*hash, part);
            Effect::Nothing
        }
        Event::ConfigApplied { parts, bindings, file, engine, .. } => {
            settings::applied(tables, parts, bindings, *file, engine)
        }
        Event::PolicyInstalled { name, text, from, reason } => {
            let (at, by) = (happened.decision.at, happened.decision.actor.clone());
            let source = Source { text: Arc::clone(text), from: *from, at, by, reason: reason.clone() };
            tables.policies.entry(Arc::clone(name)).or_default().install(source);
            Effect::Nothing
        }
        Event::HoldSet { name, reason } => {
            let (at, by) = (happened.decision.at, happened.decision.actor.clone());
            tables.holds.insert(name.clone(), Hold { reason: reason.clone(), at, by });
            Effect::Nothing
        }
        Event::HoldReleased { name } => {
            tables.holds.remove(name);
            Effect::Nothing
        }
        Event::LedgerStarted(started) => {
            tables.epoch = started.epoch;
            sessions::gap(tables, happened.decision.at, started.gap);
            Effect::Nothing
        }
        Event::DenialsCounted { .. }
        | Event::Conflicted { .. }
        | Event::UserCleared { .. }
        | Event::SourceReconciled { .. }
        | Event::SourceAdopted { .. }
        | Event::QuotaChanged { .. }
        | Event::QuotaDeleted { .. }
        | Event::OverrideChanged { .. }
        | Event::GroupChanged { .. }
        | Event::PolicyActivated { .. }
        | Event::PolicyRolledBack { .. }
        | Event::PolicyStopped { .. }
        | Event::PolicyDiffered { .. }
        | Event::TokenCreated { .. }
        | Event::TokenRevoked { .. }
        | Event::NoteAdded { .. }
        | Event::LedgerStopped
        | Event::LedgerRecovered { .. }
        | Event::ClockDiffers { .. }
        | Event::CheckpointMade { .. }
        | Event::VolumeSealed { .. }
        | Event::VolumeArchived { .. }
        | Event::VolumeDropped { .. }
        | Event::NoticeDelivered { .. }
        | Event::NoticeFailed { .. }
        | Event::HistoryRead { .. } => Effect::Nothing,
    }
}

fn denied(tables: &mut Tables, happened: Happened<'_>) -> Effect {
    if let Some(kind) = kind_of_denial(happened.decision) {
        crate::snapshot::before_denial(tables, &kind);
        tables.storms.denied(kind, happened.decision.at);
    }
    Effect::Nothing
}

/// What kind of denial a decision is: denials of one kind are counted together during a storm.
pub(crate) fn kind_of_denial(decision: &Decision) -> Option<Kind> {
    let Some(Event::Denied { quota, judged, .. }) = decision.events.last() else { return None };
    let Op::Login(login) = &decision.op else { return None };
    let user = match &login.facts {
        Personal::Plain(facts) => Arc::from(facts.user()),
        Personal::Sealed { key, .. } => Arc::from(sealed_user(*key)),
    };
    let judged = judged.and_then(|index| decision.judged.get(usize::from(index)));
    Some((user, *quota, judged.and_then(|judged| judged.policy.clone())))
}

/// The facts of a login; those of a sealed one say only which it was, and under which key it is sealed.
fn login_facts(decision: &Decision, seq: Seq) -> Arc<Facts> {
    match &decision.op {
        Op::Login(login) => erased::facts_of(&login.facts, seq, decision.at),
        _ => Arc::new(Facts::sealed(0, seq, decision.at)),
    }
}

/// Milliseconds by which an idle deadline moves when the ledger was down for `gap` and opened at `open`.
fn shift(deadline: Millis, gap: crate::Span, open: Millis, resolution: crate::Span) -> u64 {
    let moved = deadline.plus(gap).max(open.plus(resolution));
    moved.since(deadline)
}
