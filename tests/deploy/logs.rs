//! `[log]`: the level and the form in which the program's own log reaches stderr.

use crate::support::{Served, begin, log_of, program};
use serde_json::Value;
use std::process::Command;

fn lines_of_json(log: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(parse).collect()
}

/// Level, module and message of a line.
fn told(line: &Value) -> (&str, &str, &str) {
    assert!(line["timestamp"].is_string(), "{line}");
    (
        line["level"].as_str().unwrap(),
        line["target"].as_str().unwrap(),
        line["fields"]["message"].as_str().unwrap(),
    )
}

#[test]
fn a_log_of_json_is_json_in_every_line_with_level_and_module() {
    let config = "[log]\nformat = \"json\"\n[ledger]\ndurability = \"relaxed\"\n";
    let served = Served::start(config, &[]);
    served.login("ann", "a");
    let log = served.stop();
    let lines = lines_of_json(&log);
    let told: Vec<_> = lines.iter().map(told).collect();
    let is_there = |level: &str, word: &str| {
        told.iter().any(|(found, module, message)| {
            *found == level && module.starts_with("sledger::") && message.contains(word)
        })
    };
    assert!(is_there("WARN", "`ledger.durability`: is `relaxed`"), "{log}");
    assert!(is_there("INFO", "stopping") && is_there("INFO", "stopped"), "{log}");
}

#[test]
fn a_start_that_fails_says_why_in_the_form_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let beyond = [("SLEDGER__SERVER__LISTEN", "192.0.2.1:0"), ("SLEDGER__LOG__FORMAT", "json")];
    let mut child = begin(Command::new(program()), &dir, "", &beyond);
    assert_eq!(child.0.wait().unwrap().code(), Some(2));
    let log = log_of(&dir);
    let lines = lines_of_json(&log);
    assert!(
        lines.iter().map(told).any(|(level, _, message)| level == "ERROR" && message.contains("192.0.2.1"))
    );
}

#[test]
fn a_level_lets_through_what_is_as_grave_and_nothing_else() {
    for (level, heard) in [("error", &[][..]), ("warn", &["WARN"]), ("info", &["INFO", "WARN"])] {
        let served = Served::start(
            "[ledger]\ndurability = \"relaxed\"\n",
            &[("SLEDGER__LOG__LEVEL", level), ("SLEDGER__LOG__FORMAT", "json")],
        );
        served.login("ann", "a");
        let log = served.stop();
        let lines = lines_of_json(&log);
        let mut levels: Vec<&str> = lines.iter().map(|line| told(line).0).collect();
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels, heard, "{level}: {log}");
    }
}

#[test]
fn a_log_of_text_names_level_and_message() {
    let log = Served::start("", &[]).stop();
    assert!(log.lines().any(|line| line.contains(" INFO ") && line.ends_with(" stopping")), "{log}");
}
