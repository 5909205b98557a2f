//! The HTTP calls, byte by byte, as any program would make them.

use serde_json::{Map, Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The status that an outcome must have.
fn status_of(op: &str, outcome: &str) -> u16 {
    match (outcome, op) {
        ("admitted", _) => 201,
        ("cleared", "end") | ("touched" | "logged_out" | "retained" | "disconnected", _) => 204,
        ("resumed" | "ignored" | "cleared" | "reconciled" | "adopted", _) => 200,
        ("denied", _) => 403,
        ("unknown", _) => 404,
        ("conflict" | "stale", _) => 409,
        ("ended", _) => 410,
        ("rejected", _) => 422,
        _ => panic!("`{outcome}` of {op} has no status"),
    }
}

/// Asks for `op`, which must come to `outcome`.
pub(crate) fn ask(address: &str, op: &str, fields: &Value, outcome: &str) -> Value {
    let (method, path, body) = call(op, fields);
    let (status, answer) = send(address, method, &path, &body);
    let is_batch = path == "/v1/batch";
    let expected = if is_batch { 200 } else { status_of(op, outcome) };
    assert_eq!(status, expected, "{method} {path} {body}: {answer}");
    if op == "clear" && status == 200 {
        // The call answers with the ids alone.
        return json!({"outcome": "cleared", "ended": answer["ended"]});
    }
    answer
}

/// The call that asks for `op`: method, path and body.
fn call(op: &str, fields: &Value) -> (&'static str, String, String) {
    let text = |key: &str| fields[key].as_str().map(percent).unwrap_or_default();
    let about = |verb: &str| format!("/v1/sessions/{}{verb}{}", text("session"), query(fields));
    match op {
        "login" if fields["dry_run"] == true => {
            ("POST", "/v1/sessions?dry_run=true".to_owned(), without(fields, "dry_run"))
        }
        "login" => ("POST", "/v1/sessions".to_owned(), fields.to_string()),
        "touch" => ("POST", about("/touch"), "{}".to_owned()),
        "disconnect" => ("POST", about("/disconnect"), "{}".to_owned()),
        "logout" => ("DELETE", about(""), String::new()),
        "end" => ("POST", about("/end"), json!({"reason": fields["reason"]}).to_string()),
        "clear" => {
            let path =
                format!("/v1/users/{}/sessions{}", text("user"), query(&json!({"keep": fields["keep"]})));
            ("DELETE", path, String::new())
        }
        _ => {
            let mut line: Map<String, Value> = fields.as_object().unwrap().clone();
            line.insert("op".to_owned(), op.into());
            ("POST", "/v1/batch".to_owned(), Value::Object(line).to_string())
        }
    }
}

fn without(fields: &Value, key: &str) -> String {
    let mut fields = fields.clone();
    fields.as_object_mut().unwrap().remove(key);
    fields.to_string()
}

fn query(fields: &Value) -> String {
    let pair = |key: &str| match &fields[key] {
        Value::Null => None,
        Value::String(text) => Some(format!("{key}={}", percent(text))),
        other => Some(format!("{key}={other}")),
    };
    let pairs: Vec<String> = ["user", "generation", "command", "keep"].into_iter().filter_map(pair).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// One request on a connection of its own; its status, and its body as JSON, null where there is none.
pub(crate) fn send(address: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let kind = if method == "POST" { "Content-Type: application/json\r\n" } else { "" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{kind}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    // A chunk's size stands on a line of its own; the JSON is the line that begins with a brace.
    let json = body.lines().find(|line| line.starts_with('{'));
    (status, json.map_or(Value::Null, |text| serde_json::from_str(text).unwrap()))
}
