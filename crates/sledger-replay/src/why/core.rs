//! What each of the core policies would have done at the quota that decided.

use super::CORE;
use crate::rejudge::{Candidate, Outcome, Rejudge, RejudgeError, Standing, Target};
use sledger_core::Seq;
use sledger_core::event::{Decision, Event, Op};
use sledger_policy::built_in;
use sledger_wire::why::{Why, WhyCore};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Asks each of them in its plain form, whatever params the quota gives.
pub(super) fn ask(
    judge: &mut Rejudge,
    decision: &Decision,
    quota: Option<u16>,
    why: &mut Why,
) -> Result<(), RejudgeError> {
    let Some(quota) = quota else {
        why.core_reason = Some(unasked(decision).to_owned());
        return Ok(());
    };
    let Some(name) = judge.state().ready().quota(quota).map(|quota| quota.name.to_string()) else {
        return Ok(());
    };
    let was = outcome(judge, decision, quota);
    for policy in CORE {
        let Some(source) = built_in(policy) else { continue };
        let candidate = Candidate { name: policy.into(), source: source.into(), params: BTreeMap::new() };
        judge.stand_in(Some(Standing::new(candidate, Target::Quota(name.clone()))?))?;
        let again = judge.again(decision, None);
        let again = again.ok().map(|again| outcome(judge, &again, quota));
        why.core.extend(again.map(|again| told(policy, &again, &was)));
    }
    judge.stand_in(None)?;
    if why.core.is_empty() {
        why.core_reason =
            Some("the facts of the login are sealed away: nobody can be asked again".to_owned());
    }
    Ok(())
}

fn unasked(decision: &Decision) -> &'static str {
    match (&decision.op, decision.events.last()) {
        (Op::Login(_), Some(Event::Resumed { .. })) => "its id was live, so no quota was asked",
        (Op::Login(_), Some(Event::Conflicted { .. })) => "the id was somebody else's, so no quota was asked",
        (Op::Login(_), _) => {
            "no quota was exhausted, so no policy was asked: all of them would have let it in"
        }
        (Op::Denials, _) => "denials of a storm were counted together: what each was is not recorded",
        _ => "no policy had a say in it",
    }
}

fn outcome(judge: &Rejudge, decision: &Decision, quota: u16) -> Outcome {
    let id = |number: Seq| -> Option<Arc<str>> {
        judge.state().session_numbered(number).map(|session| Arc::from(session.facts.session()))
    };
    Outcome::whole(decision, &[quota], id)
}

fn told(policy: &str, again: &Outcome, was: &Outcome) -> WhyCore {
    WhyCore {
        policy: policy.to_owned(),
        outcome: again.kind.to_string(),
        admitted: again.admitted,
        evicted: again.victims.iter().map(ToString::to_string).collect(),
        reason: again.reason.as_deref().map(str::to_owned),
        same: !again.differs(was),
    }
}
