//! An explanation for programs.

use serde::Serialize;
use sledger_core::event::{Decision, Event, Judged, Judgement};
use sledger_core::{Millis, Seq};
use sledger_policy::Step;
use sledger_replay::explain::{Asked, Explained, Known, LimitAsked, Round, Told};
use sledger_wire::values::LimitWord;
use std::sync::Arc;

/// The explanation.
#[derive(Serialize)]
pub(super) struct Shown {
    seq: u64,
    at: String,
    user: String,
    session: String,
    as_recorded: bool,
    quotas: Vec<Counted>,
    recorded: Decided,
    again: Again,
    with: Option<Again>,
}

#[derive(Serialize)]
struct Counted {
    quota: String,
    key: String,
    used: u32,
    limit: LimitWord,
}

#[derive(Serialize)]
struct Decided {
    outcome: &'static str,
    code: Option<&'static str>,
    reason: Option<Arc<str>>,
    ended: Vec<String>,
    policies: Vec<Answered>,
}

#[derive(Serialize)]
struct Answered {
    quota: Option<String>,
    policy: Option<String>,
    decision: &'static str,
    evict: Vec<String>,
    offer: Vec<String>,
    reason: Option<Arc<str>>,
    notes: Vec<Arc<str>>,
    line: u32,
    column: u32,
    operations: u32,
    policy_code: Option<&'static str>,
    enforced: bool,
}

#[derive(Serialize)]
struct Again {
    decided: Option<Decided>,
    missing: Option<String>,
    limits: Vec<AskedLimit>,
    asked: Vec<AskedKey>,
}

#[derive(Serialize)]
struct AskedLimit {
    quota: Arc<str>,
    configured: LimitWord,
    policy: String,
    limit: Option<LimitWord>,
    policy_code: Option<&'static str>,
    lines: Vec<Ran>,
}

#[derive(Serialize)]
struct AskedKey {
    quota: Arc<str>,
    key: Arc<str>,
    limit: u32,
    used: u32,
    excess: u32,
    sessions_count: usize,
    sessions: Vec<Session>,
    rounds: Vec<Asking>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "ids stand under `session` wherever they are told")]
struct Session {
    session: String,
    number: u64,
    user: String,
    ip: Option<String>,
    client: Option<String>,
    source: Option<String>,
    started: String,
    last_active: String,
    expires: Option<String>,
    retained: bool,
}

#[derive(Serialize)]
struct Asking {
    policy: String,
    operations: u32,
    policy_code: Option<&'static str>,
    lines: Vec<Ran>,
    cut: bool,
}

#[derive(Serialize)]
struct Ran {
    line: u32,
    function: String,
    values: Vec<(String, String)>,
}

impl Shown {
    pub(super) fn new(explained: &Explained, as_recorded: bool) -> Self {
        let counted = explained.counted.iter().map(|one| Counted {
            quota: one.quota.to_string(),
            key: one.key.to_string(),
            used: one.used,
            limit: LimitWord::from(one.limit),
        });
        Self {
            seq: explained.first.0,
            at: explained.decision.at.rfc3339(),
            user: explained.facts.user().to_owned(),
            session: explained.facts.session().to_owned(),
            as_recorded,
            quotas: counted.collect(),
            recorded: decided(explained, &explained.decision),
            again: again(explained, &explained.again),
            with: explained.with.as_ref().map(|with| again(explained, with)),
        }
    }
}

fn decided(explained: &Explained, decision: &Decision) -> Decided {
    let ended = decision.events.iter().filter_map(|event| match event {
        Event::Ended { session, .. } => Some(id(explained, *session)),
        _ => None,
    });
    let (outcome, code, reason) = match decision.events.last() {
        Some(Event::Admitted { .. }) => ("admitted", None, None),
        Some(Event::Resumed { .. }) => ("resumed", None, None),
        Some(Event::Denied { code, reason, .. }) => ("denied", Some(code.as_str()), Some(Arc::clone(reason))),
        Some(Event::Conflicted { reason, .. }) => ("conflict", None, Some(Arc::clone(reason))),
        _ => ("other", None, None),
    };
    Decided {
        outcome,
        code,
        reason,
        ended: ended.collect(),
        policies: decision.judged.iter().map(|judged| answered(explained, judged)).collect(),
    }
}

