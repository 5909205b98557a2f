//! The operator's view that all five share: off and on, deleting, other limits for some, clearing, being told why.

use crate::served::{FILE, Served, ids, shipped, told, under, under_text};
use serde_json::{Value, json};
use sledger_client::Changing;

/// What the tests need to know of a ready configuration.
struct Ready {
    system: &'static str,
    quota: &'static str,
    /// The quota's own number.
    limit: usize,
    /// For what reason a full quota ends somebody; `None` where the newcomer is refused.
    evicts: Option<&'static str>,
}

const ALL: [Ready; 5] = [
    Ready { system: "openam", quota: "per-user", limit: 5, evicts: Some("next to expire") },
    Ready { system: "pingfederate", quota: "active-sessions", limit: 3, evicts: Some("idle longest") },
    Ready { system: "awx", quota: "sessions-per-user", limit: 3, evicts: Some("oldest") },
    Ready { system: "avi", quota: "user-account-profile", limit: 5, evicts: None },
    Ready { system: "emqx", quota: "per-username", limit: 100, evicts: None },
];

/// Plays `scenario` under each of the five.
fn under_each(scenario: impl Fn(&Served, &Ready)) {
    for ready in &ALL {
        under(ready.system, |served| scenario(served, ready));
    }
}

/// A login beyond the limit: it is refused, or ends the first of `live` to leave room for `most`.
fn meets_the_limit(served: &Served, ready: &Ready, live: &[String], most: usize) -> Value {
    let outcome = if ready.evicts.is_some() { "admitted" } else { "denied" };
    let answer = served.login("ann", "one-more", outcome);
    assert_eq!(answer["code"], "SESSION_QUOTA_EXCEEDED", "{answer}");
    let gone = if ready.evicts.is_some() { live.len() + 1 - most } else { 0 };
    assert_eq!(ids(&answer["evicted"]), live[..gone], "{answer}");
    answer
}

#[test]
fn a_quota_switched_off_limits_nobody_and_comes_back_with_every_setting() {
    under_each(|served, ready| {
        let settings = served.settings(ready.quota);
        let mut live = served.fill("ann", ready.limit);
        let off = served.pull(&["quota", "disable", ready.quota, "--reason", "a drill"]);
        assert_eq!((&off["before"]["enabled"], &off["quota"]["enabled"]), (&json!(true), &json!(false)));
        let answer = served.login("ann", "beyond", "admitted");
        assert_eq!((&answer["evicted"], &answer["quota"]), (&json!([]), &Value::Null), "{answer}");
        live.push("beyond".to_owned());
        assert_eq!(served.settings(ready.quota), settings, "nothing of it is lost");
        served.pull(&["quota", "enable", ready.quota]);
        assert_eq!(served.settings(ready.quota), settings);
        meets_the_limit(served, ready, &live, ready.limit);
        let reasons: Vec<_> = served.events("quota.changed").into_iter().map(|event| event.reason).collect();
        assert_eq!(reasons, [Some("a drill".to_owned()), None], "who switched it off said why");
    });
}

#[test]
fn switched_off_for_a_while_it_is_on_again_by_itself() {
    under_each(|served, ready| {
        served.fill("ann", ready.limit);
        served.pull(&["quota", "disable", ready.quota, "--for", "10m"]);
        served.pass(10 * 60_000 - 1);
        served.login("ann", "within", "admitted");
        let live = served.live("ann");
        assert_eq!(live.len(), ready.limit + 1);
        served.pass(1);
        meets_the_limit(served, ready, &live, ready.limit);
    });
}

