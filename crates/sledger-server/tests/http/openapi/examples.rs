//! Every example is played again: what stands in the document is what this server answers.

use super::{calls, document, fits};
use crate::support::{Raw, Running, Wire, denying};
use serde_json::{Map, Value, json};

/// What is another at each run: places in the log, tags, moments, and how long things took.
const CHANGING: &[&str] = &[
    "at",
    "decision",
    "ended_at",
    "etag",
    "exp",
    "expires",
    "expires_at",
    "generation",
    "head",
    "iat",
    "jti",
    "last_active",
    "latency_us",
    "latency_shape",
    "decide_us",
    "decide_shape",
    "sync_us",
    "number",
    "rates",
    "seq",
    "set_at",
    "since",
    "started",
    "until",
    "us",
];

/// What was played: examples by call.
struct Played {
    server: Running,
    examples: Map<String, Value>,
}

impl Played {
    /// Sends what `call` is named for, which is to be answered with `status`, and keeps both.
    fn play(&mut self, call: &str, (method, path): (&str, &str), body: Value, status: u16) {
        self.play_with(call, (method, path, ""), body, status);
    }

    fn play_with(
        &mut self,
        call: &str,
        (method, path, headers): (&str, &str, &str),
        body: Value,
        status: u16,
    ) {
        let sent = match (&body, call) {
            (Value::Null, _) => None,
            (_, "introspect") => Some(format!("token={}", body["token"].as_str().unwrap())),
            (Value::String(text), _) => Some(text.clone()),
            _ => Some(body.to_string()),
        };
        let kind = match call {
            "introspect" => "application/x-www-form-urlencoded",
            "batch" => "application/x-ndjson",
            _ => "application/json",
        };
        let answer = ask(&mut self.server.connect(), (method, path), (kind, headers), sent.as_deref());
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let kept = self.examples.entry(call).or_insert_with(|| json!({})).as_object_mut().unwrap();
        if sent.is_some() && status < 300 && !kept.contains_key("request") {
            kept.insert("request".to_owned(), body);
        }
        if !answer.body.is_empty() && !kept.contains_key(&status.to_string()) {
            let told = serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body));
            kept.insert(status.to_string(), told);
        }
    }
}

fn ask(wire: &mut Wire, (method, path): (&str, &str), (kind, more): (&str, &str), body: Option<&str>) -> Raw {
    let body = body.unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    );
    wire.send(format!("{head}{body}").as_bytes());
    wire.read()
}

/// A day at a ledger that denies the sixth session of a user.
fn day() -> Map<String, Value> {
    let mut played = Played { server: denying(), examples: Map::new() };
    let mut feed = played.server.connect();
    feed.send(b"GET /v1/events?type=login.* HTTP/1.1\r\nhost: localhost\r\n\r\n");
    feed.read_head();
    let mut told = String::from_utf8(feed.chunk().unwrap()).unwrap();
    sessions(&mut played);
    while !told.contains("data: ") {
        told += std::str::from_utf8(&feed.chunk().unwrap()).unwrap();
    }
    let first = told.find("\n\nid: ").and_then(|at| told[at + 2..].find("\n\n").map(|end| at + end + 4));
    told.truncate(first.unwrap());
    played.examples.insert("events".to_owned(), json!({"200": told}));
    lists(&mut played);
    ends(&mut played);
    quotas(&mut played);
    overrides(&mut played);
    policies(&mut played);
    keeping(&mut played);
    played.examples
}

