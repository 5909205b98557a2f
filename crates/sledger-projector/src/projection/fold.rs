//! What each event does. Total: history cannot be refused.

use super::rows::Row;
use super::{Projection, limits};
use sledger_core::answer::Tombstone;
use sledger_core::decider::Recorded;
use sledger_core::event::{Cause, Counted, Decision, Event, Op};
use sledger_core::evolve::{Effect, Forgetting};
use sledger_core::state::Hold;
use sledger_core::state::Session;
use sledger_core::{Facts, Millis, Personal, Seq, Span};
use std::sync::Arc;

impl Projection {
    /// Folds a whole decision, in the order of the ledger.
    pub fn apply(&mut self, recorded: &Recorded) {
        let decision = &*recorded.decision;
        self.at = self.at.max(decision.at);
        self.policies.count(recorded, &self.ready);
        let events = decision.events.iter().zip(recorded.first.0..).zip(recorded.effects.iter());
        for ((event, seq), effect) in events {
            self.seq = Seq(seq);
            self.fold(event, decision, effect);
        }
        self.settle();
    }

    fn fold(&mut self, event: &Event, decision: &Decision, effect: &Effect) {
        match event {
            Event::Admitted { counted, .. } => self.admitted(decision, counted),
            Event::Adopted { facts, last_active, counted, .. } => {
                self.put(&shared(facts, self.seq, decision.at), *last_active, counted);
            }
            Event::Resumed { session, retention } => self.resumed(decision, *session, *retention),
            Event::Touched { session, last_active } => self.touched(*session, *last_active),
            Event::Disconnected { session } => self.disconnected(*session, decision.at),
            Event::Ended { session, cause, .. } => self.ended((*session, *cause), decision.at, effect),
            Event::Denied { .. } => self.rates.at(decision.at).denied += 1,
            Event::DenialsCounted { count, .. } => {
                let tally = self.rates.at(decision.at);
                tally.denied = tally.denied.saturating_add(*count);
            }
            Event::ConfigPart { hash, part } => self.parts.note(*hash, part),
            Event::ConfigApplied { parts, .. } => {
                self.policies.fold(event, decision);
                self.applied(parts);
            }
            Event::PolicyInstalled { .. } => self.policies.fold(event, decision),
            Event::UserErased { key, .. } => self.erased(decision, *key),
            Event::HoldSet { name, reason } => {
                let hold = Hold { reason: reason.clone(), at: decision.at, by: decision.actor.clone() };
                self.holds.insert(name.clone(), hold);
            }
            Event::HoldReleased { name } => {
                self.holds.remove(name);
            }
            Event::LedgerStarted(started) => self.gap(decision.at, started.gap),
            Event::Conflicted { .. }
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
            | Event::PolicyFailed { .. }
            | Event::PolicyTripped { .. }
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
            | Event::HistoryRead { .. } => {}
        }
    }

    fn admitted(&mut self, decision: &Decision, counted: &[Counted]) {
        self.rates.at(decision.at).admitted += 1;
        self.put(&login_facts(decision, self.seq), decision.at, counted);
    }

    fn put(&mut self, facts: &Arc<Facts>, last_active: Millis, counted: &[Counted]) {
        let user = self.user_slot(facts.user());
        let slot = self.insert(Row::new(Arc::clone(facts), self.seq, last_active, user));
        self.count(slot, facts, counted);
    }

    fn resumed(&mut self, decision: &Decision, number: Seq, retention: Option<Span>) {
        self.rates.at(decision.at).resumed += 1;
        let seen = login_facts(decision, self.seq);
        let (seq, at) = (self.seq, decision.at);
        self.change(number, |row| {
            row.generation = seq;
            row.last_active = at;
            row.retained = false;
            row.patience = at.plus(row.facts.idle);
            see_again(row, &seen, retention);
        });
    }

    fn touched(&mut self, number: Seq, at: Millis) {
        self.change(number, |row| {
            row.last_active = row.last_active.max(at);
            if !row.retained {
                row.patience = row.last_active.plus(row.facts.idle);
            }
        });
    }

    fn disconnected(&mut self, number: Seq, at: Millis) {
        self.change(number, |row| {
            row.retained = true;
            row.patience = at.plus(row.retention());
        });
    }

    fn change(&mut self, number: Seq, change: impl FnOnce(&mut Row)) {
        let slot = self.find_number(number);
        if let Some(row) = slot.and_then(|slot| self.rows.get_mut(slot as usize)) {
            change(row);
        }
    }