#[test]
fn switched_off_in_the_file_it_is_off_until_the_file_says_otherwise() {
    under_each(|served, ready| {
        let live = served.fill("ann", ready.limit);
        served.edit("\nenabled = true", "\nenabled = false");
        let answer = served.login("ann", &live[0], "resumed");
        assert_eq!(answer["quota"], Value::Null);
        served.login("ann", "beyond", "admitted");
        served.ask("logout", &json!({"session": "beyond"}), "logged_out");
        served.edit("\nenabled = false", "\nenabled = true");
        let answer = served.login("ann", &live[0], "resumed");
        assert_eq!(answer["quota"], ready.quota);
        let asked = json!({"user": "ann", "session": "again", "dry_run": true});
        let outcome = if ready.evicts.is_some() { "admitted" } else { "denied" };
        assert_eq!(served.ask("login", &asked, outcome)["code"], "SESSION_QUOTA_EXCEEDED");
    });
}

#[test]
fn a_quota_of_the_file_is_deleted_in_the_file_alone() {
    under_each(|served, ready| {
        let said = served.refused(&["quota", "delete", ready.quota, "--yes"], (409, 1));
        assert!(said.contains(ready.quota) && said.contains(FILE), "{said}");
        assert_eq!(served.quota(ready.quota)["origin"], "file");
    });
}

#[test]
fn a_quota_taken_out_of_the_file_leaves_the_default_behind_unless_one_without_a_limit_stands_there() {
    // What the ready file of EMQX gives for "Delete Limit".
    let emqx = shipped("emqx");
    let no_limit = emqx.split("\n#[[quota]]").nth(1).unwrap().replace("\n#", "\n");
    under_each(|served, ready| {
        let text = shipped(ready.system);
        let without = text.split("[[quota]]").next().unwrap();
        served.edit(&text, without);
        let left = served.client().quotas().unwrap().quotas;
        assert_eq!((&left[0]["name"], &left[0]["origin"]), (&json!("per-user"), &json!("default")));
        assert_eq!((left.len(), &left[0]["max_sessions"]), (1, &json!(5)));
        served.edit(without, &format!("{without}[[quota]]{no_limit}"));
        served.fill("ann", ready.limit + 1);
        assert_eq!(served.login("bob", "b", "admitted")["limit"], "unlimited");
    });
}

#[test]
fn the_same_settings_kept_by_the_ledger_are_deleted_for_good_and_their_past_stays() {
    for ready in &ALL {
        let text = shipped(ready.system);
        // Everything up to the quota: sessions, users, messages, groups.
        let without = text.split("[[quota]]").next().unwrap();
        let settings = std::sync::Mutex::new(Value::Null);
        under(ready.system, |served| *settings.lock().unwrap() = served.settings(ready.quota));
        let mut settings = settings.into_inner().unwrap();
        settings.as_object_mut().unwrap().retain(|key, _| !["name", "origin"].contains(&key.as_str()));
        under_text(without, |served| {
            let set = served.client().put_quota(ready.quota, &settings, &Changing::default()).unwrap();
            assert_eq!(set.notes, ["the default quota `per-user` ended with it"]);
            let live = served.fill("ann", ready.limit);
            served.pull(&["quota", "disable", ready.quota]);
            served.pull(&["quota", "enable", ready.quota]);
            meets_the_limit(served, ready, &live, ready.limit);
            served.pull(&["quota", "delete", ready.quota, "--yes"]);
            let left = served.client().quotas().unwrap().quotas;
            assert_eq!((&left[0]["name"], &left[0]["origin"]), (&json!("per-user"), &json!("default")));
            let past = served.events("quota.*");
            let kinds = past.iter().filter(|event| event.quota.as_deref() == Some(ready.quota));
            let kinds: Vec<&str> = kinds.map(|event| event.kind.as_str()).collect();
            // Set, off, on, deleted; then, where the default has the same name, that one.
            assert_eq!(kinds[..4], ["quota.changed", "quota.changed", "quota.changed", "quota.deleted"]);
            assert!(served.client().quota(ready.quota).is_err() || ready.quota == "per-user");
        });
    }
}

