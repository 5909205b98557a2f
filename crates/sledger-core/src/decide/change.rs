//! Changes of settings at run time: each one event that says what, one that puts it in force (RULES 15).
//!
//! Invariants: a change is taken whole or not at all; what a file owns is not changed here, only overrides and
//! switches are set beside it; nothing that ends by itself is made to end before now.

use super::merge;
use super::policies::{self, Turn};
use super::settings::{Applying, applied, check_quotas};
use super::{Decided, Decisions, Means, edge, repeated, together};
use crate::answer::{Answer, Outcome};
use crate::command::{Actor, Change, Changing, Expect, Refusal, Rejection, Request};
use crate::config::{
    Membership, NAME_BYTES_MAX, Origin, Override, Quota, REASON_BYTES_MAX, Selector, Settings, Switch,
};
use crate::event::{Decision, Event};
use crate::policy::Policies;
use crate::quota::Ready;
use crate::{Limit, Millis, Personal, Seq, Span, State};
use std::sync::Arc;

/// A change that is refused: badly written, or not to be done.
pub(super) struct Refused(Rejection, Option<Refusal>);

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self(rejection, None)
    }
}

pub(super) fn refused(refusal: Refusal, field: &str, reason: String) -> Refused {
    Refused(Rejection::new(field, reason), Some(refusal))
}

/// Settings to come, and what is told of it; `None` where nothing changes.
type Next = Option<(Settings, Vec<Event>)>;

/// What a command id stands for: operation, user, and what it is about.
pub(super) fn about(change: &Change) -> (&'static str, Option<&str>, Option<&str>) {
    match &change.what {
        Changing::Put(quota) => ("put_quota", None, Some(&quota.name)),
        Changing::Delete { quota } => ("delete_quota", None, Some(quota)),
        Changing::Switch { quota, enabled: true, .. } => ("enable_quota", None, Some(quota)),
        Changing::Switch { quota, .. } => ("disable_quota", None, Some(quota)),
        Changing::Override { quota, .. } => ("set_override", None, Some(quota)),
        Changing::Reset { quota } => ("reset_quota", None, Some(quota)),
        Changing::Member { group, user, .. } => ("group_member", Some(user), Some(group)),
        Changing::Policy(what) => (what.word(), None, Some(&what.name)),
    }
}

pub(super) fn change(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    change: &Change,
    at: Millis,
) -> Decided {
    try_change(state, means, request, change, at).unwrap_or_else(|Refused(rejection, refusal)| {
        let mut answer = super::rejected(state, request, rejection, at);
        answer.refusal = refusal;
        Decided::Answer(Box::new(answer))
    })
}

fn try_change(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    change: &Change,
    at: Millis,
) -> Result<Decided, Refused> {
    if let Some(reason) = &change.reason {
        edge::text("reason", reason, REASON_BYTES_MAX)?;
    }
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let settings = &state.ready().settings;
    expected(settings, change)?;
    let Some(next) = policies_or(state, means, (request, change), at)? else {
        return Ok(Decided::Answer(Box::new(Answer::new(Outcome::Configured, at))));
    };
    check_quotas(&next.settings.quotas)?;
    let applying = Applying {
        installs: &next.installs,
        reason: change.reason.as_deref(),
        back: next.back,
        ..Applying::of(&next.settings, &next.told)
    };
    let decisions = applied(state, means.policies, applying, (request.actor.clone(), at))?;
    let decisions = decisions.into_iter().map(|one| asked_by(request, one)).collect();
    Ok(Decided::Record(together(state, decisions, mark), Box::new(Answer::new(Outcome::Configured, at))))
}

/// What comes of a change of policies, or of anything else.
fn policies_or(
    state: &State,
    means: &mut Means<'_>,
    (request, change): (&Request, &Change),
    at: Millis,
) -> Result<Option<Turn>, Refused> {
    if let Changing::Policy(what) = &change.what {
        return policies::turn(state, means, (request, what, change.reason.as_deref()), at);
    }
    let next = next(state.ready(), change, (state.seq().next(), at))?;
    Ok(next.map(|(settings, told)| Turn { settings, told, installs: Vec::new(), back: false }))
}

pub(super) fn asked_by(request: &Request, decision: Decision) -> Decision {
    let request_id = request.request_id.as_deref().map(|id| super::bounded(id).into());
    Decision { request_id, ..decision }
}

