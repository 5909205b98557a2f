//! What the file says beside what was set at run time: who wins.
//!
//! A quota belongs to the file or to the ledger. The file's come first, then the ledger's own. What was set at run time
//! on either (overrides, switches, memberships) stays, as long as its quota is there.

use crate::config::{Origin, Quota, Settings};
use crate::event::Event;
use std::sync::Arc;

/// The settings to be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The settings, whole.
    pub settings: Settings,
    /// Quotas of the ledger's own whose names are the file's now: they gave way.
    pub gave_way: Vec<String>,
}

/// The settings of the file `file` with what `recorded` has of what was set at run time.
#[must_use]
pub fn merged(file: &Settings, recorded: &Settings) -> Merged {
    let mut settings = file.clone();
    for quota in &mut settings.quotas {
        if let Some(before) = recorded.quota(&quota.name) {
            keep_overrides(quota, before);
        }
    }
    let own = recorded.quotas.iter().filter(|quota| quota.origin == Origin::Api);
    let ruled = |quota: &&Arc<Quota>| {
        settings.quota(&quota.name).is_some_and(|other| other.origin != Origin::Default)
    };
    let (gave_way, own): (Vec<_>, Vec<_>) = own.cloned().partition(|quota| ruled(&quota));
    if !own.is_empty() {
        settings.quotas.retain(|quota| quota.origin != Origin::Default);
        settings.quotas.extend(own);
    }
    settings.switches.clone_from(&recorded.switches);
    settings.members.clone_from(&recorded.members);
    settings.assignments.clone_from(&recorded.assignments);
    settings.forget_gone();
    Merged { settings, gave_way: gave_way.iter().map(|quota| quota.name.clone()).collect() }
}

fn keep_overrides(quota: &mut Arc<Quota>, before: &Quota) {
    let set = before.overrides.iter().filter(|one| one.set_at.is_some());
    let kept: Vec<_> = set.cloned().collect();
    if !kept.is_empty() {
        Arc::make_mut(quota).overrides.extend(kept);
    }
}

/// What becomes of the quotas of `before`, told quota by quota.
#[must_use]
pub fn told(before: &Settings, after: &Settings) -> Vec<Event> {
    told_why(before, after, None)
}

pub(super) fn told_why(before: &Settings, after: &Settings, reason: Option<&str>) -> Vec<Event> {
    let reason = || reason.map(Box::from);
    let gone = before.quotas.iter().filter(|quota| after.quota(&quota.name).is_none());
    let gone = gone.map(|quota| Event::QuotaDeleted { quota: quota.name.as_str().into(), reason: reason() });
    let changed = after.quotas.iter().filter_map(|quota| {
        let fields = match before.quota(&quota.name) {
            Some(before) => fields_changed(before, quota),
            None => vec!["name"],
        };
        let fields: Vec<Box<str>> = fields.into_iter().map(Box::from).collect();
        let quota = quota.name.as_str().into();
        (!fields.is_empty()).then(|| Event::QuotaChanged { quota, fields, reason: reason() })
    });
    gone.chain(changed).collect()
}

/// The keys in which two quotas differ, as they are written.
fn fields_changed(before: &Quota, after: &Quota) -> Vec<&'static str> {
    let differs = [
        ("count_by", before.count_by != after.count_by),
        ("when", before.when != after.when),
        ("max_sessions", before.max_sessions != after.max_sessions),
        ("level", before.level != after.level),
        ("on_exhausted", before.on_exhausted != after.on_exhausted),
        ("on_error", before.on_error != after.on_error),
        ("evict_others", before.evict_others != after.evict_others),
        ("enabled", before.enabled != after.enabled),
        ("params", before.params != after.params),
        ("messages", before.messages != after.messages),
        ("override", before.overrides != after.overrides),
        ("origin", before.origin != after.origin),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
