//! `adopt`: over a served ledger.
//!
//! A line of a batch is bounded, so many sessions are handed over in pieces, each decided as a whole. A dry run counts
//! all sessions together, so they must fit into one.

use super::asking::{Line, exit_of};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::lines::Lines;
use crate::output::Output;
use crate::show;
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sledger_wire::answer::AnswerLine;
use sledger_wire::escape;
use sledger_wire::recording::LINE_BYTES_MAX;
use std::path::PathBuf;

/// Bytes of the sessions of one piece: beside them a line has some names.
const PIECE_BYTES_MAX: usize = LINE_BYTES_MAX - 4096;

/// Records sessions that exist already
///
/// They keep their true times; none is refused, nobody is evicted
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// JSON lines, one session each: user, session, started, …; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The source of sessions that name none
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Say who would stand above which limit, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// A repeat of this id within 10 minutes changes nothing
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

impl Adopt {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let pieces = self.pieces()?;
        if self.dry_run && pieces.len() > 1 {
            return Err(Usage::error(format!(
                "a dry run counts all sessions together and takes at most {PIECE_BYTES_MAX} bytes of them: ask about \
                 some users at a time"
            )));
        }
        let one = pieces.len() == 1;
        for (number, sessions) in (1..).zip(pieces) {
            let count = sessions.len();
            let answer = self.hand_over(global, sessions, if one { None } else { Some(number) })?;
            self.show(&answer, count, out)?;
            if exit_of(&answer) != Exit::Ok {
                return Ok(exit_of(&answer));
            }
        }
        Ok(Exit::Ok)
    }

    /// The sessions, in as few pieces as may be; one without any where there are none.
    fn pieces(&self) -> Result<Vec<Vec<Value>>> {
        let mut lines = Lines::open(&self.file)?;
        let name = lines.name.clone();
        let (mut pieces, mut bytes) = (vec![Vec::new()], 0);
        while let Some((number, line)) = lines.next()? {
            let session: Value = serde_json::from_slice(line)
                .map_err(|error| Usage::error(format!("{name}:{number}: is not JSON: {error}")))?;
            let added = session.to_string().len() + 1;
            if bytes + added > PIECE_BYTES_MAX && bytes > 0 {
                pieces.push(Vec::new());
                bytes = 0;
            }
            bytes += added;
            pieces.last_mut().into_iter().for_each(|piece| piece.push(session.clone()));
        }
        Ok(pieces)
    }

    /// Each of several pieces is a command of its own.
    fn hand_over(&self, global: &Global, sessions: Vec<Value>, piece: Option<u32>) -> Result<AnswerLine> {
        let command = self.command.as_ref().map(|id| match piece {
            Some(piece) => format!("{id}.{piece}"),
            None => id.clone(),
        });
        let line = Line::new("adopt").with("source", self.source.clone()).with("sessions", Some(sessions));
        line.with("command", command).only_asked(self.dry_run).answer(global)
    }

    fn show(&self, answer: &AnswerLine, count: usize, out: &mut Output<'_>) -> Result<()> {
        if out.is_json() {
            return out.json(answer);
        }
        if !self.dry_run || exit_of(answer) != Exit::Ok {
            return out.line(&show::answer(answer));
        }
        out.line(&format!("would adopt {} of {count} sessions", count - answer.skipped.len().min(count)))?;
        if !answer.skipped.is_empty() {
            out.line(&format!("would pass over {}", escape(&answer.skipped.join(" "))))?;
        }
        if answer.over.is_empty() {
            return out.line("nobody would stand above a limit");
        }
        out.line("would stand above a limit, until the next login of each:")?;
        show::over(&answer.over).iter().try_for_each(|row| out.line(row))
    }
}
