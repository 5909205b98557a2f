//! Policies at run time: installed for all quotas that name them or for one, on trial, promoted, rolled back, stopped.
//!
//! Invariants: nothing comes into force that does not pass the engine's check and a smoke run on logins as there were
//! lately; what is on trial ends nobody and lets nobody in unless it is for a share of users; the level of a quota is
//! the quota's.

use super::Means;
use super::change::{Refused, found, refused};
use super::judge::smoke;
use super::settings::{shaped, short_enough};
use crate::command::{Deed, PolicyChange, Refusal, Rejection, Request};
use crate::config::{Assignment, Param, Quota, Settings};
use crate::decide::Install;
use crate::event::{Event, PolicyMode, PolicySource};
use crate::policy::Bound;
use crate::{Millis, Personal, State};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Settings to come, what is told of it, and the sources that come with them.
pub(super) struct Turn {
    pub(super) settings: Settings,
    pub(super) told: Vec<Event>,
    pub(super) installs: Vec<Install>,
    /// Whether what comes into force is a former policy.
    pub(super) back: bool,
}

/// What a change of policies is made from.
struct Turning<'t, 'm> {
    state: &'t State,
    means: &'t mut Means<'m>,
    request: &'t Request,
    change: &'t PolicyChange,
    reason: Option<&'t str>,
    at: Millis,
}

type Turned = Result<Option<Turn>, Refused>;

/// What comes of a change of policies; `None` where nothing changes.
pub(super) fn turn(
    state: &State,
    means: &mut Means<'_>,
    (request, change, reason): (&Request, &PolicyChange, Option<&str>),
    at: Millis,
) -> Turned {
    shaped(&change.name)?;
    if let Some(quota) = &change.quota {
        found(&state.ready().settings, quota)?;
    }
    let mut turning = Turning { state, means, request, change, reason, at };
    let turned = match &change.deed {
        Deed::Install { text, mode, params } => turning.install(text, *mode, params),
        Deed::Promote => turning.promote(),
        Deed::RollBack { to } => turning.roll_back(*to),
        Deed::Stop => turning.stop(),
    };
    Ok(turned?.map(|turn| turning.noted(turn)))
}

/// Why something was done about a policy, where no event of it has room to say so.
pub(super) fn note(policy: &str, reason: &str) -> Event {
    let about = Personal::Plain(format!("policy:{policy}").into());
    Event::NoteAdded { about, text: Personal::Plain(reason.into()) }
}

/// That a policy on trial goes.
pub(super) fn stopped(trial: &Assignment) -> Event {
    Event::PolicyStopped { quota: Some(trial.quota.as_str().into()), policy: trial.policy_ref() }
}

