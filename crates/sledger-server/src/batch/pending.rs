//! Answers in the order of their lines, however they come.

use super::told;
use sledger::{Decision, Failure, Token};
use sledger_wire::answer::AnswerLine;
use sledger_wire::recording::Echo;
use std::collections::VecDeque;

/// Lines that are not answered yet, or not sent.
///
/// INVARIANT(order): tokens of what waits ascend from front to back.
#[derive(Debug, Default)]
pub(super) struct Pending {
    slots: VecDeque<Slot>,
    text: Vec<u8>,
}

#[derive(Debug)]
enum Slot {
    /// Until its token is answered; the flag says that the line was only asked about.
    Waits(Token, Echo, bool),
    Ready(Vec<u8>),
}

impl Pending {
    /// A line that was submitted, perhaps only asked about.
    pub(super) fn push(&mut self, token: Token, echo: Echo, dry_run: bool) {
        self.slots.push_back(Slot::Waits(token, echo, dry_run));
    }

    /// A line that is answered already.
    pub(super) fn push_ready(&mut self, line: &AnswerLine) {
        self.slots.push_back(Slot::Ready(text(line)));
        self.settle();
    }

    /// The answer to `token`.
    pub(super) fn fill(&mut self, token: Token, completion: Decision) {
        let is_it = |slot: &&mut Slot| matches!(slot, Slot::Waits(waits, ..) if *waits == token);
        let Some(slot) = self.slots.iter_mut().find(is_it) else { return };
        if let Slot::Waits(_, echo, dry_run) = &*slot {
            *slot = Slot::Ready(text(&told::answered(echo, *dry_run, completion)));
        }
        self.settle();
    }

    /// Nothing that waits will be answered.
    pub(super) fn fail_all(&mut self, failure: &Failure) {
        for slot in &mut self.slots {
            if let Slot::Waits(_, echo, _) = &*slot {
                *slot = Slot::Ready(text(&told::failed(echo, failure)));
            }
        }
        self.settle();
    }

    /// Answers in order up to the first that waits, once they are at least `bytes_min`.
    pub(super) fn text(&mut self, bytes_min: usize) -> Option<Vec<u8>> {
        (!self.text.is_empty() && self.text.len() >= bytes_min).then(|| std::mem::take(&mut self.text))
    }

    fn settle(&mut self) {
        while let Some(Slot::Ready(text)) = self.slots.front() {
            self.text.extend_from_slice(text);
            self.slots.pop_front();
        }
    }
}

fn text(line: &AnswerLine) -> Vec<u8> {
    let mut text = line.to_json().into_bytes();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger::Answer;
    use sledger::Outcome;
    use sledger::core::Millis;
    use sledger_wire::recording::OpName;
    use std::sync::Arc;

    fn echo(session: &str) -> Echo {
        Echo { op: OpName::Touch, user: None, session: Some(session.to_owned()) }
    }

    fn sessions(text: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(text).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<AnswerLine>(line).unwrap())
            .map(|line| format!("{} {}", line.session.unwrap_or_default(), line.outcome))
            .collect()
    }

    #[test]
    fn answers_leave_in_the_order_of_their_lines() {
        let mut pending = Pending::default();
        pending.push(Token(0), echo("a"), false);
        pending.push(Token(1), echo("b"), false);
        pending.push_ready(&AnswerLine { outcome: "rejected".to_owned(), ..AnswerLine::default() });
        pending.fill(Token(1), Ok(Box::new(Answer::new(Outcome::Touched, Millis(0)))));
        assert_eq!(pending.text(1), None);
        pending.fill(Token(0), Ok(Box::new(Answer::new(Outcome::Unknown, Millis(0)))));
        assert_eq!(sessions(&pending.text(1).unwrap()), ["a unknown", "b touched", " rejected"]);
    }

    #[test]
    fn few_bytes_wait_for_more() {
        let mut pending = Pending::default();
        pending.push_ready(&AnswerLine::default());
        assert_eq!(pending.text(10_000), None);
        assert!(pending.text(1).is_some());
        assert_eq!(pending.text(0), None);
    }

    #[test]
    fn what_will_not_be_answered_is_told_so() {
        let mut pending = Pending::default();
        pending.push(Token(0), echo("a"), false);
        pending.fail_all(&Failure::OutcomeUnknown(Arc::from("disk")));
        let text = pending.text(1).unwrap();
        let line: AnswerLine = serde_json::from_slice(&text).unwrap();
        assert_eq!(line.code.as_deref(), Some("OUTCOME_UNKNOWN"));
        assert_eq!(line.outcome, "unknown");
    }
}
