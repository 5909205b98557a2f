//! `policy diff`: two policies, or two revisions of one, compared.

use super::backtest::{Span, Told, backtest, json, read_source, refused, shown};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use similar::TextDiff;
use sledger_core::event::Op;
use sledger_policy::{Lint, lint};
use sledger_replay::backtest::{Report, Trial};
use sledger_replay::rejudge::{Candidate, Rejudge, Target};
use sledger_wire::escape;
use sledger_wire::values::policy_ref;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Compare two policies: sources, findings and, over a history, decisions
///
/// A policy is a file, a built-in name, or, where --data, --connect or --recording names a history, NAME or
/// NAME@REVISION as it was installed there
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one that is
    #[arg(value_name = "OLD")]
    old: String,
    /// The one that would be
    #[arg(value_name = "NEW")]
    new: String,
    #[arg(help = "The quota both stand in for [default: those naming one of them, or the\nonly one]")]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    #[command(flatten)]
    span: Span,
    /// First differences shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
}

/// A policy with what it is called.
struct Side {
    label: String,
    name: Arc<str>,
    source: Arc<str>,
}

#[derive(serde::Serialize)]
struct Shown<'r> {
    source: String,
    went: Vec<String>,
    came: Vec<String>,
    backtest: Option<json::Shown<'r>>,
}

impl Diff {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let is_given = global.connect.is_some() || global.data.is_some() || global.recording.is_some();
        let whence = if is_given { Some(Whence::of(global)?) } else { None };
        let mut history = History { whence: whence.as_ref(), global, read: None };
        let old = history.side(&self.old, out)?;
        let new = history.side(&self.new, out)?;
        let candidate = candidate(&new);
        let report = match &whence {
            Some(whence) => Some(self.backtest(whence, global, (&old, &candidate), out)?),
            None => None,
        };
        let told = Told { candidate: &candidate, cascade: false, zone: global.tz };
        let (went, came) = findings(&old, &new);
        let source = unified(&old, &new);
        if out.is_json() {
            let backtest = report.as_ref().map(|report| json::Shown::new(report, &told));
            out.json(&Shown { source, went, came, backtest })?;
        } else {
            tell(&source, (&went, &came), out)?;
            if let Some(report) = &report {
                out.line("")?;
                shown::tell(report, &told, None, out)?;
            }
        }
        Ok(Exit::Ok)
    }

    fn backtest(
        &self,
        whence: &Whence,
        global: &Global,
        (old, new): (&Side, &Candidate),
        out: &mut Output<'_>,
    ) -> Result<Report> {
        let trial = Trial {
            candidate: new.clone(),
            target: self.quota.clone().map_or(Target::ByName, Target::Quota),
            against: Some(candidate(old)),
            window: self.span.window(whence, global.tz)?,
            examples: self.examples,
        };
        backtest(whence, global, trial, out)
    }
}

fn candidate(side: &Side) -> Candidate {
    Candidate { name: Arc::clone(&side.name), source: Arc::clone(&side.source), params: BTreeMap::new() }
}

/// What was installed, read when it is first asked for.
struct History<'h> {
    whence: Option<&'h Whence>,
    global: &'h Global,
    read: Option<Rejudge>,
}

impl History<'_> {
    fn side(&mut self, text: &str, out: &mut Output<'_>) -> Result<Side> {
        let side = |name: &str, source| Side { label: text.to_owned(), name: Arc::from(name), source };
        let path = Path::new(text);
        if let Ok(policy) = policy_ref(text) {
            let installed = self.read(out)?.and_then(|read| read.source_of(&policy));
            let source = installed.ok_or_else(|| self.nowhere(text))?;
            return Ok(side(&policy.name, source));
        }
        if !path.exists() && path.extension().is_none() {
            let installed = self.read(out)?.and_then(|read| read.installed(text));
            if let Some(source) = installed {
                return Ok(side(text, source));
            }
        }
        let (name, source) = read_source(path)?;
        Ok(side(&name, source))
    }

    fn nowhere(&self, text: &str) -> anyhow::Error {
        let why = match self.whence {
            Some(_) => "no quota of this history was decided by it",
            None => "name its history by --data, --connect or --recording",
        };
        Usage::error(format!("`{}`: {why}", escape(text)))
    }

    fn read(&mut self, out: &mut Output<'_>) -> Result<Option<&Rejudge>> {
        if let (None, Some(whence)) = (&self.read, self.whence) {
            let past = Past::open(whence, self.global, out)?;
            let mut read = Rejudge::as_recorded(&past.begin).map_err(refused)?;
            past.each(&mut |decision| {
                // Logins install nothing.
                if matches!(decision.op, Op::Configure | Op::Policy) {
                    read.fold(&decision).map_err(refused)?;
                }
                Ok(true)
            })?;
            self.read = Some(read);
        }
        Ok(self.read.as_ref())
    }
}

/// The sources, as `diff -u` shows them.
fn unified(old: &Side, new: &Side) -> String {
    let diff = TextDiff::from_lines(&*old.source, &*new.source);
    diff.unified_diff().header(&old.label, &new.label).to_string()
}

/// Findings of one that the other does not have, wherever they stand.
fn findings(old: &Side, new: &Side) -> (Vec<String>, Vec<String>) {
    let [old, new] = [&old.source, &new.source].map(|source| lint(source, None));
    let only = |of: &[Lint], other: &[Lint]| {
        let mut others: Vec<_> = other.iter().map(|one| (one.code, &one.message)).collect();
        let mut is_other = |one: &&Lint| {
            let found = others.iter().position(|other| *other == (one.code, &one.message));
            found.map(|at| others.swap_remove(at)).is_none()
        };
        of.iter().filter(|one| is_other(one)).map(ToString::to_string).collect()
    };
    (only(&old, &new), only(&new, &old))
}

fn tell(source: &str, (went, came): (&[String], &[String]), out: &mut Output<'_>) -> Result<()> {
    if source.is_empty() {
        out.line("the sources are the same")?;
    }
    for line in source.lines() {
        out.line(&escape(&line.replace('\t', "    ")))?;
    }
    if went.is_empty() && came.is_empty() {
        return Ok(());
    }
    out.line("\nfindings")?;
    for (mark, findings) in [("-", went), ("+", came)] {
        findings.iter().try_for_each(|one| out.line(&format!("{mark} {}", escape(one))))?;
    }
    Ok(())
}
