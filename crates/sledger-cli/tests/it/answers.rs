//! What investigators ask of the recordings in `replay/`, and what must be answered: each folder's `answers.toml`.

use crate::common::run;
use crate::recordings::recordings;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// Cases that must be there.
const CASES: [&str; 6] = [
    "clock-jumped",
    "eviction-ping-pong",
    "login-storm",
    "policy-gone-wrong",
    "stale-lockout",
    "stolen-session",
];
/// The five systems: each has its questions, too.
const SYSTEMS: [&str; 5] = ["avi", "awx", "emqx", "openam", "pingfederate"];
/// Verbs that can be asked.
const VERBS: [&str; 10] = [
    "events",
    "users",
    "sessions",
    "policy backtest",
    "policy explain",
    "replay at",
    "replay timeline",
    "replay why",
    "replay diff",
    "replay verify",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    ask: Vec<Ask>,
}

/// One question, as it is put on the command line, and what the answer must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    question: String,
    verb: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    exit: i32,
    /// Part of the one object that is answered.
    json: Option<String>,
    /// A part of each line that is answered: as many as there are lines.
    lines: Option<Vec<String>>,
}

fn answers(folder: &Path) -> Option<Answers> {
    let path = folder.join("answers.toml");
    let text = std::fs::read_to_string(&path).ok()?;
    Some(toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Whether `part` is in `whole`: every key of an object, every element of a list in its place.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
        }
        (part, whole) => part == whole,
    }
}

fn json(text: &str, place: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{place}: `{text}` is no JSON: {error}"))
}

/// What is wrong with the answer to `ask`; `None` where nothing is.
fn wrong(folder: &Path, ask: &Ask, place: &str) -> Option<String> {
    let verb: Vec<&str> = ask.verb.split(' ').collect();
    let args: Vec<&str> = ask.args.iter().map(String::as_str).collect();
    let from = ["--config", "sledger.toml", "--recording", "recording.jsonl", "--output", "json"];
    let ran = run(folder, &[&verb[..], &args[..], &from[..]].concat());
    if ran.code != ask.exit {
        return Some(format!("exit {} instead of {}: {}", ran.code, ask.exit, ran.stderr));
    }
    let expected: Vec<Value> = match (&ask.json, &ask.lines) {
        (Some(one), None) => vec![json(one, place)],
        (None, Some(lines)) => lines.iter().map(|line| json(line, place)).collect(),
        _ => panic!("{place}: either `json` or `lines` says what is answered"),
    };
    let found: Vec<Value> = ran.stdout.lines().map(|line| json(line, place)).collect();
    let is_right = expected.len() == found.len()
        && expected.iter().zip(&found).all(|(part, whole)| is_part(part, whole));
    (!is_right).then(|| format!("answered otherwise:\n{}", ran.stdout))
}

#[test]
fn every_question_is_answered_as_expected() {
    let (mut asked, mut complaints) = (0, Vec::new());
    for folder in recordings() {
        for ask in answers(&folder).into_iter().flat_map(|answers| answers.ask) {
            let place = format!("{}: {} ({} {:?})", folder.display(), ask.question, ask.verb, ask.args);
            assert!(VERBS.contains(&ask.verb.as_str()), "{place}: no such verb");
            asked += 1;
            complaints.extend(wrong(&folder, &ask, &place).map(|wrong| format!("{place}: {wrong}")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(asked >= 20, "{asked}");
}

#[test]
fn every_case_has_its_questions_and_its_page_names_the_verbs_that_answer_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay");
    for name in CASES.iter().chain(&SYSTEMS) {
        let folder = root.join(name);
        let asks = answers(&folder).unwrap_or_else(|| panic!("{name}/answers.toml is missing")).ask;
        assert!(asks.len() >= 2, "{name} asks too little");
        let page = std::fs::read_to_string(folder.join("question.md"))
            .or_else(|_| std::fs::read_to_string(folder.join("README.md")))
            .unwrap();
        // A command may be broken over two lines.
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains("**Question.**"), "{name}");
        for ask in asks.iter().filter(|_| folder.join("question.md").exists()) {
            assert!(
                page.contains(&format!("`sledger {}", ask.verb)),
                "{name}: the page does not name `{}`",
                ask.verb
            );
        }
    }
}

#[test]
fn a_wrong_answer_is_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay/stale-lockout");
    let ask = |json: &str, exit: i32| Ask {
        question: String::new(),
        verb: "users".to_owned(),
        args: Vec::new(),
        exit,
        json: Some(json.to_owned()),
        lines: None,
    };
    let is_right = |json: &str, exit: i32| wrong(&root, &ask(json, exit), "here").is_none();
    assert!(is_right(r#"{"users":[{"user":"eli"},{"user":"dag","active":1}],"next":null}"#, 0));
    for wrong in [
        r#"{"users":[{"user":"eli"},{"user":"dag","active":2}]}"#,
        r#"{"users":[{"user":"eli"}]}"#,
        r#"{"users":[{"user":"eli","nobody":null},{}]}"#,
        r#"{"users":[{"user":"dag"},{"user":"eli"}]}"#,
    ] {
        assert!(!is_right(wrong, 0), "{wrong}");
    }
    assert!(!is_right("{}", 3));
}
