//! An explanation for people.

use crate::output::Output;
use crate::show::table;
use crate::zone::Zone;
use anyhow::Result;
use sledger_core::event::{Decision, Event, Judged, Judgement, PolicyRef};
use sledger_core::{Facts, Limit, Millis, Seq};
use sledger_policy::Step;
use sledger_replay::explain::{Asked, Explained, Known, Told};
use sledger_wire::escape;
use sledger_wire::events::actor_text;
use std::fmt::Write as _;
use std::sync::Arc;

/// Sessions shown of those a policy knew.
const SESSIONS_MAX: usize = 20;
/// Characters of a line of a policy that are shown.
const LINE_CHARS_MAX: usize = 100;

pub(super) fn tell(explained: &Explained, zone: Zone, out: &mut Output<'_>) -> Result<()> {
    let Explained { first, decision, facts, .. } = explained;
    let (user, session) = (escape(facts.user()), escape(facts.session()));
    let by = escape(&actor_text(&decision.actor)).into_owned();
    let at = zone.shown(decision.at);
    out.line(&format!("seq {first}: {user} came as session {session} at {at}, told by {by}"))?;
    out.line(&format!("  {}", facts_of(facts)))?;
    tell_counted(explained, out)?;
    tell_side_by_side(explained, out)?;
    tell_told("again, as it was", &explained.again, decision.at, out)?;
    if let Some(with) = &explained.with {
        tell_told("with the other policy", with, decision.at, out)?;
    }
    if explained.is_as_recorded() {
        out.line("\ndecided again, it is what was recorded")?;
    } else if explained.again.missing.is_none() {
        out.line("\nDIFFERS: decided again, it is not what was recorded")?;
    }
    Ok(())
}

fn facts_of(facts: &Facts) -> String {
    let groups: Vec<_> = facts.groups().map(escape).collect();
    let groups = groups.join(",");
    let mut text = String::new();
    let plain = [
        ("ip", facts.ip()),
        ("client", facts.client()),
        ("source", facts.source()),
        ("groups", Some(groups.as_str()).filter(|groups| !groups.is_empty())),
    ];
    for (name, value) in plain {
        let Some(value) = value else { continue };
        let _always = write!(text, "{name}={} ", escape(value));
    }
    for (kind, pairs) in [("attr", attributes(facts)), ("user attr", user_attributes(facts))] {
        for (key, value) in pairs {
            let _always = write!(text, "{kind}.{}={} ", escape(key), escape(value));
        }
    }
    if text.is_empty() { "nothing else was known of it".to_owned() } else { text.trim_end().to_owned() }
}

fn attributes(facts: &Facts) -> Vec<(&str, &str)> {
    facts.attributes().collect()
}

fn user_attributes(facts: &Facts) -> Vec<(&str, &str)> {
    facts.user_attributes().collect()
}

/// Every quota key that counts it, before it came.
fn tell_counted(explained: &Explained, out: &mut Output<'_>) -> Result<()> {
    if explained.counted.is_empty() {
        return out.line("\nno quota counts it");
    }
    let mut rows = vec![["quota", "key", "used", "limit"].map(str::to_owned).to_vec()];
    for counted in &explained.counted {
        let (quota, key) = (escape(&counted.quota).into_owned(), escape(&counted.key).into_owned());
        rows.push(vec![quota, key, counted.used.to_string(), limit(counted.limit)]);
    }
    out.line("")?;
    table(&rows).iter().try_for_each(|line| out.line(line))
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Max(max) => max.to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::Banned => "banned".to_owned(),
    }
}

