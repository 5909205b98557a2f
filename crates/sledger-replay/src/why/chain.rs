//! The chain in words: the command, what stood before, quotas, policies, the decision, the message, who was told.

use super::end::why_it_ended;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::quota::Ready;
use sledger_core::{Facts, Seq, State};
use sledger_wire::escape::{brief, escape};
use sledger_wire::events::actor_text;
use sledger_wire::values::LimitWord;
use sledger_wire::why::{Why, WhyJudged, WhyStep};
use std::sync::Arc;

/// What is known of those concerned before the decision.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The session that ended, or was touched.
    pub(super) session: Option<sledger_core::state::Session>,
    /// Ids of sessions that came in the way.
    pub(super) own: Option<Arc<Facts>>,
}

impl Before {
    pub(super) fn of(state: &State, decision: &Decision, event: Option<&Event>) -> Self {
        let number = match event {
            Some(
                Event::Ended { session, .. }
                | Event::Resumed { session, .. }
                | Event::Touched { session, .. }
                | Event::Disconnected { session },
            ) => Some(*session),
            _ => None,
        };
        let session = number.and_then(|number: Seq| state.session_numbered(number)).cloned();
        let own = match &decision.op {
            Op::Login(op) => op.facts.plain().cloned(),
            _ => None,
        };
        Self { session, own }
    }
}

pub(super) fn chain(why: &Why, decision: &Decision, before: &Before, ready: &Ready) -> Vec<WhyStep> {
    let mut steps = vec![step("command", command(decision, before))];
    for counted in &why.counted {
        let (quota, key, limit) = (brief(&counted.quota), brief(&counted.key), word(&counted.limit));
        let used = counted.used;
        steps.push(step(
            "quota",
            format!("quota {quota} counts it under key {key}: {used} of {limit} were in"),
        ));
    }
    for judged in &why.judged {
        steps.extend(asked(judged));
    }
    steps.extend(why_it_ended(why, decision, before, ready).into_iter().map(|says| step("state", says)));
    steps.push(step("decision", decided(why)));
    if let Some(message) = &why.decision.message {
        steps.push(step("message", format!("for the person: \"{}\"", escape(message))));
    }
    steps.push(step("told", told(why)));
    steps
}

pub(super) fn step(step: &str, says: String) -> WhyStep {
    WhyStep { step: step.to_owned(), says }
}

fn word(limit: &LimitWord) -> String {
    match limit {
        LimitWord::Number(number) => number.to_string(),
        LimitWord::Word(word) => word.clone(),
    }
}

/// What was asked, and by whom.
fn command(decision: &Decision, before: &Before) -> String {
    let (actor, at) = (brief(&actor_text(&decision.actor)), decision.at.rfc3339());
    let who = before.own.as_deref().map(|facts| {
        let (user, session) = (brief(facts.user()), brief(facts.session()));
        let parts = [("ip", facts.ip()), ("client", facts.client()), ("source", facts.source())];
        let parts = parts.into_iter().filter_map(|(name, value)| Some(format!(" {name} {}", brief(value?))));
        format!("{user} as session {session}{}", parts.collect::<String>())
    });
    let what = match &decision.op {
        Op::Login(_) => {
            format!("a login of {}", who.unwrap_or_else(|| "somebody whose facts are sealed away".into()))
        }
        Op::Touch { .. } => "a touch".to_owned(),
        Op::Logout { .. } => "a logout".to_owned(),
        Op::Disconnect { .. } => "a disconnect".to_owned(),
        Op::End { reason: Some(reason), .. } => format!("an end by an operator: \"{}\"", brief(reason)),
        Op::End { reason: None, .. } => "an end by an operator, without a reason".to_owned(),
        Op::Clear { .. } => "a clear of all sessions of its user".to_owned(),
        Op::Reconcile { source, .. } => format!("a list of the sessions live at source {}", brief(source)),
        Op::Adopt { .. } => "sessions that existed already were recorded".to_owned(),
        Op::Expire => "nobody: a deadline fell due".to_owned(),
        Op::Configure | Op::Policy => "a change of settings".to_owned(),
        Op::Ledger => "the ledger itself".to_owned(),
        Op::Erase { .. } => "the erasure of its user".to_owned(),
        Op::Denials => "denials of a storm, counted together".to_owned(),
    };
    let asked = decision.request_id.as_deref().map(|id| format!(", request {}", brief(id)));
    format!("{what}; told by {actor} at {at}{}", asked.unwrap_or_default())
}

/// A quota that was exhausted, the policy asked, and the line that decided.
fn asked(judged: &WhyJudged) -> Vec<WhyStep> {
    let (quota, limit) = (brief(&judged.quota), word(&judged.limit));
    let advisory = if judged.enforced { "" } else { " (advisory: nothing follows)" };
    let exhausted = format!("quota {quota} was exhausted: {} of {limit} were in{advisory}", judged.active);
    let mut steps = vec![step("quota", exhausted)];
    let Some(policy) = &judged.policy else {
        steps.push(step("policy", "the limit is a ban: no policy was asked".to_owned()));
        return steps;
    };
    let sessions: Vec<String> = judged.sessions.iter().map(|id| brief(id)).collect();
    let named = match (&*judged.answer, sessions.is_empty()) {
        (_, true) => String::new(),
        ("deny", _) => format!(", offering to end {}", sessions.join(" ")),
        _ => format!(" {}", sessions.join(" ")),
    };
    let because = judged.reason.as_deref().map(|reason| format!(", because \"{}\"", brief(reason)));
    let failed =
        judged.policy_code.as_deref().map(|code| format!("; it failed with {code}, and on_error decided"));
    let answer = format!(
        "policy {} was asked: {}{named}{}{}",
        brief(policy),
        judged.answer,
        because.unwrap_or_default(),
        failed.unwrap_or_default()
    );
    steps.push(step("policy", answer));
    if let Some(text) = &judged.text {
        steps.push(step("line", format!("line {}: {}", judged.line, escape(text))));
    }
    steps
}

fn decided(why: &Why) -> String {
    let session = why.session.as_deref().map(|id| format!(" session {}", brief(id)));
    let code = why.code.as_deref().map(|code| format!(", {code}"));
    let cause = why.cause.as_deref().map(|cause| format!(", cause {cause}"));
    let by = why.by_session.as_deref().map(|id| format!(", for session {}", brief(id)));
    let (seq, outcome) = (why.seq, &why.outcome);
    let parts = [session, cause, code, by].map(Option::unwrap_or_default).concat();
    format!("seq {seq}: {outcome}{parts}")
}

fn told(why: &Why) -> String {
    if why.told.is_empty() {
        return "no notice of it is recorded: nobody is known to have been told".to_owned();
    }
    let told = why.told.iter().map(|line| {
        let channel = line.details.get("channel").and_then(|channel| channel.as_str()).unwrap_or("?");
        format!("{} by {} at {} (seq {})", line.kind, brief(channel), line.at, line.seq)
    });
    told.collect::<Vec<_>>().join(", ")
}
