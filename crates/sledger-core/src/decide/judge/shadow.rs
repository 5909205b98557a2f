//! A shadow: a policy that is asked beside the one that decides, and changes nothing but the record.

use super::{Case, Court, Denial};
use crate::event::{Event, Judged, Judgement, PolicyRef};
use crate::quota::ReadyQuota;
use crate::{Limit, Personal, Seq};
use std::sync::Arc;

/// Sessions of a shadow's answer that are recorded; the record of a login must not grow beyond its bound for a shadow.
const NAMED_MAX: usize = 64;

impl Court<'_, '_> {
    /// Judges a key, then asks the shadow about the same key as it was before.
    pub(super) fn judge_shadowed(
        &mut self,
        quota: &ReadyQuota,
        index: u16,
        key: (&Arc<str>, Option<u32>),
        (limit, shadow): (Limit, Limit),
    ) -> Result<(), Denial> {
        let (before, judged) = (self.view.clone(), self.judged.len());
        let heard = self.judge(quota, index, key, limit);
        let state = self.attempt.state;
        let (Some(trial), Some(binding)) =
            (state.ready().trial(index), state.bindings().get(usize::from(index)))
        else {
            return heard;
        };
        let used = before.used(key.1);
        if judged == self.judged.len() && !shadow.is_exhausted_by(used) {
            return heard;
        }
        let after = std::mem::replace(&mut self.view, before);
        let (text, key) = key;
        let max = if let Limit::Max(max) = shadow { max.get() } else { 0 };
        let policy = &trial.policy;
        let case = Case {
            index,
            quota,
            binding,
            policy,
            is_shadow: true,
            text,
            key,
            limit: shadow,
            max,
            used,
            too_few: false,
        };
        let said = match max {
            _ if !shadow.is_exhausted_by(used) => unasked(&case, policy, Judgement::Allow),
            0 => unasked(&case, policy, Judgement::Deny { offer: Vec::new() }),
            _ => self.asked(case),
        };
        self.view = after;
        let real = self.judged.get(judged);
        if differs(real, &said) {
            self.incidents.push(Event::PolicyDiffered { quota: index, shadow: Box::new(shortened(said)) });
        }
        heard
    }

    /// What the shadow says, its answers judged like any.
    fn asked(&mut self, case: Case<'_>) -> Judged {
        let policy = case.policy;
        let fallback = unasked(&case, policy, Judgement::Deny { offer: Vec::new() });
        let case = self.sized(case);
        let _denied = self.ask(case).is_err();
        self.judged.pop().unwrap_or(fallback)
    }
}

/// What follows from the limit alone.
fn unasked(case: &Case<'_>, policy: &PolicyRef, answer: Judgement) -> Judged {
    Judged {
        quota: case.index,
        key: Personal::Plain(Arc::clone(case.text)),
        limit: case.limit,
        active: case.used,
        policy: Some(policy.clone()),
        answer,
        reason: None,
        told: None,
        notes: Vec::new(),
        line: 0,
        column: 0,
        operations: 0,
        failure: None,
        enforced: false,
    }
}

/// Whether the login would have come to another end: let in or not, and who had to go.
fn differs(real: Option<&Judged>, shadow: &Judged) -> bool {
    let Some(real) = real else { return shadow.answer != Judgement::Allow };
    match (&real.answer, &shadow.answer) {
        (Judgement::Allow, Judgement::Allow) | (Judgement::Deny { .. }, Judgement::Deny { .. }) => {
            real.failure.is_none() && shadow.failure.is_some()
        }
        (Judgement::Evict { victims: one }, Judgement::Evict { victims: other }) => {
            sorted(one) != sorted(other)
        }
        _ => true,
    }
}

fn sorted(victims: &[Seq]) -> Vec<Seq> {
    let mut victims = victims.to_vec();
    victims.sort_unstable();
    victims
}

/// The answer with as many sessions as are recorded; how many there were stands in the notes.
fn shortened(mut judged: Judged) -> Judged {
    let (Judgement::Evict { victims: named } | Judgement::Deny { offer: named }) = &mut judged.answer else {
        return judged;
    };
    if named.len() > NAMED_MAX {
        judged.notes.push(format!("{} sessions, of which {NAMED_MAX} are recorded", named.len()).into());
        named.truncate(NAMED_MAX);
    }
    judged
}
