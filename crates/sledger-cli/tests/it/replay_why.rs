//! `replay why`: from the command to the line that decided, and what others would have decided.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::{Value, json};
use std::path::Path;

const CONFIG: &str = "[sessions]\nidle = \"30m\"\nttl = \"2h\"\nretention = \"10m\"\nsame_id = \"take_over\"\n\
                      [[quota]]\nname = \"per-user\"\nmax_sessions = 2\non_exhausted = \"destroy_oldest\"\n\
                      override = [ { user = \"eve\", max_sessions = \"banned\" } ]\n";

/// One end of each kind.
const DAY: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann","session":"a1","ip":"10.0.0.1","client":"web"}
{"at":"2026-11-20T08:01:00Z","op":"login","user":"ann","session":"a2"}
{"at":"2026-11-20T08:02:00Z","op":"login","user":"ann","session":"a3"}
{"at":"2026-11-20T08:03:00Z","op":"login","user":"eve","session":"e1"}
{"at":"2026-11-20T08:04:00Z","op":"logout","user":"ann","session":"a2"}
{"at":"2026-11-20T08:05:00Z","op":"login","user":"bob","session":"b1","source":"portal"}
{"at":"2026-11-20T08:06:00Z","op":"disconnect","user":"bob","session":"b1"}
{"at":"2026-11-20T08:07:00Z","op":"login","user":"cyd","session":"c1"}
{"at":"2026-11-20T08:08:00Z","op":"login","user":"cyd","session":"c2","replaces":"c1"}
{"at":"2026-11-20T08:09:00Z","op":"login","user":"dan","session":"c2"}
{"at":"2026-11-20T08:10:00Z","op":"end","session":"c2","user":"dan","reason":"the laptop is lost"}
{"at":"2026-11-20T08:11:00Z","op":"login","user":"fay","session":"f1","idle":"never"}
{"at":"2026-11-20T08:12:00Z","op":"login","user":"gus","session":"g1","source":"vpn","retention":0}
{"at":"2026-11-20T08:13:30Z","op":"reconcile","source":"vpn","live":[]}
{"at":"2026-11-20T11:00:00Z","op":"advance"}
"#;

fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", DAY)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    dir
}

fn why(dir: &Path, about: &str) -> Value {
    let ran = run(dir, &["replay", "why", about, "--data", "past", "--output", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{about}: {ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn says(why: &Value) -> String {
    let steps = why["chain"].as_array().unwrap().iter();
    steps.map(|step| format!("{}: {}", step["step"], step["says"])).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_eviction_has_its_quota_policy_line_and_newcomer_and_six_other_ends() {
    let dir = past();
    let told = why(dir.path(), "a1");
    let expected = json!({"session": "a1", "user": "ann", "outcome": "evicted", "cause": "evicted",
        "ended_at": "2026-11-20T08:02:00.000Z", "code": "SESSION_QUOTA_EXCEEDED", "by_session": "a3"});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&told[key], value, "{key}: {told}");
    }
    let decision = &told["decision"];
    assert_eq!(
        (&decision["quota"], &decision["reason"]),
        (&json!("per-user"), &json!("oldest")),
        "{decision}"
    );
    let text = told["judged"][0]["text"].as_str().unwrap();
    assert!(text.contains("evict(sessions.oldest("), "the recorded line: {text}");
    assert_eq!(told["judged"][0]["line"], decision["line"]);
    assert_eq!(told["as_recorded"], json!(true));
    let core: Vec<(&str, &str)> = told["core"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["policy"].as_str().unwrap(), one["outcome"].as_str().unwrap()))
        .collect();
    let evicts = ["destroy_next_expiring", "destroy_oldest", "destroy_least_time_left", "destroy_most_idle"];
    let mut expected = vec![("deny_access", "deny")];
    expected.extend(evicts.map(|policy| (policy, "evict")));
    expected.push(("destroy_all_others", "evict"));
    assert_eq!(core, expected);
    let all = told["core"].as_array().unwrap().last().unwrap();
    assert_eq!((&all["evicted"], &all["same"]), (&json!(["a1", "a2"]), &json!(false)));
}

#[test]
fn every_end_without_a_policy_says_what_led_to_it() {
    let dir = past();
    let cases = [
        ("a2", "logout", "its own side ended it"),
        ("a3", "idle", "it was idle for 30m"),
        ("b1", "retention", "kept for 10m"),
        ("c1", "replaced", "the newcomer was to take its place"),
        ("f1", "ttl", "its absolute life of 2h"),
        ("g1", "reconciled", "source vpn no longer named it"),
        ("seq:1", "", "the ledger itself"),
    ];
    for (about, cause, words) in cases {
        let told = why(dir.path(), about);
        assert_eq!(told["cause"].as_str().unwrap_or_default(), cause, "{about}: {told}");
        assert!(says(&told).contains(words), "{about}: {}", says(&told));
        assert!(told["core"].as_array().unwrap().is_empty() && told["core_reason"].is_string(), "{about}");
        assert!(says(&told).contains("nobody is known to have been told"), "{about}");
    }
    // The same id twice: the latest, and the one that is numbered.
    let told = why(dir.path(), "c2");
    assert_eq!((&told["user"], &told["cause"]), (&json!("dan"), &json!("cleared")), "{told}");
    assert!(says(&told).contains("the laptop is lost"), "{}", says(&told));
    let taken = why(dir.path(), "user:cyd");
    assert_eq!((&taken["session"], &taken["cause"]), (&json!("c2"), &json!("taken_over")), "{taken}");
    let numbered = why(dir.path(), &format!("c2@{}", taken["number"]));
    assert_eq!(numbered["seq"], taken["seq"]);
}

#[test]
fn a_refusal_is_found_by_its_user_by_its_id_and_by_its_event() {
    let dir = past();
    let told = why(dir.path(), "user:eve");
    assert_eq!((&told["outcome"], &told["code"]), (&json!("denied"), &json!("USER_BANNED")), "{told}");
    assert!(says(&told).contains("the limit is a ban"), "{}", says(&told));
    for about in ["e1".to_owned(), format!("seq:{}", told["seq"])] {
        assert_eq!(why(dir.path(), &about), told);
    }
}

#[test]
fn what_is_nowhere_is_said_and_hostile_names_are_escaped() {
    let dir = past();
    for (about, words) in [
        ("nobody\u{1b}[2J", "no session `nobody\\u{1b}[2J`"),
        ("user:x", "nothing is recorded"),
        ("seq:9999", "history ends"),
        ("seq:0", "names no event"),
    ] {
        let ran = run(dir.path(), &["replay", "why", about, "--data", "past"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{about}: {ran:?}");
        assert!(ran.stderr.contains(words), "{about}: {ran:?}");
    }
}

#[test]
fn a_recording_a_directory_and_a_server_say_the_same_of_a_session() {
    let dir = past();
    let ran = run(dir.path(), &["replay", "why", "a1", "--recording", "day.jsonl", "--output", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    for key in ["outcome", "cause", "code", "by_session", "ended_at", "core", "user"] {
        assert_eq!(told[key], why(dir.path(), "a1")[key], "{key}");
    }
    let served = Served::start(dir.path(), &[]);
    for id in ["a1", "a2", "a3"] {
        let ran = run(dir.path(), &["login", "ann", id, "--connect", &served.url]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = run(dir.path(), &["replay", "why", "a1", "--connect", &served.url]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("evict a1, because \"oldest\"") && ran.stdout.contains("as it was"),
        "{ran:?}"
    );
    served.stop("-TERM");
}
