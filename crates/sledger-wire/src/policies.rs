//! Policies as they are shown at run time: what is installed, what is in force for which quota, and how it fares.

use crate::config::policy_mode;
use crate::events::{actor_text, source_word};
use crate::pages::Quantiles;
use serde::{Deserialize, Serialize};
use sledger_core::config::{Assignment, Settings};
use sledger_core::event::{Binding, PolicyCode, PolicyRef};
use sledger_core::state::{AllSources, Source};
use sledger_core::{Millis, Seq};
use std::collections::{BTreeMap, BTreeSet};

/// `GET /v1/policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoliciesPage {
    /// Up to this event.
    pub seq: u64,
    /// The policies, by name.
    pub policies: Vec<PolicyObject>,
}

/// A policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyObject {
    /// Its name.
    pub name: String,
    /// Where the installed source came from: `built_in`, `folder` or `sent`; null where only a quota has one.
    pub origin: Option<String>,
    /// Since when it is installed.
    pub since: Option<String>,
    /// By whom.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// How many sources are kept, the installed one among them: to these it can be rolled back.
    pub kept: u32,
    /// Where it is in force or on trial.
    pub uses: Vec<PolicyUse>,
    /// The source; only where one policy is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A policy on a quota. What is counted and measured is so since the server started; told from the past, what is counted
/// is so over all of it, and nothing is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyUse {
    /// The quota.
    pub quota: String,
    /// The policy with its revision, `name@` and eight hex digits.
    pub policy: String,
    /// `active`, `shadow`, `share`, or `on_error` where it decides when another one fails.
    pub state: String,
    /// For how many of a hundred users.
    pub share: Option<u8>,
    /// Whether it was given to this quota at run time, and not by what the quota names.
    pub given: bool,
    /// Since when.
    pub since: Option<String>,
    /// By whom.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// How often it was asked on this quota: logins that met the quota exhausted, those among
    /// them that were refused in a storm and only counted.
    #[serde(default)]
    pub asked: u64,
    /// How often it let in and nobody had to go.
    #[serde(default)]
    pub allowed: u64,
    /// How often it refused; as a shadow, would have. What a shadow said in a storm is not known.
    #[serde(default)]
    pub denied: u64,
    /// How often it made room; as a shadow, would have.
    #[serde(default)]
    pub evicted: u64,
    /// How often it failed on this quota, its `limit()` among it.
    pub failures: u64,
    /// How often it would have decided otherwise, as a shadow.
    pub differences: u64,
    /// How long its runs for logins took, its `limit()` among them, in microseconds. A policy that is asked again until
    /// there is room runs more than once for a login.
    #[serde(default)]
    pub us: Quantiles,
    /// When and how it failed last.
    #[serde(default)]
    pub last_failure: Option<PolicyFailed>,
}

/// How a policy failed on a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyFailed {
    /// The event.
    pub seq: u64,
    /// When.
    pub at: String,
    /// The documented code: `POLICY_ERROR` and the like.
    pub code: String,
    /// What that means, for people.
    pub message: String,
    /// Where in its source: line, 0 when unknown.
    pub line: u32,
}

impl PolicyFailed {
    /// The failure that the event `seq` records.
    #[must_use]
    pub fn new(seq: Seq, at: Millis, code: PolicyCode, line: u32) -> Self {
        let (seq, at, message) = (seq.0, at.rfc3339(), meaning(code).to_owned());
        Self { seq, at, code: code.as_str().to_owned(), message, line }
    }
}

/// What a failure means. Raw words of a script's engine are never recorded.
const fn meaning(code: PolicyCode) -> &'static str {
    match code {
        PolicyCode::Error => "it raised an error",
        PolicyCode::OverBudget => {
            "it took more operations than it may, recursed too deeply, or grew too much"
        }
        PolicyCode::NoDecision => "it ended without a decision",
        PolicyCode::WrongType => "it gave something that is no decision",
        PolicyCode::NoVictim => "it evicted nobody",
        PolicyCode::VictimNotInSet => "it evicted a session that is not under the quota key",
        PolicyCode::NotEnoughRoom => "what it decided leaves the quota exhausted",
        PolicyCode::Tripped => "it was not asked, since it kept failing",
    }
}

