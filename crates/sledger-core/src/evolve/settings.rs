//! What events do to settings: parts wait, and one event puts them in force.

use super::Effect;
use crate::config::{Quota, Settings};
use crate::event::{Binding, Part};
use crate::quota::Ready;
use crate::state::Tables;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts kept for a configuration that is never applied: more than any configuration has is forgotten.
const PARTS_MAX: usize = 4096;

/// Parts of the settings in force, and parts that wait for the event that puts them in force.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    waiting: BTreeMap<[u8; 32], Part>,
    in_force: Arc<[([u8; 32], Part)]>,
}

impl Parts {
    /// Notes a part.
    pub fn note(&mut self, hash: [u8; 32], part: &Part) {
        if self.waiting.len() >= PARTS_MAX {
            self.waiting.clear();
        }
        self.waiting.insert(hash, part.clone());
    }

    /// Those that wait, in the order of their hashes.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&[u8; 32], &Part)> {
        self.waiting.iter()
    }

    /// Those in force, in order; none before any were applied.
    pub(crate) const fn in_force(&self) -> &Arc<[([u8; 32], Part)]> {
        &self.in_force
    }

    /// Parts in force, as a snapshot has them.
    pub(crate) fn set_in_force(&mut self, parts: &[Part]) {
        self.in_force = parts.iter().map(|part| (hash_of(part), part.clone())).collect();
    }

    /// Puts the named parts together, those in force among them, and forgets those that waited; `None` where none are
    /// named or one is missing.
    pub fn apply(&mut self, parts: &[[u8; 32]]) -> Option<Ready> {
        let waiting = std::mem::take(&mut self.waiting);
        let known: BTreeMap<_, _> = self.in_force.iter().map(|(hash, part)| (hash, part)).collect();
        let find = |hash| waiting.get(hash).or_else(|| known.get(hash).copied()).cloned();
        let found: Option<Vec<_>> = parts.iter().map(|hash| Some((*hash, find(hash)?))).collect();
        let found = found.filter(|found| !found.is_empty())?;
        let ready = Ready::new(assemble(found.iter().map(|(_, part)| part.clone()).collect())).ok()?;
        self.in_force = found.into();
        Some(ready)
    }
}

/// What a part is named by.
pub(crate) fn hash_of(part: &Part) -> [u8; 32] {
    *blake3::hash(&crate::codec::encode(part)).as_bytes()
}

pub(super) fn applied(
    tables: &mut Tables,
    parts: &[[u8; 32]],
    bindings: &[Binding],
    file: Option<[u8; 32]>,
    engine: &str,
) -> Effect {
    // Without parts only the policies in force change.
    if let Some(ready) = tables.parts.apply(parts) {
        let before = std::mem::replace(&mut tables.ready, Arc::new(ready));
        if !tables.ready.counts_alike(&before) {
            // Every session stands under other keys from here on: what was saved no longer fits the rest.
            tables.taking = None;
            tables.trips.clear();
            tables.recount();
        }
        tables.said = None;
        let most = tables.ready.settings.sessions.tombstones_max as usize;
        tables.tombs.shrink(&tables.hasher, most);
    }
    if *tables.bindings != *bindings {
        tables.trips.clear();
        tables.bindings = Arc::from(bindings);
    }
    forget_trips(tables);
    tables.engine = Box::from(engine);
    if file.is_some() {
        tables.file = file;
    }
    Effect::Nothing
}

/// Failures of policies that nobody asks any more are forgotten.
fn forget_trips(tables: &mut Tables) {
    let (ready, bindings) = (&tables.ready, &tables.bindings);
    tables.trips.retain(|quota, policy| {
        let binding = bindings.get(usize::from(quota));
        let decides =
            binding.is_some_and(|one| one.policy == *policy || one.on_error.as_ref() == Some(policy));
        decides || ready.trial(quota).is_some_and(|trial| trial.policy == *policy)
    });
}

