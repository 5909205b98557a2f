//! Sledger against an independent model of its rules.
//!
//! Two kinds of recordings: the settled cases in `cases/*.json`, written by
//! hand, whose answers are known; and random ones, where both must give the
//! same answers. A random recording that shows a difference is made as small as
//! it can be and printed with both answers. `SLEDGER_MODEL_RUNS` sets how many,
//! `SLEDGER_MODEL_SEED` the first seed.

#![expect(clippy::indexing_slicing, reason = "an object asked for a name it has not answers null")]
#![expect(clippy::print_stdout, reason = "seeds and summaries are for whoever runs the tests")]

#[path = "conformance/adapter.rs"]
mod adapter;
#[path = "conformance/simulation.rs"]
mod simulation;

use adapter::Start;
use serde_json::{Map, Value};
use sledger_testkit::model::Comparison;
use sledger_testkit::recordings::{Recording, shrink};
use std::fmt::Write as _;

const LINES: usize = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number: `{text}`")))
}

/// The answers of an implementation; one that refuses the configuration gives that as its only answer.
fn answers(start: Start, recording: &Recording) -> Vec<Result<Value, String>> {
    match start(&recording.config) {
        Ok(mut oracle) => recording.play(oracle.as_mut()),
        Err(reason) => vec![Err(reason)],
    }
}

/// The first line that is answered differently, with both answers and what differs.
fn first_difference(recording: &Recording, start: Start) -> Option<String> {
    let mut comparison = Comparison::new(recording.sets_limits());
    let (wanted, got) = (answers(adapter::model, recording), answers(start, recording));
    for (index, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
        let fields = match (wanted, got) {
            (Ok(wanted), Ok(got)) => comparison.differences(wanted, got),
            (Err(_), Err(_)) => Vec::new(),
            _ => vec!["whether it is answered at all".to_owned()],
        };
        if !fields.is_empty() {
            let line = recording.lines.get(index).map(|line| line.value.to_string()).unwrap_or_default();
            let shown =
                |answer: &Result<Value, String>| answer.as_ref().map_or_else(Clone::clone, Value::to_string);
            let (wanted, got) = (shown(wanted), shown(got));
            return Some(format!(
                "line {}: {line}\ndiffers in {fields:?}\nmodel   {wanted}\nsledger {got}",
                index + 1
            ));
        }
    }
    None
}

/// The difference, and the smallest recording that still shows one.
fn minimised(recording: &Recording, start: Start) -> Option<String> {
    first_difference(recording, start)?;
    let small = shrink(recording, &mut |smaller| first_difference(smaller, start).is_some());
    let difference = first_difference(&small, start)?;
    Some(format!("{small}{difference}"))
}

#[test]
fn random_recordings_are_answered_as_the_model_answers_them() {
    let first = number("SLEDGER_MODEL_SEED", 1);
    let runs = number("SLEDGER_MODEL_RUNS", 400);
    println!("seeds {first} to {}", first + runs - 1);
    for seed in first..first + runs {
        let recording = Recording::random(seed, LINES).unwrap_or_else(|stop| panic!("seed {seed}: {stop}"));
        for (name, start) in adapter::OTHERS {
            if let Some(difference) = minimised(&recording, *start) {
                panic!("{name} and the model differ\n{difference}");
            }
        }
    }
}

#[test]
fn a_difference_is_found_and_made_small() {
    /// The model under a limit that is one too high.
    fn wrong(config: &Value) -> Result<Box<dyn sledger_testkit::recordings::Oracle>, String> {
        let mut config = config.clone();
        let limit = config.pointer_mut("/quota/0/max_sessions");
        if let Some(limit) = limit.filter(|limit| limit.is_u64()) {
            *limit = Value::from(limit.as_u64().unwrap_or_default() + 1);
        }
        adapter::model(&config)
    }
    let recordings = (1..50).filter_map(|seed| Recording::random(seed, LINES).ok());
    let found: Vec<String> = recordings.filter_map(|recording| minimised(&recording, wrong)).collect();
    println!("{}", found.first().map_or("", String::as_str));
    assert!(found.len() > 20, "only {} of 49 recordings notice a wrong limit", found.len());
    assert!(found.iter().any(|text| text.lines().count() < 14), "no small recording among {}", found.len());
}

