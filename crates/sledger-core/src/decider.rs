//! The one who decides: deadlines first, then the command, then the state moves on.
//!
//! INVARIANT(order): the order in which decisions leave here is the order of the ledger.

use crate::answer::{Answer, Outcome};
use crate::command::{Actor, Command, Keep, Request};
use crate::config::{Bounds, Settings};
use crate::decide::{Decided, Decisions, Install, Means, bindings, decide, due, over};
use crate::event::{Decision, Event, Op};
use crate::evolve::{Effect, Effects, evolve_decision, kind_of_denial};
use crate::foresee::{foresee, overfull};
use crate::narrate::{count_again, narrate};
use crate::policy::{Policies, PolicyFault};
use crate::quota::Ready;
use crate::snapshot::Taker;
use crate::state::{Kind, Source};
use crate::{Facts, Millis, Personal, Seq, State};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often denials that were only counted are recorded.
const STORM_RECORDED_EACH: u64 = 1000;
/// Kinds of denials counted at once; a denial of one more kind is recorded by itself.
const STORM_KINDS_MAX: usize = 65_536;

/// Owns the state, and everything that decides about it.
pub struct Decider<P> {
    state: State,
    policies: P,
    bounds: Bounds,
    storm: BTreeMap<Kind, Storm>,
    storm_recorded: Millis,
    /// What was to end then could not be taken out.
    end_failed: Option<Millis>,
}

/// Denials of one kind that were only counted.
#[derive(Clone, Debug)]
struct Storm {
    code: crate::event::Code,
    first: Millis,
    last: Millis,
    count: u64,
}

/// Why a ledger cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A setting that cannot be used.
    #[error("{field}: {reason}")]
    Setting {
        /// Which.
        field: String,
        /// Why not.
        reason: String,
    },
    /// A policy that is missing or cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
}

/// A decision with the seq of its first event.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Seq of its first event.
    pub first: Seq,
    /// The decision.
    pub decision: Arc<Decision>,
    /// What each of its events did.
    pub effects: Effects,
}

impl<P: Policies> Decider<P> {
    /// A decider over `state`, whose policies are bound already.
    pub fn new(state: State, policies: P, bounds: Bounds) -> Self {
        Self { state, policies, bounds, storm: BTreeMap::new(), storm_recorded: Millis(0), end_failed: None }
    }

    /// A decider before the first event, under `settings` that no event records: for decisions in memory.
    ///
    /// # Errors
    /// Names the setting or policy that cannot be used.
    pub fn genesis(
        settings: Settings,
        installs: &[Install],
        mut policies: P,
        (bounds, seed): (Bounds, u64),
    ) -> Result<Self, GenesisError> {
        let ready =
            Ready::new(settings).map_err(|r| GenesisError::Setting { field: r.field, reason: r.reason })?;
        let settings = ready.settings.clone();
        let mut state = State::new(ready, Vec::new(), seed);
        let bound = bindings(&state, &mut policies, &settings, installs)?;
        let tables = state.change();
        tables.bindings = Arc::from(bound);
        for install in installs {
            let (text, from) = (Arc::clone(&install.text), install.from);
            let source = Source { text, from, at: Millis(0), by: Actor::File, reason: None };
            tables.policies.entry(Arc::clone(&install.name)).or_default().install(source);
        }
        Ok(Self::new(state, policies, bounds))
    }

