//! Settings put together again: parts by their hashes, bindings by the revisions of recorded sources, and what is
//! told of them.

use super::Verify;
use super::again::{Again, same};
use super::report::{Kind, Unable};
use crate::rejudge::Rejudge;
use sledger_core::codec;
use sledger_core::command::{Actor, Command, Request};
use sledger_core::config::Settings;
use sledger_core::decide::{Applying, Decided, Install, configuration, over};
use sledger_core::event::{Decision, Event, Op, PolicyMode, PolicySource};
use sledger_core::policy::Policies as _;
use sledger_core::{Seq, State};
use std::sync::Arc;

/// Decisions of one change of settings that are held until they are put in force: more than any has.
const GROUP_MAX: usize = 8192;

/// Whether these decisions are all of one change of settings.
pub(super) fn is_whole(group: &[Decision]) -> bool {
    let Some(last) = group.last() else { return true };
    let is_applied = matches!(last.events.last(), Some(Event::ConfigApplied { .. }));
    is_applied || is_sent(group) || group.len() >= GROUP_MAX
}

/// Whether this is a policy's text sent by itself.
fn is_sent(group: &[Decision]) -> bool {
    let [Decision { op: Op::Policy, cause: None, events, .. }] = group else { return false };
    matches!(events.first(), Some(Event::PolicyInstalled { from: PolicySource::Sent, .. }))
}

impl Verify {
    /// Decides a change of settings again, as soon as it is whole or something else follows, and folds it.
    pub(super) fn settle(&mut self) {
        let group = std::mem::take(&mut self.settings);
        let Some(begin) = group.first() else { return };
        let first = self.judge.next_seq();
        if !self.is_starting {
            self.before(first, begin);
        }
        let mut seq = first;
        for (again, decision) in self.settled(first, &group).into_iter().zip(&group) {
            self.tell(seq, again);
            seq = seq.plus(decision.events.len() as u64);
        }
        for decision in &group {
            self.fold(self.judge.next_seq(), decision);
        }
        let in_force = self.judge.state().policies_in_force();
        self.judge.bench().1.in_force(&in_force);
    }

    /// One answer for each decision.
    fn settled(&mut self, first: Seq, group: &[Decision]) -> Vec<Again> {
        let unable = |why| group.iter().map(|_| Again::Unable(why)).collect();
        if self.is_blind {
            return unable(Unable::BehindLoss);
        }
        let applied = group.iter().rev().flat_map(|decision| decision.events.iter().rev());
        let engine = applied.clone().find_map(|event| match event {
            Event::ConfigApplied { engine, rules, .. } => Some((engine, *rules)),
            _ => None,
        });
        let is_own = engine.is_none_or(|(engine, rules)| {
            **engine == *sledger_policy::ENGINE_REVISION && rules == sledger_core::event::RULES_REVISION
        });
        if !is_own {
            return unable(Unable::Revision);
        }
        let again = match self.settings_again(group) {
            Ok(again) => again,
            Err(why) => {
                self.problem(Kind::Settings, first, why);
                return unable(Unable::Settings);
            }
        };
        if again.len() != group.len() {
            let detail = format!("settings take {} decisions, decided again {}", group.len(), again.len());
            return std::iter::once(Again::Differs(detail)).collect();
        }
        group.iter().zip(&again).map(|(recorded, again)| same(recorded, again, self.judge.state())).collect()
    }

    fn settings_again(&mut self, group: &[Decision]) -> Result<Vec<Decision>, String> {
        if is_sent(group)
            && let [decision] = group
        {
            return self.sent_again(decision);
        }
        let whole = Whole::of(group, self.judge.state())?;
        for event in group.iter().flat_map(|decision| &decision.events) {
            told_truly(event, self.judge.state(), &whole.settings)?;
        }
        if whole.is_timed {
            let (state, engine) = self.judge.bench();
            let again = over(state, engine, whole.at).map_err(|refusal| refusal.reason)?;
            return Ok(again.into_iter().map(|one| Decision::clone(&one)).collect());
        }
        let mut again = whole.again(&mut self.judge)?;
        for (again, recorded) in again.iter_mut().zip(group) {
            again.request_id.clone_from(&recorded.request_id);
            again.command.clone_from(&recorded.command);
            again.cause = recorded.cause;
        }
        Ok(again)
    }