/// Puts the parts of a configuration together, in order.
pub(crate) fn assemble(parts: Vec<Part>) -> Settings {
    let mut settings = Settings { quotas: Vec::new(), ..Settings::default() };
    for part in parts {
        match part {
            Part::Sessions(sessions) => settings.sessions = sessions,
            Part::Users(users) => settings.users = users,
            Part::Messages(messages) => settings.messages = messages,
            Part::Groups(mut groups) => settings.groups.append(&mut groups),
            Part::Members(mut users) => {
                if let Some(group) = settings.groups.last_mut() {
                    group.users.append(&mut users);
                }
            }
            Part::Ignore(mut ignore) => settings.ignore.append(&mut ignore),
            Part::Quota(quota) => settings.quotas.push(quota),
            Part::Switches(mut switches) => settings.switches.append(&mut switches),
            Part::Memberships(mut members) => settings.members.append(&mut members),
            Part::Assignment(one) => settings.assignments.push(*one),
            Part::Overrides(overrides) => {
                if let Some(quota) = settings.quotas.last_mut() {
                    let quota: &mut Quota = Arc::make_mut(quota);
                    quota.overrides.extend(overrides);
                }
            }
        }
    }
    settings
}

/// The parts of `settings`, each small enough for a decision. [`assemble`] puts them together again.
pub(crate) fn split(settings: &Settings) -> Vec<Part> {
    const OVERRIDES: usize = 32;
    const USERS: usize = 64;
    const SWITCHES: usize = 32;
    let mut parts = vec![
        Part::Sessions(settings.sessions.clone()),
        Part::Users(settings.users.clone()),
        Part::Messages(settings.messages.clone()),
    ];
    for group in &settings.groups {
        let mut chunks = group.users.chunks(USERS);
        let users = chunks.next().unwrap_or_default().to_vec();
        parts.push(Part::Groups(vec![crate::config::GroupRule { name: group.name.clone(), users }]));
        parts.extend(chunks.map(|chunk| Part::Members(chunk.to_vec())));
    }
    parts.extend(settings.ignore.iter().map(|when| Part::Ignore(vec![when.clone()])));
    for quota in &settings.quotas {
        let mut head = Quota::clone(quota);
        head.overrides.clear();
        parts.push(Part::Quota(Arc::new(head)));
        parts.extend(quota.overrides.chunks(OVERRIDES).map(|chunk| Part::Overrides(chunk.to_vec())));
    }
    parts.extend(settings.switches.chunks(SWITCHES).map(|chunk| Part::Switches(chunk.to_vec())));
    parts.extend(settings.members.chunks(USERS).map(|chunk| Part::Memberships(chunk.to_vec())));
    parts.extend(settings.assignments.iter().map(|one| Part::Assignment(Box::new(one.clone()))));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Actor;
    use crate::config::{Assignment, GroupRule, Membership, Override, Selector, Switch};
    use crate::event::PolicyMode;
    use crate::{Limit, Millis, Seq};

    #[test]
    fn a_configuration_split_into_parts_is_put_together_again() {
        let mut quota = Quota::default_quota();
        quota.overrides = (0..100)
            .map(|n| Override {
                selector: Selector::User(format!("user-{n}")),
                limit: Limit::Banned,
                until: None,
                set_at: Some(Seq(n)),
                reason: None,
            })
            .collect();
        let users = (0..200).map(|n| format!("user-{n}")).collect();
        let settings = Settings {
            quotas: vec![Arc::new(quota), Arc::new(Quota::default_quota())],
            groups: vec![GroupRule { name: "ops".to_owned(), users }],
            switches: vec![Switch {
                quota: "per-user".to_owned(),
                enabled: false,
                until: Some(Millis(7)),
                afterwards: None,
                set_at: Seq(3),
                reason: None,
            }],
            members: vec![Membership {
                group: "ops".to_owned(),
                user: "ann".to_owned(),
                member: false,
                set_at: Seq(4),
            }],
            assignments: vec![Assignment {
                quota: "per-user".to_owned(),
                policy: "p".into(),
                text: "x".repeat(32 * 1024).into(),
                params: BTreeMap::new(),
                mode: PolicyMode::Share(10),
                revision: [1, 2, 3, 4],
                has_limit: true,
                set_at: Seq(5),
                at: Millis(6),
                by: Actor::Cli,
                reason: None,
            }],
            ..Settings::default()
        };
        let parts = split(&settings);
        assert!(parts.iter().all(|part| crate::codec::encode(part).len() < 40_000));
        assert_eq!(assemble(parts), settings);
    }
}