    fn ended(&mut self, (number, cause): (Seq, Cause), at: Millis, effect: &Effect) {
        let tally = self.rates.at(at);
        match cause {
            Cause::Evicted => tally.evicted += 1,
            Cause::Ttl | Cause::Idle | Cause::Retention => tally.expired += 1,
            Cause::Logout
            | Cause::Disconnected
            | Cause::Cleared
            | Cause::Replaced
            | Cause::TakenOver
            | Cause::Reconciled
            | Cause::Assumed => tally.ended += 1,
        }
        if let Some(slot) = self.find_number(number) {
            self.remove(slot);
        }
        if let Effect::Ended(tombstone) = effect {
            self.remember(tombstone);
        }
    }

    /// Forgets whose key is destroyed, as the core does; sessions ended before.
    fn erased(&mut self, decision: &Decision, key: u64) {
        let Op::Erase { user, .. } = &decision.op else { return };
        if let Some(name) = user.plain() {
            let forgetting = Forgetting::new(name, key, self.tombs.iter());
            self.tombs.change(&self.hasher, |tombstone| forgetting.apply(tombstone));
        }
    }

    fn remember(&mut self, tombstone: &Arc<Tombstone>) {
        let most = self.tombstones_max();
        self.tombs.push(&self.hasher, Arc::clone(tombstone), most);
    }

    /// A configuration: live sessions are counted anew, nobody ends.
    fn applied(&mut self, parts: &[[u8; 32]]) {
        let Some(ready) = self.parts.apply(parts) else { return };
        let before = std::mem::replace(&mut self.ready, Arc::new(ready));
        self.kinds = limits::kinds(&self.ready);
        if self.ready.counts_alike(&before) {
            self.limit_anew(&before);
        } else {
            self.recount();
        }
        let most = self.tombstones_max();
        self.tombs.shrink(&self.hasher, most);
    }

    /// Idle time does not run while the ledger is down.
    fn gap(&mut self, open: Millis, gap: Span) {
        let least = open.plus(self.ready.settings.sessions.activity_resolution);
        let idling = self.rows.iter_mut().filter(|(_, row)| !row.retained && !row.facts.idle.is_never());
        for (_, row) in idling {
            row.patience = row.patience.plus(gap).max(least);
        }
    }

    /// Takes a session over from the core's state.
    pub(super) fn take_over(&mut self, session: &Session) {
        let user = self.user_slot(session.facts.user());
        let mut row = Row::new(Arc::clone(&session.facts), session.number, session.last_active, user);
        row.generation = session.generation;
        row.retained = session.is_retained();
        // A deadline at the end of its absolute life only says that patience ends no earlier.
        let expires = session.deadline();
        let beyond = if row.retained { row.facts.ends_at() } else { row.patience.max(row.facts.ends_at()) };
        row.patience = if expires < row.facts.ends_at() { expires } else { beyond };
        let (view, retention) = (session.view(), session.retention());
        if view.seen_ip.is_some() || view.seen_client.is_some() || retention != row.facts.retention {
            let retention = Some(retention).filter(|span| *span != row.facts.retention);
            row.change_rare(|rare| {
                (rare.seen_ip, rare.seen_client, rare.retention) =
                    (view.seen_ip, view.seen_client, retention);
            });
        }
        let slot = self.insert(row);
        self.count_as_configured(slot);
    }
}

/// Keeps what a resume shows that the frozen facts do not.
fn see_again(row: &mut Row, seen: &Facts, retention: Option<Span>) {
    let facts = Arc::clone(&row.facts);
    let differs = |seen: Option<&str>, frozen: Option<&str>| seen.filter(|_| seen != frozen).map(Arc::from);
    row.change_rare(|rare| {
        if seen.ip().is_some() {
            rare.seen_ip = differs(seen.ip(), facts.ip());
        }
        if seen.client().is_some() {
            rare.seen_client = differs(seen.client(), facts.client());
        }
        if retention.is_some() {
            rare.retention = retention.filter(|span| *span != facts.retention);
        }
    });
}

fn login_facts(decision: &Decision, seq: Seq) -> Arc<Facts> {
    match &decision.op {
        Op::Login(login) => shared(&login.facts, seq, decision.at),
        _ => Arc::new(Facts::sealed(0, seq, decision.at)),
    }
}

/// The facts, or what the core, too, keeps of a session whose facts are sealed away.
fn shared(facts: &Personal<Arc<Facts>>, seq: Seq, at: Millis) -> Arc<Facts> {
    match facts {
        Personal::Plain(facts) => Arc::clone(facts),
        Personal::Sealed { key, .. } => Arc::new(Facts::sealed(*key, seq, at)),
    }
}
