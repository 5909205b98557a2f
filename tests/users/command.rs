//! The verbs of the program, as a person or a script would use them.

use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

/// The program, where it was built beside this test. Where it was not, that is said once.
#[expect(clippy::print_stdout, reason = "what was passed over is told")]
pub(crate) fn program() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("sledger"));
    let found = std::env::var_os("SLEDGER_BIN").map(PathBuf::from).or_else(beside);
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the program `sledger` was not built");
        SAID.call_once(|| println!("skipped: the same by the command: no `sledger` was built"));
    }
    found
}

/// The exit code that an outcome must have.
fn exit_of(outcome: &str) -> i32 {
    match outcome {
        "admitted" | "resumed" | "ignored" | "touched" | "logged_out" | "retained" | "disconnected"
        | "cleared" | "reconciled" | "adopted" => 0,
        "stale" | "ended" | "unknown" => 1,
        "rejected" => 2,
        "denied" | "conflict" => 4,
        _ => panic!("`{outcome}` has no exit code"),
    }
}

/// Asks for `op`, which must come to `outcome`.
pub(crate) fn ask(program: &Path, address: &str, op: &str, fields: &Value, outcome: &str) -> Value {
    let (arguments, input) = arguments(op, fields);
    let (code, said) = run(program, address, &[arguments, words(&["--output", "json"])].concat(), &input);
    assert_eq!(code, exit_of(outcome), "{op} {fields}: {said}");
    serde_json::from_str(said.lines().next().unwrap_or("null")).unwrap()
}

/// Runs the program; its exit code, and what it wrote to stdout, or to stderr where that is all.
pub(crate) fn run(program: &Path, address: &str, arguments: &[String], input: &str) -> (i32, String) {
    let mut command = Command::new(program);
    command.args(arguments).args(["--connect", &format!("http://{address}")]).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input is as good.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The arguments and the input by which the program is asked for `op`.
fn arguments(op: &str, fields: &Value) -> (Vec<String>, String) {
    let named: &[&str] = match op {
        "login" => &["user", "session"],
        "touch" | "logout" | "disconnect" | "end" => &["session"],
        "clear" => &["user"],
        "reconcile" => &["source", "live"],
        "adopt" => &[],
        _ => panic!("`{op}` is no verb"),
    };
    let (mut all, mut input) = (words(&[op]), String::new());
    all.extend(named.iter().flat_map(|key| texts(&fields[*key])));
    for (key, value) in fields.as_object().unwrap() {
        let flag = format!("--{}", key.replace('_', "-"));
        match (key.as_str(), value) {
            (key, _) if named.contains(&key) => {}
            ("sessions", sessions) => {
                input = lines(sessions.as_array().unwrap());
            }
            ("groups", groups) => {
                all.extend(texts(groups).into_iter().flat_map(|one| words(&["--group", &one])));
            }
            ("attributes" | "user_attributes", Value::Object(pairs)) => {
                let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
                all.extend(pairs.flat_map(|pair| [flag.trim_end_matches('s').to_owned(), pair]));
            }
            (_, Value::Bool(true)) => all.push(flag),
            (_, value) => all.extend(texts(value).into_iter().flat_map(|one| [flag.clone(), one])),
        }
    }
    (all, input)
}

/// One JSON object a line.
pub(crate) fn lines(objects: &[Value]) -> String {
    let mut lines: Vec<String> = objects.iter().map(ToString::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        other => vec![other.to_string()],
    }
}
