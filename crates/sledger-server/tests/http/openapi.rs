//! `/openapi.json` and `/docs`: what is described is what is served.

mod examples;
mod fits;

use super::support::{Raw, Running, denying};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One call as it is described.
struct Call {
    method: String,
    path: String,
    about: Value,
}

impl Call {
    fn takes_a_body(&self) -> bool {
        ["POST", "PUT", "PATCH"].contains(&self.method.as_str())
    }

    /// Its path with something in each place.
    fn address(&self) -> String {
        self.path
            .replace("{id}", "a")
            .replace("{user}", "ann")
            .replace("{name}", "q")
            .replace("{selector}", "ann")
    }

    /// How it is described that it answers `status`.
    fn answer(&self, status: u16) -> &Value {
        let answer = &self.about["responses"][status.to_string()];
        assert!(answer.is_object(), "{} {} does not say that it answers {status}", self.method, self.path);
        answer
    }
}

fn document(server: &Running) -> Value {
    let answer = server.ask("GET", "/openapi.json", None);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

fn calls(document: &Value) -> Vec<Call> {
    let all = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, about)| Call {
            method: method.to_uppercase(),
            path: path.clone(),
            about: about.clone(),
        })
    });
    all.collect()
}

fn send(server: &Running, call: &Call, headers: &str) -> Raw {
    let mut wire = server.connect();
    let head = format!("{} {} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n", call.method, call.address());
    wire.send(head.as_bytes());
    if call.path == "/v1/events"
        && call.method == "GET"
        && headers.contains("localhost\r\n")
        && !headers.contains("origin")
    {
        // A feed has no end to wait for.
        let head = wire.read_head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        return Raw { status, head, body: String::new() };
    }
    wire.read()
}

#[test]
fn every_call_of_the_contract_is_described() {
    let server = denying();
    let document = document(&server);
    assert_eq!(document["openapi"], "3.1.0");
    assert!(!document.to_string().contains("u-int"), "formats are those of the registry");
    let described: BTreeSet<String> =
        calls(&document).iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    let contract = "GET /v1/sessions|POST /v1/sessions|GET /v1/sessions/{id}|DELETE /v1/sessions/{id}|\
        POST /v1/sessions/{id}/touch|POST /v1/sessions/{id}/disconnect|POST /v1/sessions/{id}/end|GET /v1/users|\
        GET /v1/users/{user}|DELETE /v1/users/{user}/sessions|GET /v1/top|GET /v1/ledger|POST /v1/batch|\
        POST /v1/ledger/checkpoint|POST /v1/ledger/seal|\
        GET /v1/events|GET /v1/blocks|POST /v1/notes|GET /v1/quotas|GET /v1/quotas/{name}|PUT /v1/quotas/{name}|\
        GET /v1/events|GET /v1/blocks|POST /v1/notes|GET /v1/replay/why|GET /v1/quotas|GET /v1/quotas/{name}|PUT /v1/quotas/{name}|\
        GET /v1/events|GET /v1/blocks|POST /v1/notes|POST /v1/ledger/hold|\
        POST /v1/ledger/release|GET /v1/quotas|GET /v1/quotas/{name}|PUT /v1/quotas/{name}|\
        PATCH /v1/quotas/{name}|DELETE /v1/quotas/{name}|POST /v1/quotas/{name}/enable|\
        POST /v1/quotas/{name}/disable|POST /v1/quotas/{name}/reset|GET /v1/quotas/{name}/overrides|\
        PUT /v1/quotas/{name}/overrides/{selector}|DELETE /v1/quotas/{name}/overrides/{selector}|GET /v1/groups|\
        PUT /v1/groups/{name}/users/{user}|DELETE /v1/groups/{name}/users/{user}|POST /v1/config/reload|\
        POST /v1/introspect|GET /metrics|GET /healthz|GET /readyz|GET /openapi.json|GET /docs";
    for call in contract.split('|') {
        assert!(described.contains(call), "{call} is not described");
    }
}

