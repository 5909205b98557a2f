//! An answer for people.

use crate::output::Output;
use crate::show::table;
use crate::zone::Zone;
use anyhow::Result;
use sledger_wire::escape;
use sledger_wire::why::{Why, WhyCore};

/// Sessions named in a row.
const NAMED_MAX: usize = 5;

pub(super) fn tell(why: &Why, zone: Zone, out: &mut Output<'_>) -> Result<()> {
    out.line(&headline(why, zone))?;
    for step in &why.chain {
        out.line(&format!("  {:<9} {}", step.step, step.says))?;
    }
    if let Some(reason) = &why.core_reason {
        return out.line(&format!("\nthe six core policies: {reason}"));
    }
    out.line("\nthe six core policies, in their plain form:")?;
    let rows: Vec<Vec<String>> = why.core.iter().map(row).collect();
    for line in table(&rows) {
        out.line(&format!("  {line}"))?;
    }
    match why.as_recorded {
        Some(true) => out.line("\ndecided again, it is what was recorded"),
        Some(false) => out.line("\nDIFFERS: decided again, it is not what was recorded"),
        None => Ok(()),
    }
}

/// What became of whom, and when.
pub(crate) fn headline(why: &Why, zone: Zone) -> String {
    let who = match (&why.session, &why.user) {
        (Some(session), Some(user)) => format!("session {} of {}: ", escape(session), escape(user)),
        (_, Some(user)) => format!("{}: ", escape(user)),
        _ => String::new(),
    };
    let at = why.ended_at.as_deref().unwrap_or(&why.at);
    let at = sledger_wire::values::time(at).map_or_else(|_| at.to_owned(), |at| zone.shown(at));
    let code = why.code.as_deref().map(|code| format!(", {code}")).unwrap_or_default();
    let cause = why.cause.as_deref().filter(|cause| *cause != why.outcome);
    let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{who}{}{cause} at {at}, seq {}{code}", why.outcome, why.seq)
}

pub(crate) fn row(core: &WhyCore) -> Vec<String> {
    let evicted: Vec<String> =
        core.evicted.iter().take(NAMED_MAX).map(|id| escape(id).into_owned()).collect();
    let more = core.evicted.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let because = core.reason.as_deref().map(|why| format!("\"{}\"", escape(why)));
    let same = if core.same { "as it was" } else { "" };
    vec![
        core.policy.clone(),
        core.outcome.clone(),
        format!("{}{more}", evicted.join(" ")),
        because.unwrap_or_default(),
        same.to_owned(),
    ]
}
