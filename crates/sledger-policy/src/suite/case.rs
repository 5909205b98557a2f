//! One case: run, and compared with what was expected.

use super::file::{Case, Expect};
use super::witness::Witness;
use super::{CaseReport, Deciding, Difference, SuiteError, World};
use crate::words::clean;
use sledger_core::answer::{Answer, Outcome};
use sledger_core::config::Level;
use sledger_core::policy::{Choice, Failure, Reply, Verdict};
use sledger_core::{Limit, State};

/// What happened to the newcomer.
pub(super) struct Found {
    /// `deny`, `allow`, `evict`, or `admit` where nobody had to be asked.
    did: &'static str,
    evicted: Vec<String>,
    offered: Vec<String>,
    verdict: Option<Verdict>,
    limit: String,
    /// How the policy failed, the host's own checks included.
    pub(super) code: Option<&'static str>,
    /// Line and column that decided.
    pub(super) place: (u32, u32),
    operations: u32,
    /// What else there is to say: a refusal at the edge.
    refusal: Option<String>,
}

impl World {
    /// Lets the newcomer come, and sees what happens.
    pub(super) fn play(
        &self,
        policy: (&str, &str),
        witness: &mut Witness<'_>,
    ) -> Result<Found, super::WorldError> {
        let mut court = self.court(policy, &mut *witness)?;
        let answer = self.login(&mut court);
        let (state, replies) = (court.state().clone(), &court.policies().replies);
        let mut found = Found::of(&answer, &state, replies, self.level);
        drop(court);
        found.limit = witness.limits.last().map_or_else(|| "configured".to_owned(), limit_word);
        found.operations += witness.limits.iter().map(|reply| reply.operations).sum::<u32>();
        let limit_failed = witness.limits.last().and_then(|reply| reply.answer.as_ref().err());
        if let (Some(failure), None) = (limit_failed, &found.verdict) {
            found.place = (failure.line, failure.column);
        }
        Ok(found)
    }
}

fn limit_word(reply: &Reply<Option<Limit>>) -> String {
    match &reply.answer {
        Ok(Some(limit)) => limit.to_string(),
        Ok(None) => "configured".to_owned(),
        Err(failure) => failure.code.as_str().to_owned(),
    }
}

impl Found {
    fn of(answer: &Answer, state: &State, replies: &[Reply<Verdict>], level: Level) -> Self {
        let last = replies.last().map(|reply| reply.answer.clone());
        let (verdict, failure) = match last {
            Some(Ok(verdict)) => (Some(verdict), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, None),
        };
        let advice = answer.advisory.first().filter(|_| level == Level::Advisory);
        let evicted = advice.map_or(&answer.evicted, |advice| &advice.evict);
        let evicted: Vec<String> = evicted.iter().map(|facts| facts.session().to_owned()).collect();
        let offered = match verdict.as_ref().map(|verdict| &verdict.choice) {
            Some(Choice::Deny { offer }) => offer.iter().map(|number| id(state, *number)).collect(),
            _ => Vec::new(),
        };
        let code = answer.policy_code.or(failure.map(|failure: Failure| failure.code));
        let did = advice.map_or_else(|| did(answer, verdict.as_ref()), |advice| advice.outcome);
        let refusal = (!matches!(answer.outcome, Outcome::Admitted | Outcome::Denied)).then(|| {
            let field = answer.field.as_deref().unwrap_or_default();
            format!("{} {field} {}", answer.outcome.as_str(), answer.reason.as_deref().unwrap_or_default())
        });
        let place = verdict.as_ref().map(|verdict| (verdict.line, verdict.column));
        let place = place.or(failure.map(|failure| (failure.line, failure.column))).unwrap_or_default();
        Self {
            did,
            evicted,
            offered,
            verdict,
            limit: String::new(),
            code: code.map(sledger_core::event::PolicyCode::as_str),
            place,
            operations: replies.iter().map(|reply| reply.operations).sum(),
            refusal,
        }
    }

    fn reason(&self) -> &str {
        self.verdict.as_ref().and_then(|verdict| verdict.reason.as_deref()).unwrap_or_default()
    }