/// One settled case.
struct Case {
    claim: String,
    rule: String,
    config: Value,
    lines: Vec<Value>,
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("reading `{folder}`: {error}"));
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().flat_map(|file| cases_of(file)).collect()
}

fn cases_of(file: &std::path::Path) -> Vec<Case> {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
    let list: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = |case: &Value, field: &str| case[field].as_str().unwrap_or_default().to_owned();
    let case = |case: &Value| Case {
        claim: text(case, "claim"),
        rule: text(case, "rule"),
        config: case["config"].clone(),
        lines: case["lines"].as_array().cloned().unwrap_or_default(),
    };
    list.iter().map(case).collect()
}

/// What is wrong with the answers to a case.
fn wrong_answers(case: &Case, start: Start) -> String {
    let mut wrong = String::new();
    let mut oracle = match start(&case.config) {
        Ok(oracle) => oracle,
        Err(reason) => return format!("configuration refused: {reason}"),
    };
    let mut generations: Map<String, Value> = Map::new();
    for (index, line) in case.lines.iter().enumerate() {
        let (sent, expect) = sent(line, &generations);
        let text = line["raw"].as_str().map_or_else(|| sent.to_string(), str::to_owned);
        let answer = match oracle.line(index as u64 + 1, &text) {
            Ok(answer) => answer,
            Err(_) if expect["outcome"] == "stop" => return wrong,
            Err(stop) => return format!("{wrong}line {}: {sent}: {stop}\n", index + 1),
        };
        if let Some(name) = line.get("as").and_then(Value::as_str) {
            generations.insert(name.to_owned(), answer["generation"].clone());
        }
        for (field, wanted) in expect.as_object().into_iter().flatten() {
            if !holds(field, wanted, &answer) {
                let _ =
                    writeln!(wrong, "line {}: {sent}\n  {field}: wanted {wanted}, got {answer}", index + 1);
            }
        }
    }
    wrong
}

/// The line without what the case says about it, generations put in by name; and what is expected.
fn sent(line: &Value, generations: &Map<String, Value>) -> (Value, Value) {
    let mut sent = line.as_object().cloned().unwrap_or_default();
    let expect = sent.remove("expect").unwrap_or_default();
    sent.remove("as");
    for field in ["generation", "as_of"] {
        let name = sent.get(field).and_then(Value::as_str).and_then(|name| generations.get(name));
        if let Some(generation) = name.cloned() {
            sent.insert(field.to_owned(), generation);
        }
    }
    (Value::Object(sent), expect)
}

/// A wanted advisory, or list of them, goes by the fields it names; a policy by its name.
fn holds(field: &str, wanted: &Value, answer: &Value) -> bool {
    let got = answer.get(field).cloned().unwrap_or_default();
    match (wanted, &got) {
        (Value::Array(wanted), Value::Null) => wanted.is_empty(),
        (Value::Bool(wanted), Value::Null) => !wanted,
        (Value::Array(wanted), Value::Array(got)) if field == "advisory" => {
            let names = |wanted: &Value, got: &Value| {
                wanted
                    .as_object()
                    .is_some_and(|wanted| wanted.iter().all(|(key, value)| got.get(key) == Some(value)))
            };
            wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, got)| names(wanted, got))
        }
        (Value::String(wanted), Value::String(got)) if field == "policy" => {
            got.split('@').next() == Some(wanted.as_str())
        }
        _ => *wanted == got,
    }
}

fn check(name: &str, start: Start) {
    let cases = cases();
    let wrong = cases.iter().map(|case| (case, wrong_answers(case, start)));
    let wrong: Vec<String> = wrong
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(case, wrong)| format!("{} {}\n{wrong}", case.rule, case.claim))
        .collect();
    println!("{name}: {} cases, {} wrong", cases.len(), wrong.len());
    assert!(cases.len() > 60, "only {} cases were found", cases.len());
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
}

#[test]
fn the_model_settles_every_case() {
    check("model", adapter::model);
}

#[test]
fn sledger_settles_every_case() {
    for (name, start) in adapter::OTHERS {
        check(name, *start);
    }
}
