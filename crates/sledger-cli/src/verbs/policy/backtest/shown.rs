//! A report for people.

use super::Told;
use crate::output::Output;
use crate::show::table;
use anyhow::Result;
use sledger_core::event::PolicyCode;
use sledger_replay::backtest::{Change, Example, Report};
use sledger_replay::commands::Losses;
use sledger_replay::rejudge::{Kind, Outcome, Unable};
use sledger_wire::escape;
use std::cmp::Reverse;

/// Rows of groups and lines shown.
const ROWS_MAX: usize = 20;
/// Characters of a line of a policy that are shown.
const LINE_CHARS_MAX: usize = 60;

/// What is said of a backtest with consequences.
pub(super) const CASCADE: &str = "cascade: every recorded command is decided again on a state of its own, so that\n\
                                  changed decisions alter what follows; logins are compared by what became of them";

pub(in super::super) fn tell(
    report: &Report,
    told: &Told<'_>,
    losses: Option<Losses>,
    out: &mut Output<'_>,
) -> Result<()> {
    out.line(&head(report, told))?;
    if told.cascade {
        CASCADE.lines().try_for_each(|line| out.line(line))?;
    }
    if let (Some(first), Some(last)) = (report.first, report.last) {
        out.line(&format!("from {} to {}", told.zone.shown(first), told.zone.shown(last)))?;
    }
    section(out, vec![vec!["from".into(), "to".into(), "changed".into(), String::new()]], changes(report))?;
    if report.changed > 0 {
        section(out, vec![vec!["group".into(), "changed".into()]], groups(report))?;
        section(
            out,
            vec![vec!["line".into(), "to".into(), "changed".into(), "decides".into()]],
            lines(report, told),
        )?;
    }
    section(out, Vec::new(), before_and_after(report))?;
    examples(report, told, out)?;
    for note in notes(report, losses) {
        out.say(&format!("note: {note}"));
    }
    Ok(())
}

pub(super) fn head(report: &Report, told: &Told<'_>) -> String {
    let quotas: Vec<&str> = report.quotas.iter().map(String::as_str).collect();
    format!(
        "{} at {}: {} logins, {} exhausted, {} changed",
        told.candidate.name,
        if quotas.is_empty() { "no quota".to_owned() } else { quotas.join(" ") },
        report.decisions,
        report.exhausted,
        report.changed
    )
}

fn section(out: &mut Output<'_>, mut head: Vec<Vec<String>>, rows: Vec<Vec<String>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    head.extend(rows);
    out.line("")?;
    table(&head).iter().try_for_each(|line| out.line(line))
}

pub(super) fn changes(report: &Report) -> Vec<Vec<String>> {
    let row = |(change, count): (&Change, &u64)| {
        vec![change.from.to_string(), change.to.to_string(), count.to_string(), what(*change).to_owned()]
    };
    report.changes.iter().map(row).collect()
}

/// What changes where the kind stays.
const fn what(change: Change) -> &'static str {
    match (change.from, change.to) {
        (Kind::Evict, Kind::Evict) => "other sessions end",
        (Kind::Allow, Kind::Allow) | (Kind::Deny, Kind::Deny) | (Kind::Error, Kind::Error) => {
            "another end of the login"
        }
        _ => "",
    }
}

/// Most changes first.
pub(super) fn groups(report: &Report) -> Vec<Vec<String>> {
    let mut all: Vec<_> = report.groups.iter().collect();
    all.sort_by_key(|(group, count)| (Reverse(**count), (*group).clone()));
    let name = |group: &str| if group.is_empty() { "(none)".to_owned() } else { escape(group).into_owned() };
    let mut rows: Vec<_> =
        all.iter().take(ROWS_MAX).map(|(group, count)| vec![name(group), count.to_string()]).collect();
    let beyond = all.iter().skip(ROWS_MAX).map(|(_, count)| **count).sum::<u64>() + report.groups_beyond;
    if beyond > 0 {
        rows.push(vec!["(others)".to_owned(), beyond.to_string()]);
    }
    rows
}