/// Recorded, again, and with the other policy: one block of lines each.
fn tell_side_by_side(explained: &Explained, out: &mut Output<'_>) -> Result<()> {
    let again = explained.again.decision.as_ref();
    let mut columns = vec![("recorded", lines(explained, &explained.decision))];
    columns.push(("again", again.map_or_else(|_| vec![not_decided()], |again| lines(explained, again))));
    if let Some(with) = &explained.with {
        let with = with.decision.as_ref();
        columns.push(("with", with.map_or_else(|_| vec![not_decided()], |with| lines(explained, with))));
    }
    out.line("")?;
    for (name, lines) in columns {
        for (index, line) in lines.iter().enumerate() {
            out.line(&format!("{:<9} {line}", if index == 0 { name } else { "" }))?;
        }
    }
    Ok(())
}

fn not_decided() -> String {
    "cannot be decided".to_owned()
}

/// What it came to, then what each policy said.
fn lines(explained: &Explained, decision: &Decision) -> Vec<String> {
    let mut lines = vec![came_to(explained, decision)];
    lines.extend(decision.judged.iter().map(|one| format!("  {}", judged(explained, one))));
    lines
}

fn came_to(explained: &Explained, decision: &Decision) -> String {
    let ended = decision.events.iter().filter_map(|event| match event {
        Event::Ended { session, cause, .. } => Some((*session, cause.as_str())),
        _ => None,
    });
    let ended: Vec<String> =
        ended.map(|(number, cause)| format!("{} {cause}", id(explained, number))).collect();
    let what = match decision.events.last() {
        Some(Event::Admitted { .. }) => "admitted".to_owned(),
        Some(Event::Resumed { .. }) => "resumed: its id was live, so no quota is asked".to_owned(),
        Some(Event::Denied { code, reason, .. }) => format!("denied, {}: {}", code.as_str(), escape(reason)),
        Some(Event::Conflicted { reason, .. }) => format!("conflict: {}", escape(reason)),
        _ => "nothing".to_owned(),
    };
    if ended.is_empty() { what } else { format!("{what}; {}", ended.join(", ")) }
}

fn judged(explained: &Explained, judged: &Judged) -> String {
    let quota = explained.quotas.get(usize::from(judged.quota)).map_or("?", |quota| &*quota.name);
    let mut text = escape(quota).into_owned();
    match &judged.policy {
        Some(policy) => text = format!("{text}, {policy}: {}", answer(explained, &judged.answer)),
        None => text = format!("{text}: banned, no policy is asked"),
    }
    if let Some(reason) = &judged.reason {
        text = format!("{text}, \"{}\"", escape(reason));
    }
    if let Some(failure) = &judged.failure {
        text = format!("{text}; {} failed with {}", failure.policy, failure.code.as_str());
        if failure.line > 0 {
            text = format!("{text} at {}:{}", failure.line, failure.column);
        }
    }
    if judged.line > 0 {
        text = format!("{text} at {}:{}", judged.line, judged.column);
    }
    text = format!("{text}, {} operations", judged.operations);
    for note in &judged.notes {
        text = format!("{text}, note \"{}\"", escape(note));
    }
    if judged.enforced { text } else { format!("{text} (advisory: nothing follows)") }
}

fn answer(explained: &Explained, answer: &Judgement) -> String {
    let named =
        |numbers: &[Seq]| numbers.iter().map(|number| id(explained, *number)).collect::<Vec<_>>().join(",");
    match answer {
        Judgement::Allow => "allow".to_owned(),
        Judgement::Deny { offer } if offer.is_empty() => "deny".to_owned(),
        Judgement::Deny { offer } => format!("deny, offering {}", named(offer)),
        Judgement::Evict { victims } => format!("evict {}", named(victims)),
    }
}

fn id(explained: &Explained, number: Seq) -> String {
    explained.id(number).map_or_else(|| format!("@{number}"), |id| escape(id).into_owned())
}

