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

/// Parts that wait for the event that puts them in force.
#[derive(Clone, Debug, Default)]
pub struct PendingParts(BTreeMap<[u8; 32], Part>);

impl PendingParts {
    /// Notes a part.
    pub fn note(&mut self, hash: [u8; 32], part: &Part) {
        if self.0.len() >= PARTS_MAX {
            self.0.clear();
        }
        self.0.insert(hash, part.clone());
    }

    /// Those that wait, in the order of their hashes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8; 32], &Part)> {
        self.0.iter()
    }

    /// Puts the named parts together and forgets all; `None` where none are named or one is missing.
    pub fn apply(&mut self, parts: &[[u8; 32]]) -> Option<Ready> {
        let found: Option<Vec<Part>> = parts.iter().map(|hash| self.0.get(hash).cloned()).collect();
        self.0.clear();
        let found = found.filter(|found| !found.is_empty())?;
        Ready::new(assemble(found)).ok()
    }
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
        tables.ready = Arc::new(ready);
        // Every session stands under other keys from here on: what was saved no longer fits the rest.
        tables.taking = None;
        tables.said = None;
        tables.recount();
        let most = tables.ready.settings.sessions.tombstones_max as usize;
        tables.tombs.shrink(&tables.hasher, most);
    }
    tables.trips.clear();
    tables.bindings = Arc::from(bindings);
    tables.engine = Box::from(engine);
    if file.is_some() {
        tables.file = file;
    }
    Effect::Nothing
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
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GroupRule, Override, Selector};
    use crate::{Limit, Seq};

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
            ..Settings::default()
        };
        let parts = split(&settings);
        assert!(parts.iter().all(|part| crate::codec::encode(part).len() < 40_000));
        assert_eq!(assemble(parts), settings);
    }
}