#[test]
fn no_call_goes_around_the_description() {
    // Calls are given to the router with what they say of themselves, and in no other way.
    let router = include_str!("../../src/app.rs");
    assert_eq!(router.matches(".routes(routes!(").count(), router.matches(".route").count());
    assert_eq!(router.matches("Router::new()").count(), 0);
}

#[test]
fn every_described_call_is_served_and_its_bare_answer_is_described() {
    let server = denying();
    for call in calls(&document(&server)) {
        let answer = send(&server, &call, "host: localhost\r\ncontent-type: application/json\r\n");
        assert_ne!(answer.status, 405, "{} {}", call.method, call.path);
        assert!(!answer.body.contains("there is no `/"), "{} {}: {}", call.method, call.path, answer.body);
        let described = call.answer(answer.status);
        let content = described["content"].as_object();
        let given = answer.header("content-type").map(|kind| kind.split(';').next().unwrap().to_owned());
        let said = content.and_then(|content| content.keys().next().cloned());
        assert_eq!(given, said, "{} {} {}", call.method, call.path, answer.status);
    }
}

#[test]
fn what_the_guard_refuses_is_described_for_every_call() {
    let server = denying();
    for call in calls(&document(&server)) {
        let json = "content-type: application/json\r\n";
        let mut tried = vec![
            (421, format!("host: evil.example\r\n{json}")),
            (403, format!("host: localhost\r\norigin: http://evil.example\r\n{json}")),
        ];
        if call.takes_a_body() {
            tried.push((415, "host: localhost\r\n".to_owned()));
        }
        for (status, headers) in tried {
            send(&server, &call, &headers).problem(status);
            assert!(call.answer(status)["content"]["application/problem+json"].is_object());
        }
    }
}

#[test]
fn every_call_has_a_name_of_its_own_a_group_and_words() {
    let server = denying();
    let document = document(&server);
    let mut names = BTreeSet::new();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
    for call in calls(&document) {
        let about = &call.about;
        assert!(names.insert(about["operationId"].as_str().unwrap().to_owned()), "{about}");
        assert!(about["summary"].as_str().is_some_and(|words| !words.is_empty()), "{about}");
        assert!(tags.contains(about["tags"][0].as_str().unwrap()), "{about}");
        assert!(!about["description"].as_str().unwrap_or_default().contains(&call.path), "{about}");
        let in_path = about["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
        assert_eq!(in_path.count(), call.path.matches('{').count(), "{}", call.path);
    }
}

#[test]
fn every_reference_resolves() {
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document(&denying());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{reference}");
    }
}

