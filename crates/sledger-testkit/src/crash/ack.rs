//! One acknowledgement, as one line: what a process that is about to be killed says to one that is not.
//!
//! ```text
//! ack OP USER SESSION COMMAND OUTCOME GENERATION SEQ GONE
//! ```
//!
//! Numbers are 0 where there are none; GONE lists the ids of sessions the answer names as ended, by commas, or `-`.
//! Texts hold no blanks. A line is shorter than `PIPE_BUF`, so one write leaves it whole or not at all.

use sledger_core::Seq;
use sledger_core::answer::{Answer, Outcome};

/// No line is longer: what POSIX promises for one write to a pipe, with room to spare on Linux.
pub const LINE_BYTES_MAX: usize = 4_096;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A login.
    Login,
    /// A touch.
    Touch,
    /// A logout.
    Logout,
}

impl Asked {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Login, "login"), (Self::Touch, "touch"), (Self::Logout, "logout")];

    /// The word in a line.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(asked, _)| *asked == self).map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(asked, _)| *asked)
    }
}

/// An answer that somebody got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// What was asked.
    pub asked: Asked,
    /// For whom.
    pub user: String,
    /// About which session.
    pub session: String,
    /// Under which command id.
    pub command: String,
    /// What came of it, in the word of the API.
    pub outcome: String,
    /// The session's generation after it.
    pub generation: Option<Seq>,
    /// The last event of the decision.
    pub seq: Option<Seq>,
    /// Ids of sessions the answer names as ended or evicted.
    pub gone: Vec<String>,
}

impl Ack {
    /// What `answer` tells whoever asked.
    #[must_use]
    pub fn new(asked: Asked, user: &str, session: &str, command: &str, answer: &Answer) -> Self {
        let gone = answer.evicted.iter().chain(&answer.ended).map(|facts| facts.session().to_owned());
        Self {
            asked,
            user: user.to_owned(),
            session: session.to_owned(),
            command: command.to_owned(),
            outcome: answer.outcome.as_str().to_owned(),
            generation: answer.generation,
            seq: answer.seq,
            gone: gone.collect(),
        }
    }

    /// Whether the answer was `outcome`.
    #[must_use]
    pub fn is(&self, outcome: Outcome) -> bool {
        self.outcome == outcome.as_str()
    }

    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let number = |seq: Option<Seq>| seq.unwrap_or_default().0;
        let gone = if self.gone.is_empty() { "-".to_owned() } else { self.gone.join(",") };
        format!(
            "ack {} {} {} {} {} {} {} {gone}\n",
            self.asked.word(),
            self.user,
            self.session,
            self.command,
            self.outcome,
            number(self.generation),
            number(self.seq),
        )
    }

    /// Reads a line; `None` for one that is something else, or torn.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.split(' ');
        if words.next()? != "ack" {
            return None;
        }
        let asked = Asked::of(words.next()?)?;
        let mut text = || words.next().map(str::to_owned);
        let (user, session, command, outcome) = (text()?, text()?, text()?, text()?);
        let mut number = || {
            let number: u64 = words.next()?.parse().ok()?;
            Some((number != 0).then_some(Seq(number)))
        };
        let (generation, seq) = (number()?, number()?);
        let gone = words.next()?.split(',').filter(|id| *id != "-").map(str::to_owned).collect();
        words.next().is_none().then_some(Self {
            asked,
            user,
            session,
            command,
            outcome,
            generation,
            seq,
            gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(gone: &[&str]) -> Ack {
        Ack {
            asked: Asked::Login,
            user: "ann".to_owned(),
            session: "s1".to_owned(),
            command: "c1".to_owned(),
            outcome: "admitted".to_owned(),
            generation: Some(Seq(7)),
            seq: None,
            gone: gone.iter().map(|&id| id.to_owned()).collect(),
        }
    }

    #[test]
    fn a_line_is_read_back_as_it_was() {
        for gone in [vec![], vec!["a"], vec!["a", "b"]] {
            let ack = ack(&gone);
            assert!(ack.is(Outcome::Admitted));
            assert_eq!(Ack::read(&ack.line()), Some(ack));
        }
    }

    #[test]
    fn a_torn_line_is_no_acknowledgement() {
        let line = ack(&["a"]).line();
        for end in 0..line.len() {
            assert_eq!(Ack::read(&line[..end]), None, "{end}");
        }
    }
}