fn sessions(played: &mut Played) {
    let sessions = ("POST", "/v1/sessions");
    let login = json!({"user": "ann", "session": "desk-1", "ip": "10.0.0.7", "client": "web", "source": "portal",
        "groups": ["staff"], "attributes": {"device": "laptop"}, "ttl": "12h"});
    played.play("login", sessions, login.clone(), 201);
    played.play("login", sessions, login, 200);
    let lines =
        ["2", "3", "4"].map(|n| format!(r#"{{"op":"login","user":"ann","session":"desk-{n}"}}"#) + "\n");
    let more = format!("{}{}", lines.concat(), r#"{"op":"touch","session":"desk-9"}"#);
    played.play("batch", ("POST", "/v1/batch"), Value::String(more), 200);
    played.play("login", sessions, json!({"user": "ann", "session": "desk-5"}), 201);
    played.play("login", sessions, json!({"user": "ann", "session": "desk-6"}), 403);
    played.play("login", sessions, json!({"user": "bob", "session": "desk-1"}), 409);
    played.play("login", sessions, json!({"user": "ann", "session": "desk-6", "ttl": "2 weeks"}), 422);
}

fn lists(played: &mut Played) {
    played.play("sessions", ("GET", "/v1/sessions?user=ann&page_size=1"), Value::Null, 200);
    played.play("sessions", ("GET", "/v1/sessions?cursor=x"), Value::Null, 422);
    played.play("session", ("GET", "/v1/sessions/desk-1"), Value::Null, 200);
    played.play("users", ("GET", "/v1/users?near=0.8"), Value::Null, 200);
    played.play("user", ("GET", "/v1/users/bob"), Value::Null, 200);
    played.play("introspect", ("POST", "/v1/introspect"), json!({"token": "desk-1"}), 200);
    played.play("top", ("GET", "/v1/top"), Value::Null, 200);
    played.play("ledger", ("GET", "/v1/ledger"), Value::Null, 200);
    played.play("blocks", ("GET", "/v1/blocks"), Value::Null, 404);
    played.play("replay_at", ("GET", "/v1/replay/at?when=seq:8"), Value::Null, 404);
    played.play("replay_timeline", ("GET", "/v1/replay/timeline?who=ann"), Value::Null, 404);
    played.play("replay_diff", ("GET", "/v1/replay/diff?from=seq:1"), Value::Null, 404);
    played.play("reload", ("POST", "/v1/config/reload"), json!({}), 409);
    played.play("healthz", ("GET", "/healthz"), Value::Null, 200);
    played.play("readyz", ("GET", "/readyz"), Value::Null, 200);
}

fn ends(played: &mut Played) {
    played.play("touch", ("POST", "/v1/sessions/desk-1/touch"), json!({}), 204);
    played.play("touch", ("POST", "/v1/sessions/desk-1/touch?generation=1"), json!({}), 409);
    played.play("disconnect", ("POST", "/v1/sessions/desk-2/disconnect"), json!({}), 204);
    played.play("end", ("POST", "/v1/sessions/desk-3/end"), json!({"reason": "the laptop is lost"}), 204);
    played.play("logout", ("DELETE", "/v1/sessions/desk-4"), Value::Null, 204);
    played.play("session", ("GET", "/v1/sessions/desk-4"), Value::Null, 410);
    played.play("session", ("GET", "/v1/sessions/desk-9"), Value::Null, 404);
    played.play("touch", ("POST", "/v1/sessions/desk-4/touch"), json!({}), 410);
    played.play("touch", ("POST", "/v1/sessions/desk-9/touch"), json!({}), 404);
    played.play("clear", ("DELETE", "/v1/users/ann/sessions?keep=desk-1"), Value::Null, 200);
}

fn quotas(played: &mut Played) {
    let devices = ("PUT", "/v1/quotas/devices");
    let quota = json!({"count_by": ["user", "client"], "max_sessions": 2, "on_exhausted": "destroy_oldest"});
    played.play("quota", ("GET", "/v1/quotas/per-user"), Value::Null, 200);
    played.play("quota", ("GET", "/v1/quotas/devices"), Value::Null, 404);
    played.play("put_quota", devices, quota.clone(), 201);
    played.play("put_quota", devices, json!({"max_sessions": 0}), 422);
    let seen = "if-match: \"0000000000000000\"\r\n";
    played.play_with("put_quota", (devices.0, devices.1, seen), quota, 412);
    played.play("patch_quota", ("PATCH", devices.1), json!({"max_sessions": 3}), 200);
    let pause = json!({"for": "30m", "reason": "the office moves"});
    played.play("disable_quota", ("POST", "/v1/quotas/devices/disable"), pause, 200);
    played.play(
        "enable_quota",
        ("POST", "/v1/quotas/devices/enable"),
        json!({"reason": "it has moved"}),
        200,
    );
    played.play("quotas", ("GET", "/v1/quotas"), Value::Null, 200);
}

fn overrides(played: &mut Played) {
    let vip = "/v1/quotas/devices/overrides/group:vip";
    let ten = json!({"max_sessions": 10, "until": "2099-01-01T00:00:00Z", "reason": "paid for"});
    played.play("set_override", ("PUT", vip), ten, 200);
    played.play("overrides", ("GET", "/v1/quotas/devices/overrides"), Value::Null, 200);
    played.play("unset_override", ("DELETE", vip), Value::Null, 200);
    played.play("reset_quota", ("POST", "/v1/quotas/devices/reset"), json!({}), 200);
    played.play("add_to_group", ("PUT", "/v1/groups/vip/users/ann"), json!({}), 200);
    played.play("groups", ("GET", "/v1/groups"), Value::Null, 200);
    played.play("remove_from_group", ("DELETE", "/v1/groups/vip/users/ann"), Value::Null, 200);
    played.play("delete_quota", ("DELETE", "/v1/quotas/devices"), Value::Null, 200);
}

fn policies(played: &mut Played) {
    let newest = "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }";
    let body = json!({"text": newest, "quota": "per-user", "reason": "to see whom it would end"});
    played.play("put_policy", ("PUT", "/v1/policies/newest?state=shadow"), body, 200);
    for n in 1..=7 {
        let login = json!({"user": "eve", "session": format!("tablet-{n}")});
        played.play("login", ("POST", "/v1/sessions"), login, 201);
    }
    let slip = json!({"text": "fn on_exhausted() { evict(sessions.nwest()) }"});
    played.play("put_policy", ("PUT", "/v1/policies/newest"), slip, 422);
    played.play("policies", ("GET", "/v1/policies"), Value::Null, 200);
    played.play("policy", ("GET", "/v1/policies/newest"), Value::Null, 200);
    played.play("policy", ("GET", "/v1/policies/nobodys"), Value::Null, 404);
    played.play("promote_policy", ("POST", "/v1/policies/newest/promote"), json!({}), 200);
    let back = json!({"reason": "the help desk is called too often"});
    played.play("roll_back_policy", ("POST", "/v1/policies/newest/rollback"), back, 200);
    let again = json!({"text": newest, "quota": "per-user"});
    played.play("put_policy", ("PUT", "/v1/policies/newest?share=10"), again, 200);
    played.play("stop_policy", ("POST", "/v1/policies/newest/stop"), json!({"reason": "enough seen"}), 200);
    played.play("stop_policy", ("POST", "/v1/policies/newest/stop"), json!({}), 404);
}

fn keeping(played: &mut Played) {
    let note = json!({"about": "user:ann", "text": "She called: one of her phones was stolen."});
    played.play("note", ("POST", "/v1/notes"), note, 201);
    played.play("note", ("POST", "/v1/notes"), json!({"about": "user:ann"}), 422);
    played.play("why", ("GET", "/v1/replay/why?about=user:ann"), Value::Null, 404);
    played.play("why", ("GET", "/v1/replay/why?about=seq:0"), Value::Null, 422);
    let (hold, release) = (("POST", "/v1/ledger/hold"), ("POST", "/v1/ledger/release"));
    let case = json!({"name": "case-7", "reason": "The police asked for the logins of ann."});
    played.play("hold", hold, case, 201);
    played.play("hold", hold, json!({"name": "case-8"}), 422);
    played.play("release", release, json!({"name": "case-8"}), 404);
    played.play("release", release, json!({"name": "case-7"}), 200);
    played.play("base", ("GET", "/v1/ledger/base"), Value::Null, 404);
}

/// Without what changes from run to run; texts of lines are read as such.
fn still(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| {
                let changes = CHANGING.contains(&key.as_str()) && !value.is_null();
                (key.clone(), if changes { json!("changes") } else { still(value) })
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().map(still).collect(),
        Value::String(text) if text.contains('\n') => text
            .lines()
            .filter(|line| !line.starts_with("id: "))
            .map(|line| {
                serde_json::from_str(line.trim_start_matches("data: "))
                    .map_or(line.into(), |line| still(&line))
            })
            .collect(),
        _ => value.clone(),
    }
}

/// The examples that stand in the document.
fn written(document: &Value) -> Map<String, Value> {
    let mut written = Map::new();
    for call in calls(document) {
        let mut kept = Map::new();
        let body = call.about["requestBody"]["content"].as_object().into_iter().flatten().next();
        kept.extend(body.and_then(|(_, body)| Some(("request".to_owned(), body.get("example")?.clone()))));
        for (status, answer) in call.about["responses"].as_object().unwrap() {
            let body = answer["content"].as_object().into_iter().flatten().next();
            kept.extend(body.and_then(|(_, body)| Some((status.clone(), body.get("example")?.clone()))));
        }
        if !kept.is_empty() {
            written.insert(call.about["operationId"].as_str().unwrap().to_owned(), Value::Object(kept));
        }
    }
    written
}

#[test]
fn examples_are_what_the_server_answers() {
    let mut played = day();
    played.retain(|_, examples| examples.as_object().is_some_and(|examples| !examples.is_empty()));
    let written = Value::Object(written(&document(&denying())));
    let played = Value::Object(played);
    let whole = || serde_json::to_string_pretty(&played).unwrap();
    assert!(
        still(&written) == still(&played),
        "the examples are others now; assets/examples.json:\n{}",
        whole()
    );
}

#[test]
fn every_example_fits_its_schema() {
    let document = document(&denying());
    let mut seen = 0;
    for call in calls(&document) {
        let answers = call.about["responses"].as_object().unwrap().values();
        for body in answers.chain([&call.about["requestBody"]]) {
            for content in body["content"].as_object().into_iter().flat_map(|content| content.values()) {
                let Some(example) = content.get("example") else { continue };
                let misfit = fits::misfit(&document, &content["schema"], example);
                assert_eq!(misfit, None, "{} {}: {example}", call.method, call.path);
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen} examples");
}

#[test]
fn every_answer_that_went_well_has_an_example() {
    // Bytes, texts that are as long as what they tell of, what a ledger in memory does not do, and what only one with
    // sealed values does.
    const WITHOUT: &[&str] = &[
        "base",
        "blocks",
        "why",
        "replay_at",
        "replay_timeline",
        "replay_diff",
        "metrics",
        "openapi",
        "docs",
        "docs_style",
        "docs_script",
        "reload",
        "checkpoint",
        "seal",
        "erase",
    ];
    for call in calls(&document(&denying())) {
        let name = call.about["operationId"].as_str().unwrap();
        let well =
            call.about["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        let mut bodies = well.filter_map(|(_, answer)| answer["content"].as_object()?.values().next());
        let has = bodies.all(|body| body.get("example").is_some()) || WITHOUT.contains(&name);
        // A quota is put where there is none, or again: the first shows what comes of it.
        assert!(has || name == "put_quota", "{name}");
    }
}