/// Refuses a change of what is no longer as the caller saw it.
fn expected(settings: &Settings, change: &Change) -> Result<(), Refused> {
    let Some(expect) = change.expect else { return Ok(()) };
    let (what, name, now) = match &change.what {
        Changing::Put(quota) => ("quota", &quota.name, settings.quota_tag(&quota.name)),
        Changing::Delete { quota }
        | Changing::Switch { quota, .. }
        | Changing::Override { quota, .. }
        | Changing::Reset { quota } => ("quota", quota, settings.quota_tag(quota)),
        Changing::Member { group, .. } => ("group", group, Some(settings.group_tag(group))),
        // What a policy is installed over is kept, and can come back.
        Changing::Policy(_) => return Ok(()),
    };
    let holds = match expect {
        Expect::Absent => now.is_none(),
        Expect::Present => now.is_some(),
        Expect::Tag(tag) => now == Some(tag),
    };
    if holds {
        return Ok(());
    }
    let reason = format!("{what} `{name}` is not as it was seen: somebody else changed it; look at it again");
    Err(refused(Refusal::Raced, "if_match", reason))
}

fn next(ready: &Ready, change: &Change, now: (Seq, Millis)) -> Result<Next, Refused> {
    let settings = &ready.settings;
    let reason = change.reason.as_deref();
    match &change.what {
        Changing::Put(quota) => put(settings, quota, reason),
        Changing::Delete { quota } => delete(settings, quota, reason),
        Changing::Switch { quota, enabled, lasts } => {
            switch(settings, (quota, *enabled, *lasts), reason, now)
        }
        Changing::Override { quota, selector, limit: Some(limit), until } => {
            set_override(settings, (quota, selector), (*limit, *until), reason, now)
        }
        Changing::Override { quota, selector, limit: None, .. } => {
            unset_override(settings, quota, selector, reason)
        }
        Changing::Reset { quota } => reset(settings, quota, reason),
        // The event of a membership has no room for one: better refused than lost.
        Changing::Member { .. } if reason.is_some() => {
            let reason = "is not kept for members of groups: leave it out";
            Err(Rejection::new("reason", reason).into())
        }
        Changing::Member { group, user, member } => self::member(ready, (group, user, *member), now.0),
        Changing::Policy(_) => Ok(None),
    }
}

fn put(settings: &Settings, quota: &Quota, reason: Option<&str>) -> Result<Next, Refused> {
    let mut next = settings.clone();
    let mut quota = Quota { origin: Origin::Api, ..quota.clone() };
    if let Some(place) = next.quotas.iter().position(|other| other.name == quota.name) {
        let Some(before) = next.quotas.get_mut(place) else { return Ok(None) };
        if before.origin == Origin::File {
            return Err(owned_by_file(&quota.name));
        }
        quota.overrides.extend(before.overrides.iter().filter(|one| one.set_at.is_some()).cloned());
        if **before == quota {
            return Ok(None);
        }
        *before = Arc::new(quota);
    } else {
        next.quotas.retain(|other| other.origin != Origin::Default);
        next.quotas.push(Arc::new(quota));
    }
    next.forget_gone();
    let told = merge::told_why(settings, &next, reason);
    Ok(Some((next, told)))
}

fn delete(settings: &Settings, name: &str, reason: Option<&str>) -> Result<Next, Refused> {
    match found(settings, name)?.origin {
        Origin::File => return Err(owned_by_file(name)),
        Origin::Default => {
            let reason = format!(
                "quota `{name}` is the default: it ends with the first quota that is set; disable it instead"
            );
            return Err(refused(Refusal::Owned, "quota", reason));
        }
        Origin::Api => {}
    }
    let mut next = settings.clone();
    next.quotas.retain(|quota| quota.name != name);
    if next.quotas.is_empty() {
        next.quotas.push(Arc::new(Quota::default_quota()));
    }
    // Also where the default has the same name.
    next.switches.retain(|switch| switch.quota != name);
    next.assignments.retain(|one| one.quota != name);
    next.forget_gone();
    let mut told = merge::told_why(settings, &next, reason);
    if next.quota(name).is_some() {
        told.insert(0, Event::QuotaDeleted { quota: name.into(), reason: reason.map(Box::from) });
    }
    Ok(Some((next, told)))
}

fn switch(
    settings: &Settings,
    (name, enabled, lasts): (&str, bool, Option<Span>),
    reason: Option<&str>,
    (set_at, at): (Seq, Millis),
) -> Result<Next, Refused> {
    found(settings, name)?;
    let lasts = edge::life("for", lasts)?.filter(|span| !span.is_never());
    let standing = settings.switch(name);
    let standing =
        standing.and_then(|one| if one.until.is_some() { one.afterwards } else { Some(one.enabled) });
    let fresh = Switch {
        quota: name.to_owned(),
        enabled,
        until: lasts.map(|span| at.plus(span)),
        afterwards: standing.filter(|_| lasts.is_some()),
        set_at,
        reason: reason.map(str::to_owned),
    };
    let mut next = settings.clone();
    next.switches.retain(|switch| switch.quota != name);
    next.switches.push(fresh);
    Ok(Some((next, vec![enabled_changed(name, reason)])))
}

