//! Avi Vantage: account profiles, moved and changed while it runs; the warning; clearing one's own sessions.

use crate::served::{told, under};
use serde_json::json;

const WARNING: &str = "WARNING: Maximum concurrent session count has been reached.\n\
    Please clear the sessions using shell --clear-sessions";

#[test]
fn each_profile_has_its_number_and_whoever_has_none_the_default_one() {
    under("avi", |served| {
        let limit = |user: &str| served.login(user, &format!("{user}-1"), "admitted")["limit"].clone();
        assert_eq!(limit("olga"), 5);
        assert_eq!(limit("contractor-7"), 2);
        assert_eq!(limit("svc-link"), "unlimited");
        let brought = json!({"groups": ["Strict"]});
        assert_eq!(served.login_with(("per", "p"), &brought, "admitted")["limit"], 2, "brought by the login");
    });
}

#[test]
fn a_user_is_moved_from_profile_to_profile_while_it_runs() {
    under("avi", |served| {
        served.fill("contractor-7", 2);
        served.login("contractor-7", "third", "denied");
        served.pull(&["group", "remove", "Strict", "contractor-7"]);
        let answer = served.login("contractor-7", "third", "admitted");
        assert_eq!((&answer["active"], &answer["limit"]), (&json!(3), &json!(5)), "the default profile");
        served.pull(&["group", "add", "Strict", "contractor-7"]);
        served.login("contractor-7", "fourth", "denied");
        assert_eq!(served.live("contractor-7").len(), 3, "nobody ends by a move");
        served.pull(&["group", "add", "No-Lockout-User-Account-Profile", "contractor-7"]);
        let answer = served.login("contractor-7", "fourth", "admitted");
        assert_eq!(answer["limit"], "unlimited", "of two profiles the first in the file holds");
    });
}

#[test]
fn a_profiles_number_is_changed_while_it_runs_and_taken_back() {
    under("avi", |served| {
        served.fill("contractor-7", 2);
        served.pull(&["limit", "group:Strict", "3"]);
        served.login("contractor-7", "third", "admitted");
        served.login("contractor-7", "fourth", "denied");
        served.pull(&["quota", "reset", "user-account-profile"]);
        let limit = served.client().user("contractor-7").unwrap().limit;
        assert_eq!(serde_json::to_value(limit).unwrap(), 2);
    });
}

#[test]
fn a_new_profile_is_a_group_and_its_number() {
    under("avi", |served| {
        served.pull(&["group", "add", "Night-Shift", "olga"]);
        served.pull(&["limit", "group:Night-Shift", "1"]);
        served.login("olga", "o1", "admitted");
        assert_eq!(served.login("olga", "o2", "denied")["limit"], 1);
    });
}

#[test]
fn the_warning_names_the_way_out_and_the_way_out_works() {
    under("avi", |served| {
        served.fill("olga", 5);
        let denied = served.login("olga", "shell", "denied");
        assert_eq!(told(&denied), ["SESSION_QUOTA_EXCEEDED", "the limit is reached", WARNING]);
        let cleared = served.login_with(("olga", "shell"), &json!({"end": "all"}), "admitted");
        assert_eq!(cleared["active"], 1);
        let next_call = served.tombstone("olga-1");
        assert_eq!(next_call["cause"], "cleared", "what an old page or REST client finds: {next_call}");
    });
}

#[test]
fn zero_for_no_check_is_a_word() {
    under("avi", |served| {
        served.edit("\nmax_sessions = 5", "\nmax_sessions = \"unlimited\"");
        served.fill("olga", 12);
        served.fill("contractor-7", 2);
        served.login("contractor-7", "third", "denied");
    });
}
