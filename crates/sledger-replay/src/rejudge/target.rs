//! Who stands in for whom.

use super::texts::fitting;
use crate::commands::is_given_name;
use sledger_core::State;
use sledger_core::config::{Param, Quota, Settings};
use sledger_core::event::Binding;
use sledger_core::policy::{Policies as _, PolicyFault};
use sledger_core::quota::ReadyQuota;
use sledger_policy::{Engine, Header, read_header};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A policy to try.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name.
    pub name: Arc<str>,
    /// Its source.
    pub source: Arc<str>,
    /// Params given instead of those of the quota.
    pub params: BTreeMap<String, Param>,
}

/// The quotas whose policy a candidate stands in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The quota of this name.
    Quota(String),
    /// Every quota for which a policy of the candidate's name decides; where there is none, the only one there is.
    ByName,
}

/// Why a candidate cannot stand in.
#[derive(Debug, thiserror::Error)]
pub enum CandidateError {
    /// It cannot be read, or cannot take the params.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// Its header.
    #[error("policy `{policy}`: {reason}")]
    Header {
        /// Its name.
        policy: String,
        /// What is wrong.
        reason: String,
    },
    /// No quota is meant.
    #[error("{}", no_target(.wanted.as_deref(), .known))]
    NoTarget {
        /// What was asked for: a quota's name, or nothing.
        wanted: Option<String>,
        /// The quotas there were.
        known: Vec<String>,
    },
}

fn no_target(wanted: Option<&str>, known: &[String]) -> String {
    let known = if known.is_empty() { "none".to_owned() } else { known.join(" ") };
    match wanted {
        Some(wanted) => format!("no quota `{wanted}` when logins were decided; quotas there were: {known}"),
        None => format!(
            "several quotas could be meant, and none names this policy: give --quota; there were: {known}"
        ),
    }
}

/// A candidate in its places.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    candidate: Candidate,
    /// Quotas that name one of these are meant by name.
    names: Vec<Arc<str>>,
    header: Header,
    target: Target,
    /// Names of the policies that decide, in the order of quotas.
    deciding: Vec<Arc<str>>,
    /// Meant once, because it was the only one: meant from then on.
    only: Option<String>,
    /// Indexes of its quotas in the settings in force.
    places: Vec<u16>,
    has_limit: bool,
    /// Whether it was noted who is stood in for.
    is_met: bool,
    /// Every quota that it stood in for.
    pub(crate) stood_in: BTreeSet<String>,
}

impl Standing {
    pub(crate) fn new(candidate: Candidate, target: Target) -> Result<Self, CandidateError> {
        let names = vec![Arc::clone(&candidate.name)];
        Self::known_as(candidate, names, target)
    }

    /// A candidate that stands in, too, where a quota names one of `names`.
    pub(crate) fn known_as(
        candidate: Candidate,
        names: Vec<Arc<str>>,
        target: Target,
    ) -> Result<Self, CandidateError> {
        let header = read_header(&candidate.name, &candidate.source).map_err(|lint| {
            CandidateError::Header { policy: candidate.name.to_string(), reason: lint.message }
        })?;
        let only = None;
        let (places, stood_in) = (Vec::new(), BTreeSet::new());
        let mut new = Self {
            candidate,
            names,
            header,
            target,
            deciding: Vec::new(),
            only,
            places,
            has_limit: false,
            is_met: false,
            stood_in,
        };
        // What is wrong with it, or with params given, is told before history is read.
        new.bind(&Settings::default(), &Quota::default_quota(), &mut Engine::new())?;
        Ok(new)
    }

    /// The policies in force with the candidate in its places; `None` where it has none.
    pub(crate) fn bindings(
        &mut self,
        state: &State,
        recorded: &[Binding],
        engine: &mut Engine,
    ) -> Result<Option<Vec<Binding>>, CandidateError> {
        let settings = &state.ready().settings;
        let quotas = &settings.quotas;
        self.deciding = recorded.iter().map(|binding| Arc::clone(&binding.policy.name)).collect();
        self.places = self.find(&state.ready().quotas);
        self.is_met = false;
        let mut bindings = recorded.to_vec();
        for place in self.places.clone() {
            let at = usize::from(place);
            let (Some(quota), Some(binding)) = (quotas.get(at), bindings.get_mut(at)) else { continue };
            let bound = self.bind(settings, quota, engine)?;
            *binding = Binding { policy: bound.policy, has_limit: bound.has_limit, ..binding.clone() };
        }
        Ok((!self.places.is_empty()).then_some(bindings))
    }

    fn bind(
        &mut self,
        settings: &Settings,
        quota: &Quota,
        engine: &mut Engine,
    ) -> Result<sledger_core::policy::Bound, PolicyFault> {
        let Candidate { name, source, params } = &self.candidate;
        let mut given = fitting(settings, quota, name, |name| self.header.params.contains_key(name));
        given.extend(params.clone());
        let bound = engine.bind(name, source, &given)?;
        self.has_limit = bound.has_limit;
        Ok(bound)
    }

    fn find(&mut self, quotas: &[ReadyQuota]) -> Vec<u16> {
        let those = |is_meant: &dyn Fn(u16, &ReadyQuota) -> bool| -> Vec<u16> {
            let meant = quotas.iter().zip(0u16..).filter(|(quota, index)| is_meant(*index, quota));
            meant.map(|(_, index)| index).collect()
        };
        if let Target::Quota(name) = &self.target {
            return those(&|_, quota| *quota.name == **name);
        }
        let named = those(&|index, quota| self.is_named(index, quota));
        if !named.is_empty() {
            return named;
        }
        if let Some(only) = &self.only {
            return those(&|_, quota| *quota.name == **only);
        }
        [those(&|_, _| true), those(&|_, quota| quota.quota.enabled && quota.is_enforced())]
            .into_iter()
            .find(|meant| meant.len() == 1)
            .unwrap_or_default()
    }

    /// Whether a policy of one of the names decides there: the one that was given to the quota, or that it names.
    fn is_named(&self, index: u16, quota: &ReadyQuota) -> bool {
        let decides =
            self.deciding.get(usize::from(index)).map_or(&*quota.quota.on_exhausted, |name| &**name);
        self.names.iter().any(|name| **name == *decides || is_given_name(decides, name))
    }

    /// Notes, at a login, that those quotas were meant.
    pub(crate) fn met(&mut self, quotas: &[ReadyQuota]) {
        if std::mem::replace(&mut self.is_met, true) {
            return;
        }
        for place in &self.places {
            let Some(quota) = quotas.get(usize::from(*place)) else { continue };
            if !self.stood_in.contains(&*quota.name) {
                self.stood_in.insert(quota.name.to_string());
                let is_named = self.is_named(*place, quota);
                if self.target == Target::ByName && !is_named {
                    self.only = Some(quota.name.to_string());
                }
            }
        }
    }

    /// Indexes of its quotas in the settings in force.
    pub(crate) fn places(&self) -> &[u16] {
        &self.places
    }

    pub(crate) const fn has_limit(&self) -> bool {
        self.has_limit
    }

    pub(crate) fn no_target(&self, state: &State) -> CandidateError {
        let wanted = match &self.target {
            Target::Quota(name) => Some(name.clone()),
            Target::ByName => None,
        };
        let known = state.ready().quotas.iter().map(|quota| quota.name.to_string()).collect();
        CandidateError::NoTarget { wanted, known }
    }
}
