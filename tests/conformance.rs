//! What OpenAM, PingFederate, AWX, Avi Vantage, EMQX and their peers do, played in sledger.
//!
//! Every scenario of `vectors.json` (or of the file that `SLEDGER_VECTORS`
//! names, in the same form) is put into sledger's own configuration and
//! recording. It must give the product's answers, or differ only as a row of
//! the table of differences says; and where a row applies, it must differ.

#![expect(clippy::indexing_slicing, reason = "an object asked for a name it has not answers null")]
#![expect(clippy::print_stdout, reason = "seeds and summaries are for whoever runs the tests")]

#[path = "conformance/adapter.rs"]
mod adapter;
#[path = "conformance/differences.rs"]
mod differences;
#[path = "conformance/judge.rs"]
mod judge;
#[path = "conformance/scenario.rs"]
mod scenario;
#[path = "conformance/simulation.rs"]
mod simulation;
#[path = "conformance/translate.rs"]
mod translate;

use adapter::Start;
use differences::{DIFFERENCES, Difference};
use judge::Mismatch;
use scenario::Scenario;
use std::collections::BTreeMap;

fn scenarios() -> Vec<Scenario> {
    let shipped = || concat!(env!("CARGO_MANIFEST_DIR"), "/vectors.json").to_owned();
    let file = std::env::var("SLEDGER_VECTORS").unwrap_or_else(|_| shipped());
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("reading `{file}`: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("reading `{file}`: {error}"))
}

/// How a scenario came out.
enum Verdict {
    Passed,
    /// It gives the other of two answers, where the product's code and documents differ.
    ByAlternative,
    ByDifference(Vec<&'static str>),
    Failed(String),
}

fn verdict(scenario: &Scenario, start: Start) -> Verdict {
    let played = judge::play(scenario, start);
    let rows: Vec<&Difference> = DIFFERENCES.iter().filter(|row| (row.applies)(scenario)).collect();
    let excused = |row: &Difference, mismatch: &Mismatch| (row.excuses)(scenario, &played, mismatch);
    let idle = rows.iter().find(|row| !played.mismatches.iter().any(|mismatch| excused(row, mismatch)));
    if let Some(row) = idle {
        return Verdict::Failed(format!(
            "no longer differs: {} ({})\n{:#?}",
            row.rule, row.reason, played.mismatches
        ));
    }
    let left: Vec<&Mismatch> =
        played.mismatches.iter().filter(|mismatch| !rows.iter().any(|row| excused(row, mismatch))).collect();
    let first_left = left.iter().map(|mismatch| mismatch.step).min();
    let alternative = scenario.alt_expect.as_ref().filter(|_| played.fits_alternative);
    match first_left {
        None if rows.is_empty() => Verdict::Passed,
        None => Verdict::ByDifference(rows.iter().map(|row| row.rule).collect()),
        Some(first) if alternative.is_some_and(|alternative| first >= alternative.step) => {
            Verdict::ByAlternative
        }
        Some(_) => Verdict::Failed(format!("{left:#?}")),
    }
}

fn check(name: &str, start: Start) {
    let scenarios = scenarios();
    let (mut passed, mut alternative) = (0, 0);
    let mut differing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut failed = Vec::new();
    for scenario in &scenarios {
        match verdict(scenario, start) {
            Verdict::Passed => passed += 1,
            Verdict::ByAlternative => alternative += 1,
            Verdict::ByDifference(rules) => {
                for rule in rules {
                    differing.entry(rule).or_default().push(&scenario.id);
                }
            }
            Verdict::Failed(why) => failed.push(format!("{}: {why}", scenario.id)),
        }
    }
    println!(
        "{name}: {} scenarios, {passed} passed, {alternative} by the product's other answer",
        scenarios.len()
    );
    for (rule, ids) in &differing {
        println!("  {:2} differ by {rule}: {}", ids.len(), ids.join(" "));
    }
    assert!(failed.is_empty(), "{name}: {} failed\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn the_model_does_what_the_others_do() {
    check("model", adapter::model);
}

#[test]
fn sledger_does_what_the_others_do() {
    for (name, start) in adapter::OTHERS {
        check(name, *start);
    }
}

#[test]
fn every_difference_says_why() {
    for row in DIFFERENCES {
        assert!(row.reason.len() > 40 && !row.rule.is_empty(), "{}", row.rule);
    }
}
