//! Users, the monitor's numbers, health, and what is not there.

use super::support::{Running, config, denying};
use serde_json::json;

#[test]
fn a_user_is_shown_with_sessions_and_limit() {
    let server = denying();
    server.login("ann", "a");
    server.login("ann", "b");
    let user = server.ask("GET", "/v1/users/ann", None).json();
    assert_eq!((&user["user"], &user["active"], &user["limit"]), (&json!("ann"), &json!(2), &json!(5)));
    assert_eq!(user["sessions"].as_array().unwrap().len(), 2);
    let nobody = server.ask("GET", "/v1/users/zoe", None);
    assert_eq!(nobody.status, 200);
    assert_eq!(nobody.json(), json!({"user": "zoe", "active": 0, "limit": null, "sessions": []}));
    assert_eq!(server.ask("GET", "/v1/users/a%07", None).problem(422)["field"], "user");
}

#[test]
fn the_fullest_users_come_first_and_can_be_chosen() {
    let server = denying();
    for (user, count) in [("ann", 1), ("bob", 5), ("cy", 4)] {
        for n in 0..count {
            server.login(user, &format!("{user}-{n}"));
        }
    }
    let get = |query: &str| server.ask("GET", &format!("/v1/users?{query}"), None);
    let names = |query: &str| -> Vec<String> {
        let page = get(query).json();
        page["users"].as_array().unwrap().iter().map(|row| row["user"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), ["bob", "cy", "ann"]);
    assert_eq!(names("sort=user"), ["ann", "bob", "cy"]);
    assert_eq!(names("near=0.8"), ["bob", "cy"]);
    assert_eq!(names("near=100%25"), ["bob"]);
    assert_eq!(names("user=*y"), ["cy"]);
    assert_eq!(names("quota=per-user&page_size=1"), ["bob"]);
    let first = get("page_size=2").json();
    assert_eq!(first["users"][0], json!({"user": "bob", "active": 5, "limit": 5, "quota": "per-user"}));
    let cursor = first["next"].as_str().unwrap();
    assert_eq!(names(&format!("page_size=2&cursor={cursor}")), ["ann"]);
    for (query, field) in
        [("near=2", "near"), ("sort=colour", "sort"), ("quota=none", "quota"), ("cursor=x", "cursor")]
    {
        assert_eq!(get(query).problem(422)["field"], field);
    }
}

#[test]
fn clearing_a_user_names_what_ended() {
    let server = denying();
    for id in ["a", "b", "c"] {
        server.login("ann", id);
    }
    let clear = |query: &str| server.ask("DELETE", &format!("/v1/users/ann/sessions{query}"), None);
    assert_eq!(clear("?keep=zz").problem(422)["field"], "keep");
    let kept = clear("?keep=b");
    assert_eq!((kept.status, kept.json()), (200, json!({"ended": ["a", "c"]})));
    assert_eq!(clear("").json(), json!({"ended": ["b"]}));
    assert_eq!(clear("").json(), json!({"ended": []}));
}

#[test]
fn top_has_the_documented_keys() {
    let server = denying();
    let empty = server.ask("GET", "/v1/top", None).json();
    assert_eq!(empty["rates"]["admitted"], json!(null));
    for n in 0..5 {
        server.login("ann", &format!("s{n}"));
    }
    server.login("bob", "b");
    let top = server.ask("GET", "/v1/top", None).json();
    let keys: Vec<&String> = top.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "seq",
            "sessions",
            "users",
            "at_limit",
            "near_limit",
            "durability",
            "poisoned",
            "top",
            "rates",
            "latency_us",
            "decide_us",
            "sync_us",
            "latency_shape",
            "decide_shape"
        ]
    );
    assert_eq!((&top["sessions"], &top["users"], &top["at_limit"]), (&json!(6), &json!(2), &json!(1)));
    assert_eq!(top["top"][0], json!({"user": "ann", "active": 5, "limit": 5, "quota": "per-user"}));
    assert!(top["rates"]["admitted"].as_f64().unwrap() > 0.0 && top["latency_us"]["p50"].is_u64());
}

#[test]
fn the_ledger_is_told_in_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let ledger =
        sledger::Ledger::open(sledger::Config { reserve_bytes: 0, ..sledger::Config::new(dir.path()) });
    let server = Running::over(ledger.unwrap(), config());
    server.login("ann", "a");
    let stats = server.ask("GET", "/v1/ledger", None).json();
    assert_eq!((&stats["sessions"], &stats["users"], &stats["volumes"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&stats["durability"], &stats["poisoned"]), (&json!("durable"), &json!(false)));
    assert!(stats["bytes"].as_u64().unwrap() > 0 && stats["seq"] == stats["head"]);
}

#[test]
fn health_and_readiness_are_told() {
    let server = denying();
    assert_eq!(server.ask("GET", "/healthz", None).body, r#"{"status":"ok"}"#);
    let ready = server.ask("GET", "/readyz", None);
    assert_eq!(ready.body, r#"{"ready":true,"name":"main","durability":"durable","reasons":[]}"#);
}

#[test]
fn a_disk_without_room_is_not_ready_and_admits_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sledger::Config { reserve_bytes: u64::MAX, ..sledger::Config::new(dir.path()) };
    let server = Running::over(sledger::Ledger::open(ledger).unwrap(), config());
    assert_eq!(server.ask("GET", "/readyz", None).json()["reasons"][0]["code"], "LEDGER_FULL");
    assert_eq!(server.login("ann", "a").problem(503)["code"], "LEDGER_FULL");
}

#[test]
fn unknown_addresses_are_404_and_wrong_methods_405() {
    let server = denying();
    let problem = server.ask("GET", "/v2/x%0a", None).problem(404);
    assert_eq!(
        (&problem["detail"], &problem["type"]),
        (&json!("there is no `/v2/x%0a` here"), &json!("about:blank"))
    );
    let answer = server.ask("PUT", "/v1/sessions", Some("{}"));
    assert_eq!(answer.problem(405)["detail"], "`/v1/sessions` does not take `PUT`");
    let allow = answer.header("allow").unwrap_or_default();
    assert!(allow.contains("GET") && allow.contains("POST"), "{answer:?}");
}
