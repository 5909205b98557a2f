//! `replay why`: from the command to what became of a session, and what others would have made of it.

pub(super) mod shown;

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::{Format, Output};
use crate::past::Past;
use crate::verbs::asking::Asking;
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use sledger_replay::why::{Asker, Finder, Found, Nothing};
use sledger_wire::escape::brief;
use sledger_wire::why::{About, Why as Answer};
use std::io::sink;
use std::path::Path;

/// Show why a session is in, ended, or was refused
///
/// The chain from the command through quota, policy and its deciding line to the decision and who was told, and what
/// each of the six core policies would have done. Exit 3 where the decision, decided again, is another one
#[derive(Debug, Args)]
pub(crate) struct Why {
    #[arg(
        help = "SESSION (the live one, else the latest that ended), SESSION@SEQ, seq:N, or\nuser:NAME (the user's latest end or refusal)"
    )]
    #[arg(value_name = "ABOUT")]
    about: String,
}

impl Why {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let answer = why_of(&self.about, &Whence::of(global)?, global, out)?;
        if out.is_json() {
            out.json(&answer)?;
        } else {
            shown::tell(&answer, global.tz, out)?;
        }
        if answer.as_recorded == Some(false) {
            out.say("DIFFERS: decided again, this is not what was recorded; see `sledger replay verify`");
            return Ok(Exit::Diverged);
        }
        Ok(Exit::Ok)
    }
}

/// Why what `about` names is as it is.
pub(crate) fn why_of(about: &str, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Answer> {
    let read = read(about)?;
    match whence {
        Whence::Connect(url) => Asking::new(url)?.why(about),
        whence => answered(read, whence, global, out),
    }
}

/// What is meant.
fn read(text: &str) -> Result<About> {
    About::parse(text).map_err(|why| Usage::error(format!("`{}` {why}", brief(text))))
}

/// The answer from a past that is read here: once to find what is meant, once folded up to it.
fn answered(about: About, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Answer> {
    let found = found(about, whence, global)?;
    why(found, whence, global, out)
}

/// The event meant.
fn found(about: About, whence: &Whence, global: &Global) -> Result<Found> {
    if matches!(whence, Whence::Recording(file) if file == Path::new("-")) {
        return Err(Usage::error("the past is read twice: give a file, not -"));
    }
    // Warnings are told the second time.
    let (mut data, mut talk) = (sink(), sink());
    let past = Past::open(whence, global, &mut Output::new(&mut data, &mut talk, Format::Text))?;
    let mut finder = Finder::new(about);
    past.scan(&mut |first, decision| finder.decision(first, decision))?;
    finder.found().map_err(|nothing| Usage::error(said(&nothing)))
}

fn said(nothing: &Nothing) -> String {
    sledger_wire::escape(&nothing.to_string()).into_owned()
}

/// The answer about an event.
pub(super) fn why(found: Found, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Answer> {
    let past = Past::open(whence, global, out)?;
    let mut asker = Asker::new(&past.begin, found)?;
    let mut answer = None;
    past.each(&mut |decision| {
        answer = asker.decision(&decision)?;
        Ok(answer.is_none())
    })?;
    answer.ok_or_else(|| anyhow::anyhow!("the history ended before the event that was found in it"))
}
