//! Quotas, overrides and groups at run time.

use crate::support::{Raw, Running, config, denying};
use serde_json::{Value, json};
use sledger::core::config::{Origin, Quota, Settings};
use sledger::{Config as LedgerConfig, Ledger};
use sledger_server::Config;
use std::sync::Arc;

/// A server with one quota of a file, `office`, of two sessions.
fn of_a_file() -> Running {
    let office = Quota {
        name: "office".to_owned(),
        max_sessions: sledger::core::Limit::at_most(2).unwrap(),
        on_exhausted: "deny_access".to_owned(),
        origin: Origin::File,
        ..Quota::default_quota()
    };
    let settings = Settings { quotas: vec![Arc::new(office)], ..Settings::default() };
    let ledger = Ledger::in_memory(LedgerConfig { settings, ..LedgerConfig::new("unused") }).unwrap();
    Running::over(ledger, Config { file: Some("/etc/sledger/sledger.toml".to_owned()), ..config() })
}

fn if_match(server: &Running, method: &str, path: &str, tag: &str, body: Option<&str>) -> Raw {
    server.connect().ask_with(method, path, &format!("if-match: {tag}\r\n"), body)
}

fn names(server: &Running) -> Vec<String> {
    let quotas = server.ask("GET", "/v1/quotas", None).json();
    let all = quotas["quotas"].as_array().unwrap().iter();
    all.map(|quota| format!("{}:{}", quota["name"].as_str().unwrap(), quota["origin"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_put_ends_the_default_says_so_and_is_in_force_at_once() {
    let ledger = Ledger::in_memory(LedgerConfig::new("unused")).unwrap();
    let server = Running::over(ledger, config());
    assert_eq!(names(&server), ["per-user:default"]);
    let put = server.ask("PUT", "/v1/quotas/one", Some(r#"{"max_sessions":1,"on_exhausted":"deny_access"}"#));
    assert_eq!(put.status, 201, "{put:?}");
    let done = put.json();
    assert_eq!(done["before"], Value::Null);
    assert_eq!(done["quota"]["max_sessions"], 1);
    assert_eq!(done["notes"], json!(["the default quota `per-user` ended with it"]));
    assert_eq!(names(&server), ["one:api"]);
    assert_eq!(server.login("ann", "a").status, 201);
    assert_eq!(server.login("ann", "b").status, 403);
    let again =
        server.ask("PUT", "/v1/quotas/one", Some(r#"{"max_sessions":2,"on_exhausted":"deny_access"}"#));
    assert_eq!((again.status, &again.json()["before"]["max_sessions"]), (200, &json!(1)));
    assert_eq!(server.login("ann", "b").status, 201);
    let gone = server.ask("DELETE", "/v1/quotas/one?reason=done", None).json();
    assert_eq!(gone["quota"], Value::Null);
    assert_eq!(names(&server), ["per-user:default"]);
}

#[test]
fn of_two_who_saw_the_same_quota_one_gets_through() {
    let server = denying();
    let body = r#"{"max_sessions":3}"#;
    let put = server.connect().ask_with("PUT", "/v1/quotas/mine", "if-none-match: *\r\n", Some(body));
    assert_eq!(put.status, 201, "{put:?}");
    let seen = server.ask("GET", "/v1/quotas/mine", None);
    let tag = seen.header("etag").unwrap().to_owned();
    assert_eq!(seen.json()["etag"], tag, "for those who do not see headers");
    assert_eq!(put.header("etag"), Some(&*tag));
    let first = if_match(&server, "PUT", "/v1/quotas/mine", &tag, Some(r#"{"max_sessions":4}"#));
    assert_eq!(first.status, 200, "{first:?}");
    let second = if_match(&server, "PUT", "/v1/quotas/mine", &tag, Some(r#"{"max_sessions":5}"#));
    let problem = second.problem(412);
    assert_eq!(problem["field"], "if_match");
    assert_eq!(server.ask("GET", "/v1/quotas/mine", None).json()["max_sessions"], 4);
    if_match(&server, "PATCH", "/v1/quotas/mine", &tag, Some("{}")).problem(412);
    if_match(&server, "DELETE", "/v1/quotas/mine", &tag, None).problem(412);
    if_match(&server, "POST", "/v1/quotas/mine/disable", &tag, Some("{}")).problem(412);
    if_match(&server, "PUT", "/v1/quotas/mine/overrides/ann", &tag, Some(body)).problem(412);
    if_match(&server, "PUT", "/v1/quotas/none", "*", Some(body)).problem(412);
    let absent = server.connect().ask_with("PUT", "/v1/quotas/mine", "if-none-match: *\r\n", Some(body));
    absent.problem(412);
}

#[test]
fn what_the_file_owns_is_told_with_the_file() {
    let server = of_a_file();
    for (method, body) in
        [("PUT", Some(r#"{"max_sessions":9}"#)), ("PATCH", Some(r#"{"max_sessions":9}"#)), ("DELETE", None)]
    {
        let problem = server.ask(method, "/v1/quotas/office", body).problem(409);
        assert_eq!(
            problem["detail"],
            "quota `office` is the configuration file's: change it there and reload (`/etc/sledger/sledger.toml`)",
            "{method}"
        );
    }
    assert_eq!(server.ask("GET", "/v1/quotas/office", None).json()["max_sessions"], 2);
}

#[test]
fn a_quota_of_the_file_is_switched_and_gets_overrides_and_is_reset() {
    let server = of_a_file();
    let off =
        server.ask("POST", "/v1/quotas/office/disable", Some(r#"{"for":"30m","reason":"a drill"}"#)).json();
    assert_eq!((&off["quota"]["enabled"], &off["before"]["enabled"]), (&json!(false), &json!(true)));
    assert_eq!(off["quota"]["switched"]["reason"], "a drill");
    assert!(off["quota"]["switched"]["until"].is_string());
    for n in 0..4 {
        assert_eq!(server.login("ann", &format!("a{n}")).status, 201);
    }
    assert_eq!(server.ask("POST", "/v1/quotas/office/enable", Some("{}")).json()["quota"]["enabled"], true);
    assert_eq!(server.login("ann", "z").status, 403);
    let path = "/v1/quotas/office/overrides/ann";
    let set = server.ask(
        "PUT",
        path,
        Some(r#"{"max_sessions":5,"until":"2999-01-01T00:00:00Z","reason":"moving"}"#),
    );
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(server.ask("GET", "/v1/users/ann", None).json()["limit"], 5, "seen at once");
    assert_eq!(server.login("ann", "z").status, 201);
    let shown = server.ask("GET", "/v1/quotas/office/overrides", None).json();
    assert_eq!(shown["overrides"][0]["user"], "ann");
    assert_eq!(shown["overrides"][0]["reason"], "moving");
    assert!(shown["overrides"][0]["set_at"].is_number());
    assert_eq!(
        server
            .ask("PUT", "/v1/quotas/office/overrides/group:vip", Some(r#"{"max_sessions":"banned"}"#))
            .status,
        200
    );
    assert_eq!(server.ask("DELETE", path, None).status, 200);
    server.ask("DELETE", path, None).problem(404);
    let reset = server.ask("POST", "/v1/quotas/office/reset", Some("{}")).json();
    assert_eq!((&reset["quota"]["override"], &reset["quota"]["switched"]), (&json!([]), &Value::Null));
}

#[test]
fn a_patch_changes_what_it_names_and_a_null_takes_back_the_default() {
    let server = denying();
    let body = r#"{"max_sessions":3,"level":"soft","when":{"client":["web"]},"messages":{"denied":"No."}}"#;
    assert_eq!(server.ask("PUT", "/v1/quotas/mine", Some(body)).status, 201);
    server.ask("PUT", "/v1/quotas/mine/overrides/ann", Some(r#"{"max_sessions":9}"#));
    let patch = server.ask("PATCH", "/v1/quotas/mine", Some(r#"{"max_sessions":4,"messages":null}"#)).json();
    assert_eq!(patch["quota"]["max_sessions"], 4);
    assert_eq!(patch["quota"]["level"], "soft");
    assert_eq!(patch["quota"]["when"], json!({"client": ["web"]}));
    assert_eq!(patch["quota"]["messages"], json!({}));
    assert_eq!(
        patch["quota"]["override"].as_array().map(Vec::len),
        Some(1),
        "set at run time: stays as it is"
    );
    assert!(patch["quota"]["override"][0]["set_at"].is_number());
}

#[test]
fn groups_are_added_to_listed_and_left() {
    let server = of_a_file();
    let add = server.ask("PUT", "/v1/groups/vip/users/ann", Some("{}"));
    assert_eq!((add.status, &add.json()["group"]["added"]), (200, &json!(["ann"])));
    assert_eq!(add.json()["changed"], true);
    assert_eq!(server.ask("PUT", "/v1/groups/vip/users/ann", Some("{}")).json()["changed"], false);
    assert_eq!(server.login("ann", "a").json()["groups"], Value::Null);
    assert_eq!(server.ask("GET", "/v1/sessions/a", None).json()["groups"], json!(["vip"]));
    let tag = server.ask("GET", "/v1/groups", None).json()["groups"][0]["etag"].as_str().unwrap().to_owned();
    assert_eq!(if_match(&server, "DELETE", "/v1/groups/vip/users/ann", &tag, None).status, 200);
    if_match(&server, "PUT", "/v1/groups/vip/users/bob", &tag, Some("{}")).problem(412);
    server.ask("DELETE", "/v1/groups/vip/users/ann", None).problem(404);
}

#[test]
fn what_is_written_wrongly_is_refused_by_field_with_what_was_meant() {
    let server = of_a_file();
    let cases = [
        ("PUT", "/v1/quotas/x", r#"{"max_sesions":3}"#, "max_sesions", "did you mean `max_sessions`?"),
        ("PUT", "/v1/quotas/x", r#"{"max_sessions":0}"#, "max_sessions", "write `unlimited` or `banned`"),
        ("PUT", "/v1/quotas/x", r#"{"max_sessions":-1}"#, "max_sessions", "unlimited"),
        ("PUT", "/v1/quotas/x", r#"{"on_exhausted":"DENY_ACCESS"}"#, "on_exhausted", "deny_access"),
        ("PUT", "/v1/quotas/x", r#"{"on_exhausted":"nowhere"}"#, "quota.on_exhausted", "nowhere"),
        ("PUT", "/v1/quotas/x", r#"{"name":"y"}"#, "name", "`x`"),
        ("PUT", "/v1/quotas/x", "[]", "body", "not an object"),
        ("PUT", "/v1/quotas/office/overrides/ann", "{}", "max_sessions", "is missing"),
        (
            "PUT",
            "/v1/quotas/office/overrides/ann",
            r#"{"max_sessions":1,"until":"2020-01-01T00:00:00Z"}"#,
            "until",
            "not later than now",
        ),
        ("PUT", "/v1/quotas/office/overrides/group:", r#"{"max_sessions":1}"#, "selector", "names no group"),
        ("POST", "/v1/quotas/office/disable", r#"{"for":"0s"}"#, "for", "0"),
        ("POST", "/v1/quotas/office/disable?raeson=x", "{}", "query", "raeson"),
        ("PUT", "/v1/groups/vip/users/a%0Ab", "{}", "user", "control character"),
        ("PUT", "/v1/groups/vip/users/*", "{}", "user", "glob"),
    ];
    let head = server.ledger.durable();
    for (method, path, body, field, hint) in cases {
        let problem = server.ask(method, path, Some(body)).problem(422);
        assert_eq!(problem["field"], field, "{path} {body}: {problem}");
        assert!(problem["reason"].as_str().unwrap().contains(hint), "{path} {body}: {problem}");
    }
    for (method, path) in [
        ("GET", "/v1/quotas/none"),
        ("DELETE", "/v1/quotas/none"),
        ("GET", "/v1/quotas/none/overrides"),
        ("DELETE", "/v1/quotas/none/overrides/ann"),
    ] {
        server.ask(method, path, None).problem(404);
    }
    server.ask("POST", "/v1/quotas/none/reset", Some("{}")).problem(404);
    server.ask("PATCH", "/v1/quotas/none", Some("{}")).problem(404);
    server
        .connect()
        .ask_with("PUT", "/v1/quotas/x", "if-match: *\r\nif-none-match: *\r\n", Some("{}"))
        .problem(422);
    assert_eq!(server.ledger.durable(), head, "nothing is recorded");
}

#[test]
fn a_repeat_of_a_change_under_its_command_id_changes_nothing() {
    let server = of_a_file();
    let path = "/v1/quotas/office/overrides/ann?command=c-1";
    assert_eq!(server.ask("PUT", path, Some(r#"{"max_sessions":5}"#)).status, 200);
    let head = server.ledger.durable();
    assert_eq!(server.ask("PUT", path, Some(r#"{"max_sessions":5}"#)).status, 200);
    assert_eq!(server.ledger.durable(), head);
}

#[test]
fn patches_at_once_are_all_in_the_end() {
    let server = denying();
    assert_eq!(server.ask("PUT", "/v1/quotas/mine", Some("{}")).status, 201);
    let keys =
        [r#"{"max_sessions":7}"#, r#"{"level":"soft"}"#, r#"{"count_by":"ip"}"#, r#"{"evict_others":true}"#];
    std::thread::scope(|scope| {
        for key in keys {
            let server = &server;
            scope.spawn(move || assert_eq!(server.ask("PATCH", "/v1/quotas/mine", Some(key)).status, 200));
        }
    });
    let quota = server.ask("GET", "/v1/quotas/mine", None).json();
    assert_eq!(quota["max_sessions"], 7);
    assert_eq!(quota["level"], "soft");
    assert_eq!(quota["count_by"], json!(["ip"]));
    assert_eq!(quota["evict_others"], true);
}