/// Most changes first.
pub(super) fn lines(report: &Report, told: &Told<'_>) -> Vec<Vec<String>> {
    let mut all: Vec<_> = report.lines.iter().collect();
    all.sort_by_key(|(line, count)| (Reverse(**count), **line));
    let row = |((line, kind), count): &(&(u32, Kind), &u64)| {
        let text = line_of(&told.candidate.source, *line)
            .unwrap_or("(no line: the quota had room, or none decided)");
        let text: String = escape(text).chars().take(LINE_CHARS_MAX).collect();
        let line = if *line == 0 { "-".to_owned() } else { line.to_string() };
        vec![line, kind.to_string(), count.to_string(), text]
    };
    all.iter().take(ROWS_MAX).map(row).collect()
}

/// A line of a source, by number from 1.
pub(super) fn line_of(source: &str, line: u32) -> Option<&str> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    source.lines().nth(index).map(str::trim)
}

pub(super) fn before_and_after(report: &Report) -> Vec<Vec<String>> {
    let (before, after) = (report.before, report.after);
    let row = |name: &str, was: u64, is: u64| vec![name.to_owned(), was.to_string(), is.to_string()];
    vec![
        vec![String::new(), "before".to_owned(), "after".to_owned()],
        row("logins denied", before.denied, after.denied),
        row("sessions evicted", before.evicted, after.evicted),
    ]
}

fn examples(report: &Report, told: &Told<'_>, out: &mut Output<'_>) -> Result<()> {
    if report.examples.is_empty() {
        return Ok(());
    }
    out.line("\nfirst changes; to open one: sledger policy explain seq:N --with NEW")?;
    for example in &report.examples {
        let Example { seq, at, user, was, is } = example;
        out.line(&format!("  seq:{seq}  {}  {}", told.zone.shown(*at), escape(user)))?;
        out.line(&format!("    was  {}", outcome(was)))?;
        out.line(&format!("    is   {}", outcome(is)))?;
    }
    Ok(())
}

/// `evict a,b: oldest (line 4)`.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let mut text = outcome.kind.to_string();
    if !outcome.victims.is_empty() {
        let victims: Vec<_> = outcome.victims.iter().map(|id| escape(id)).collect();
        text = format!("{text} {}", victims.join(","));
    }
    if let Some(failure) = outcome.failure {
        text = format!("{text} {}", failure.as_str());
    }
    if let Some(reason) = &outcome.reason {
        text = format!("{text}: {}", escape(reason));
    }
    if outcome.line > 0 {
        text = format!("{text} (line {})", outcome.line);
    }
    let is_told =
        matches!((outcome.kind, outcome.admitted), (Kind::Allow | Kind::Evict, true) | (Kind::Deny, false));
    match outcome.admitted {
        _ if is_told => text,
        true => format!("{text}, admitted"),
        false => format!("{text}, denied"),
    }
}

/// What the figures leave out.
pub(super) fn notes(report: &Report, losses: Option<Losses>) -> Vec<String> {
    let unable = |why| report.unable.get(&why).copied().unwrap_or(0);
    let losses = losses.unwrap_or_default();
    let counts = [
        (report.aggregated, "denials were only counted, in a storm: they carry no command, and are left out"),
        (unable(Unable::Sealed), "decisions are sealed away: they are left out"),
        (unable(Unable::Unbound), "decisions rest on a policy whose text is not in this history"),
        (unable(Unable::Unrecorded), "logins come to nothing that is recorded: they are left out"),
        (losses.downs, "times the ledger was down while sessions idled: they may expire earlier here"),
        (losses.assumed, "ends were assumed by an import"),
        (losses.touches, "touches could not be put in order: sessions may expire earlier here"),
    ];
    let mut notes: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, text)| format!("{count} {text}"))
        .collect();
    for (code, count) in &report.failures {
        notes.push(format!("the policy failed {count} times: {}", PolicyCode::as_str(*code)));
    }
    notes
}