    /// A policy's text that was sent by itself.
    fn sent_again(&mut self, decision: &Decision) -> Result<Vec<Decision>, String> {
        let Some(Event::PolicyInstalled { name, text, .. }) = decision.events.first() else {
            return Err("a policy is recorded without its text".to_owned());
        };
        let command = Command::Policy { name: name.to_string(), text: text.to_string() };
        let request = Request {
            request_id: decision.request_id.as_deref().map(str::to_owned),
            command_id: decision.command.as_ref().map(|mark| mark.id.to_string()),
            ..Request::new(decision.actor.clone(), command)
        };
        match self.judge.ask(&request, decision.at) {
            Decided::Record(again, _) => Ok(again.into_iter().map(|one| Decision::clone(&one)).collect()),
            Decided::Answer(answer) | Decided::Seen(_, answer) => {
                let why = answer.reason.as_deref().unwrap_or("nothing changes").to_owned();
                Err(format!("policy `{name}` could not be installed: {}", sledger_wire::escape(&why)))
            }
        }
    }
}

/// A change of settings, read from its decisions.
struct Whole<'g> {
    settings: Settings,
    installs: Vec<Install>,
    file: Option<[u8; 32]>,
    told: Vec<Event>,
    reason: Option<&'g str>,
    back: bool,
    actor: Actor,
    at: sledger_core::Millis,
    is_timed: bool,
}

impl<'g> Whole<'g> {
    fn of(group: &'g [Decision], state: &State) -> Result<Self, String> {
        let Some(last) = group.last() else { return Err("no settings".to_owned()) };
        let mut parts = state.parts().clone();
        let (mut installs, mut told, mut why, mut applied) = (Vec::new(), Vec::new(), None, None);
        for event in group.iter().flat_map(|decision| &decision.events) {
            match event {
                Event::ConfigPart { hash, part } => {
                    if *blake3::hash(&codec::encode(part)).as_bytes() != *hash {
                        return Err("a part of the settings has another hash than it is named by".to_owned());
                    }
                    parts.note(*hash, part);
                }
                Event::PolicyInstalled { name, text, from, reason } => {
                    why = reason.as_deref().or(why);
                    installs.push(Install { name: Arc::clone(name), text: Arc::clone(text), from: *from });
                }
                Event::ConfigApplied { parts, file, .. } => applied = Some((parts, *file)),
                other => told.push(other.clone()),
            }
        }
        let (named, file) = applied.ok_or("settings are recorded and never put in force")?;
        let ready =
            parts.apply(named).ok_or("settings name a part that is not recorded, or cannot be used")?;
        let back = told.iter().any(|event| matches!(event, Event::PolicyRolledBack { .. }));
        // What follows from the bindings stands last, and is told again by them.
        while told.last().is_some_and(is_switched) {
            told.pop();
        }
        let is_timed = last.actor == Actor::Timer;
        let at = group.first().map_or(last.at, |begin| begin.at);
        let (actor, settings) = (last.actor.clone(), ready.settings);
        Ok(Self { settings, installs, file, told, reason: why, back, actor, at, is_timed })
    }

    fn again(&self, judge: &mut Rejudge) -> Result<Vec<Decision>, String> {
        let applying = Applying {
            settings: &self.settings,
            installs: &self.installs,
            file: self.file,
            told: &self.told,
            reason: self.reason,
            back: self.back,
        };
        let (state, engine) = judge.bench();
        let again = configuration(state, engine, applying, (self.actor.clone(), self.at));
        again.map_err(|refusal| format!("settings cannot be put in force: {}", refusal.reason))
    }
}

const fn is_switched(event: &Event) -> bool {
    matches!(event, Event::PolicyActivated { mode: PolicyMode::Active, .. } | Event::PolicyRolledBack { .. })
}

/// Whether what is told of settings is so: what changed is there, what is gone is not.
fn told_truly(event: &Event, before: &State, after: &Settings) -> Result<(), String> {
    let quota = |name: &str| after.quota(name);
    let is_true = match event {
        Event::QuotaChanged { quota: name, .. } => quota(name).is_some(),
        Event::QuotaDeleted { quota: name, .. } => {
            before.ready().settings.quota(name).is_some()
                && before.ready().settings.quota(name) != quota(name)
        }
        Event::OverrideChanged { quota: name, limit, until, .. } => limit.is_none_or(|limit| {
            let overrides = quota(name).into_iter().flat_map(|quota| &quota.overrides);
            overrides.clone().any(|one| (one.limit, one.until) == (limit, *until))
        }),
        Event::GroupChanged { group, member: true, .. } => {
            after.members.iter().any(|one| one.group == **group && one.member)
                || after.groups.iter().any(|one| one.name == **group)
        }
        _ => true,
    };
    if is_true { Ok(()) } else { Err("settings are told to change in a way that they do not".to_owned()) }
}
