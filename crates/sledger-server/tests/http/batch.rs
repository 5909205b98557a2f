//! `POST /v1/batch`: in order, line by line.

use super::support::{Fragile, Running, config, denying};
use serde_json::{Value, json};
use sledger::{Config as LedgerConfig, Ledger};
use std::sync::atomic::Ordering;

fn batch(server: &Running, lines: &str) -> Vec<Value> {
    let answer = server.ask("POST", "/v1/batch", Some(lines));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn outcomes(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|answer| answer["outcome"].as_str().unwrap()).collect()
}

#[test]
fn every_op_of_a_batch_is_answered_in_order() {
    let server = denying();
    let lines = [
        json!({"op": "login", "user": "ann", "session": "a"}),
        json!({"op": "touch", "session": "a"}),
        json!({"op": "login", "user": "bob", "session": "a"}),
        json!({"op": "logout", "session": "a"}),
        json!({"op": "touch", "session": "zz"}),
        json!({"op": "adopt", "source": "s", "sessions": [{"user": "cy", "session": "c", "started": "2026-01-01T00:00:00Z"}]}),
        json!({"op": "reconcile", "source": "s", "live": ["c"]}),
        json!({"op": "clear", "user": "cy"}),
        json!({"op": "login", "user": "ann", "session": "b"}),
        json!({"op": "end", "session": "b", "reason": "x"}),
        json!({"op": "login", "user": "ann", "session": "d"}),
        json!({"op": "disconnect", "session": "d"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = batch(&server, &text);
    let ops: Vec<&str> = answers.iter().map(|answer| answer["op"].as_str().unwrap()).collect();
    assert_eq!(ops, lines.each_ref().map(|line| line["op"].as_str().unwrap()));
    let expected = [
        "admitted",
        "touched",
        "conflict",
        "logged_out",
        "unknown",
        "adopted",
        "reconciled",
        "cleared",
        "admitted",
        "cleared",
        "admitted",
        "disconnected",
    ];
    assert_eq!(outcomes(&answers), expected);
    let keys = answers[0].as_object().unwrap();
    assert!(!keys.contains_key("line") && !keys.contains_key("at") && !keys.contains_key("seq"));
}

#[test]
fn a_line_that_cannot_be_taken_is_rejected_by_name_and_the_rest_goes_on() {
    let server = denying();
    let long = format!(r#"{{"op":"login","user":"{}","session":"x"}}"#, "y".repeat(1 << 20));
    let lines = [
        r#"{"op":"login","user":"ann","session":"a"}"#,
        "not json",
        "",
        "[1]",
        r#"{"user":"ann"}"#,
        r#"{"op":"advance"}"#,
        r#"{"op":"configure","config":{}}"#,
        r#"{"op":"policy","name":"x","text":"y"}"#,
        r#"{"op":"touch","session":"a","at":5}"#,
        r#"{"op":"logot","session":"a"}"#,
        &long,
        r#"{"op":"login","user":"ann"}"#,
        r#"{"op":"touch","session":"a"}"#,
    ];
    let answers = batch(&server, &lines.join("\r\n"));
    let told: Vec<(&str, &str)> = answers
        .iter()
        .map(|answer| (answer["outcome"].as_str().unwrap(), answer["field"].as_str().unwrap_or("")))
        .collect();
    let rejected = ["line", "line", "op", "op", "op", "op", "at", "op", "line", "session"];
    let mut expected = vec![("admitted", "")];
    expected.extend(rejected.map(|field| ("rejected", field)));
    expected.push(("touched", ""));
    assert_eq!(told, expected);
    assert_eq!(answers[4]["reason"], "`advance` is for recordings only");
    assert_eq!(answers[8]["reason"], "`op` `logot` is unknown; did you mean `logout`?");
}

#[test]
fn ten_thousand_lines_are_answered_in_order() {
    let server = denying();
    let lines: String = (0..10_000)
        .map(|n| format!("{{\"op\":\"login\",\"user\":\"u{}\",\"session\":\"s{n}\"}}\n", n / 4))
        .collect();
    let answers = batch(&server, &lines);
    assert_eq!(answers.len(), 10_000);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((&answer["session"], &answer["outcome"]), (&json!(format!("s{n}")), &json!("admitted")));
    }
}

#[test]
fn a_queue_that_is_full_makes_the_batch_wait_not_fail() {
    let ledger = LedgerConfig { queue_max: 1, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    let lines: String =
        (0..500).map(|n| format!("{{\"op\":\"login\",\"user\":\"u{n}\",\"session\":\"s{n}\"}}\n")).collect();
    let answers = batch(&server, &lines);
    assert_eq!(answers.len(), 500);
    assert!(answers.iter().all(|answer| answer["outcome"] == "admitted"));
}

#[test]
fn answers_come_while_lines_are_still_on_their_way() {
    let server = denying();
    let mut wire = server.connect();
    wire.send(b"POST /v1/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut head = None;
    // Every other line is answered without the ledger: at once, and still before the next one is sent.
    for n in 0..200 {
        let op = if n % 2 == 0 { "login" } else { "advance" };
        let line = format!("{{\"op\":\"{op}\",\"user\":\"u{n}\",\"session\":\"s{n}\"}}\n");
        wire.send(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes());
        head.get_or_insert_with(|| wire.read_head());
        let chunk = String::from_utf8(wire.chunk().unwrap()).unwrap();
        let answer: Value = serde_json::from_str(&chunk).unwrap();
        assert_eq!(answer["session"], format!("s{n}"));
    }
    wire.send(b"0\r\n\r\n");
    assert_eq!(wire.chunk(), None);
}

#[test]
fn a_batch_on_a_poisoned_ledger_says_what_is_known_of_each_line() {
    let (log, broken) = Fragile::new();
    let ledger = Ledger::on_log(LedgerConfig::new("unused"), Box::new(log)).unwrap();
    let server = Running::over(ledger, config());
    broken.store(true, Ordering::SeqCst);
    let line = "{\"op\":\"login\",\"user\":\"ann\",\"session\":\"a\"}\n";
    let unknown = batch(&server, line);
    assert_eq!((&unknown[0]["outcome"], &unknown[0]["code"]), (&json!("unknown"), &json!("OUTCOME_UNKNOWN")));
    let refused = batch(&server, line);
    assert_eq!(
        (&refused[0]["outcome"], &refused[0]["code"]),
        (&json!("rejected"), &json!("LEDGER_POISONED"))
    );
}
