//! Why something is as it is, in lines: what became of it, how it came to that, what others would have made of it.

use crate::figure;
use sledger_wire::why::{Why, WhyCore};

/// Sessions named of each core policy.
const NAMED_MAX: usize = 5;

/// The lines, not yet escaped, times shown `minutes` east of Greenwich.
#[must_use]
pub fn lines(why: &Why, minutes: i64) -> Vec<String> {
    let mut lines = vec![headline(why, minutes)];
    lines.extend(why.chain.iter().map(|step| format!("{:<9} {}", step.step, step.says)));
    match &why.core_reason {
        Some(reason) => lines.push(format!("others: {reason}")),
        None => lines.push("what the core policies would have done, in their plain form:".to_owned()),
    }
    lines.extend(why.core.iter().map(core));
    lines.extend(again(why).map(str::to_owned));
    lines
}

/// Whether it was decided again as it was recorded; none where it cannot be.
fn again(why: &Why) -> Option<&'static str> {
    Some(if why.as_recorded? {
        "decided again, it is what was recorded"
    } else {
        "DIFFERS: decided again, it is not what was recorded"
    })
}

fn headline(why: &Why, minutes: i64) -> String {
    let who = match (&why.session, &why.user) {
        (Some(session), Some(user)) => format!("{session} of {user}: "),
        (_, Some(user)) => format!("{user}: "),
        _ => String::new(),
    };
    let at = why.ended_at.as_deref().unwrap_or(&why.at);
    let at = figure::read(at).map_or_else(|| at.to_owned(), |at| figure::moment(at, minutes));
    let cause = why.cause.as_deref().filter(|cause| *cause != why.outcome);
    let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let code = why.code.as_deref().map(|code| format!(", {code}")).unwrap_or_default();
    format!("{who}{}{cause} at {at}, #{}{code}", why.outcome, why.seq)
}

fn core(core: &WhyCore) -> String {
    let named = core.evicted.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(" ");
    let more = core.evicted.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let because = core.reason.as_deref().map(|reason| format!(" \"{reason}\"")).unwrap_or_default();
    let same = if core.same { "  as it was" } else { "" };
    format!("  {:<23} {:<6} {named}{more}{because}{same}", core.policy, core.outcome).trim_end().to_owned()
}
