//! Settings and policies: everything that changes decisions is recorded before it decides anything (RULES 15).

use super::binding::{bindings, rebound};
use super::{Decided, Means, Outcomes, decision, own_decision, repeated, together};
use crate::answer::{Answer, Outcome};
use crate::command::{Actor, Configure, Rejection, Request};
use crate::config::{DECISION_BYTES_MAX, OnError, Quota, Settings};
use crate::event::{Binding, Decision, Event, Op, PolicyMode, PolicySource, RULES_REVISION};
use crate::evolve::{hash_of, split};
use crate::policy::{Policies, PolicyFault};
use crate::quota::Ready;
use crate::state::NAMES_MAX;
use crate::{Millis, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Room that a decision of parts leaves for its frame.
const PARTS_BYTES_MAX: usize = DECISION_BYTES_MAX - 4096;

/// A policy's source on its way into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The name.
    pub name: Arc<str>,
    /// The source.
    pub text: Arc<str>,
    /// Where it comes from.
    pub from: PolicySource,
}

/// What is to be put in force.
#[derive(Clone, Copy, Debug)]
pub struct Applying<'a> {
    /// The settings, whole.
    pub settings: &'a Settings,
    /// Policies that come with them.
    pub installs: &'a [Install],
    /// BLAKE3 of the file, where they come from one.
    pub file: Option<[u8; 32]>,
    /// Events that say what changes.
    pub told: &'a [Event],
    /// Why, for operators: recorded with the policies.
    pub reason: Option<&'a str>,
    /// Whether policies that come into force are former ones.
    pub back: bool,
}

impl<'a> Applying<'a> {
    /// Settings, and events that say what changes in them; nothing else.
    #[must_use]
    pub const fn of(settings: &'a Settings, told: &'a [Event]) -> Self {
        Self { settings, installs: &[], file: None, told, reason: None, back: false }
    }
}

/// The decisions that put settings in force: sources first, then the parts that are new, then the one that applies
/// them.
///
/// # Errors
/// Names what cannot be used; nothing is in force then.
pub fn applied(
    state: &State,
    policies: &mut dyn Policies,
    applying: Applying<'_>,
    (actor, at): (Actor, Millis),
) -> Result<Vec<Decision>, Rejection> {
    let Applying { installs, file, reason, .. } = applying;
    let (settings, ended) = &rebound(policies, applying.settings)?;
    Ready::new(settings.clone())?;
    let named = installs_named(state, policies, settings, installs);
    few_enough(state, &named)?;
    let bindings = bindings(state, policies, settings, &named).map_err(|fault| rejection(&fault))?;
    let mut told = applying.told.to_vec();
    told.extend_from_slice(ended);
    told.extend(switched(state, settings, &bindings, applying.back));
    let own = |op, events| own_decision(actor.clone(), at, op, events);
    let mut decisions: Vec<Decision> = named
        .into_iter()
        // From where it comes is news as well.
        .filter(|one| one.from != PolicySource::Sent || state.policy_source(&one.name) != Some(&one.text))
        .map(|Install { name, text, from }| Event::PolicyInstalled {
            name,
            text,
            from,
            reason: reason.map(Box::from),
        })
        .map(|event| own(Op::Policy, vec![event]))
        .collect();
    let (parts, fresh) = parts_of(state, settings);
    decisions.extend(chunked(fresh)?.into_iter().map(|events| own(Op::Configure, events)));
    let engine = policies.engine().into();
    let applied = Event::ConfigApplied { parts, bindings, file, rules: RULES_REVISION, engine };
    decisions.extend(last(&told, applied)?.into_iter().map(|events| own(Op::Configure, events)));
    Ok(decisions)
}

/// Names of policies are bounded, as everything is.
fn few_enough(state: &State, installs: &[Install]) -> Result<(), Rejection> {
    let mut names: BTreeSet<&Arc<str>> = state.policy_names().collect();
    names.extend(installs.iter().map(|one| &one.name));
    if names.len() <= NAMES_MAX {
        return Ok(());
    }
    let reason = format!("{} policies would be known; at most {NAMES_MAX} are allowed", names.len());
    Err(Rejection::new("policies", reason))
}

