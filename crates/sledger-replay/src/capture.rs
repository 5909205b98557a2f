//! `policy capture`: a recorded login as a `[[case]]` of a policy's tests.
//!
//! Promise: what is given says whether it passes: it was run against the policy that decided, and whatever the
//! format cannot say is told. Everything a case can set is set, so that no `[base]` changes it.
//!
//! A case has no idle time and no retention: a session's `ttl` stands for its deadline, or, where the policy looks at
//! absolute ends instead, for its own life. Whichever gives the recorded answer is taken.

mod names;
mod written;

use crate::explain::{Asked, Explained, KNOWN_MAX};
use names::Names;
use sledger_core::Limit;
use sledger_core::event::{Judged, PolicyCode, PolicyRef};
use sledger_core::quota::key_for_people;
use sledger_policy::suite::{CaseReport, run_text};
use std::sync::Arc;
use written::{Lives, Scene, is_moved};

/// A case, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The policy that decided.
    pub policy: PolicyRef,
    /// Its source.
    pub source: Arc<str>,
    /// The case, as text to be put into a file of tests.
    pub case: String,
    /// What is not as it was recorded.
    pub notes: Vec<String>,
    /// How the case differs from what the policy gives; nothing where it passes.
    pub differences: Vec<String>,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'w> {
    /// The name of the case.
    pub name: Option<&'w str>,
    /// The quota, where several were exhausted; the last by itself.
    pub quota: Option<&'w str>,
    /// Names, ids, addresses and attributes are replaced.
    pub redact: bool,
}

/// Why there is no case in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// No policy decided anything.
    #[error("no policy was asked at seq {0}: there is nothing to test")]
    NothingAsked(sledger_core::Seq),
    /// Not about this quota.
    #[error("no policy was asked about quota `{wanted}`; it was asked about: {asked}")]
    OtherQuota {
        /// As asked.
        wanted: String,
        /// Those that were exhausted.
        asked: String,
    },
    /// The breaker was open.
    #[error("{0} was not asked, since it kept failing: a case cannot say so")]
    Tripped(PolicyRef),
    /// More sessions than a case should have.
    #[error("the policy could choose from {0} sessions; a case has at most {KNOWN_MAX}")]
    TooMany(usize),
    /// Its text is nowhere.
    #[error("the text of {0} is not in this history")]
    NoSource(PolicyRef),
}

/// Makes a case of a login.
///
/// # Errors
/// Says why there is no case in it.
pub fn capture(explained: &Explained, wanted: Wanted<'_>) -> Result<Captured, CaptureError> {
    let asked = asked(explained, wanted.quota)?;
    if asked.known_count > KNOWN_MAX {
        return Err(CaptureError::TooMany(asked.known_count));
    }
    let judged = judged(explained, asked).ok_or(CaptureError::NothingAsked(explained.first))?;
    if let Some(failure) = judged.failure.as_ref().filter(|failure| failure.code == PolicyCode::Tripped) {
        return Err(CaptureError::Tripped(failure.policy.clone()));
    }
    let round = asked.rounds.first().ok_or(CaptureError::NothingAsked(explained.first))?;
    let source = round.source.clone().ok_or_else(|| CaptureError::NoSource(round.policy.clone()))?;
    let mut names = Names::new(wanted.redact);
    let scene = Scene { explained, asked, judged, limit: configured(explained, asked), name: wanted.name };
    let tried = [Lives::Deadline, Lives::Own].map(|lives| {
        let case = scene.written(lives, &mut names);
        let differences = differences(&round.policy.name, &source, &case);
        (case, differences)
    });
    let [first, second] = tried;
    let (case, differences) = if !first.1.is_empty() && second.1.is_empty() { second } else { first };
    let mut notes = names.notes();
    if is_moved(explained.decision.at) {
        notes.push("the time is moved by whole weeks: a case has none so early".to_owned());
    }
    Ok(Captured { policy: round.policy.clone(), source, case, notes, differences })
}

fn asked<'e>(explained: &'e Explained, quota: Option<&str>) -> Result<&'e Asked, CaptureError> {
    let all = &explained.again.asked;
    let Some(wanted) = quota else { return all.last().ok_or(CaptureError::NothingAsked(explained.first)) };
    all.iter().rev().find(|asked| *asked.quota == *wanted).ok_or_else(|| {
        let asked: Vec<&str> = all.iter().map(|asked| &*asked.quota).collect();
        let asked = if asked.is_empty() { "none".to_owned() } else { asked.join(" ") };
        CaptureError::OtherQuota { wanted: wanted.to_owned(), asked }
    })
}

/// What was recorded of it.
fn judged<'e>(explained: &'e Explained, asked: &Asked) -> Option<&'e Judged> {
    explained.decision.judged.iter().find(|judged| {
        let quota = explained.quotas.get(usize::from(judged.quota));
        let key = judged.key.plain().map(key_for_people);
        quota.is_some_and(|quota| *quota.name == *asked.quota) && key.as_ref() == Some(&asked.key)
    })
}

/// The limit before the policy's own `limit()`, which runs in a case, too.
fn configured(explained: &Explained, asked: &Asked) -> Limit {
    let own = explained.again.limits.iter().find(|limit| limit.quota == asked.quota);
    let in_force = Limit::at_most(asked.limit).unwrap_or(Limit::Unlimited);
    own.map_or(in_force, |own| own.configured)
}

/// What a run of the case finds; nothing where it passes.
fn differences(name: &str, source: &str, case: &str) -> Vec<String> {
    match run_text(name, source, case) {
        Ok(report) => report.cases.iter().flat_map(told).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What a case finds otherwise than expected, in words.
#[must_use]
pub fn told(case: &CaseReport) -> Vec<String> {
    let differences = case.differences.iter();
    differences
        .map(|one| format!("{}: recorded {}, the case gives {}", one.what, one.expected, one.found))
        .collect()
}
