//! One decision decided again, from what it says of its command.

use super::Verify;
use super::belongs::is_continued;
use super::differs::differs;
use super::report::Unable;
use crate::commands::{adoptee_of, as_sent, login_of};
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Request, Target};
use sledger_core::decide::Decided;
use sledger_core::event::{Cause, Decision, Event, LoginOp, Op};
use sledger_core::{Facts, Seq, State};
use std::sync::Arc;

/// No control character passes the edge: stands at the beginning of names that are sealed away.
const SEALED: char = '\u{1f}';

/// What came of deciding again.
#[derive(Debug)]
pub(super) enum Again {
    /// The same.
    Same,
    /// Something else: the first difference, in words.
    Differs(String),
    /// It cannot be.
    Unable(Unable),
}

/// Whether both say the same.
pub(super) fn same(recorded: &Decision, again: &Decision, state: &State) -> Again {
    if recorded == again { Again::Same } else { Again::Differs(differs(recorded, again, state)) }
}

impl Verify {
    pub(super) fn again(&mut self, first: Seq, decision: &Decision) -> Again {
        if let Op::Ledger = decision.op {
            return self.own(first, decision);
        }
        if self.is_blind {
            return Again::Unable(Unable::BehindLoss);
        }
        if self.is_foreign {
            return Again::Unable(Unable::Revision);
        }
        match &decision.op {
            Op::Login(op) => self.login(op, decision),
            Op::Touch { session } if decision.actor == Actor::Timer => self.touched_late(decision, *session),
            Op::Touch { session } => self.about(*session, decision, Command::Touch),
            Op::Logout { session } => self.about(*session, decision, Command::Logout),
            Op::Disconnect { session } => self.about(*session, decision, Command::Disconnect),
            Op::End { session, reason } => self.end(*session, reason.as_deref(), decision),
            Op::Clear { keep, .. } => self.clear(first, *keep, decision),
            Op::Reconcile { source, as_of } => self.reconciled(source, *as_of, decision),
            Op::Adopt { source } => self.adopt(first, source.as_deref(), decision),
            Op::Expire => self.expired(decision),
            Op::Denials => counted(decision),
            Op::Erase { .. } => Again::Unable(Unable::Erased),
            Op::Configure | Op::Policy | Op::Ledger => Again::Unable(Unable::Settings),
        }
    }

    fn login(&mut self, op: &LoginOp, decision: &Decision) -> Again {
        let Some(login) = login_of(op, self.judge.state().ready()) else {
            return Again::Unable(Unable::Erased);
        };
        let again = self.ask(Command::Login(Box::new(login)), decision);
        match self.compared(decision, &again) {
            Again::Differs(_) if self.judge.texts().missing().is_some() => Again::Unable(Unable::PolicyText),
            again => again,
        }
    }

    /// A command about one session. Whether its caller named the user is not recorded; where a command id is, its mark
    /// tells.
    fn about(&mut self, session: Seq, decision: &Decision, command: impl Fn(Target) -> Command) -> Again {
        let facts = match self.facts(session) {
            Ok(facts) => facts,
            Err(again) => return again,
        };
        let id = Some(facts.session().to_owned());
        let target = Target { session: id, user: None, generation: None };
        let again = self.ask(command(target.clone()), decision);
        match self.compared(decision, &again) {
            Again::Differs(_) if decision.command.is_some() => {
                let user = as_sent(facts.user(), &self.judge.state().ready().settings.users);
                let again = self.ask(command(Target { user: Some(user), ..target }), decision);
                self.compared(decision, &again)
            }
            again => again,
        }
    }

    fn end(&mut self, session: Seq, reason: Option<&str>, decision: &Decision) -> Again {
        let is_assumed = |event: &Event| matches!(event, Event::Ended { cause: Cause::Assumed, .. });
        if decision.events.iter().any(is_assumed) {
            return self.about(session, decision, Command::Assume);
        }
        let reason = reason.map(str::to_owned);
        self.about(session, decision, |target| Command::End { target, reason: reason.clone() })
    }