    fn told(&self) -> &str {
        self.verdict.as_ref().and_then(|verdict| verdict.told.as_deref()).unwrap_or_default()
    }

    fn notes(&self) -> Vec<String> {
        let notes = self.verdict.iter().flat_map(|verdict| &verdict.notes);
        notes.map(ToString::to_string).collect()
    }

    /// In a few words.
    fn words(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return refusal.trim().to_owned();
        }
        if let Some(code) = self.code {
            return code.to_owned();
        }
        let because = if self.reason().is_empty() { String::new() } else { format!(": {}", self.reason()) };
        match self.did {
            "evict" => format!("evict {}{because}", list(&self.evicted)),
            "admit" => "admitted without asking".to_owned(),
            did => format!("{did}{because}"),
        }
    }
}

fn did(answer: &Answer, verdict: Option<&Verdict>) -> &'static str {
    match (answer.outcome, verdict.map(|verdict| &verdict.choice)) {
        (Outcome::Denied, _) => "deny",
        (_, Some(Choice::Allow)) => "allow",
        (_, Some(Choice::Evict { .. })) => "evict",
        _ => "admit",
    }
}

fn id(state: &State, number: sledger_core::Seq) -> String {
    let session = state.session_numbered(number);
    session.map_or_else(|| format!("#{number}"), |session| session.facts.session().to_owned())
}

fn list(ids: &[String]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| clean(id)).collect();
    format!("[{}]", ids.join(", "))
}

impl Case {
    pub(super) fn run(
        &self,
        policy: (&str, &str),
        witness: &mut Witness<'_>,
    ) -> Result<CaseReport, SuiteError> {
        let found = self.world.play(policy, witness).map_err(|error| {
            let reason = format!("case `{}`: {error}", clean(&self.name));
            SuiteError::File { line: self.line, reason }
        })?;
        Ok(CaseReport {
            name: self.name.clone(),
            line: self.line,
            differences: self.expect.differences(&found),
            deciding: Deciding::at(policy.1, found.place),
            operations: found.operations,
            found: found.words(),
        })
    }
}

impl Expect {
    fn differences(&self, found: &Found) -> Vec<Difference> {
        let mut all = Vec::new();
        self.choice(found, &mut all);
        self.said(found, &mut all);
        let is_code_wrong = self.error.as_deref() != found.code;
        // A limit that fails is told by its own word.
        if is_code_wrong && !(self.limit.is_some() && found.verdict.is_none() && found.code.is_none()) {
            let shown = |code: Option<&str>| code.unwrap_or("none").to_owned();
            all.push(Difference {
                what: "error",
                expected: shown(self.error.as_deref()),
                found: shown(found.code),
            });
        }
        all
    }

    fn choice(&self, found: &Found, all: &mut Vec<Difference>) {
        let mut ids = |what, expected: Option<&Vec<String>>, got: &Vec<String>| {
            if let Some(expected) = expected.filter(|expected| *expected != got) {
                all.push(Difference { what, expected: list(expected), found: list(got) });
            }
        };
        ids("evict", self.evict.as_ref(), &found.evicted);
        ids("offer", self.offer.as_ref(), &found.offered);
        for (what, expected) in [("deny", &self.deny), ("allow", &self.allow)] {
            if let Some(text) = expected
                && (found.did != what || !found.reason().contains(text.as_str()))
            {
                all.push(Difference { what, expected: text.clone(), found: found.words() });
            }
        }
        if let Some(limit) = self.limit.as_ref().filter(|limit| **limit != found.limit) {
            all.push(Difference { what: "limit", expected: limit.clone(), found: found.limit.clone() });
        }
    }

    fn said(&self, found: &Found, all: &mut Vec<Difference>) {
        let mut part = |what, expected: Option<&String>, got: &str| {
            if let Some(text) = expected.filter(|text| !got.contains(text.as_str())) {
                all.push(Difference { what, expected: text.clone(), found: got.to_owned() });
            }
        };
        part("because", self.because.as_ref(), found.reason());
        part("tell", self.tell.as_ref(), found.told());
        let notes = found.notes();
        for text in &self.note {
            if !notes.iter().any(|note| note.contains(text.as_str())) {
                part("note", Some(text), &notes.join("; "));
            }
        }
    }
}