fn id(explained: &Explained, number: Seq) -> String {
    explained.id(number).map_or_else(|| format!("@{number}"), ToString::to_string)
}

fn answered(explained: &Explained, judged: &Judged) -> Answered {
    let ids = |numbers: &[Seq]| numbers.iter().map(|number| id(explained, *number)).collect();
    let (decision, evict, offer) = match &judged.answer {
        Judgement::Allow => ("allow", Vec::new(), Vec::new()),
        Judgement::Deny { offer } => ("deny", Vec::new(), ids(offer)),
        Judgement::Evict { victims } => ("evict", ids(victims), Vec::new()),
    };
    Answered {
        quota: explained.quotas.get(usize::from(judged.quota)).map(|quota| quota.name.clone()),
        policy: judged.policy.as_ref().map(ToString::to_string),
        decision,
        evict,
        offer,
        reason: judged.reason.clone(),
        notes: judged.notes.clone(),
        line: judged.line,
        column: judged.column,
        operations: judged.operations,
        policy_code: judged.failure.as_ref().map(|failure| failure.code.as_str()),
        enforced: judged.enforced,
    }
}

fn again(explained: &Explained, told: &Told) -> Again {
    Again {
        decided: told.decision.as_ref().ok().map(|decision| decided(explained, decision)),
        missing: told.missing.as_ref().map(ToString::to_string),
        limits: told.limits.iter().map(asked_limit).collect(),
        asked: told.asked.iter().map(asked_key).collect(),
    }
}

fn asked_limit(asked: &LimitAsked) -> AskedLimit {
    let answer = &asked.trace.reply.answer;
    AskedLimit {
        quota: Arc::clone(&asked.quota),
        configured: LimitWord::from(asked.configured),
        policy: asked.policy.to_string(),
        limit: answer.as_ref().ok().copied().flatten().map(LimitWord::from),
        policy_code: answer.as_ref().err().map(|failure| failure.code.as_str()),
        lines: ran(&asked.trace.steps),
    }
}

fn asked_key(asked: &Asked) -> AskedKey {
    AskedKey {
        quota: Arc::clone(&asked.quota),
        key: Arc::clone(&asked.key),
        limit: asked.limit,
        used: asked.used,
        excess: asked.excess,
        sessions_count: asked.known_count,
        sessions: asked.known.iter().map(session).collect(),
        rounds: asked.rounds.iter().map(asking).collect(),
    }
}

fn session(known: &Known) -> Session {
    let facts = &known.facts;
    Session {
        session: facts.session().to_owned(),
        number: known.number.0,
        user: facts.user().to_owned(),
        ip: facts.ip().map(str::to_owned),
        client: facts.client().map(str::to_owned),
        source: facts.source().map(str::to_owned),
        started: facts.started.rfc3339(),
        last_active: known.last_active.rfc3339(),
        expires: (known.deadline != Millis::NEVER).then(|| known.deadline.rfc3339()),
        retained: known.retained,
    }
}

fn asking(round: &Round) -> Asking {
    Asking {
        policy: round.policy.to_string(),
        operations: round.trace.reply.operations,
        policy_code: round.trace.reply.answer.as_ref().err().map(|failure| failure.code.as_str()),
        lines: ran(&round.trace.steps),
        cut: round.trace.cut,
    }
}

fn ran(steps: &[Step]) -> Vec<Ran> {
    let ran =
        |step: &Step| Ran { line: step.line, function: step.function.clone(), values: step.values.clone() };
    steps.iter().map(ran).collect()
}