#[test]
fn a_user_has_a_limit_of_his_own_until_it_is_taken_back() {
    under_each(|served, ready| {
        served.fill("ann", 1);
        let set = served.pull(&["limit", "ann", "1", "--reason", "a shared account"]);
        assert_eq!(set["quota"]["override"][0]["reason"], "a shared account");
        meets_the_limit(served, ready, &["ann-1".to_owned()], 1);
        served.pull(&["limit", "ann", "unlimited"]);
        for n in 0..=ready.limit.min(5) {
            let answer = served.login("ann", &format!("more-{n}"), "admitted");
            assert_eq!((&answer["evicted"], &answer["limit"]), (&json!([]), &json!("unlimited")));
        }
        served.pull(&["limit", "ann", "banned"]);
        let denied = served.login("ann", "refused", "denied");
        assert_eq!(denied["code"], "USER_BANNED");
        served.login("ann", "more-0", "resumed");
        served.login("bob", "bob-1", "admitted");
        served.pull(&["limit", "ann", "--unset"]);
        let detail = served.client().user("ann").unwrap();
        assert_eq!(serde_json::to_value(detail.limit).unwrap(), json!(ready.limit));
    });
}

#[test]
fn a_user_wins_over_a_glob_over_a_group_over_the_number_for_all() {
    under_each(|served, ready| {
        for (whom, limit) in [("group:crew", "2"), ("an*", "banned"), ("ann", "7")] {
            served.pull(&["limit", whom, limit]);
        }
        let login = json!({"user": "ann", "session": "a", "groups": ["crew"], "dry_run": true});
        assert_eq!(served.ask("login", &login, "admitted")["limit"], 7);
        served.pull(&["limit", "ann", "--unset"]);
        assert_eq!(served.ask("login", &login, "denied")["code"], "USER_BANNED");
        served.pull(&["limit", "an*", "--unset"]);
        assert_eq!(served.ask("login", &login, "admitted")["limit"], 2);
        served.pull(&["limit", "group:crew", "--unset"]);
        assert_eq!(served.ask("login", &login, "admitted")["limit"], ready.limit);
    });
}

#[test]
fn a_lowered_limit_ends_nobody_until_the_next_login() {
    under_each(|served, ready| {
        let live = served.fill("ann", 3);
        served.edit(&format!("\nmax_sessions = {}", ready.limit), "\nmax_sessions = 1");
        assert_eq!(served.live("ann"), live, "nobody ends by it");
        served.login("ann", &live[1], "resumed");
        let outcome = if ready.evicts.is_some() { "admitted" } else { "denied" };
        let answer = served.login("ann", "one-more", outcome);
        match ready.evicts {
            Some(reason) => {
                assert_eq!(ids(&answer["evicted"]).len(), 3, "the next login restores it: {answer}");
                assert_eq!((told(&answer)[1], served.live("ann")), (reason, vec!["one-more".to_owned()]));
            }
            None => assert_eq!(served.live("ann"), live, "who is in stays in"),
        }
    });
}

#[test]
fn whoever_is_refused_or_has_to_go_is_told_and_operators_see_quota_policy_and_reason() {
    under_each(|served, ready| {
        let live = served.fill("ann", ready.limit);
        let answer = meets_the_limit(served, ready, &live, ready.limit);
        let (about, kind) = match ready.evicts {
            Some(_) => (served.tombstone(&live[0]), "session.evicted"),
            None => (answer.clone(), "login.denied"),
        };
        let words = told(&about);
        assert_eq!(
            (words[0], words[1]),
            ("SESSION_QUOTA_EXCEEDED", ready.evicts.unwrap_or("the limit is reached"))
        );
        assert!(words[2].len() > 10, "the person is told in words: {about}");
        let events = served.events("login.denied,session.evicted");
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event.kind.as_str(), event.user.as_deref()), (kind, Some("ann")));
        assert_eq!((event.quota.as_deref(), event.code.as_deref()), (Some(ready.quota), Some(words[0])));
        assert_eq!((event.reason.as_deref(), event.message.as_deref()), (Some(words[1]), Some(words[2])));
        assert_eq!(event.policy.as_deref(), answer["policy"].as_str(), "with its revision");
    });
}

