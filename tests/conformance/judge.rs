//! A scenario played, and how the answers differ from the product's.

use super::adapter::Start;
use super::scenario::{Expect, Scenario, Step};
use super::translate;
use serde_json::Value;
use sledger_testkit::recordings::Oracle;
use std::collections::BTreeMap;

/// How one answer differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first configuration is refused.
    Refused(String),
    /// Another outcome than the one wanted.
    Outcome { wanted: String, got: String },
    /// Others end.
    Ended { wanted: Vec<String>, got: Vec<String> },
    /// The same end in another order.
    Order { wanted: Vec<String>, got: Vec<String> },
    /// Others expire.
    Expired { wanted: Vec<String>, got: Vec<String> },
    /// Another count.
    Active { wanted: u64, got: Option<u64> },
}

/// A difference, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) step: usize,
    pub(crate) kind: Kind,
}

/// How a scenario went.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) mismatches: Vec<Mismatch>,
    /// Whether the scenario's alternative answer is the one given.
    pub(crate) fits_alternative: bool,
}

/// Plays a scenario from its first step to its last.
pub(crate) fn play(scenario: &Scenario, start: Start) -> Played {
    let mut played = Played { mismatches: Vec::new(), fits_alternative: false };
    let mut oracle = match start(&translate::config(scenario, &scenario.settings())) {
        Ok(oracle) => oracle,
        Err(reason) => {
            played.mismatches.push(Mismatch { step: 0, kind: Kind::Refused(reason) });
            return played;
        }
    };
    let ids = ids(scenario);
    let mut lines = 0;
    for (index, step) in scenario.steps.iter().enumerate() {
        let answer = answer(scenario, index, step, oracle.as_mut(), &mut lines);
        let differs = |expect: &Expect| differences(step, expect, &answer, &ids);
        played
            .mismatches
            .extend(differs(&step.expect).into_iter().map(|kind| Mismatch { step: index, kind }));
        if let Some(alternative) =
            scenario.alt_expect.as_ref().filter(|alternative| alternative.step == index)
        {
            let order_only = |kind: &Kind| matches!(kind, Kind::Order { .. });
            played.fits_alternative = differs(&alternative.expect).iter().all(order_only);
        }
    }
    played
}

/// From the ids here to those of the product.
fn ids(scenario: &Scenario) -> BTreeMap<String, String> {
    let pair = |step: &Step| {
        let session = step.session.clone()?;
        Some((translate::id(&scenario.system, step.user.as_deref(), &session), session))
    };
    scenario.steps.iter().filter_map(pair).collect()
}

/// The settings a step asks for, also where the product refuses them.
fn asked(scenario: &Scenario, index: usize) -> super::scenario::Settings {
    let after = scenario.settings_after();
    let before = index.checked_sub(1).and_then(|before| after.get(before)).cloned();
    let before = before.unwrap_or_else(|| scenario.settings());
    scenario.steps.get(index).map_or_else(|| before.clone(), |step| before.with(&step.set))
}

/// The answer to a step, with the user's count where the answer itself has none.
fn answer(scenario: &Scenario, index: usize, step: &Step, oracle: &mut dyn Oracle, lines: &mut u64) -> Value {
    let mut line = |line: Value| {
        *lines += 1;
        let text = line.to_string();
        oracle
            .line(*lines, &text)
            .unwrap_or_else(|stop| panic!("{} step {index}: {stop}: {text}", scenario.id))
    };
    let mut answer = line(translate::line(scenario, step, &asked(scenario, index)));
    let user_given = step.user.as_ref().is_some_and(|user| !user.is_empty());
    if answer["active"].is_null() && user_given {
        answer["active"] = line(translate::probe(step))["active"].clone();
    }
    if answer["active"].is_null() && step.user.is_some() {
        answer["active"] = Value::from(0);
    }
    answer
}

fn differences(step: &Step, expect: &Expect, answer: &Value, ids: &BTreeMap<String, String>) -> Vec<Kind> {
    let there = |field: &str| -> Vec<String> {
        let list = answer[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        list.map(|id| ids.get(id).cloned().unwrap_or_else(|| id.to_owned())).collect()
    };
    let ended = [there("evicted"), there("ended")].concat();
    let mut kinds = Vec::new();
    kinds.extend(outcome(step, expect, answer["outcome"].as_str().unwrap_or_default()));
    if let Some(wanted) = expect.evicted.clone() {
        kinds.extend(lists(wanted, ended));
    }
    if let Some(wanted) = expect.expired.clone().filter(|wanted| *wanted != there("expired")) {
        kinds.push(Kind::Expired { wanted, got: there("expired") });
    }
    if let Some(wanted) =
        expect.active_count_after.filter(|wanted| Some(*wanted) != answer["active"].as_u64())
    {
        kinds.push(Kind::Active { wanted, got: answer["active"].as_u64() });
    }
    kinds
}

fn outcome(step: &Step, expect: &Expect, got: &str) -> Option<Kind> {
    let wanted = match (expect.outcome.as_deref(), expect.alive) {
        (Some(outcome), _) => outcome,
        (None, Some(true)) => "alive",
        (None, Some(false)) => "gone",
        (None, None) => return None,
    };
    let same = match wanted {
        "admitted" => ["admitted", "resumed"].contains(&got),
        "accepted" => ["configured", "advanced"].contains(&got),
        "alive" => ["touched", "retained"].contains(&got),
        "gone" => ["ended", "unknown"].contains(&got),
        other => other == got,
    };
    let wanted = format!("{wanted} ({})", step.op);
    (!same).then(|| Kind::Outcome { wanted, got: got.to_owned() })
}

fn lists(wanted: Vec<String>, got: Vec<String>) -> Option<Kind> {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    match wanted == got {
        true => None,
        false if sorted(&wanted) == sorted(&got) => Some(Kind::Order { wanted, got }),
        false => Some(Kind::Ended { wanted, got }),
    }
}