/// One event for each quota that another policy decides for from here on.
fn switched(state: &State, settings: &Settings, bound: &[Binding], back: bool) -> Vec<Event> {
    let before = &state.ready().settings.quotas;
    let before: BTreeMap<&str, &Binding> =
        before.iter().map(|quota| quota.name.as_str()).zip(state.bindings()).collect();
    let now = settings.quotas.iter().map(|quota| quota.name.as_str()).zip(bound);
    now.filter(|(quota, now)| before.get(quota).is_some_and(|before| before.policy != now.policy))
        .map(|(quota, now)| {
            let (quota, policy) = (Some(quota.into()), now.policy.clone());
            if back {
                Event::PolicyRolledBack { quota, policy }
            } else {
                Event::PolicyActivated { quota, policy, mode: PolicyMode::Active }
            }
        })
        .collect()
}

/// The hashes of all parts, and the events that record those which are not in force already.
fn parts_of(state: &State, settings: &Settings) -> (Vec<[u8; 32]>, Vec<Event>) {
    let known: BTreeSet<[u8; 32]> = state.parts().in_force().iter().map(|(hash, _)| *hash).collect();
    let (mut hashes, mut fresh) = (Vec::new(), Vec::new());
    for part in split(settings) {
        let hash = hash_of(&part);
        hashes.push(hash);
        if !known.contains(&hash) {
            fresh.push(Event::ConfigPart { hash, part: Box::new(part) });
        }
    }
    (hashes, fresh)
}

/// What is told stands in the decision that applies, as far as there is room.
fn last(told: &[Event], applied: Event) -> Result<Vec<Vec<Event>>, Rejection> {
    let bytes = crate::codec::encode(&applied).len();
    if bytes > PARTS_BYTES_MAX {
        let most = PARTS_BYTES_MAX;
        let reason = format!("is too large: the list of its parts has {bytes} bytes; at most {most}");
        return Err(Rejection::new("config", reason));
    }
    let mut events = told.to_vec();
    events.push(applied);
    chunked(events)
}

/// The sources given, and those of built-in policies that the quotas name: what decides is in the ledger.
fn installs_named(
    state: &State,
    policies: &dyn Policies,
    settings: &Settings,
    given: &[Install],
) -> Vec<Install> {
    let mut installs = given.to_vec();
    let names: BTreeSet<&str> = settings
        .quotas
        .iter()
        .flat_map(|quota| {
            let second = match &quota.on_error {
                OnError::Policy(name) => Some(name.as_str()),
                OnError::Deny | OnError::Allow => None,
            };
            std::iter::once(quota.on_exhausted.as_str()).chain(second)
        })
        .collect();
    for name in names {
        let known = given.iter().any(|install| &*install.name == name) || state.policy_source(name).is_some();
        if let (false, Some(text)) = (known, policies.built_in(name)) {
            installs.push(Install { name: name.into(), text: text.into(), from: PolicySource::BuiltIn });
        }
    }
    installs
}

/// Events in decisions that are not too long.
fn chunked(events: Vec<Event>) -> Result<Vec<Vec<Event>>, Rejection> {
    let (mut all, mut some, mut bytes) = (Vec::new(), Vec::new(), 0usize);
    for event in events {
        let encoded = crate::codec::encode(&event).len();
        if encoded > PARTS_BYTES_MAX {
            let most = PARTS_BYTES_MAX;
            return Err(Rejection::new(
                "config",
                format!("one part of it has {encoded} bytes; at most {most}"),
            ));
        }
        if bytes + encoded > PARTS_BYTES_MAX {
            all.push(std::mem::take(&mut some));
            bytes = 0;
        }
        bytes += encoded + 64;
        some.push(event);
    }
    if !some.is_empty() {
        all.push(some);
    }
    Ok(all)
}

fn rejection(fault: &PolicyFault) -> Rejection {
    Rejection::new("quota.on_exhausted", fault.to_string())
}