/// The keys that a reader names when it is sent one that it does not know.
fn known(server: &Running, call: &Call) -> BTreeSet<String> {
    let required = [
        ("login", r#""user":"ann","session":"a","#),
        ("set_override", r#""max_sessions":1,"#),
        ("put_policy", r#""text":"fn on_exhausted() { }","#),
    ];
    let own = required.iter().find(|(name, _)| call.about["operationId"] == *name).map_or("", |(_, own)| own);
    let body = format!("{{{own}\"qqqqqqqqqqqq\":1}}");
    let answer = server.ask(&call.method, &call.address(), Some(&body)).problem(422);
    let reason = answer["reason"].as_str().unwrap();
    let keys = reason.strip_prefix("is unknown; known here: ").unwrap_or_else(|| panic!("{answer}"));
    keys.split(' ').map(str::to_owned).collect()
}

#[test]
fn bodies_are_described_with_the_keys_that_their_readers_know() {
    let server = denying();
    server.ask("PUT", "/v1/quotas/q", Some("{}"));
    let document = document(&server);
    let mut checked = 0;
    for call in calls(&document) {
        let schema = &call.about["requestBody"]["content"]["application/json"]["schema"];
        let Some(schema) = fits::named(&document, schema) else { continue };
        let described: BTreeSet<String> =
            schema["properties"].as_object().unwrap_or(&Map::new()).keys().cloned().collect();
        assert_eq!(described, known(&server, &call), "{} {}", call.method, call.path);
        assert_eq!(schema["additionalProperties"], false, "{}", call.path);
        checked += 1;
    }
    assert_eq!(
        checked, 15,
        "login, end, put, patch, enable, disable, override, policy, promote, rollback, stop, note, hold, release, erase"
    );
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let server = denying();
    let page = server.ask("GET", "/docs", None);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let style = server.ask("GET", "/docs/reference.css", None);
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    let script = server.ask("GET", "/docs/reference.js", None);
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    for text in [&page.body, &style.body, &script.body] {
        assert!(!text.contains("://") && !text.contains("url(") && !text.contains("@import"), "{text}");
    }
    for inline in ["<style", "style=", "onclick", "onload", "<script>"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    assert!(!script.body.contains("innerHTML") && !script.body.contains("eval("));
    assert!(page.body.contains("docs/reference.css") && page.body.contains("docs/reference.js"));
}

#[test]
fn the_page_names_every_call_also_without_its_script() {
    let server = denying();
    let page = server.ask("GET", "/docs", None).body;
    for call in calls(&document(&server)) {
        let line = format!("<code>{} {}</code>", call.method, call.path);
        assert!(page.contains(&line), "{line}");
    }
    assert!(!page.contains("<!-- calls -->"));
}

#[test]
fn a_method_that_is_not_described_is_405_with_those_that_are() {
    let server = denying();
    let calls = calls(&document(&server));
    let headers = "host: localhost\r\ncontent-type: application/json\r\n";
    for call in &calls {
        let known: BTreeSet<&str> =
            calls.iter().filter(|one| one.path == call.path).map(|one| one.method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            // The guard wants a form there, whatever the method.
            if known.contains(method) || call.path == "/v1/introspect" {
                continue;
            }
            let other = Call { method: method.to_owned(), path: call.path.clone(), about: Value::Null };
            let answer = send(&server, &other, headers);
            answer.problem(405);
            let allowed = answer.header("allow").unwrap_or_else(|| panic!("{answer:?}"));
            let allowed: BTreeSet<&str> = allowed.split(',').filter(|one| *one != "HEAD").collect();
            assert_eq!(allowed, known, "{method} {}", call.path);
        }
    }
}

#[test]
fn a_body_that_is_not_required_may_be_empty_and_one_that_is_may_not() {
    let server = denying();
    server.login("ann", "a");
    server.ask("PUT", "/v1/quotas/q", Some("{}"));
    let kinds = ["application/json", "application/x-ndjson", "application/x-www-form-urlencoded"];
    for call in calls(&document(&server)).iter().filter(|call| call.takes_a_body()) {
        let body = &call.about["requestBody"];
        let kind = kinds.iter().find(|kind| body["content"][**kind].is_object()).unwrap();
        let answer = send(&server, call, &format!("host: localhost\r\ncontent-type: {kind}\r\n"));
        let required = body["required"] == true;
        assert_eq!(answer.status == 422, required, "{} {}: {answer:?}", call.method, call.path);
    }
}

#[test]
fn headers_that_are_described_are_sent() {
    let server = denying();
    server.ask("PUT", "/v1/quotas/q", Some("{}"));
    let mut seen = BTreeSet::new();
    for call in calls(&document(&server)) {
        let answer = send(&server, &call, "host: localhost\r\ncontent-type: application/json\r\n");
        let Some(headers) = call.answer(answer.status)["headers"].as_object() else {
            assert_eq!(answer.header("etag"), None, "{} {}", call.method, call.path);
            continue;
        };
        for name in headers.keys() {
            let gone = call.about["operationId"] == "delete_quota";
            assert!(answer.header(name).is_some() || gone, "{} {} {name}", call.method, call.path);
            seen.insert(name.clone());
        }
    }
    assert_eq!(seen, BTreeSet::from(["ETag".to_owned()]));
}
