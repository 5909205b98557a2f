//! Single sessions and their list.

use super::support::{Running, denying};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["sessions"].as_array().unwrap().iter().map(|session| session["session"].as_str().unwrap()).collect()
}

fn add(server: &Running, fields: &Value) {
    assert_eq!(server.ask("POST", "/v1/sessions", Some(&fields.to_string())).status, 201);
}

#[test]
fn a_session_is_200_while_live_410_once_ended_404_before() {
    let server = denying();
    assert_eq!(server.ask("GET", "/v1/sessions/a", None).problem(404)["detail"], "there is no session `a`");
    let number = server.login("ann", "a").json()["number"].as_u64().unwrap();
    let live = server.ask("GET", "/v1/sessions/a", None);
    assert_eq!((live.status, &live.json()["user"]), (200, &json!("ann")));
    let keys: Vec<String> = live.json().as_object().unwrap().keys().cloned().collect();
    let expected = "session number user source client ip groups attributes started last_active expires retained generation";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(server.ask("GET", &format!("/v1/sessions/a@{number}"), None).status, 200);
    assert_eq!(server.ask("DELETE", "/v1/sessions/a", None).status, 204);
    for path in ["/v1/sessions/a".to_owned(), format!("/v1/sessions/a@{number}")] {
        let gone = server.ask("GET", &path, None).problem(410);
        assert_eq!(
            (&gone["tombstone"]["cause"], &gone["tombstone"]["number"]),
            (&json!("logout"), &json!(number))
        );
    }
    assert_eq!(server.ask("GET", "/v1/sessions/a@999", None).status, 404);
}

#[test]
fn the_tombstone_of_an_evicted_session_names_who_came() {
    let server = Running::over(
        sledger::Ledger::in_memory(sledger::Config {
            settings: super::support::settings("destroy_oldest"),
            ..sledger::Config::new("unused")
        })
        .unwrap(),
        super::support::config(),
    );
    for id in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(server.login("ann", id).status, 201);
    }
    let tombstone = &server.ask("GET", "/v1/sessions/a", None).problem(410)["tombstone"];
    assert_eq!((&tombstone["cause"], &tombstone["by_session"]), (&json!("evicted"), &json!("f")));
}

#[test]
fn touch_disconnect_and_logout_are_204_404_409_410() {
    let server = denying();
    let generation = server.login("ann", "a").json()["generation"].as_u64().unwrap();
    let ask = |method: &str, path: &str| server.ask(method, path, None);
    assert_eq!(ask("POST", &format!("/v1/sessions/a/touch?generation={generation}&user=ann")).status, 204);
    assert_eq!(ask("POST", "/v1/sessions/a/touch?user=bob").problem(404)["outcome"], "unknown");
    assert_eq!(ask("POST", "/v1/sessions/zz/touch").problem(404)["outcome"], "unknown");
    let stale = ask("DELETE", &format!("/v1/sessions/a?generation={}", generation - 1)).problem(409);
    assert_eq!((&stale["outcome"], &stale["generation"]), (&json!("stale"), &json!(generation)));
    assert_eq!(ask("POST", "/v1/sessions/a/disconnect").status, 204);
    for path in ["/v1/sessions/a/touch", "/v1/sessions/a/disconnect"] {
        assert_eq!(ask("POST", path).problem(410)["tombstone"]["cause"], "disconnected");
    }
    server.login("ann", "b");
    assert_eq!(ask("DELETE", "/v1/sessions/b").status, 204);
    assert_eq!(ask("DELETE", "/v1/sessions/b").status, 204, "logging out again is no error");
    assert_eq!(ask("DELETE", "/v1/sessions/zz").status, 404);
    assert_eq!(ask("POST", "/v1/sessions/b/touch?generation=x").problem(422)["field"], "query");
}

#[test]
fn a_repeat_of_a_command_id_in_the_query_changes_nothing() {
    let server = denying();
    server.login("ann", "a");
    for _ in 0..2 {
        assert_eq!(server.ask("DELETE", "/v1/sessions/a?command=c-9", None).status, 204);
        server.login("ann", "a");
    }
    assert_eq!(server.ask("GET", "/v1/sessions/a", None).status, 200, "the second DELETE was a repeat");
}

#[test]
fn an_operator_ends_a_session_with_a_reason() {
    let server = denying();
    server.login("ann", "a");
    let end = "/v1/sessions/a/end";
    assert_eq!(server.ask("POST", "/v1/sessions/a/end?user=bob", Some("{}")).status, 404);
    assert_eq!(server.ask("POST", end, Some(r#"{"reasn":"x"}"#)).problem(422)["field"], "reasn");
    assert_eq!(server.ask("POST", end, Some(r#"{"reason":"lost laptop"}"#)).status, 204);
    let gone = server.ask("POST", end, None).problem(410);
    assert_eq!(
        (&gone["tombstone"]["cause"], &gone["tombstone"]["reason"]),
        (&json!("cleared"), &json!("lost laptop"))
    );
}

#[test]
fn ids_are_percent_decoded() {
    let server = denying();
    add(&server, &json!({"user": "ann", "session": "a/b c?é"}));
    assert_eq!(server.ask("GET", "/v1/sessions/a%2Fb%20c%3F%C3%A9", None).json()["session"], "a/b c?é");
    server.ask("GET", "/v1/sessions/%ff", None).problem(400);
    assert_eq!(server.ask("POST", "/v1/sessions/%07/touch", None).problem(422)["field"], "session");
    let long = format!("/v1/sessions/{}/touch", "x".repeat(257));
    assert_eq!(server.ask("POST", &long, None).problem(422)["field"], "session");
}

#[test]
fn the_list_is_filtered_and_goes_page_by_page() {
    let server = denying();
    for (user, id, client) in
        [("ann", "a", "web"), ("ann", "b", "ssh"), ("bob", "c", "web"), ("cy", "d", "web")]
    {
        add(
            &server,
            &json!({"user": user, "session": id, "client": client, "source": "s1", "ip": "10.0.0.1"}),
        );
    }
    let get = |query: &str| server.ask("GET", &format!("/v1/sessions?{query}"), None);
    assert_eq!(ids(&get("").json()), ["a", "b", "c", "d"]);
    assert_eq!(ids(&get("user=ann").json()), ["a", "b"]);
    assert_eq!(ids(&get("client=web&ip=10.0.0.1&source=s1").json()), ["a", "c", "d"]);
    assert_eq!(ids(&get("source=s2").json()), Vec::<&str>::new());
    assert_eq!(ids(&get("client=w*&ip=10.0.0.0/8&source=s?").json()), ["a", "c", "d"]);
    assert_eq!(ids(&get("ip=10.0.1.0/24").json()), Vec::<&str>::new());
    assert_eq!(get("ip=10.0.0.0/99").problem(422)["field"], "ip");
    let first = get("page_size=3").json();
    assert_eq!(ids(&first), ["a", "b", "c"]);
    let next = first["next"].as_str().unwrap();
    let second = get(&format!("page_size=3&cursor={next}")).json();
    assert_eq!((ids(&second), &second["next"]), (vec!["d"], &json!(null)));
    assert_eq!(get("cursor=x").problem(422)["field"], "cursor");
    assert_eq!(get("colour=red").problem(422)["field"], "query");
}