pub(super) fn configure(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    command: &Configure,
    at: Millis,
) -> Outcomes {
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let settings = changed(state, command)?;
    let by = (request.actor.clone(), at);
    let applying = Applying::of(&settings, &[]);
    let decisions = applied(state, means.policies, applying, by)?;
    Ok(Decided::Record(together(state, decisions, mark), Box::new(Answer::new(Outcome::Configured, at))))
}

/// The settings in force with the sections given replaced.
fn changed(state: &State, command: &Configure) -> Result<Settings, Rejection> {
    let mut settings = state.ready().settings.clone();
    if let Some(users) = &command.users {
        if *users != settings.users && state.seq().0 > 0 {
            let reason = "cannot change once anything is recorded: counts are kept by user key";
            return Err(Rejection::new("config.users", reason));
        }
        settings.users = users.clone();
    }
    if let Some(sessions) = &command.sessions {
        settings.sessions = sessions.clone();
    }
    if let Some(groups) = &command.groups {
        settings.groups.clone_from(groups);
    }
    if let Some(ignore) = &command.ignore {
        settings.ignore.clone_from(ignore);
    }
    if let Some(messages) = &command.messages {
        settings.messages = messages.clone();
    }
    if let Some(quotas) = &command.quotas {
        settings.quotas = quotas.iter().cloned().map(Arc::new).collect();
        if settings.quotas.is_empty() {
            settings.quotas.push(Arc::new(Quota::default_quota()));
        }
        settings.forget_gone();
    }
    check_quotas(&settings.quotas)?;
    Ok(settings)
}

pub(super) fn check_quotas(quotas: &[Arc<Quota>]) -> Result<(), Rejection> {
    let mut names = BTreeSet::new();
    for quota in quotas {
        if !names.insert(quota.name.as_str()) {
            return Err(Rejection::new("config.quota", format!("two quotas are named `{}`", quota.name)));
        }
        if quota.on_error == OnError::Allow && quota.level == crate::config::Level::Hard {
            let reason = format!("quota `{}` is hard: `on_error = \"allow\"` is for soft ones", quota.name);
            return Err(Rejection::new("config.quota.on_error", reason));
        }
    }
    Ok(())
}

pub(super) fn policy(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    (name, text): (&str, &str),
    at: Millis,
) -> Outcomes {
    shaped(name)?;
    short_enough(text, means)?;
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    means.policies.check(name, text).map_err(|fault| Rejection::new("text", fault.to_string()))?;
    let install = Install { name: name.into(), text: text.into(), from: PolicySource::Sent };
    let settings = &state.ready().settings;
    let bound = bindings(state, means.policies, settings, std::slice::from_ref(&install));
    let bound = bound.map_err(|fault| Rejection::new("text", fault.to_string()))?;
    let mut events = switched(state, settings, &bound, false);
    let Install { name, text, from } = install;
    events.insert(0, Event::PolicyInstalled { name, text, from, reason: None });
    if events.len() > 1 {
        let engine = means.policies.engine().into();
        let applied = Event::ConfigApplied {
            parts: Vec::new(),
            bindings: bound,
            file: None,
            rules: RULES_REVISION,
            engine,
        };
        events.push(applied);
    }
    let decision = decision(request, at, Op::Policy, Vec::new(), events);
    Ok(Decided::Record(together(state, vec![decision], mark), Box::new(Answer::new(Outcome::Configured, at))))
}

/// A name that a policy can have.
pub(super) fn shaped(name: &str) -> Result<(), Rejection> {
    let shaped = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(shaped) {
        return Err(Rejection::new("name", "is not of the form [a-z0-9_]+, at most 64 characters"));
    }
    Ok(())
}

/// A source within its bound.
pub(super) fn short_enough(text: &str, means: &Means<'_>) -> Result<(), Rejection> {
    let (bytes, most) = (text.len(), means.bounds.policy_bytes_max);
    if bytes > most as usize {
        return Err(Rejection::new("text", format!("has {bytes} bytes; at most {most} are allowed")));
    }
    Ok(())
}
