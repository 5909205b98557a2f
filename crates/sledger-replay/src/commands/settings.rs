//! Settings and policies as commands.
//!
//! A recording begins with the settings in force before its first login: everything but quotas, then the policies,
//! then the quotas that name them. `users` cannot change once anything is recorded, so it comes with the first line;
//! and so all settings up to the first that are put in force belong to the beginning.

use super::Timed;
use sledger_core::command::{Actor, Command, Configure, Request};
use sledger_core::config::{Assignment, GroupRule, Quota, Settings};
use sledger_core::decider::Recorded;
use sledger_core::event::{Event, Op};
use sledger_core::{Millis, State};
use sledger_wire::events::Begin;
use std::cmp::Reverse;
use std::sync::Arc;

/// Policies kept until the settings come: more than a start installs.
const POLICIES_MAX: usize = 4096;

/// What comes before the first login.
#[derive(Debug)]
pub(super) struct Opening {
    policies: Vec<(String, String)>,
    /// Whether settings were put in force.
    is_known: bool,
}

impl Opening {
    pub(super) fn new(begin: &Begin) -> Self {
        let policies = begin.policies.iter().map(|one| (one.name.to_string(), one.text.to_string()));
        Self { policies: policies.collect(), is_known: false }
    }

    /// Takes in `recorded` where it belongs to the beginning.
    pub(super) fn takes(&mut self, recorded: &Recorded) -> bool {
        let decision = &recorded.decision;
        let is_setting = matches!(decision.op, Op::Ledger | Op::Policy | Op::Configure);
        if self.is_known || !is_setting || self.policies.len() >= POLICIES_MAX {
            return false;
        }
        for event in &decision.events {
            match event {
                Event::PolicyInstalled { name, text, .. } => {
                    self.policies.push((name.to_string(), text.to_string()));
                }
                Event::ConfigApplied { parts, .. } => self.is_known |= !parts.is_empty(),
                _ => {}
            }
        }
        true
    }

    /// Whether it is known as a whole.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn commands(&self, state: &State, at: Millis) -> Vec<Timed> {
        let settings = &state.ready().settings;
        let first = Configure { quotas: None, ..all(settings) };
        let quotas = Configure { quotas: all(settings).quotas, ..Configure::default() };
        let policies = self.policies.iter().map(|(name, text)| policy(name, text)).chain(given(settings));
        let commands = std::iter::once(Command::Configure(Box::new(first)))
            .chain(policies)
            .chain([Command::Configure(Box::new(quotas))]);
        commands
            .map(|command| Timed { at, user: None, request: Request::new(Actor::File, command) })
            .collect()
    }
}

/// The commands of a decision about settings or policies, in order.
pub(super) fn commands(recorded: &Recorded, state: &State) -> Vec<Command> {
    let settings = &state.ready().settings;
    let command = |event: &Event| match event {
        Event::PolicyInstalled { name, text, .. } => vec![policy(name, text)],
        Event::ConfigApplied { parts, .. } if !parts.is_empty() => {
            let configure = Configure { users: None, ..all(settings) };
            given(settings).chain([Command::Configure(Box::new(configure))]).collect()
        }
        _ => Vec::new(),
    };
    recorded.decision.events.iter().flat_map(command).collect()
}

fn policy(name: &str, text: &str) -> Command {
    Command::Policy { name: name.to_owned(), text: text.to_owned() }
}

fn all(settings: &Settings) -> Configure {
    Configure {
        sessions: Some(settings.sessions.clone()),
        users: Some(settings.users.clone()),
        groups: Some(groups(settings)),
        ignore: Some(settings.ignore.clone()),
        messages: Some(settings.messages.clone()),
        quotas: Some(settings.quotas.iter().map(|one| quota(settings, one)).collect()),
    }
}

/// The groups with who was put into them at run time, and without who was taken out by name. Whoever was taken out of
/// a group that a glob puts him into stays in it: a file has no way to say so.
fn groups(settings: &Settings) -> Vec<GroupRule> {
    let mut groups = settings.groups.clone();
    for one in &settings.members {
        groups.iter_mut().filter(|group| group.name == one.group).for_each(|group| {
            group.users.retain(|user| *user != one.user);
        });
        if one.member {
            groups.push(GroupRule { name: one.group.clone(), users: vec![one.user.clone()] });
        }
    }
    groups
}

/// Overrides set at run time come first, newest first: a recording has only their order to say so. A policy given to
/// the quota at run time stands under a name of its own.
fn quota(settings: &Settings, quota: &Arc<Quota>) -> Quota {
    let mut quota = Quota::clone(&settings.in_force(quota));
    quota.overrides.sort_by_key(|one| Reverse(one.set_at));
    if let Some(one) = settings.assigned(&quota.name) {
        if *one.policy != *quota.on_exhausted {
            quota.params.clone_from(&one.params);
        }
        quota.on_exhausted = given_name(one);
    }
    quota
}

/// What a policy given to a quota at run time is called in a recording, where a name has one source.
fn given_name(one: &Assignment) -> String {
    format!("{}_{:08x}", begin_of(&one.policy), u32::from_be_bytes(one.revision))
}

fn begin_of(name: &str) -> String {
    name.chars().take(48).collect()
}

/// Whether a policy of this name that was given to a quota can be `called` so in a recording.
pub(crate) fn is_given_name(called: &str, name: &str) -> bool {
    let rest = called.strip_prefix(&*begin_of(name)).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The policies given to quotas at run time, as a recording installs them.
fn given(settings: &Settings) -> impl Iterator<Item = Command> {
    let active = settings.assignments.iter().filter(|one| one.is_active());
    active.map(|one| policy(&given_name(one), &one.text))
}
