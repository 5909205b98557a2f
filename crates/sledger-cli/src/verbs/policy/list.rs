//! `policy list`: which policies there are, where they decide or are on trial, and how they fare.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::past;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use sledger_projector::Projection;
use sledger_wire::escape;
use sledger_wire::policies::{Known, PoliciesPage, PolicyChanged, PolicyObject, PolicyUse};

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
            whence => page(&past::projection(&whence, global, out)?),
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

/// The policies at the end of the past.
fn page(views: &Projection) -> PoliciesPage {
    let policies = views.policies();
    let fared = |policy: &_| {
        let fared = policies.fared(policy);
        (fared.failures, fared.differences)
    };
    let settings = &views.ready().settings;
    let known = Known { settings, bindings: policies.bindings(), sources: policies.sources(), fared: &fared };
    PoliciesPage { seq: views.seq().0, policies: known.all() }
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

fn table<'a>(
    policies: impl Iterator<Item = &'a PolicyObject>,
    global: &Global,
    out: &mut Output<'_>,
) -> Result<()> {
    let rows: Vec<[String; 7]> = policies.flat_map(|policy| rows(policy, global)).collect();
    let head = ["POLICY", "STATE", "QUOTA", "SINCE", "BY", "FAILED", "DIFFERED"].map(str::to_owned);
    let all: Vec<&[String; 7]> = std::iter::once(&head).chain(&rows).collect();
    let mut widths = [0; 7];
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
    Ok(())
}

fn rows(policy: &PolicyObject, global: &Global) -> Vec<[String; 7]> {
    let when = |since: Option<&str>| since.map_or_else(|| "-".to_owned(), |since| global.tz.reshown(since));
    if policy.uses.is_empty() {
        let state = if policy.origin.is_some() { "installed" } else { "not in force" };
        let actor = policy.actor.as_deref().unwrap_or("-");
        let cells = [&*policy.name, state, "-", &when(policy.since.as_deref()), &escape(actor), "-", "-"];
        return vec![cells.map(str::to_owned)];
    }
    policy
        .uses
        .iter()
        .map(|used| {
            let actor = used.actor.as_deref().unwrap_or("-");
            [
                used.policy.clone(),
                state(used),
                escape(&used.quota).into_owned(),
                when(used.since.as_deref()),
                escape(actor).into_owned(),
                used.failures.to_string(),
                if used.state == "shadow" { used.differences.to_string() } else { "-".to_owned() },
            ]
        })
        .collect()
}

fn state(used: &PolicyUse) -> String {
    match used.share {
        Some(share) => format!("share {share}%"),
        None => used.state.clone(),
    }
}