/// What policies were asked, what they knew, and what ran.
fn tell_told(name: &str, told: &Told, at: Millis, out: &mut Output<'_>) -> Result<()> {
    for asked in &told.limits {
        out.line(&format!("\n{name}: {} is asked for the limit of {}", asked.policy, escape(&asked.quota)))?;
        tell_steps(&asked.policy, asked.source.as_ref(), (&asked.trace.steps, asked.trace.cut), out)?;
        let gives = match &asked.trace.reply.answer {
            Ok(Some(own)) => limit(*own),
            Ok(None) => format!("{}, as configured", limit(asked.configured)),
            Err(failure) => format!("{}; {}", limit(asked.configured), failure.code.as_str()),
        };
        out.line(&format!("  gives {gives}"))?;
    }
    told.asked.iter().try_for_each(|asked| tell_asked(name, asked, at, out))
}

fn tell_asked(name: &str, asked: &Asked, at: Millis, out: &mut Output<'_>) -> Result<()> {
    let Asked { quota, key, limit, used, excess, known_count, .. } = asked;
    let (quota, key) = (escape(quota), escape(key));
    out.line(&format!("\n{name}: {quota}, key {key}, is exhausted: {used} of {limit}, {excess} must go"))?;
    out.line(&format!("  sessions that may go: {known_count}"))?;
    let rows: Vec<Vec<String>> = asked.known.iter().take(SESSIONS_MAX).map(|known| row(known, at)).collect();
    for line in table(&rows) {
        out.line(&format!("    {line}"))?;
    }
    let beyond = known_count.saturating_sub(SESSIONS_MAX);
    if beyond > 0 {
        out.line(&format!("    and {beyond} more"))?;
    }
    for round in &asked.rounds {
        out.line(&format!("  {} is asked", round.policy))?;
        tell_steps(&round.policy, round.source.as_ref(), (&round.trace.steps, round.trace.cut), out)?;
        if let Err(failure) = &round.trace.reply.answer {
            out.line(&format!("  it fails with {} at line {}", failure.code.as_str(), failure.line))?;
        }
    }
    Ok(())
}

fn row(known: &Known, at: Millis) -> Vec<String> {
    let ago = |then: Millis| seconds(at.since(then));
    let mut what = facts_of(&known.facts);
    if known.retained {
        what = format!("{what} retained");
    }
    let left =
        if known.deadline == Millis::NEVER { "never".to_owned() } else { seconds(known.deadline.since(at)) };
    vec![
        escape(known.facts.session()).into_owned(),
        format!("age {}", ago(known.facts.started)),
        format!("idle {}", ago(known.last_active)),
        format!("over in {left}"),
        escape(known.facts.user()).into_owned(),
        what,
    ]
}

/// Whole seconds, in the two largest units that there are of them.
fn seconds(millis: u64) -> String {
    let mut left = millis / 1000;
    let mut text = String::new();
    for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")] {
        let count = left / unit;
        left %= unit;
        let is_shown = count > 0 && text.chars().filter(char::is_ascii_alphabetic).count() < 2;
        if is_shown {
            // Writing to memory does not fail.
            let _always = write!(text, "{count}{name}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Each line that ran, once per time, and the values on it.
fn tell_steps(
    policy: &PolicyRef,
    source: Option<&Arc<str>>,
    (steps, cut): (&[Step], bool),
    out: &mut Output<'_>,
) -> Result<()> {
    let Some(source) = source else { return out.line(&format!("  the text of {policy} is not known")) };
    let mut before = 0;
    for step in steps {
        // A statement within another on its line says nothing new unless it has values.
        if step.values.is_empty() && std::mem::replace(&mut before, step.line) == step.line {
            continue;
        }
        before = step.line;
        let index = usize::try_from(step.line).unwrap_or(0).saturating_sub(1);
        let text = source.lines().nth(index).unwrap_or_default().trim();
        let text: String = escape(text).chars().take(LINE_CHARS_MAX).collect();
        out.line(&format!("  {:>4}  {text}", step.line))?;
        for (name, value) in &step.values {
            out.line(&format!("          {} = {}", escape(name), escape(value)))?;
        }
    }
    if cut { out.line("        … and more") } else { Ok(()) }
}
