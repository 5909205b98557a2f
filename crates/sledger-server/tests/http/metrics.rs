//! `/metrics`: the names of the contract, read by Prometheus' own tools, and nobody's name.

use super::support::{Running, config, denying};
use sledger::core::config::{Quota, Settings};
use sledger::{Config as LedgerConfig, Ledger};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Every family, in the order of the contract.
const FAMILIES: &str = "\
# HELP sledger_logins_total Logins answered, by outcome, quota shown and code
# TYPE sledger_logins_total counter
# HELP sledger_session_ends_total Sessions ended, by cause
# TYPE sledger_session_ends_total counter
# HELP sledger_sessions Live sessions
# TYPE sledger_sessions gauge
# HELP sledger_users Users with live sessions
# TYPE sledger_users gauge
# HELP sledger_users_at_limit Users at the limit of an enabled hard quota
# TYPE sledger_users_at_limit gauge
# HELP sledger_users_near_limit Users near or at the limit of an enabled hard quota
# TYPE sledger_users_near_limit gauge
# HELP sledger_decision_seconds Time that deciding one command took
# TYPE sledger_decision_seconds histogram
# HELP sledger_answer_seconds Time from the receipt of a command to its answer
# TYPE sledger_answer_seconds histogram
# HELP sledger_policy_failures_total Failures of policies, by policy and code
# TYPE sledger_policy_failures_total counter
# HELP sledger_policy_operations Operations of a policy that was asked
# TYPE sledger_policy_operations histogram
# HELP sledger_shadow_differences_total Decisions that a policy in shadow would have taken otherwise
# TYPE sledger_shadow_differences_total counter
# HELP sledger_sync_seconds Time that making a batch of decisions durable took
# TYPE sledger_sync_seconds histogram
# HELP sledger_ledger_bytes Bytes of the data directory
# TYPE sledger_ledger_bytes gauge
# HELP sledger_ledger_free_bytes Free bytes on the disk of the ledger
# TYPE sledger_ledger_free_bytes gauge
# HELP sledger_ledger_seq The last event that is durable
# TYPE sledger_ledger_seq gauge
# HELP sledger_snapshot_age_seconds Age of the newest snapshot
# TYPE sledger_snapshot_age_seconds gauge
# HELP sledger_feed_lag_seconds How far a consumer is behind what is durable
# TYPE sledger_feed_lag_seconds gauge
# HELP sledger_notices_total Notices sent, by channel and outcome
# TYPE sledger_notices_total counter
# HELP sledger_queue_length Commands that wait to be decided
# TYPE sledger_queue_length gauge
# HELP sledger_poisoned Whether the ledger refuses to write
# TYPE sledger_poisoned gauge
# HELP sledger_durability_relaxed Whether answers leave before they are durable
# TYPE sledger_durability_relaxed gauge
# HELP sledger_config_reload_failed Whether the configuration file was changed and could not be taken
# TYPE sledger_config_reload_failed gauge
# HELP sledger_build_info The version that runs
# TYPE sledger_build_info gauge
";

fn scrape(server: &Running) -> String {
    let answer = server.ask("GET", "/metrics", None);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.body
}

