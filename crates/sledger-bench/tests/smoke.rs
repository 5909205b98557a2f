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
fn policies_are_held_against_an_empty_call_and_picks_against_fewer_sessions() {
    let figures = figures(&["policy"]);
    let count = |target| targets(&figures).into_iter().filter(|found| *found == target).count();
    assert_eq!(count("value <= 3"), 18);
    assert_eq!(count("ratio <= 15"), 18);
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
fn text_begins_with_the_machine() {
    let text = String::from_utf8(run(&["log"]).stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.contains(" cores, Linux "), "{first}");
    assert!(text.contains("plain file"), "{text}");
}
