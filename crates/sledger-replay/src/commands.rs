//! Decisions back into the commands that led to them: a past as a recording that can be decided again.
//!
//! Promise: played to a ledger in memory, the commands lead to the same outcomes and evict the same sessions, but
//! for what [`Losses`] counts.
//!
//! Grammar of what is given: the settings the history began under, then one command per decision, or a little more
//! (an `adopt` or `reconcile` that took several decisions comes as several commands). Deadlines that fell due are an
//! `advance`, unless a command of the same instant drains them. Numbers of sessions differ from ledger to ledger, so
//! no command names a generation.
//!
//! Absent on purpose: what recorded nothing (a refused line, an unknown session, a repeated command).

mod convert;
mod late;
mod settings;

pub(crate) use settings::is_given_name;

pub(crate) use convert::{adoptee_of, as_sent, login_of};
pub use late::LateTouches;

use crate::commands::convert::Conversion;
use crate::commands::settings::Opening;
use sledger_core::command::{Actor, Command, Request, Target};
use sledger_core::config::UserSettings;
use sledger_core::decider::Recorded;
use sledger_core::event::{Event, Op};
use sledger_core::{Millis, Seq, Span, State};
use sledger_wire::events::Begin;

/// A command with its time, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// When.
    pub at: Millis,
    /// The user it is about; `None` for settings, and for what is about many.
    pub user: Option<String>,
    /// The command.
    pub request: Request,
}

/// What a recording cannot say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Denials that were only counted, in a storm.
    pub denials_counted: u64,
    /// Times that the ledger was down while idle sessions were live: their deadlines moved.
    pub downs: u64,
    /// Decisions whose personal facts are sealed away.
    pub sealed: u64,
    /// Ends that an import assumed: written as ends by an operator.
    pub assumed: u64,
    /// Reconciles of more sessions than a line can list: written as single disconnects.
    pub reconciles: u64,
    /// Times that `[users]` changed while nobody was in: a recording says it once only.
    pub users: u64,
    /// Touches of which there were too many to be put in order.
    pub touches: u64,
}

/// Turns folded decisions into commands.
#[derive(Debug)]
pub struct Commands {
    opening: Option<Opening>,
    late: LateTouches,
    /// When deadlines were drained that no command has drained yet.
    advance: Option<Millis>,
    /// The command in several decisions that was written last.
    cause: Option<Seq>,
    /// How user names become keys, as the recording says it.
    users: Option<UserSettings>,
    losses: Losses,
}

impl Commands {
    /// Commands of a history that began so. `late` are the touches that were recorded later than they were made.
    #[must_use]
    pub fn new(begin: &Begin, late: LateTouches) -> Self {
        let losses = Losses { touches: late.dropped(), ..Losses::default() };
        Self { opening: Some(Opening::new(begin)), late, advance: None, cause: None, users: None, losses }
    }

    /// What could not be said so far.
    #[must_use]
    pub const fn losses(&self) -> Losses {
        self.losses
    }

    /// The commands that can be given once `recorded` was folded into `state`.
    pub fn decision(&mut self, recorded: &Recorded, state: &State) -> Vec<Timed> {
        let decision = &recorded.decision;
        self.count(recorded, state);
        let mut out = Vec::new();
        if self.is_opening(recorded, state, &mut out) {
            return out;
        }
        self.touches(decision.at, state, &mut out);
        let is_again = decision.cause.is_some() && decision.cause == self.cause;
        self.cause = decision.cause;
        let mut conversion = Conversion { recorded, state, is_again, losses: &mut self.losses };
        let commands = conversion.commands();
        if commands.is_empty() && matches!(decision.op, Op::Expire | Op::Touch { .. }) {
            self.advanced(decision.at, &mut out);
            self.advance = Some(decision.at);
        }
        for (user, request) in commands {
            self.push(Timed { at: decision.at, user, request }, &mut out);
        }
        out
    }

    /// Whether the decision belongs to the beginning, which is given once it is known.
    fn is_opening(&mut self, recorded: &Recorded, state: &State, out: &mut Vec<Timed>) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        let is_taken = opening.takes(recorded);
        if !is_taken || opening.is_known() {
            out.extend(opening.commands(state, recorded.decision.at));
            self.users = Some(state.ready().settings.users.clone());
            self.opening = None;
        }
        is_taken
    }

    /// What is left after the last decision.
    pub fn finish(&mut self, state: &State) -> Vec<Timed> {
        let mut out = Vec::new();
        if let Some(opening) = self.opening.take() {
            out.extend(opening.commands(state, state.at()));
        }
        self.advanced(Millis::NEVER, &mut out);
        out
    }

    fn push(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        self.advanced(timed.at, out);
        self.advance = None;
        out.push(timed);
    }

    /// Time passed before `before`, and no command said so.
    fn advanced(&mut self, before: Millis, out: &mut Vec<Timed>) {
        if let Some(at) = self.advance.take_if(|at| *at < before) {
            let request = Request::new(Actor::Timer, Command::Advance);
            out.push(Timed { at, user: None, request });
        }
    }

    /// Touches made before `before` that were recorded later.
    fn touches(&mut self, before: Millis, state: &State, out: &mut Vec<Timed>) {
        while let Some((at, number)) = self.late.next_before(before) {
            let Some(session) = state.session_numbered(number).filter(|one| !one.facts.is_sealed()) else {
                continue;
            };
            let user = session.facts.user().to_owned();
            let sent = convert::as_sent(&user, &state.ready().settings.users);
            let id = session.facts.session().to_owned();
            let target = Target { session: Some(id), user: Some(sent), generation: None };
            let request = Request::new(Actor::Timer, Command::Touch(target));
            self.push(Timed { at, user: Some(user), request }, out);
        }
    }

    fn count(&mut self, recorded: &Recorded, state: &State) {
        for event in &recorded.decision.events {
            match event {
                Event::DenialsCounted { count, .. } => {
                    self.losses.denials_counted = self.losses.denials_counted.saturating_add(*count);
                }
                Event::LedgerStarted(started) if started.gap > Span::ZERO && has_idle_sessions(state) => {
                    self.losses.downs += 1;
                }
                _ => {}
            }
        }
        let users = &state.ready().settings.users;
        if self.users.as_ref().is_some_and(|said| said != users) {
            self.losses.users += 1;
            self.users = Some(users.clone());
        }
    }
}

/// Whether somebody is live whose deadline moves while the ledger is down.
fn has_idle_sessions(state: &State) -> bool {
    state.sessions().iter().any(|session| !session.is_retained() && !session.facts.idle.is_never())
}
