//! A policy asked about one exhausted key until it has room, and what the host checks around it (RULES 5).

use super::{Case, Court, Ruling, is_by_user};
use crate::Seq;
use crate::config::Level;
use crate::event::{Cause, Judgement, PolicyCode, PolicyRef};
use crate::policy::{Choice, Failure, Question, Verdict};
use crate::quota::key_for_people;
use crate::set::Whose;
use std::sync::Arc;

impl Court<'_, '_> {
    /// Asks one policy until the key has room, it denies, or it fails; says what it cost to fail.
    pub(super) fn attempt_policy(
        &mut self,
        case: &Case<'_>,
        policy: &PolicyRef,
        at: u16,
    ) -> Result<Ruling, (Failure, u32)> {
        let fail = |code, spent| (Failure { code, line: 0, column: 0 }, spent);
        if self.is_tripped(case.index, policy) {
            return Err(fail(PolicyCode::Tripped, 0));
        }
        let (mut spent, mut victims) = (0u32, Vec::new());
        for _ in 0..self.excess(case) {
            let question = self.question(case);
            let reply = self.means.policies.ask(policy, question, spent);
            spent = spent.saturating_add(reply.operations);
            let verdict = reply.answer.map_err(|failure| (failure, spent))?;
            let ruling =
                |answer, verdict| Ruling { answer, policy: policy.clone(), verdict, operations: spent };
            match &verdict.choice {
                Choice::Allow if case.quota.quota.level == Level::Hard => {
                    return Err(located(PolicyCode::NotEnoughRoom, &verdict, spent));
                }
                Choice::Allow if victims.is_empty() => return Ok(ruling(Judgement::Allow, Some(verdict))),
                Choice::Allow => return Ok(ruling(Judgement::Evict { victims }, Some(verdict))),
                Choice::Deny { offer } => {
                    let offer = offer.clone();
                    return Ok(ruling(Judgement::Deny { offer }, Some(verdict)));
                }
                Choice::Evict { victims: chosen } => {
                    let taken = self.take(case, chosen, at).map_err(|code| located(code, &verdict, spent))?;
                    victims.extend(taken);
                    if !case.limit.is_exhausted_by(self.view.used(case.key)) {
                        return Ok(ruling(Judgement::Evict { victims }, Some(verdict)));
                    }
                }
            }
        }
        Err(fail(PolicyCode::NotEnoughRoom, spent))
    }

    /// Takes victims out of the view; each must be in the set that was asked about.
    pub(super) fn take(&mut self, case: &Case<'_>, chosen: &[Seq], at: u16) -> Result<Vec<Seq>, PolicyCode> {
        if chosen.is_empty() {
            return Err(PolicyCode::NoVictim);
        }
        let mut taken = Vec::with_capacity(chosen.len());
        for &number in chosen {
            if taken.contains(&number) {
                continue;
            }
            if !self.may_go(case, number) {
                return Err(PolicyCode::VictimNotInSet);
            }
            if self.view.remove(number, Cause::Evicted, Some(at)) {
                taken.push(number);
            }
        }
        Ok(taken)
    }

    pub(super) fn may_go(&self, case: &Case<'_>, number: Seq) -> bool {
        let (Some(session), Some(key)) = (self.attempt.state.session_numbered(number), case.key) else {
            return false;
        };
        let own = session.facts.user() == self.attempt.facts.user();
        session.has_key(key) && (own || case.quota.quota.evict_others) && !self.view.has_left(number)
    }

    pub(super) fn excess(&self, case: &Case<'_>) -> u32 {
        self.view.used(case.key).saturating_add(1).saturating_sub(case.max).max(1)
    }

    pub(super) fn set(&self, case: &Case<'_>) -> crate::set::SessionSet {
        let whose = match self.attempt.user {
            _ if case.quota.quota.evict_others || is_by_user(&case.quota.quota) => Whose::Everybodys,
            Some(user) => Whose::Of(user),
            None => Whose::Nobodys,
        };
        self.view.under(case.key, whose)
    }

    pub(super) fn question(&self, case: &Case<'_>) -> Question {
        Question {
            at: self.attempt.at,
            login: Arc::clone(&self.attempt.facts),
            evicted_ago: self.evicted_ago(),
            quota: Arc::clone(&case.quota.name),
            key: key_for_people(case.text),
            limit: case.max,
            used: self.view.used(case.key),
            sessions: self.set(case),
            all_sessions: self.view.of_user(self.attempt.user),
        }
    }
}

fn located(code: PolicyCode, verdict: &Verdict, spent: u32) -> (Failure, u32) {
    (Failure { code, line: verdict.line, column: verdict.column }, spent)
}