    /// The state after all that was decided.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes a snapshot of the state, bit by bit.
    pub fn snapshot(&mut self) -> Taker<'_> {
        Taker::on(&mut self.state)
    }

    /// Whether the disk's reserve is reached: nobody new is let in then.
    pub fn set_disk_full(&mut self, full: bool) {
        self.bounds.disk_full = full;
    }

    /// The policies.
    pub fn policies(&mut self) -> &mut P {
        &mut self.policies
    }

    /// Records what is due at `at`. The sessions that ended, in order.
    pub fn drain(&mut self, at: Millis, out: &mut Vec<Recorded>) -> Vec<Arc<Facts>> {
        self.end_settings(at, out);
        let mut expired = Vec::new();
        while let Some(decision) = due(&self.state, at) {
            self.record(Arc::new(decision), out);
            expired.extend(out.last().iter().flat_map(|kept| kept.effects.iter()).filter_map(Effect::ended));
        }
        self.record_storms(at, false, out);
        expired
    }

    /// Takes out what was set at run time and is over at `at`.
    fn end_settings(&mut self, at: Millis, out: &mut Vec<Recorded>) {
        let Some(end) = self.next_end().filter(|end| *end <= at) else { return };
        match over(&self.state, &mut self.policies, at) {
            Ok(decisions) => decisions.into_iter().for_each(|decision| self.record(decision, out)),
            // What was put in force once can be put in force again; if not, it is not tried for ever.
            Err(_) => self.end_failed = Some(end),
        }
    }

    fn next_end(&self) -> Option<Millis> {
        self.state.ready().next_end.filter(|end| Some(*end) != self.end_failed)
    }

    /// Brings what these requests need to hand before they are decided one by one. Changes nothing.
    pub fn look_ahead<'a>(&self, requests: impl Iterator<Item = &'a Request>) {
        let (tables, mut ends) = (self.state.tables(), 0);
        for request in requests {
            if let Command::Login(login) = &request.command
                && let (Some(user), Some(session)) = (&login.user, &login.session)
            {
                tables.warm(user, session, &mut ends);
            }
        }
    }

    /// Decides one request at `at`, deadlines first. What is to be recorded is pushed to `out`, in order.
    pub fn decide(&mut self, request: &Request, at: Millis, out: &mut Vec<Recorded>) -> Answer {
        *self.decide_boxed(request, at, out)
    }

    /// As [`Decider::decide`]; an answer is large, and is best left where it was made.
    pub fn decide_boxed(&mut self, request: &Request, at: Millis, out: &mut Vec<Recorded>) -> Box<Answer> {
        let expired = self.drain(at, out);
        if request.dry_run {
            let mut answer = self.dry(request, at);
            answer.expired = expired;
            return answer;
        }
        if matches!(&request.command, Command::Keep(keep) if matches!(**keep, Keep::Erase { .. })) {
            // Denials that were only counted name their user.
            self.record_storms(at, true, out);
        }
        let mut means = Means { policies: &mut self.policies, bounds: &self.bounds };
        let mut answer = match decide(&self.state, &mut means, request, at) {
            Decided::Answer(answer) => self.unrecorded(request, answer),
            Decided::Seen(slot, answer) => {
                self.state.change().see(slot, at);
                self.unrecorded(request, answer)
            }
            Decided::Record(decisions, answer) => self.recorded(request, decisions, answer, out),
        };
        if matches!(request.command, Command::Change(_) | Command::Reload(_) | Command::Policy { .. }) {
            self.policies.in_force(&self.state.policies_in_force());
        }
        if let (Command::Reload(reload), Outcome::Configured) = (&request.command, answer.outcome) {
            self.bounds = Bounds { disk_full: self.bounds.disk_full, ..reload.bounds };
        }
        answer.expired = expired;
        answer
    }

    /// What would become of a login or an adoption if it were decided at `at`: nothing is recorded, remembered or
    /// counted. Whatever is due by then must have been drained.
    pub fn dry(&mut self, request: &Request, at: Millis) -> Box<Answer> {
        if !matches!(request.command, Command::Login(_) | Command::Adopt(_)) {
            let mut answer = Box::new(Answer::new(Outcome::Rejected, at));
            answer.field = Some("dry_run".to_owned());
            answer.reason = Some("is for logins and adoptions only".into());
            return answer;
        }
        let mut means = Means { policies: &mut self.policies, bounds: &self.bounds };
        match decide(&self.state, &mut means, request, at) {
            Decided::Answer(answer) | Decided::Seen(_, answer) => answer,
            Decided::Record(decisions, mut answer) => {
                for decision in &decisions {
                    foresee(&self.state, decision, &mut answer);
                }
                if matches!(request.command, Command::Adopt(_)) {
                    answer.quotas = overfull(&self.state, &decisions, at);
                }
                answer
            }
        }
    }

    /// Records decisions of the ledger's own (settings at start, clock, close).
    pub fn record_own(&mut self, decisions: Vec<Decision>, out: &mut Vec<Recorded>) {
        for decision in decisions {
            self.record(Arc::new(decision), out);
        }
    }

    /// Records the denials that were only counted so far: each second, or at once when `now`.
    pub fn record_storms(&mut self, at: Millis, now: bool, out: &mut Vec<Recorded>) {
        if self.storm.is_empty() || (!now && at.since(self.storm_recorded) < STORM_RECORDED_EACH) {
            return;
        }
        self.storm_recorded = at;
        for ((user, quota, policy), storm) in std::mem::take(&mut self.storm) {
            let Storm { code, first, last, count } = storm;
            let user = Personal::Plain(user);
            let event = Event::DenialsCounted { user, quota, policy, code, first, last, count };
            let by = crate::command::Actor::Timer;
            let decision = crate::decide::own_decision(by, at, Op::Denials, vec![event]);
            self.record(Arc::new(decision), out);
        }
    }

    /// When the decider must look again even if nobody asks: the next deadline, or denials to be recorded.
    pub fn next_due(&self) -> Option<Millis> {
        let storm = (!self.storm.is_empty())
            .then(|| Millis(self.storm_recorded.0.saturating_add(STORM_RECORDED_EACH)));
        [self.state.next_deadline(), self.next_end(), storm].into_iter().flatten().min()
    }

    fn recorded(
        &mut self,
        request: &Request,
        decisions: Decisions,
        mut answer: Box<Answer>,
        out: &mut Vec<Recorded>,
    ) -> Box<Answer> {
        let mut recorded = false;
        for decision in decisions {
            if self.is_only_counted(&decision) {
                narrate(&self.state, self.state.seq().next(), &decision, &[], &mut answer);
                answer.seq = None;
                continue;
            }
            self.record(decision, out);
            if let Some(kept) = out.last() {
                narrate(&self.state, kept.first, &kept.decision, &kept.effects, &mut answer);
                recorded = true;
            }
        }
        // What came of a login was told with the count of its user.
        if !matches!(request.command, Command::Login(_)) {
            count_again(&self.state, self.user_named(request).as_deref(), &mut answer);
        }
        self.remember(request, &answer, recorded);
        answer
    }

    fn unrecorded(&mut self, request: &Request, answer: Box<Answer>) -> Box<Answer> {
        let forgettable = matches!(answer.outcome, Outcome::Rejected | Outcome::Ignored);
        if !forgettable && !answer.repeated && answer.full.is_none() {
            self.remember(request, &answer, false);
        }
        answer
    }

    fn remember(&mut self, request: &Request, answer: &Answer, recorded: bool) {
        if let Some(mark) = crate::decide::mark(&self.state, request) {
            self.state.change().commands.put(&mark, answer.at, Arc::new(answer.clone()), recorded);
        }
    }

    /// Counts a denial of a storm instead of recording it.
    fn is_only_counted(&mut self, decision: &Decision) -> bool {
        let Some(kind) = kind_of_denial(decision) else { return false };
        let Some(Event::Denied { code, .. }) = decision.events.last() else { return false };
        // Failures of policies are facts of their own.
        let is_plain = |event: &Event| matches!(event, Event::Denied { .. } | Event::PolicyDiffered { .. });
        let plain = decision.events.iter().all(is_plain);
        if !plain || !self.state.tables().storms.is_storm(&kind, decision.at) {
            return false;
        }
        if self.storm.len() >= STORM_KINDS_MAX && !self.storm.contains_key(&kind) {
            return false;
        }
        if self.storm.is_empty() {
            self.storm_recorded = decision.at;
        }
        let (at, code) = (decision.at, *code);
        let storm = self.storm.entry(kind).or_insert(Storm { code, first: at, last: at, count: 0 });
        storm.last = at;
        storm.count = storm.count.saturating_add(1);
        true
    }

    fn record(&mut self, decision: Arc<Decision>, out: &mut Vec<Recorded>) {
        let first = self.state.seq().next();
        let effects = evolve_decision(&mut self.state, first, &decision);
        out.push(Recorded { first, decision, effects });
    }

    fn user_named(&self, request: &Request) -> Option<String> {
        let name = match &request.command {
            Command::Touch(target) | Command::Logout(target) | Command::Disconnect(target) => {
                target.user.as_deref()
            }
            Command::End { target, .. } | Command::Assume(target) => target.user.as_deref(),
            Command::Clear { user, .. } => user.as_deref(),
            _ => None,
        };
        let key = crate::decide::edge::user_key(name?, &self.state.ready().settings.users).ok()?;
        (!key.is_empty()).then_some(key)
    }
}