fn enabled_changed(name: &str, reason: Option<&str>) -> Event {
    Event::QuotaChanged { quota: name.into(), fields: vec!["enabled".into()], reason: reason.map(Box::from) }
}

fn set_override(
    settings: &Settings,
    (name, selector): (&str, &Selector),
    (limit, until): (Limit, Option<Millis>),
    reason: Option<&str>,
    (set_at, at): (Seq, Millis),
) -> Result<Next, Refused> {
    let quota = found(settings, name)?;
    if until.is_some_and(|until| until <= at) {
        let now = at.rfc3339();
        return Err(
            Rejection::new("until", format!("is not later than now, `{now}` by the ledger's clock")).into()
        );
    }
    let selector = reachable(settings, quota, selector)?;
    let one = Override {
        selector: selector.clone(),
        limit,
        until,
        set_at: Some(set_at),
        reason: reason.map(str::to_owned),
    };
    let next = with_overrides(settings, name, |all| {
        all.retain(|other| other.set_at.is_none() || other.selector != selector);
        all.push(one);
    });
    Ok(Some((next, vec![override_changed(name, &selector, Some(limit), until, reason)])))
}

fn unset_override(
    settings: &Settings,
    name: &str,
    selector: &Selector,
    reason: Option<&str>,
) -> Result<Next, Refused> {
    let quota = found(settings, name)?;
    let selector = normal(settings, selector)?;
    let mut of_it = quota.overrides.iter().filter(|one| one.selector == selector);
    let whom = said(&selector);
    if of_it.clone().any(|one| one.set_at.is_some()) {
        let is_it = |one: &Override| one.set_at.is_some() && one.selector == selector;
        let next = with_overrides(settings, name, |all| all.retain(|one| !is_it(one)));
        return Ok(Some((next, vec![override_changed(name, &selector, None, None, reason)])));
    }
    match of_it.next() {
        Some(_) if quota.origin == Origin::Api => {
            let reason =
                format!("the override for `{whom}` belongs to quota `{name}` itself: change the quota");
            Err(refused(Refusal::Owned, "override", reason))
        }
        Some(_) => Err(refused(
            Refusal::Owned,
            "override",
            format!("the override for `{whom}` is the configuration file's: change it there and reload"),
        )),
        None => {
            Err(refused(Refusal::Unknown, "override", format!("quota `{name}` has no override for `{whom}`")))
        }
    }
}

fn reset(settings: &Settings, name: &str, reason: Option<&str>) -> Result<Next, Refused> {
    let quota = found(settings, name)?;
    let set: Vec<&Override> = quota.overrides.iter().filter(|one| one.set_at.is_some()).collect();
    let mut told: Vec<Event> =
        set.iter().map(|one| override_changed(name, &one.selector, None, None, reason)).collect();
    let is_switched = settings.switch(name).is_some();
    let given: Vec<_> = settings.assignments.iter().filter(|one| one.quota == name).collect();
    told.extend(settings.trial(name).map(policies::stopped));
    let whys =
        reason.into_iter().flat_map(|why| given.iter().map(move |one| policies::note(&one.policy, why)));
    told.extend(whys);
    if is_switched {
        told.push(enabled_changed(name, reason));
    }
    if told.is_empty() && given.is_empty() {
        return Ok(None);
    }
    let mut next = with_overrides(settings, name, |all| all.retain(|one| one.set_at.is_none()));
    next.switches.retain(|switch| switch.quota != name);
    next.assignments.retain(|one| one.quota != name);
    Ok(Some((next, told)))
}

fn member(ready: &Ready, (group, user, member): (&str, &str, bool), set_at: Seq) -> Result<Next, Refused> {
    if group.is_empty() {
        return Err(Rejection::new("group", "is empty").into());
    }
    edge::text("group", group, NAME_BYTES_MAX)?;
    let settings = &ready.settings;
    let user = edge::user_key(user, &settings.users)?;
    if user.is_empty() {
        return Err(Rejection::new("user", "is empty").into());
    }
    if user.contains(['*', '?']) {
        let reason = "is a glob: one user at a time is put into a group; globs belong in `[[group]]`";
        return Err(Rejection::new("user", reason).into());
    }
    let is_ruled = ready.is_ruled_into(group, &user);
    let is_in = settings.membership(group, &user).map_or(is_ruled, |one| one.member);
    if is_in == member {
        if member {
            return Ok(None);
        }
        let reason = format!("user `{user}` is not in group `{group}`");
        return Err(refused(Refusal::Unknown, "user", reason));
    }
    let mut next = settings.clone();
    next.members.retain(|one| one.group != group || one.user != user);
    if is_ruled != member {
        next.members.push(Membership { group: group.to_owned(), user: user.clone(), member, set_at });
    }
    let user = Personal::Plain(user.into());
    Ok(Some((next, vec![Event::GroupChanged { group: group.into(), user, member }])))
}

