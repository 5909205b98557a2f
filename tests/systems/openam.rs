//! OpenAM: four actions, super user, realms, agents, upgrades, servers each by itself.

use crate::served::{ids, told, under};
use serde_json::json;

const AS_SHIPPED: &str = "\non_exhausted = \"destroy_next_expiring\"";

/// Four sessions of Ann's and a fifth, by ages and lives: `first` is the oldest, `short` ends soonest, `brief` has the least
/// time to the end of its life, and `idle` has not been used for the longest time.
fn five(served: &crate::served::Served) {
    served.login("ann", "first", "admitted");
    served.pass(60_000);
    served.login_with(("ann", "brief"), &json!({"ttl": "40m", "idle": "never"}), "admitted");
    served.pass(60_000);
    served.login_with(("ann", "short"), &json!({"idle": "10m"}), "admitted");
    served.pass(60_000);
    served.login("ann", "fourth", "admitted");
    served.login("ann", "fifth", "admitted");
}

#[test]
fn each_of_openams_four_actions_ends_whom_it_says() {
    let cases: [(&str, &[&str], &str); 3] = [
        ("destroy_next_expiring", &["short"], "next to expire"),
        ("destroy_least_time_left", &["brief"], "least time left"),
        ("destroy_all_others", &["first", "brief", "short", "fourth", "fifth"], "replaced by a new login"),
    ];
    for (policy, gone, reason) in cases {
        under("openam", |served| {
            if policy != "destroy_next_expiring" {
                served.edit(AS_SHIPPED, &format!("\non_exhausted = \"{policy}\""));
            }
            five(served);
            let answer = served.login("ann", "new", "admitted");
            assert_eq!((ids(&answer["evicted"]).as_slice(), told(&answer)[1]), (gone, reason), "{policy}");
        });
    }
    under("openam", |served| {
        served.edit(AS_SHIPPED, "\non_exhausted = \"deny_access\"");
        five(served);
        let denied = served.login("ann", "new", "denied");
        let words = ["SESSION_QUOTA_EXCEEDED", "the limit is reached", "Maximum Sessions Limit Reached."];
        assert_eq!((told(&denied), served.live("ann").len()), (words, 5));
    });
}

#[test]
fn four_servers_each_by_itself_and_a_limit_of_five_are_twenty_sessions() {
    under("openam", |served| {
        served.edit("\ncount_by = \"user\"", "\ncount_by = [\"user\", \"source\"]");
        let at = |server: usize, n: usize, evicted: usize| {
            let id = format!("s{server}-{n}");
            let answer =
                served.login_with(("ann", &id), &json!({"source": format!("am-{server}")}), "admitted");
            assert_eq!(ids(&answer["evicted"]).len(), evicted, "{answer}");
            answer
        };
        for server in 1..=4 {
            (1..=5).for_each(|n| drop(at(server, n, 0)));
        }
        assert_eq!(served.live("ann").len(), 20);
        let answer = at(3, 6, 1);
        assert_eq!((ids(&answer["evicted"]), served.live("ann").len()), (vec!["s3-1"], 20), "on that server");
        let one = served.login("ann", "nowhere", "admitted");
        assert_eq!(one["quota"], json!(null), "a login that names no server is not counted");
    });
}

#[test]
fn all_servers_count_together_as_shipped() {
    under("openam", |served| {
        for server in 1..=5 {
            let source = json!({"source": format!("am-{server}")});
            served.login_with(("ann", &format!("s{server}")), &source, "admitted");
        }
        let sixth = served.login_with(("ANN", "s6"), &json!({"source": "am-6"}), "admitted");
        assert_eq!((ids(&sixth["evicted"]), &sixth["active"]), (vec!["s1"], &json!(5)), "whatever the case");
    });
}

#[test]
fn the_super_user_agents_and_a_realm_have_what_openam_gives_them() {
    under("openam", |served| {
        for n in 0..7 {
            let answer = served.login("amAdmin", &format!("m{n}"), "admitted");
            assert_eq!((&answer["evicted"], &answer["limit"]), (&json!([]), &json!("unlimited")));
            let agent = json!({"client": "agent"});
            let answer = served.login_with(("wpa", &format!("w{n}")), &agent, "admitted");
            assert_eq!((&answer["evicted"], &answer["quota"]), (&json!([]), &json!(null)));
        }
        assert_eq!(served.live("wpa").len(), 7, "they are sessions all the same");
        let realm = json!({"groups": ["/partners"]});
        let limit =
            |user: &str| served.login_with((user, &format!("{user}-r")), &realm, "admitted")["limit"].clone();
        assert_eq!((limit("carl"), limit("svc-report")), (json!(2), json!(20)), "the user's own number wins");
        assert_eq!(served.login("dora", "dora-1", "admitted")["limit"], 5);
    });
}

#[test]
fn a_session_upgrade_takes_the_place_of_the_old_session() {
    under("openam", |served| {
        served.fill("ann", 5);
        let upgraded = json!({"replaces": "ann-2"});
        let answer = served.login_with(("ann", "higher"), &upgraded, "admitted");
        assert_eq!((ids(&answer["ended"]), &answer["evicted"]), (vec!["ann-2"], &json!([])), "{answer}");
        assert_eq!(answer["code"], json!(null), "the quota was not met: {answer}");
    });
}

#[test]
fn a_session_that_is_over_does_not_count_until_somebody_reaps_it() {
    under("openam", |served| {
        served.edit(AS_SHIPPED, "\non_exhausted = \"deny_access\"");
        served.fill("ann", 5);
        served.pass(30 * 60_000 - 1);
        served.login("ann", "early", "denied");
        served.pass(1);
        assert_eq!(served.login("ann", "in-time", "admitted")["active"], 1);
    });
}

#[test]
fn a_session_in_use_ends_after_two_hours_all_the_same() {
    under("openam", |served| {
        served.login("ann", "a", "admitted");
        for _ in 0..6 {
            served.pass(20 * 60_000 - 1);
            served.ask("touch", &json!({"session": "a"}), "touched");
        }
        served.pass(6);
        assert_eq!(served.tombstone("a")["cause"], "ttl");
    });
}

#[test]
fn an_evicted_browser_with_a_persistent_cookie_has_to_wait() {
    under("openam", |served| {
        served.edit("\n#evicted_wait = \"5m\"", "\nevicted_wait = \"5m\"");
        served.fill("ann", 5);
        served.login("ann", "other", "admitted");
        let denied = served.login("ann", "ann-1", "denied");
        assert_eq!(denied["code"], "EVICTED_RECENTLY");
        served.pass(5 * 60_000);
        served.login("ann", "ann-1", "admitted");
    });
}