    /// One decision of a clear that may have taken several: the first of those that follow from the state before it.
    fn clear(&mut self, first: Seq, keep: Option<Seq>, decision: &Decision) -> Again {
        let ended = decision.events.iter().find_map(|event| match event {
            Event::Ended { session, .. } => Some(*session),
            _ => None,
        });
        let Some(ended) = ended else {
            return Again::Differs("a clear is recorded and ended nobody".to_owned());
        };
        let user = match self.facts(ended) {
            Ok(facts) => as_sent(facts.user(), &self.judge.state().ready().settings.users),
            Err(again) => return again,
        };
        let keep = match keep.map(|keep| self.facts(keep)).transpose() {
            Ok(keep) => keep.map(|facts| facts.session().to_owned()),
            Err(again) => return again,
        };
        let again = match self.ask(Command::Clear { user: Some(user), keep }, decision) {
            Ok(again) => again,
            Err(why) => return Again::Differs(why),
        };
        self.group.goes_on = again.len() > 1;
        let is_continued = is_continued(first, decision);
        let Some(next) = again.first() else { return Again::Differs("nothing would be recorded".to_owned()) };
        let mut next = Decision::clone(next);
        if is_continued {
            next.cause = decision.cause;
        }
        same(decision, &next, self.judge.state())
    }

    /// One decision of an adoption that may have taken several.
    fn adopt(&mut self, first: Seq, source: Option<&str>, decision: &Decision) -> Again {
        let adopted = decision.events.iter().filter_map(|event| match event {
            Event::Adopted { facts, last_active, .. } => Some((facts, last_active)),
            _ => None,
        });
        let mut sessions: Vec<Adoptee> = Vec::new();
        for (facts, last_active) in adopted {
            let Some(facts) = facts.plain() else { return Again::Unable(Unable::Erased) };
            sessions.push(adoptee_of(facts, *last_active, self.judge.state().ready()));
        }
        let command = Command::Adopt(Adopt { source: source.map(str::to_owned), sessions });
        let again = self.ask(command, decision);
        self.group.goes_on = decision.cause == Some(first);
        let again = again.map(|mut all| {
            for one in &mut all {
                Arc::make_mut(one).cause = decision.cause;
            }
            all
        });
        self.compared(decision, &again)
    }

    /// Asks as the caller of `decision` did; what would be recorded, in order.
    pub(super) fn ask(
        &mut self,
        command: Command,
        decision: &Decision,
    ) -> Result<Vec<Arc<Decision>>, String> {
        let request = Request {
            request_id: decision.request_id.as_deref().map(str::to_owned),
            command_id: decision.command.as_ref().map(|mark| mark.id.to_string()),
            ..Request::new(decision.actor.clone(), command)
        };
        match self.judge.ask(&request, decision.at) {
            Decided::Record(decisions, _) => Ok(decisions.into_vec()),
            Decided::Answer(answer) | Decided::Seen(_, answer) => {
                let why = answer.reason.as_deref().map(|why| format!(": {}", sledger_wire::escape(why)));
                let (outcome, why) = (answer.outcome.as_str(), why.unwrap_or_default());
                Err(format!("decided again, nothing is recorded, the answer is `{outcome}`{why}"))
            }
        }
    }

    /// Compares with what must be one decision.
    pub(super) fn compared(&self, recorded: &Decision, again: &Result<Vec<Arc<Decision>>, String>) -> Again {
        match again.as_deref() {
            Ok([again]) => same(recorded, again, self.judge.state()),
            Ok(again) => Again::Differs(format!("decided again, it takes {} decisions", again.len())),
            Err(why) => Again::Differs(why.clone()),
        }
    }

    /// The facts of a live session.
    fn facts(&self, number: Seq) -> Result<Arc<Facts>, Again> {
        let Some(session) = self.judge.state().session_numbered(number) else {
            return Err(Again::Differs(format!("session {number} is not live")));
        };
        if session.facts.session().starts_with(SEALED) {
            return Err(Again::Unable(Unable::Erased));
        }
        Ok(Arc::clone(&session.facts))
    }
}

/// Denials of a storm: what each was is not recorded, only that they can have been.
fn counted(decision: &Decision) -> Again {
    let is_possible = |event: &Event| match event {
        Event::DenialsCounted { first, last, count, .. } => {
            *count > 0 && first <= last && *last <= decision.at && (*count > 1 || first == last)
        }
        _ => false,
    };
    if decision.events.len() == 1 && decision.events.iter().all(is_possible) {
        Again::Unable(Unable::Aggregated)
    } else {
        Again::Differs(
            "counted denials that cannot have been: none, or of times that do not follow".to_owned(),
        )
    }
}
