//! Several decisions of one command: all there, in order, and with nothing between.

use super::Verify;
use sledger_core::Seq;
use sledger_core::event::{Decision, Event, Op};
use std::mem::{Discriminant, discriminant};

/// The command in several decisions that was met last, and what must come next.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// First event of the command, and its kind.
    cause: Option<(Seq, Discriminant<Op>)>,
    /// Whether another of its decisions must follow.
    pub(super) goes_on: bool,
    /// The session whose unrecorded activity cut the last expiry short: it is recorded next.
    pub(super) touched_next: Option<Seq>,
}

impl Group {
    /// Whether something must follow.
    pub(super) const fn is_open(&self) -> bool {
        self.goes_on || self.touched_next.is_some()
    }
}

/// Whether the decision goes on with the command of the one before.
pub(super) fn is_continued(first: Seq, decision: &Decision) -> bool {
    decision.cause.is_some_and(|cause| cause != first)
}

impl Verify {
    /// Whether the decision belongs where it stands.
    pub(super) fn belongs(&mut self, first: Seq, decision: &Decision) -> Result<(), String> {
        let before = std::mem::take(&mut self.group);
        let kind = discriminant(&decision.op);
        self.group.cause = decision.cause.map(|cause| (cause, kind));
        // A kill may come between two decisions of one command.
        let is_start = matches!(decision.events.as_slice(), [Event::LedgerStarted(_)]);
        if let Some(session) = before.touched_next.filter(|_| !is_start)
            && !matches!(decision.op, Op::Touch { session: touched } if touched == session)
        {
            return Err(format!("an expiry stops short of session {session}, and no activity of it follows"));
        }
        let is_continued = is_continued(first, decision);
        if before.goes_on && !is_start && !(is_continued && before.cause == self.group.cause) {
            let cause = before.cause.map_or(Seq(0), |(cause, _)| cause);
            return Err(format!("the command of seq {cause} took more decisions than stand here"));
        }
        if is_continued && before.cause != self.group.cause {
            let cause = decision.cause.unwrap_or_default();
            return Err(format!("says that it goes on with the command of seq {cause}, which ended before"));
        }
        Ok(())
    }
}
