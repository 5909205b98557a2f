//! The ready configurations of `policies/`: each is good as it is, so is each alternative in it, and a server starts with it.

use crate::common::{folder, run};
use crate::serve::Served;
use std::path::Path;

const SYSTEMS: [&str; 5] = ["openam", "pingfederate", "awx", "avi", "emqx"];

fn shipped(system: &str) -> String {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    std::fs::read_to_string(policies.join(format!("{system}.toml"))).unwrap()
}

/// The key that a line sets, if it sets one.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_').then_some(key)
}

/// A line that is an alternative: a `#` and no blank.
fn alternative(line: &str) -> Option<&str> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|first: char| first == '[' || first.is_ascii_lowercase()))
}

/// Each alternative in force: a key in the place of the one it stands for, or a whole table beside the others.
fn alternatives(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(given) = alternative(line) else { continue };
        let in_a_table =
            lines[..at].iter().rev().map_while(|line| alternative(line)).any(|line| line.starts_with('['));
        if in_a_table {
            continue;
        }
        let table = if given.starts_with('[') {
            lines[at..].iter().map_while(|line| alternative(line)).collect::<Vec<_>>()
        } else {
            vec![given]
        };
        let begin = lines[..at].iter().rposition(|line| line.starts_with('[')).unwrap();
        let end = at + lines[at..].iter().position(|line| line.starts_with('[')).unwrap_or(lines.len() - at);
        let replaced = |place: usize, line: &str| {
            (begin..end).contains(&place)
                && !given.starts_with('[')
                && key(line).is_some()
                && key(line) == key(given)
        };
        let kept = lines.iter().enumerate().filter(|(place, line)| !replaced(*place, line));
        let all = kept.flat_map(|(place, line)| if place == at { table.clone() } else { vec![*line] });
        found.push((given.to_owned(), all.collect::<Vec<_>>().join("\n")));
    }
    found
}

/// What `config check` says to `text`: its exit code, and all of its words.
fn check(text: &str) -> (i32, String) {
    let ran = run(folder(&[("sledger.toml", text)]).path(), &["config", "check"]);
    (ran.code, format!("{}{}", ran.stdout, ran.stderr))
}

#[test]
fn every_ready_configuration_is_good_without_a_warning() {
    for system in SYSTEMS {
        let (code, said) = check(&shipped(system));
        assert_eq!(
            (code, said.as_str()),
            (0, "sledger.toml: good; quotas: 1, policies in `policies`: 0\n"),
            "{system}"
        );
    }
}

#[test]
fn every_alternative_in_a_ready_configuration_is_good_without_a_warning() {
    let mut count = 0;
    for system in SYSTEMS {
        for (given, text) in alternatives(&shipped(system)) {
            assert!(text.lines().any(|line| line == given), "{system}: {given} is in force");
            let (code, said) = check(&text);
            assert_eq!((code, said.contains("warning")), (0, false), "{system}: {given}: {said}");
            count += 1;
        }
    }
    assert_eq!(count, 14, "alternatives are found");
}

#[test]
fn a_server_starts_with_every_ready_configuration_and_admits() {
    for system in SYSTEMS {
        let dir = folder(&[("sledger.toml", &shipped(system))]);
        let served = Served::start(dir.path(), &[]);
        let ran = run(dir.path(), &["login", "ann", "a1", "--connect", &served.url]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{system}: {ran:?}");
        assert_eq!(served.stop("-TERM").0, Some(0), "{system}");
    }
}

#[test]
fn the_words_and_numbers_of_the_five_are_answered_with_ours() {
    let cases = [
        ("openam", "max_sessions = 5", "max_sessions = 0", "0 is unlimited in OpenAM and Avi, a ban in EMQX"),
        ("awx", "max_sessions = 3", "max_sessions = -1", "-1 is unlimited in AWX: write `unlimited`"),
        ("avi", "max_sessions = 5", "max_sessions = 0", "write `unlimited` or `banned`"),
        ("emqx", "max_sessions = 100", "max_sessions = \"100\"", "write the number without quotes: 100"),
        ("emqx", "max_sessions = \"unlimited\"", "max_sessions = \"nolimit\"", "did you mean `unlimited`?"),
        ("emqx", "max_sessions = 100", "max_sessions = \"infinity\"", "did you mean `unlimited`?"),
        ("openam", "\"destroy_next_expiring\"", "\"DESTROY_NEXT_EXPIRING\"", "write `destroy_next_expiring`"),
        ("openam", "\"destroy_next_expiring\"", "\"DENY_ACCESS\"", "write `deny_access`"),
        (
            "openam",
            "\"destroy_next_expiring\"",
            "\"DESTROY_OLDEST_SESSION\"",
            "write `destroy_least_time_left` (OpenAM's oldest",
        ),
        ("openam", "\"destroy_next_expiring\"", "\"DESTROY_OLD_SESSIONS\"", "write `destroy_all_others`"),
        (
            "pingfederate",
            "\"destroy_most_idle\"",
            "\"Destroy Most Idle Session\"",
            "write `destroy_most_idle`",
        ),
        ("pingfederate", "\"destroy_most_idle\"", "\"Destroy Old Sessions\"", "write `destroy_all_others`"),
        ("pingfederate", "\"destroy_most_idle\"", "\"Deny Access\"", "write `deny_access`"),
    ];
    for (system, ours, theirs, answer) in cases {
        let text = shipped(system);
        // The setting itself, not the comment that speaks of it.
        let at = text.lines().position(|line| !line.starts_with('#') && line.contains(ours)).unwrap();
        let lines = text.lines().enumerate();
        let lines = lines
            .map(|(place, line)| if place == at { line.replacen(ours, theirs, 1) } else { line.to_owned() });
        let (code, said) = check(&lines.collect::<Vec<_>>().join("\n"));
        assert_eq!(code, 2, "{system}: {theirs}: {said}");
        assert!(
            said.contains(answer) && said.contains(&format!("sledger.toml:{}", at + 1)),
            "{theirs}: {said}"
        );
    }
}

#[test]
fn the_audit_log_has_pingfederates_code_whatever_was_done_about_it() {
    let dir = folder(&[("sledger.toml", &shipped("pingfederate"))]);
    let served = Served::start(dir.path(), &[]);
    let login = |session: &str| run(dir.path(), &["login", "kim", session, "--connect", &served.url]).code;
    assert_eq!(["a", "b", "c", "d"].map(login), [0; 4], "the fourth ends one");
    let denying = shipped("pingfederate")
        .replace("\non_exhausted = \"destroy_most_idle\"", "\non_exhausted = \"deny_access\"");
    std::fs::write(dir.path().join("sledger.toml"), denying).unwrap();
    assert_eq!(run(dir.path(), &["config", "reload", "--connect", &served.url]).code, 0);
    assert_eq!(login("e"), 4, "refused");
    assert_eq!(served.stop("-TERM").0, Some(0));
    let log = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains(" session.evicted ") && lines[1].contains(" login.denied "), "{log}");
    assert!(lines.iter().all(|line| line.contains("code=\"SESSION_QUOTA_EXCEEDED\"")), "{log}");
}