pub(super) fn found<'a>(settings: &'a Settings, name: &str) -> Result<&'a Arc<Quota>, Refused> {
    settings.quota(name).ok_or_else(|| {
        let known: Vec<_> = settings.quotas.iter().take(8).map(|quota| format!("`{}`", quota.name)).collect();
        let reason = format!("there is no quota `{name}`; there are {}", known.join(", "));
        refused(Refusal::Unknown, "quota", reason)
    })
}

fn owned_by_file(name: &str) -> Refused {
    let reason = format!("quota `{name}` is the configuration file's: change it there and reload");
    refused(Refusal::Owned, "quota", reason)
}

fn with_overrides(settings: &Settings, name: &str, change: impl FnOnce(&mut Vec<Override>)) -> Settings {
    let mut next = settings.clone();
    if let Some(quota) = next.quotas.iter_mut().find(|quota| quota.name == name) {
        change(&mut Arc::make_mut(quota).overrides);
    }
    next
}

fn override_changed(
    quota: &str,
    selector: &Selector,
    limit: Option<Limit>,
    until: Option<Millis>,
    reason: Option<&str>,
) -> Event {
    let selector = Personal::Plain(said(selector).into());
    Event::OverrideChanged { quota: quota.into(), selector, limit, until, reason: reason.map(Box::from) }
}

/// Whom an override is for, as commands write it.
fn said(selector: &Selector) -> String {
    match selector {
        Selector::User(text) | Selector::Glob(text) => text.clone(),
        Selector::Group(group) => format!("group:{group}"),
    }
}

/// A selector with an exact user as its key.
fn normal(settings: &Settings, selector: &Selector) -> Result<Selector, Rejection> {
    let named = |refusal: Rejection| Rejection::new("selector", refusal.reason);
    match selector {
        Selector::User(user) => {
            let key = edge::user_key(user, &settings.users).map_err(named)?;
            if key.is_empty() { Err(Rejection::new("selector", "is empty")) } else { Ok(Selector::User(key)) }
        }
        Selector::Glob(text) | Selector::Group(text) => {
            edge::text("selector", text, NAME_BYTES_MAX)?;
            Ok(selector.clone())
        }
    }
}

/// Refuses a selector that no login can ever meet.
fn reachable(settings: &Settings, quota: &Quota, selector: &Selector) -> Result<Selector, Rejection> {
    let selector = normal(settings, selector)?;
    match crate::quota::never_meets(quota, &settings.users, &selector) {
        Some(why) => Err(Rejection::new("selector", format!("`{}` never matches: {why}", said(&selector)))),
        None => Ok(selector),
    }
}

/// The decisions that take out what was set at run time and is over at `at`; none where nothing is.
///
/// # Errors
/// None that was not one when it was set.
pub fn over(state: &State, policies: &mut dyn Policies, at: Millis) -> Result<Decisions, Rejection> {
    let settings = &state.ready().settings;
    let is_over = |until: Option<Millis>| until.is_some_and(|until| until <= at);
    let (mut next, mut told) = (settings.clone(), Vec::new());
    for quota in &mut next.quotas {
        let gone: Vec<Override> = quota
            .overrides
            .iter()
            .filter(|one| one.set_at.is_some() && is_over(one.until))
            .cloned()
            .collect();
        if !gone.is_empty() {
            told.extend(
                gone.iter().map(|one| override_changed(&quota.name, &one.selector, None, None, None)),
            );
            Arc::make_mut(quota).overrides.retain(|one| !gone.contains(one));
        }
    }
    for switch in settings.switches.iter().filter(|switch| is_over(switch.until)) {
        told.push(enabled_changed(&switch.quota, None));
        next.switches.retain(|other| other.quota != switch.quota);
        next.switches.extend(switch.afterwards.map(|enabled| Switch {
            enabled,
            until: None,
            afterwards: None,
            reason: None,
            ..switch.clone()
        }));
    }
    let decisions = applied(state, policies, Applying::of(&next, &told), (Actor::Timer, at))?;
    Ok(together(state, decisions, None))
}
