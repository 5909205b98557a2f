//! What policies were asked and answered, with the deciding line of the recorded source.

use crate::rejudge::Rejudge;
use sledger_core::event::{Decision, Event, Judged, Judgement, PolicyRef};
use sledger_core::quota::key_for_people;
use sledger_core::{Seq, State};
use sledger_wire::why::WhyJudged;
use std::sync::Arc;

/// Characters of a line of a policy that are shown.
const LINE_CHARS_MAX: usize = 160;
/// Sessions named of one answer.
const SESSIONS_MAX: usize = 100;

/// Ids of sessions.
pub(super) type Ids = Vec<(Seq, Arc<str>)>;

/// The sessions that answers name, with their ids.
pub(super) fn ids(decision: &Decision, state: &State) -> Ids {
    crate::explain::ids(decision, state)
}

pub(super) fn judged(decision: &Decision, judge: &Rejudge, ids: &Ids) -> Vec<WhyJudged> {
    decision.judged.iter().map(|one| of(one, judge, ids)).collect()
}

fn of(judged: &Judged, judge: &Rejudge, ids: &Ids) -> WhyJudged {
    let quota = judge.state().ready().quota(judged.quota);
    let (answer, numbers) = match &judged.answer {
        Judgement::Allow => ("allow", &[][..]),
        Judgement::Deny { offer } => ("deny", offer.as_slice()),
        Judgement::Evict { victims } => ("evict", victims.as_slice()),
    };
    let sessions = numbers.iter().take(SESSIONS_MAX).map(|number| id(*number, ids)).collect();
    WhyJudged {
        quota: quota.map(|quota| quota.name.to_string()).unwrap_or_default(),
        key: judged.key.plain().map(|key| key_for_people(key).to_string()),
        limit: judged.limit.into(),
        active: judged.active,
        policy: judged.policy.as_ref().map(PolicyRef::to_string),
        answer: answer.to_owned(),
        sessions,
        reason: judged.reason.as_deref().map(str::to_owned),
        line: judged.line,
        text: judged.policy.as_ref().and_then(|policy| line(judge, policy, judged.line)),
        policy_code: judged.failure.as_ref().map(|failure| failure.code.as_str().to_owned()),
        enforced: judged.enforced,
    }
}

/// A session's id; its number where that is not known.
pub(super) fn id(number: Seq, ids: &Ids) -> String {
    let known = ids.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("@{number}"), |(_, id)| id.to_string())
}

/// A line of the recorded source.
fn line(judge: &Rejudge, policy: &PolicyRef, line: u32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let source = judge.source_of(policy)?;
    let text = source.lines().nth(index)?.trim();
    Some(text.chars().take(LINE_CHARS_MAX).collect())
}

/// The quota whose policy decided about the event at `index`.
pub(super) fn deciding(decision: &Decision, index: usize) -> Option<u16> {
    let judged = match decision.events.get(index)? {
        Event::Ended { judged, .. } | Event::Denied { judged, .. } => *judged,
        _ => None,
    };
    let own = judged.and_then(|judged| decision.judged.get(usize::from(judged)));
    let first = decision.judged.iter().find(|judged| judged.enforced);
    own.or(first).map(|judged| judged.quota)
}