/// The value of the sample that is written so.
fn sample(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

fn quota(name: &str, on_exhausted: &str, max: u32) -> Arc<Quota> {
    let limit = sledger::core::Limit::Max(max.try_into().unwrap());
    Arc::new(Quota {
        name: name.to_owned(),
        on_exhausted: on_exhausted.to_owned(),
        max_sessions: limit,
        ..Quota::default_quota()
    })
}

/// A ledger on disk in which something of everything happened.
fn lively(dir: &Path) -> Running {
    let settings = Settings {
        quotas: vec![quota("de\"ny\\me", "deny_access", 3), quota("evict", "destroy_oldest", 2)],
        ..Settings::default()
    };
    let ledger = LedgerConfig { settings, reserve_bytes: 0, ..LedgerConfig::new(dir) };
    let server = Running::over(Ledger::open(ledger).unwrap(), config());
    for n in 0..4 {
        server.login("ann", &format!("s{n}"));
    }
    server.login("ann", "s3");
    server.login("bob", "b");
    server.login("bob", "s3");
    server.login("", "nobody");
    server.ask("DELETE", "/v1/sessions/b", None);
    server.ask("POST", "/v1/sessions", Some(r#"{"user":"a\u0007","session":"c"}"#));
    server.ask("POST", "/v1/sessions?dry_run=true", Some(r#"{"user":"cleo","session":"c"}"#));
    server
}

#[test]
fn every_family_of_the_contract_is_there_with_its_help_and_type() {
    let text = scrape(&denying());
    let families: String =
        text.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(families, FAMILIES);
}

#[test]
fn what_happened_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = lively(dir.path());
    let text = scrape(&server);
    let logins = |outcome: &str, code: &str| {
        let labels = format!("outcome=\"{outcome}\",quota=\"de\\\"ny\\\\me\",code=\"{code}\"");
        sample(&text, &format!("sledger_logins_total{{{labels}}}"))
    };
    assert_eq!(logins("admitted", "").as_deref(), Some("3"), "{text}");
    assert_eq!(logins("admitted", "SESSION_QUOTA_EXCEEDED").as_deref(), Some("2"), "{text}");
    assert_eq!(logins("resumed", "").as_deref(), Some("1"), "{text}");
    assert_eq!(logins("conflict", "SESSION_CONFLICT").as_deref(), Some("1"), "{text}");
    let shown = |name: &str| sample(&text, name).unwrap_or_else(|| panic!("no {name} in {text}"));
    let nowhere =
        |outcome| shown(&format!("sledger_logins_total{{outcome=\"{outcome}\",quota=\"\",code=\"\"}}"));
    assert_eq!((nowhere("ignored"), nowhere("rejected")), ("1".to_owned(), "1".to_owned()));
    assert_eq!(shown("sledger_session_ends_total{cause=\"evicted\"}"), "2");
    assert_eq!(shown("sledger_session_ends_total{cause=\"logout\"}"), "1");
    assert_eq!((shown("sledger_sessions"), shown("sledger_users")), ("2".to_owned(), "1".to_owned()));
    assert_eq!(shown("sledger_users_at_limit{quota=\"evict\"}"), "1");
    assert_eq!(shown("sledger_users_at_limit{quota=\"de\\\"ny\\\\me\"}"), "0");
    assert_eq!(shown("sledger_policy_operations_count"), "2", "asked twice");
    assert_eq!(
        shown("sledger_decision_seconds_count"),
        shown("sledger_decision_seconds_bucket{le=\"+Inf\"}")
    );
    assert_eq!(shown("sledger_ledger_seq"), server.ledger.durable().to_string());
    for some in ["sledger_ledger_bytes", "sledger_ledger_free_bytes", "sledger_sync_seconds_count"] {
        assert!(shown(some).parse::<u64>().unwrap() > 0, "{some}");
    }
    assert_eq!(
        (shown("sledger_poisoned"), shown("sledger_config_reload_failed")),
        ("0".to_owned(), "0".to_owned())
    );
    assert_eq!(shown(&format!("sledger_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), "1");
}

#[test]
fn nobody_stands_in_a_label() {
    let server = denying();
    for n in 0..20 {
        let body = format!(
            r#"{{"user":"person{n}","session":"mark{n}","ip":"10.9.8.7","client":"cliente","source":"quelle"}}"#
        );
        server.ask("POST", "/v1/sessions", Some(&body));
    }
    let text = scrape(&server);
    for word in ["person", "mark", "10.9.8.7", "cliente", "quelle"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    let logins = text.lines().filter(|line| line.starts_with("sledger_logins_total{"));
    assert_eq!(logins.count(), 1, "twenty users are one kind of login");
}

#[test]
fn a_repeat_is_no_second_login() {
    let server = denying();
    for _ in 0..3 {
        server.ask("POST", "/v1/sessions", Some(r#"{"user":"ann","session":"a","command":"c"}"#));
    }
    let admitted = r#"sledger_logins_total{outcome="admitted",quota="per-user",code=""}"#;
    assert_eq!(sample(&scrape(&server), admitted).as_deref(), Some("1"));
}

/// Runs promtool on `input`; `None`, said by name, where it is not installed.
fn promtool(args: &[&str], input: &str) -> Option<Output> {
    let spawned = Command::new("promtool")
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            missing();
            return None;
        }
        Err(error) => panic!("promtool: {error}"),
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know what was not checked")]
fn missing() {
    eprintln!("promtool is not installed (package `prometheus`): what it would find is not looked for");
}

fn finds_nothing_wrong(args: &[&str], input: &str) {
    let Some(output) = promtool(args, input) else { return };
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "promtool {args:?}: {}\n{input}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let dir = tempfile::tempdir().unwrap();
    finds_nothing_wrong(&["check", "metrics"], &scrape(&lively(dir.path())));
    finds_nothing_wrong(&["check", "metrics"], &scrape(&denying()));
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts_and_their_tests_pass() {
    finds_nothing_wrong(&["check", "rules", "alerts.yml"], "");
    finds_nothing_wrong(&["test", "rules", "alerts.test.yml"], "");
}

/// The metrics of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let ours = words.filter(|word| word.starts_with("sledger_"));
    let base = |word: &str| {
        let cut = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        cut.unwrap_or(word).to_owned()
    };
    ours.map(base).collect()
}

#[test]
fn alerts_speak_of_metrics_that_there_are_and_each_is_tested() {
    let read =
        |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (alerts, tests) = (read("alerts.yml"), read("alerts.test.yml"));
    let unknown: Vec<String> = named(&alerts).difference(&named(FAMILIES)).cloned().collect();
    assert_eq!(unknown, [""; 0]);
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} is not tested");
    }
}
