//! `export --format recording`: commands that lead to the same outcomes.
//!
//! The past is read twice: first for touches that were recorded later than they were made.

use super::Export;
use super::range::Range;
use crate::args::Global;
use crate::exit::Usage;
use crate::output::{Format, Output};
use crate::past::Past;
use crate::whence::Whence;
use anyhow::{Result, bail};
use sledger_core::{Millis, Seq, State};
use sledger_replay::commands::{Commands, LateTouches, Losses, Timed};
use sledger_replay::one_user::OneUser;
use sledger_replay::pseudonyms::Pseudonyms;
use sledger_wire::recording::{AtGiven, write_line};
use std::io::sink;
use std::path::Path;

/// Times before this are those of a recording that counts: written as numbers. 1973.
const COUNTED_MAX: Millis = Millis(100_000_000_000);

impl Export {
    pub(super) fn recording(
        &self,
        whence: &Whence,
        range: Range,
        global: &Global,
        out: &mut Output<'_>,
    ) -> Result<()> {
        if self.since.is_some() {
            return Err(Usage::error(
                "--since cannot go with --format recording: what came before decides what comes after",
            ));
        }
        let (late, last) = late_touches(whence, global)?;
        let past = Past::open(whence, global, out)?;
        if past.begin.base.is_some() {
            bail!(
                "a recording begins with nobody in, and this history does not: join it with its archive first"
            );
        }
        let pseudonyms = self.pseudonyms()?;
        let mut commands = Commands::new(&past.begin, late);
        let mut is_begun = range.is_all();
        let state = past.read(&mut |recorded, state| {
            // A served ledger may have gone on since it was read first.
            if recorded.first > last || !range.covers(recorded) {
                return Ok(());
            }
            let key = self.key(state)?;
            let is_theirs = |user: &str| OneUser(user).concerns_decision(recorded, state);
            if key.as_deref().is_none_or(is_theirs) {
                let commands = commands.decision(recorded, state);
                is_begun = is_begun || !commands.is_empty();
                self.write(commands, state, pseudonyms.as_ref(), out)?;
            }
            Ok(())
        })?;
        // Cut off before anything but settings, it would begin with those of the end.
        if is_begun {
            self.write(commands.finish(&state), &state, pseudonyms.as_ref(), out)?;
        }
        self.tell(commands.losses(), out);
        Ok(())
    }

    fn write(
        &self,
        commands: Vec<Timed>,
        state: &State,
        pseudonyms: Option<&Pseudonyms>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let key = self.key(state)?;
        for Timed { at, user, mut request } in commands {
            let is_kept = |key: &str| OneUser(key).keeps(user.as_deref(), &mut request, state);
            if !key.as_deref().is_none_or(is_kept) {
                continue;
            }
            if let Some(pseudonyms) = pseudonyms {
                pseudonyms.request(&mut request);
            }
            let at = if at < COUNTED_MAX { AtGiven::Millis(at.0) } else { AtGiven::Text(at.rfc3339()) };
            if let Some(line) = write_line(&at, &request) {
                out.line(&line)?;
            }
        }
        Ok(())
    }

    /// What the recording cannot say.
    fn tell(&self, losses: Losses, out: &mut Output<'_>) {
        let counts = [
            (losses.denials_counted, "denials were only counted, in a storm: they are left out"),
            (losses.downs, "times the ledger was down while sessions idled: they may expire earlier here"),
            (losses.sealed, "decisions are sealed away: they are left out"),
            (losses.assumed, "ends were assumed by an import: they are written as ends by an operator"),
            (losses.reconciles, "reconciles list too many sessions: they are written as disconnects"),
            (losses.users, "times [users] changed: a recording says it once, at its beginning"),
            (losses.touches, "touches could not be put in order: sessions may expire earlier here"),
        ];
        for (count, text) in counts.into_iter().filter(|(count, _)| *count > 0) {
            out.say(&format!("note: {count} {text}"));
        }
        if self.user.is_some() {
            out.say("note: only what concerns one user: where quotas count others, outcomes may differ");
        }
        if self.redact {
            out.say("note: pseudonyms match no pattern of users and no network: outcomes may differ");
        }
    }
}

/// Touches that were recorded later than they were made, and the last event there was.
fn late_touches(whence: &Whence, global: &Global) -> Result<(LateTouches, Seq)> {
    if matches!(whence, Whence::Recording(file) if file == Path::new("-")) {
        return Err(Usage::error("a recording is made by reading the past twice: give a file, not -"));
    }
    // Warnings are told the second time.
    let (mut data, mut talk) = (sink(), sink());
    let past = Past::open(whence, global, &mut Output::new(&mut data, &mut talk, Format::Text))?;
    let mut late = LateTouches::default();
    let last = past.decisions(&mut |decision| late.see(decision))?;
    Ok((late.sorted(), last))
}
