//! `policy list`: which policies there are, where they decide or are on trial, and how they fare.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::past::Past;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use clap::Args;
use sledger_projector::{Fared, Fares};
use sledger_wire::escape;
use sledger_wire::policies::{Known, PoliciesPage, PolicyChanged, PolicyFailed, PolicyObject, PolicyUse};

/// List the policies, and where they decide or are on trial
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also those that no quota asks
    #[arg(long)]
    all: bool,
}

impl List {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let page = match Whence::of(global)? {
            Whence::Connect(url) => Asking::new(&url)?.client().policies().map_err(told)?,
            whence => past(&whence, global, out)?,
        };
        if out.is_json() {
            out.json(&page)?;
            return Ok(Exit::Ok);
        }
        let shown = page.policies.iter().filter(|policy| self.all || !policy.uses.is_empty());
        table(shown, global, out)?;
        Ok(Exit::Ok)
    }
}

/// The policies at the end of the past, and how they fared in it. How long they took is not recorded.
fn past(whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<PoliciesPage> {
    let mut fares = Fares::default();
    let state = Past::open(whence, global, out)?.read(&mut |recorded, state| {
        fares.apply(recorded, state.ready());
        Ok(())
    })?;
    let fared = |quota: &str, policy: &_| counted(&fares.fared(quota, policy));
    let (settings, bindings, sources) = (&state.ready().settings, state.bindings(), state.sources());
    let known = Known { settings, bindings, sources, fared: &fared };
    Ok(PoliciesPage { seq: state.seq().0, policies: known.all() })
}

/// What was counted of a policy on a quota.
fn counted(fared: &Fared) -> PolicyUse {
    let Fared { asked, allowed, denied, evicted, failures, differences, last_failure } = *fared;
    let last_failure = last_failure.map(|last| PolicyFailed::new(last.seq, last.at, last.code, last.line));
    PolicyUse { asked, allowed, denied, evicted, failures, differences, last_failure, ..PolicyUse::default() }
}

/// What came of a change.
pub(crate) fn changed(done: &PolicyChanged, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    if out.is_json() {
        out.json(done)?;
        return Ok(Exit::Ok);
    }
    if !done.changed {
        out.say("nothing changed");
    }
    table(std::iter::once(&done.policy), global, out)?;
    if done.policy.uses.is_empty() && done.policy.origin.is_some() {
        out.say("no quota asks it yet: name it in `on_exhausted`, or install it with --quota");
    }
    Ok(Exit::Ok)
}

/// Columns of the list.
const COLUMNS: usize = 13;

/// What the columns are called; times are in microseconds.
const HEAD: [&str; COLUMNS] = [
    "POLICY", "STATE", "QUOTA", "SINCE", "BY", "ASKED", "ALLOWED", "DENIED", "EVICTED", "FAILED", "DIFFERED",
    "P50 US", "P99 US",
];

fn table<'a>(
    policies: impl Iterator<Item = &'a PolicyObject>,
    global: &Global,
    out: &mut Output<'_>,
) -> Result<()> {
    let policies: Vec<&PolicyObject> = policies.collect();
    let rows: Vec<_> = policies.iter().flat_map(|policy| rows(policy, global)).collect();
    let head = HEAD.map(str::to_owned);
    let all: Vec<_> = std::iter::once(&head).chain(&rows).collect();
    let mut widths = [0; COLUMNS];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row.iter()) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in all {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.line(cells.join("  ").trim_end())?;
    }
    for used in policies.iter().flat_map(|policy| &policy.uses) {
        if let Some(last) = &used.last_failure {
            out.line(&failure(used, last, global.tz))?;
        }
    }
    Ok(())
}

fn rows(policy: &PolicyObject, global: &Global) -> Vec<[String; COLUMNS]> {
    let when = |since: Option<&str>| since.map_or_else(|| "-".to_owned(), |since| global.tz.reshown(since));
    let none = || "-".to_owned();
    if policy.uses.is_empty() {
        let state = if policy.origin.is_some() { "installed" } else { "not in force" };
        let by = escape(policy.actor.as_deref().unwrap_or("-")).into_owned();
        let mut cells = [(); COLUMNS].map(|()| none());
        let told = [policy.name.clone(), state.to_owned(), none(), when(policy.since.as_deref()), by];
        cells.iter_mut().zip(told).for_each(|(cell, told)| *cell = told);
        return vec![cells];
    }
    let row = |used: &PolicyUse| {
        let micros = |time: Option<u64>| time.map_or_else(none, |time| time.to_string());
        [
            used.policy.clone(),
            state(used),
            escape(&used.quota).into_owned(),
            when(used.since.as_deref()),
            escape(used.actor.as_deref().unwrap_or("-")).into_owned(),
            used.asked.to_string(),
            used.allowed.to_string(),
            used.denied.to_string(),
            used.evicted.to_string(),
            used.failures.to_string(),
            if used.state == "shadow" { used.differences.to_string() } else { none() },
            micros(used.us.p50),
            micros(used.us.p99),
        ]
    };
    policy.uses.iter().map(row).collect()
}

/// When and why a policy failed last.
pub(crate) fn failure(used: &PolicyUse, last: &PolicyFailed, zone: Zone) -> String {
    let place = if last.line == 0 { String::new() } else { format!(" at line {}", last.line) };
    format!(
        "{} on {} failed last at {}, seq {}: {}{place}: {}",
        used.policy,
        escape(&used.quota),
        zone.reshown(&last.at),
        last.seq,
        escape(&last.code),
        escape(&last.message),
    )
}

fn state(used: &PolicyUse) -> String {
    match used.share {
        Some(share) => format!("share {share}%"),
        None => used.state.clone(),
    }
}
