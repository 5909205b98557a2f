//! Each measurement runs and has the shape that programs read. Nothing here is about speed.
#![expect(clippy::unwrap_used, reason = "a test fails by panics")]

use serde_json::Value;
use std::process::{Command, Output};

/// Every field of a figure that others rely on.
const FIELDS: [&str; 8] = ["name", "value", "unit", "peer", "peer_value", "ratio", "target", "met"];

fn run(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sledger-bench"))
        .args(args)
        .arg("--quick")
        .arg("--dir")
        .arg(folder.path())
        .output()
        .unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the data of both sides is removed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The figures of a measurement, each with all its fields.
fn figures(args: &[&str]) -> Vec<Value> {
    let output = run(&[args, &["--json"]].concat());
    let figures: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!figures.is_empty());
    for figure in &figures {
        for field in FIELDS {
            assert!(figure.get(field).is_some(), "no `{field}` in {figure}");
        }
        assert!(figure["value"].as_f64().unwrap() >= 0.0, "{figure}");
        let judged = figure["target"].is_string() && !(figure["ratio"].is_null() && has_ratio_target(figure));
        assert_eq!(figure["met"].is_boolean(), judged, "{figure}");
    }
    figures
}

fn has_ratio_target(figure: &Value) -> bool {
    figure["target"].as_str().unwrap().starts_with("ratio")
}

fn targets(figures: &[Value]) -> Vec<&str> {
    figures.iter().filter_map(|figure| figure["target"].as_str()).collect()
}

#[test]
fn log_is_held_against_a_plain_file() {
    let figures = figures(&["log"]);
    assert_eq!(targets(&figures), ["ratio >= 0.5"]);
    assert_eq!(figures[0]["peer"], "plain file");
    assert!(figures[0]["ratio"].is_number());
}

#[test]
fn keeping_is_held_against_a_ledger_that_is_left_alone() {
    let figures = figures(&["keeping"]);
    assert_eq!(targets(&figures), ["ratio >= 0.97"; 4]);
    assert!(figures.iter().all(|figure| figure["peer"] == "left alone"));
}

#[test]
fn policies_are_held_against_an_empty_call_and_picks_against_fewer_sessions() {
    let figures = figures(&["policy"]);
    let count = |target| targets(&figures).into_iter().filter(|found| *found == target).count();
    let three_of_each = 3 * sledger::policy::BUILT_IN.len();
    assert_eq!(count("value <= 3"), three_of_each);
    assert_eq!(count("ratio <= 15"), three_of_each);
    assert_eq!(count("ratio <= 1.3"), 4);
}

#[test]
fn admissions_are_held_against_redis_where_it_is_installed() {
    let figures = figures(&["admit"]);
    assert_eq!(targets(&figures), ["ratio >= 10", "ratio >= 3"]);
    let is_installed = !figures[0]["peer"].as_str().unwrap().contains("not installed");
    assert_eq!(figures[0]["ratio"].is_number(), is_installed);
}

#[test]
fn missing_redis_is_named_and_leaves_figures_without_ratio() {
    let figures = figures(&["admit", "--redis", "no-such-server"]);
    assert_eq!(figures[0]["peer"], "`no-such-server` (not installed)");
    assert!(figures.iter().all(|figure| figure["ratio"].is_null() && figure["met"].is_null()));
    assert!(figures[0]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn logins_over_http_are_held_against_an_empty_handler() {
    let figures = figures(&["http", "--connections", "8"]);
    assert_eq!(targets(&figures), ["ratio >= 0.7"]);
    assert_eq!(figures[0]["peer"], "empty axum handler");
    assert!(figures.iter().all(|figure| figure["ratio"].is_number()));
}

#[test]
fn batches_are_held_against_redis_where_it_is_installed() {
    let figures = figures(&["batch"]);
    assert_eq!(targets(&figures), ["ratio >= 5"]);
    let is_installed = !figures[0]["peer"].as_str().unwrap().contains("not installed");
    assert_eq!(figures[0]["ratio"].is_number(), is_installed);
}

#[test]
fn memory_is_weighed_at_each_point_and_held_at_the_last() {
    let figures = figures(&["memory", "--points", "50,200"]);
    assert_eq!(targets(&figures), ["value <= 300"]);
    let held: Vec<&Value> = figures.iter().filter(|figure| figure["target"].is_string()).collect();
    assert_eq!(held[0]["name"], "memory: growth of RSS for a session, 200 live, 1 a user");
    assert_eq!(figures.len(), 7);
}

#[test]
fn past_is_folded_from_both_forms() {
    let figures = figures(&["refold"]);
    assert_eq!(targets(&figures), ["value >= 1500000"; 4]);
    for form in ["as sled wrote it", "sealed"] {
        assert!(figures.iter().any(|figure| figure["name"].as_str().unwrap().contains(form)), "{form}");
    }
}

#[test]
fn policies_tried_on_the_past_are_shown_beside_folding_it() {
    let figures = figures(&["backtest"]);
    assert_eq!(targets(&figures), ["value >= 1000000"]);
    let ratios: Vec<bool> = figures.iter().map(|figure| figure["ratio"].is_number()).collect();
    assert_eq!(ratios, [false, true, true]);
}

#[test]
fn killed_ledgers_are_opened_at_each_size_and_held_at_the_largest() {
    let figures = figures(&["open", "--events", "20000", "--live", "1000"]);
    assert_eq!(targets(&figures), ["value <= 5"]);
    let held: Vec<&Value> = figures.iter().filter(|figure| figure["target"].is_string()).collect();
    assert_eq!(held[0]["name"], "open: ready after a kill, 20000 events, 1000 live");
}

#[test]
fn sealed_bytes_are_fewer_than_those_of_blocks() {
    let figures = figures(&["disk"]);
    assert_eq!(targets(&figures), ["value <= 45"]);
    assert!(figures[0]["value"].as_f64().unwrap() < figures[1]["value"].as_f64().unwrap());
}

#[test]
fn answers_during_a_snapshot_stand_beside_answers_without_one() {
    let figures = figures(&["admit", "--snapshot"]);
    assert_eq!(targets(&figures), ["ratio <= 2"]);
    assert!(figures.iter().all(|figure| figure["peer"] == "without" && figure["ratio"].is_number()));
}

#[test]
fn curves_are_drawn_to_the_file_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.svg");
    figures(&["answers", "--points", "50,200", "--requests", "200", "--svg", path.to_str().unwrap()]);
    let drawn = std::fs::read_to_string(&path).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.contains("Answers, 99 of 100 within"), "{drawn}");
}

#[test]
fn curves_of_what_has_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sledger-bench"))
        .args(["log", "--quick", "--svg", "never.svg", "--dir"])
        .arg(folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("there are no curves to draw"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn everything_ends_in_the_list_of_numbers_to_reach() {
    let text = String::from_utf8(run(&["all"]).stdout).unwrap();
    let (_, list) = text.split_once("numbers to reach").unwrap();
    // An evaluation of a policy is held against two bounds, everything else against one.
    assert_eq!(list.trim().lines().count(), 15, "{list}");
    assert!(list.contains("ready to serve after a kill"), "{list}");
}

#[test]
fn text_begins_with_the_machine() {
    let text = String::from_utf8(run(&["log"]).stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.contains(" cores, Linux "), "{first}");
    assert!(text.contains("plain file"), "{text}");
}
