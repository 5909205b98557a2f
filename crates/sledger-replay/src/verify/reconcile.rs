//! A source's list compared: the list is not recorded, what may follow from one is checked.

use super::Verify;
use super::again::{Again, same};
use super::report::Unable;
use sledger_core::event::{Cause, Decision, Event};
use sledger_core::state::Session;
use sledger_core::{Millis, Seq, Span};

/// A source's session without news for this long is judged by a list that names no generation.
const QUIET: Span = Span::seconds(60);

impl Verify {
    /// A list that names just the sessions that did not end leads to the same: those that ended must be live, of the
    /// source, connected, and not newer than the list. Without a generation, whether they were quiet rests on
    /// activity that may not be recorded.
    pub(super) fn reconciled(&mut self, source: &str, as_of: Option<Seq>, decision: &Decision) -> Again {
        let gone = match self.gone(source, as_of, decision) {
            Ok(gone) => gone,
            Err(why) => return Again::Differs(why),
        };
        let (mut retained, mut events) = (0u32, Vec::with_capacity(gone.len() + 1));
        for (number, retention) in gone {
            let event = if retention.is_zero() {
                Event::Ended {
                    session: number,
                    cause: Cause::Reconciled,
                    ended_at: decision.at,
                    judged: None,
                }
            } else {
                retained += 1;
                Event::Disconnected { session: number }
            };
            events.push(event);
        }
        let ended = u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_sub(retained);
        events.push(Event::SourceReconciled { source: source.into(), ended, retained });
        let again = Decision { events, judged: Vec::new(), ..decision.clone() };
        match same(decision, &again, self.judge.state()) {
            Again::Same if as_of.is_none() => Again::Unable(Unable::Reconcile),
            again => again,
        }
    }

    /// The sessions that went, each with its retention, in the order in which they are written.
    fn gone(
        &self,
        source: &str,
        as_of: Option<Seq>,
        decision: &Decision,
    ) -> Result<Vec<(Seq, Span)>, String> {
        let mut gone: Vec<(Millis, Seq, Span)> = Vec::new();
        for event in &decision.events {
            let (Event::Ended { session, .. } | Event::Disconnected { session }) = event else { continue };
            let live = self.judge.state().session_numbered(*session);
            let live = live.ok_or_else(|| format!("session {session} is not live"))?;
            may_go(live, source, as_of, decision.at)?;
            gone.push((live.facts.started, live.number, live.retention()));
        }
        if gone.is_empty() {
            return Err("a list is recorded that ended nobody".to_owned());
        }
        gone.sort_unstable();
        Ok(gone.into_iter().map(|(_, number, retention)| (number, retention)).collect())
    }
}

fn may_go(session: &Session, source: &str, as_of: Option<Seq>, at: Millis) -> Result<(), String> {
    let number = session.number;
    if session.facts.source() != Some(source) {
        return Err(format!("session {number} ended by a list of another source than its own"));
    }
    if session.is_retained() {
        return Err(format!("session {number} ended by a list, and was disconnected already"));
    }
    match as_of {
        Some(as_of) if session.generation > as_of => Err(format!(
            "session {number} is of generation {}, later than the list of {as_of}",
            session.generation
        )),
        None if at.since(session.last_news()) <= QUIET.as_millis() => {
            let news = session.last_news().rfc3339();
            Err(format!(
                "session {number} ended by a list without a generation, and there was news of it at {news}"
            ))
        }
        _ => Ok(()),
    }
}