impl<'t> Turning<'t, '_> {
    fn settings(&self) -> &'t Settings {
        &self.state.ready().settings
    }

    fn name(&self) -> &'t str {
        &self.change.name
    }

    /// The quotas concerned: the one named, else all that the policy decides for or is named by.
    fn targets(&self) -> Vec<&'t Arc<Quota>> {
        let settings = self.settings();
        let is_meant = |quota: &&Arc<Quota>| {
            if let Some(name) = &self.change.quota {
                return quota.name == *name;
            }
            let assigned = settings.assigned(&quota.name);
            assigned.map_or(&*quota.on_exhausted, |one| &*one.policy) == self.name()
        };
        settings.quotas.iter().filter(is_meant).collect()
    }

    fn install(&mut self, text: &Arc<str>, mode: PolicyMode, params: &BTreeMap<String, Param>) -> Turned {
        short_enough(text, self.means)?;
        if matches!(mode, PolicyMode::Share(0 | 101..)) {
            let reason = "is not from 1 to 100: so many of a hundred users are meant";
            return Err(Rejection::new("share", reason).into());
        }
        let checked = self.means.policies.check(self.name(), text);
        checked.map_err(|fault| Rejection::new("text", fault.to_string()))?;
        let targets = self.targets();
        self.params_have_a_place(&targets, params)?;
        if targets.is_empty() && mode != PolicyMode::Active {
            return Err(self.nowhere("no quota names the policy").into());
        }
        for quota in &targets {
            let bound = self.bind(quota, text, params)?;
            self.try_out(quota, &bound)?;
        }
        match (mode, &self.change.quota) {
            (PolicyMode::Active, None) => self.install_for_all(text, &targets),
            _ => self.assign(&targets, text, mode, params),
        }
    }

    /// Params are given where the quota has none for this policy.
    fn params_have_a_place(
        &self,
        targets: &[&Arc<Quota>],
        params: &BTreeMap<String, Param>,
    ) -> Result<(), Rejection> {
        let is_named = targets.iter().any(|quota| quota.on_exhausted == self.name());
        if params.is_empty() || (!is_named && self.change.quota.is_some()) {
            return Ok(());
        }
        let reason = "are for a quota that names another policy; this one's are set in the quota itself";
        Err(Rejection::new("params", reason))
    }

    fn nowhere(&self, why: &str) -> Rejection {
        let known: Vec<_> =
            self.settings().quotas.iter().take(8).map(|quota| format!("`{}`", quota.name)).collect();
        Rejection::new("quota", format!("{why}: say for which quota; there are {}", known.join(", ")))
    }

    fn bind(
        &mut self,
        quota: &Quota,
        text: &str,
        params: &BTreeMap<String, Param>,
    ) -> Result<Bound, Rejection> {
        let params = if quota.on_exhausted == self.name() { &quota.params } else { params };
        let bound = self.means.policies.bind(self.name(), text, params);
        bound.map_err(|fault| Rejection::new("text", format!("quota `{}`: {fault}", quota.name)))
    }

    /// The smoke run.
    fn try_out(&mut self, quota: &Quota, bound: &Bound) -> Result<(), Rejection> {
        let quotas = &self.state.ready().settings.quotas;
        let index = quotas.iter().position(|other| other.name == quota.name);
        let Some(index) = index.and_then(|index| u16::try_from(index).ok()) else { return Ok(()) };
        smoked(self.state, self.means, self.request, (index, bound), self.at)
    }

    /// For all quotas that name it: those that had it given to them follow the name again. Where `given` has quotas that
    /// name another policy, it is given to these anew.
    fn install_for_all(&mut self, text: &Arc<str>, given: &[&Arc<Quota>]) -> Turned {
        let (mut settings, mut told) = (self.settings().clone(), Vec::new());
        settings.assignments.retain(|one| !self.is_about(one) || !(one.is_active() || one.text == *text));
        for quota in given {
            let before = self.settings().assigned(&quota.name);
            let Some(before) = before.filter(|_| quota.on_exhausted != self.name()) else { continue };
            let fresh = self.assignment(quota, text, PolicyMode::Active, &before.params)?;
            self.give(fresh, &mut settings, &mut told);
        }
        let is_there = self.state.policy_source(self.name()) == Some(text);
        if is_there && settings == *self.settings() {
            return Ok(None);
        }
        let install = Install { name: self.name().into(), text: Arc::clone(text), from: PolicySource::Sent };
        let installs = if is_there { Vec::new() } else { vec![install] };
        Ok(Some(Turn { settings, told, installs, back: false }))
    }

    /// Whether the quota of an assignment of this policy names it, too.
    fn is_about(&self, one: &Assignment) -> bool {
        let quota = self.settings().quota(&one.quota);
        *one.policy == *self.name() && quota.is_some_and(|quota| quota.on_exhausted == self.name())
    }

    /// The turn with a note of the reason, unless it stands with a source or an assignment that comes with it.
    fn noted(&self, mut turn: Turn) -> Turn {
        let fresh = self.state.seq().next();
        let is_kept =
            !turn.installs.is_empty() || turn.settings.assignments.iter().any(|one| one.set_at == fresh);
        turn.told.extend(self.reason.filter(|_| !is_kept).map(|reason| note(self.name(), reason)));
        turn
    }

    /// For the quotas named, beside what they say.
    fn assign(
        &mut self,
        targets: &[&Arc<Quota>],
        text: &Arc<str>,
        mode: PolicyMode,
        params: &BTreeMap<String, Param>,
    ) -> Turned {
        let (mut settings, mut told) = (self.settings().clone(), Vec::new());
        for quota in targets {
            let assignment = self.assignment(quota, text, mode, params)?;
            self.give(assignment, &mut settings, &mut told);
        }
        let changed = settings != *self.settings();
        Ok(changed.then_some(Turn { settings, told, installs: Vec::new(), back: false }))
    }

    fn assignment(
        &mut self,
        quota: &Quota,
        text: &Arc<str>,
        mode: PolicyMode,
        params: &BTreeMap<String, Param>,
    ) -> Result<Assignment, Rejection> {
        let Bound { policy, has_limit } = self.bind(quota, text, params)?;
        let params = if quota.on_exhausted == self.name() { BTreeMap::new() } else { params.clone() };
        Ok(Assignment {
            quota: quota.name.clone(),
            policy: policy.name,
            text: Arc::clone(text),
            params,
            mode,
            revision: policy.revision,
            has_limit,
            set_at: self.state.seq().next(),
            at: self.at,
            by: self.request.actor.clone(),
            reason: self.reason.map(str::to_owned),
        })
    }

    /// Puts an assignment in the place of the one before, unless it says the same.
    fn give(&self, fresh: Assignment, settings: &mut Settings, told: &mut Vec<Event>) {
        let quota = fresh.quota.clone();
        let same = |one: &Assignment| (one.quota == quota, one.is_active()) == (true, fresh.is_active());
        let before = settings.assignments.iter().find(|one| same(one)).cloned();
        let says =
            |one: &Assignment| (Arc::clone(&one.text), one.params.clone(), one.mode, Arc::clone(&one.policy));
        if before.as_ref().is_some_and(|before| says(before) == says(&fresh)) {
            return;
        }
        settings.assignments.retain(|one| !same(one));
        if fresh.is_active() {
            // What decides is no longer on trial.
            let is_it = |one: &Assignment| (&one.policy, &one.text) == (&fresh.policy, &fresh.text);
            settings.assignments.retain(|one| one.quota != quota || !is_it(one));
            if !self.is_what_the_quota_says(&fresh) {
                settings.assignments.push(fresh);
            }
            return;
        }
        told.extend(before.filter(|before| before.policy != fresh.policy).as_ref().map(stopped));
        let (policy, mode) = (fresh.policy_ref(), fresh.mode);
        told.push(Event::PolicyActivated { quota: Some(quota.as_str().into()), policy, mode });
        settings.assignments.push(fresh);
    }

    /// Whether the quota would ask this very policy by itself.
    fn is_what_the_quota_says(&self, one: &Assignment) -> bool {
        let quota = self.settings().quota(&one.quota);
        let is_named = quota.is_some_and(|quota| *quota.on_exhausted == *one.policy);
        is_named && self.state.policy_source(&one.policy) == Some(&one.text)
    }

    /// The assignments on trial that are meant.
    fn on_trial(&self) -> Result<Vec<&'t Assignment>, Refused> {
        let meant = |one: &&Assignment| {
            !one.is_active()
                && *one.policy == *self.name()
                && self.change.quota.as_ref().is_none_or(|quota| one.quota == *quota)
        };
        let found: Vec<_> = self.settings().assignments.iter().filter(meant).collect();
        if found.is_empty() {
            let reason = format!("policy `{}` is not on trial{}", self.name(), self.on_it());
            return Err(refused(Refusal::Unknown, "name", reason));
        }
        Ok(found)
    }

    fn on_it(&self) -> String {
        self.change.quota.as_ref().map_or_else(String::new, |quota| format!(" on quota `{quota}`"))
    }

    fn promote(&mut self) -> Turned {
        let trials = self.on_trial()?;
        for trial in &trials {
            let quota = found(self.settings(), &trial.quota)?;
            let bound = self.bind(quota, &trial.text, &trial.params)?;
            self.try_out(quota, &bound)?;
        }
        if let Some(text) = self.common_text(&trials) {
            return self.install_for_all(&text, &[]);
        }
        let (mut settings, mut told) = (self.settings().clone(), Vec::new());
        settings.assignments.retain(|one| !trials.contains(&one));
        for trial in trials {
            let quota = found(self.settings(), &trial.quota)?;
            let active = self.assignment(quota, &trial.text, PolicyMode::Active, &trial.params)?;
            self.give(active, &mut settings, &mut told);
        }
        Ok(Some(Turn { settings, told, installs: Vec::new(), back: false }))
    }

    /// The one source on trial on all quotas that name the policy, where it is so and no quota was singled out.
    fn common_text(&self, trials: &[&Assignment]) -> Option<Arc<str>> {
        let text = &trials.first()?.text;
        let is_tried = |quota: &str| trials.iter().any(|one| one.quota == quota && one.text == *text);
        let named: Vec<_> =
            self.settings().quotas.iter().filter(|quota| quota.on_exhausted == self.name()).collect();
        let common = self.change.quota.is_none()
            && named.len() == trials.len()
            && named.iter().all(|quota| is_tried(&quota.name));
        common.then(|| Arc::clone(text))
    }

    fn stop(&mut self) -> Turned {
        let trials = self.on_trial()?;
        let mut settings = self.settings().clone();
        settings.assignments.retain(|one| !trials.contains(&one));
        let told = trials.into_iter().map(stopped).collect();
        Ok(Some(Turn { settings, told, installs: Vec::new(), back: false }))
    }

    fn roll_back(&mut self, to: Option<[u8; 4]>) -> Turned {
        let targets = self.targets();
        self.decides_there(&targets)?;
        let text = match to {
            Some(revision) => Some(self.kept(&targets, revision)?),
            None => None,
        };
        let given = |one: &Assignment| {
            one.is_active()
                && *one.policy == *self.name()
                && self.change.quota.as_ref().is_none_or(|quota| one.quota == *quota)
        };
        let is_given = self.settings().assignments.iter().any(given);
        let mut turn = match (text, &self.change.quota) {
            // What was given to quotas is taken back: they ask what they asked before.
            (None, _) if is_given => {
                let mut settings = self.settings().clone();
                settings.assignments.retain(|one| !given(one));
                Some(Turn { settings, told: Vec::new(), installs: Vec::new(), back: false })
            }
            (text, None) => {
                let text = text.map_or_else(|| self.before(), Ok)?;
                self.install_for_all(&text, &targets)?
            }
            (text, Some(quota)) => {
                let text = text.map_or_else(|| self.before(), Ok)?;
                let params = self.settings().assigned(quota).map(|one| one.params.clone());
                self.assign(&targets, &text, PolicyMode::Active, &params.unwrap_or_default())?
            }
        };
        if let Some(turn) = &mut turn {
            turn.back = true;
        }
        Ok(turn)
    }

    /// Where one quota is meant, only a policy that decides there has something to go back from.
    fn decides_there(&self, targets: &[&Arc<Quota>]) -> Result<(), Refused> {
        let policy = |quota: &&Arc<Quota>| {
            let assigned = self.settings().assigned(&quota.name);
            assigned.map_or(&*quota.on_exhausted, |one| &*one.policy) == self.name()
        };
        if self.change.quota.is_none() || targets.iter().all(policy) {
            return Ok(());
        }
        let reason = format!("policy `{}` does not decide{}", self.name(), self.on_it());
        Err(refused(Refusal::Unknown, "name", reason))
    }

    /// The source before the one in force.
    fn before(&self) -> Result<Arc<str>, Refused> {
        let kept = self.state.policy_sources(self.name());
        let before = kept.len().checked_sub(2).and_then(|index| kept.get(index));
        before.map(|source| Arc::clone(&source.text)).ok_or_else(|| {
            let reason = format!("policy `{}`{} has no former revision", self.name(), self.on_it());
            refused(Refusal::Unknown, "name", reason)
        })
    }

    /// The kept source that has this revision under the params of a quota concerned.
    fn kept(&mut self, targets: &[&Arc<Quota>], revision: [u8; 4]) -> Result<Arc<str>, Refused> {
        let none = BTreeMap::new();
        let given = targets.iter().filter_map(|quota| self.settings().assigned(&quota.name));
        let mut params: Vec<&BTreeMap<String, Param>> = given.map(|one| &one.params).collect();
        params.extend(targets.iter().map(|quota| &quota.params));
        params.push(&none);
        let mut known = Vec::new();
        for source in self.state.policy_sources(self.name()).iter().rev() {
            for params in &params {
                let bound = self.means.policies.bind(self.name(), &source.text, params);
                match bound {
                    Ok(bound) if bound.policy.revision == revision => return Ok(Arc::clone(&source.text)),
                    Ok(bound) => known.push(format!("`{}`", bound.policy)),
                    Err(_) => {}
                }
            }
        }
        known.dedup();
        let wanted = u32::from_be_bytes(revision);
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let reason = format!("no revision `{wanted:08x}` of policy `{}` is kept; kept: {known}", self.name());
        Err(refused(Refusal::Unknown, "to", reason))
    }
}

/// Refuses a policy that fails on logins as there were lately.
pub(super) fn smoked(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    (index, bound): (u16, &Bound),
    at: Millis,
) -> Result<(), Rejection> {
    let Some(found) = smoke(state, means, request, (index, bound), at) else { return Ok(()) };
    let (line, column) = found.place;
    let place = if line == 0 { String::new() } else { format!(" at line {line}, column {column}") };
    let (policy, code) = (&bound.policy.name, found.code.as_str());
    let quota = state.ready().quota(index).map(|quota| Arc::clone(&quota.name)).unwrap_or_default();
    // Whose login it is stays out: reasons stand on pages that everybody may read.
    let reason = format!(
        "policy `{policy}` fails on a login under quota `{quota}` like one there was lately: {code}{place}"
    );
    Err(Rejection::new("text", reason))
}