#[test]
fn clearing_ones_own_sessions_and_logging_in_is_one_decision_or_none() {
    under_each(|served, ready| {
        let live = served.fill("ann", ready.limit);
        served.fill("bob", 1);
        let clear = json!({"end": "all"});
        let answer = served.login_with(("ann", "new"), &clear, "admitted");
        assert_eq!(
            (ids(&answer["ended"]), ids(&answer["evicted"]).len()),
            (live.iter().map(String::as_str).collect(), 0)
        );
        assert_eq!(
            (served.live("ann"), served.live("bob")),
            (vec!["new".to_owned()], vec!["bob-1".to_owned()])
        );
        assert_eq!(served.tombstone(&live[0])["cause"], "cleared");
        let of_ann = served.events("login.admitted,session.ended").into_iter();
        let decided: Vec<_> = of_ann.filter(|event| event.user.as_deref() == Some("ann")).collect();
        let last: std::collections::BTreeSet<u64> =
            decided.iter().rev().take(ready.limit + 1).map(|event| event.decision).collect();
        assert_eq!(last.len(), 1, "{decided:?}");
        served.pull(&["limit", "ann", "banned"]);
        served.login_with(("ann", "newer"), &clear, "denied");
        assert_eq!(served.live("ann"), ["new"], "a refused login ends nobody");
    });
}

#[test]
fn an_operator_ends_one_session_or_all_of_a_user() {
    under_each(|served, _| {
        let live = served.fill("ann", 3);
        served.ask("end", &json!({"session": live[0], "reason": "seen abroad"}), "cleared");
        let gone = served.tombstone(&live[0]);
        assert_eq!((&gone["cause"], &gone["reason"]), (&json!("cleared"), &json!("seen abroad")));
        let cleared = served.ask("clear", &json!({"user": "ann"}), "cleared");
        assert_eq!(ids(&cleared["ended"]), live[1..]);
        assert_eq!(served.live("ann").len(), 0);
    });
}

#[test]
fn usage_is_listed_by_user_and_sessions_of_one_user_in_detail() {
    under_each(|served, ready| {
        served.fill("ann", 2);
        served.fill("bob", 1);
        let users = served.client().users(&sledger_wire::queries::UsersQuery::default()).unwrap().users;
        let rows: Vec<_> =
            users.iter().map(|row| (row.user.as_str(), row.active, row.quota.as_deref())).collect();
        assert_eq!(rows, [("ann", 2, Some(ready.quota)), ("bob", 1, Some(ready.quota))]);
        assert_eq!(served.live("ann"), ["ann-1", "ann-2"]);
    });
}

#[test]
fn what_would_become_of_a_login_is_asked_without_a_trace() {
    under_each(|served, ready| {
        let live = served.fill("ann", ready.limit);
        let head = served.client().ledger().unwrap().head;
        let outcome = if ready.evicts.is_some() { "admitted" } else { "denied" };
        let asked = json!({"user": "ann", "session": "one-more", "dry_run": true});
        let foreseen = served.ask("login", &asked, outcome);
        assert_eq!((served.client().ledger().unwrap().head, served.live("ann")), (head, live.clone()));
        let came = meets_the_limit(served, ready, &live, ready.limit);
        assert_eq!((&foreseen["evicted"], told(&foreseen)), (&came["evicted"], told(&came)));
    });
}

#[test]
fn a_bad_setting_is_refused_and_the_former_one_stays() {
    under_each(|served, ready| {
        let number = format!("\nmax_sessions = {}", ready.limit);
        for (bad, why) in [
            ("0", "write `unlimited` or `banned`"),
            ("-1", "write `unlimited`"),
            ("\"7\"", "write the number without quotes"),
            ("\"nolimit\"", "did you mean `unlimited`?"),
        ] {
            served.write(&number, &format!("\nmax_sessions = {bad}"));
            let said = served.refused(&["config", "reload"], (422, 2));
            assert!(said.contains(why) && said.contains(FILE), "{said}");
            served.write(&format!("\nmax_sessions = {bad}"), &number);
            assert_eq!(served.quota(ready.quota)["max_sessions"], ready.limit, "{bad}");
        }
    });
}