/// What came of a change of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyChanged {
    /// Up to this event.
    pub seq: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// The policy as it is now.
    pub policy: PolicyObject,
    /// What is allowed but probably not meant.
    pub warnings: Vec<LintObject>,
}

/// A complaint about a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LintObject {
    /// Line, 0 where there is none.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
    /// What kind of complaint.
    pub code: String,
    /// `error`, `warning` or `hint`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
}

/// What is known of policies.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// What decides, for each quota in order.
    pub bindings: &'a [Binding],
    /// The sources kept, by name.
    pub sources: &'a AllSources,
    /// How a revision fared on a quota: its counts, times and last failure. All else of it is told here.
    pub fared: &'a dyn Fn(&str, &PolicyRef) -> PolicyUse,
}

impl Known<'_> {
    /// Every policy that is installed or that a quota has.
    #[must_use]
    pub fn all(&self) -> Vec<PolicyObject> {
        let mut uses = self.uses();
        let names: BTreeSet<String> =
            self.sources.keys().map(ToString::to_string).chain(uses.keys().cloned()).collect();
        names.into_iter().map(|name| self.object(&name, uses.remove(&name).unwrap_or_default())).collect()
    }

    /// One of them, with its source.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<PolicyObject> {
        let found = self.all().into_iter().find(|policy| policy.name == name)?;
        let given = || self.settings.assignments.iter().find(|one| &*one.policy == name);
        let text = self.current(name).map(|source| &source.text).or_else(|| given().map(|one| &one.text));
        Some(PolicyObject { text: text.map(ToString::to_string), ..found })
    }

    fn current(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)?.current()
    }

    fn object(&self, name: &str, uses: Vec<PolicyUse>) -> PolicyObject {
        let source = self.current(name);
        let kept = self.sources.get(name).map_or(0, |sources| sources.kept.len());
        PolicyObject {
            name: name.to_owned(),
            origin: source.map(|source| source_word(source.from).to_owned()),
            since: source.and_then(|source| since(source.at)),
            actor: source.map(|source| actor_text(&source.by)),
            reason: source.and_then(|source| source.reason.as_deref().map(str::to_owned)),
            kept: u32::try_from(kept).unwrap_or(u32::MAX),
            uses,
            text: None,
        }
    }

    fn uses(&self) -> BTreeMap<String, Vec<PolicyUse>> {
        let mut uses: BTreeMap<String, Vec<PolicyUse>> = BTreeMap::new();
        let mut add = |policy: &PolicyRef, used: PolicyUse| {
            uses.entry(policy.name.to_string()).or_default().push(used);
        };
        for (quota, binding) in self.settings.quotas.iter().zip(self.bindings) {
            let given = self.settings.assigned(&quota.name);
            let active = self.used(&quota.name, &binding.policy, "active");
            add(
                &binding.policy,
                given.map_or(active.clone(), |given| PolicyUse { given: true, ..with(active, given) }),
            );
            if let Some(policy) = &binding.on_error {
                add(policy, self.used(&quota.name, policy, "on_error"));
            }
            if let Some(trial) = self.settings.trial(&quota.name) {
                let (state, share) = policy_mode(trial.mode);
                let used = self.used(&quota.name, &trial.policy_ref(), state);
                add(&trial.policy_ref(), PolicyUse { share, given: true, ..with(used, trial) });
            }
        }
        uses
    }

    fn used(&self, quota: &str, policy: &PolicyRef, state: &str) -> PolicyUse {
        let source = self.current(&policy.name);
        PolicyUse {
            quota: quota.to_owned(),
            policy: policy.to_string(),
            state: state.to_owned(),
            since: source.and_then(|source| since(source.at)),
            actor: source.map(|source| actor_text(&source.by)),
            ..(self.fared)(quota, policy)
        }
    }
}

/// Who gave it, when and why.
fn with(used: PolicyUse, given: &Assignment) -> PolicyUse {
    PolicyUse {
        since: since(given.at),
        actor: Some(actor_text(&given.by)),
        reason: given.reason.clone(),
        ..used
    }
}

/// A time; none for what was there before the first event.
fn since(at: Millis) -> Option<String> {
    (at.0 > 0).then(|| at.rfc3339())
}
