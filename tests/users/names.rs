//! Who is who: folding, domains, Unicode, groups, profiles, and logins that are no sessions.

use crate::desk::at_both_doors;
use serde_json::{Value, json};

#[test]
fn many_spellings_are_one_user() {
    let config = "[users]\nfold = \"lowercase\"\nstrip_domain = [\"corp\", \"corp.example\"]\n";
    at_both_doors(config, |desk| {
        let spellings = ["Ann", "ann@corp.example", "CORP\\ann", "ANN@CORP.EXAMPLE"];
        for (n, spelling) in spellings.into_iter().enumerate() {
            let answer = desk.login(&json!({"user": spelling, "session": format!("s{n}")}), "admitted");
            assert_eq!(
                (&answer["active"], &answer["user"]),
                (&json!(n + 1), &json!(spelling)),
                "as it was given"
            );
        }
        assert_eq!(desk.live("ann").len(), 4);
        let other = desk.login(&json!({"user": "ann@other.example", "session": "o"}), "admitted");
        assert_eq!(other["active"], 1, "another domain is another user");
        desk.ask("clear", &json!({"user": "ANN"}), "cleared");
        assert_eq!((desk.live("ann").len(), desk.live("ann@other.example").len()), (0, 1));
    });
}

#[test]
fn composed_and_decomposed_letters_are_one_user_and_case_is_kept_unless_folded() {
    at_both_doors("", |desk| {
        desk.login(&json!({"user": "Jos\u{e9}", "session": "composed"}), "admitted");
        let second = desk.login(&json!({"user": "Jose\u{301}", "session": "decomposed"}), "admitted");
        assert_eq!(second["active"], 2);
        let lower = desk.login(&json!({"user": "jos\u{e9}", "session": "lower"}), "admitted");
        assert_eq!(lower["active"], 1);
    });
}

#[test]
fn what_no_user_can_be_called_is_refused_by_field() {
    at_both_doors("", |desk| {
        let refused = desk.login(&json!({"user": "a\nb", "session": "a"}), "rejected");
        assert_eq!(refused["field"], "user");
        let refused = desk.login(&json!({"user": "ann", "session": "a".repeat(257)}), "rejected");
        assert_eq!(refused["field"], "session");
        let refused =
            desk.login(&json!({"user": "ann", "session": "a", "attributes": {"k": "\u{7}"}}), "rejected");
        assert_eq!(refused["field"], "attributes.k");
        assert_eq!(desk.live("ann"), Vec::<String>::new());
    });
}

#[test]
fn nobody_and_what_is_ignored_are_no_sessions() {
    at_both_doors("[[ignore]]\nclient = [\"basic_auth\", \"probe\"]\n", |desk| {
        let nobody = desk.login(&json!({"user": "", "session": "n"}), "ignored");
        assert_eq!(nobody["active"], Value::Null);
        desk.login(&json!({"user": "ann", "session": "a", "client": "web"}), "admitted");
        for client in ["basic_auth", "probe"] {
            let ignored = desk.login(&json!({"user": "ann", "session": "b", "client": client}), "ignored");
            assert_eq!(ignored["active"], 1, "the count of its user is shown");
        }
        assert_eq!(desk.live("ann"), ["a"]);
        desk.ask("touch", &json!({"session": "b"}), "unknown");
    });
}

#[test]
fn a_group_has_seats_whoever_brings_or_was_given_it() {
    let config = "[[group]]\nname = \"ops\"\nusers = [\"ann\", \"bridge-*\"]\n\
                  [[quota]]\nname = \"seats\"\ncount_by = \"group\"\nwhen = { group = \"ops\" }\nmax_sessions = 2\n\
                  on_exhausted = \"deny_access\"\n";
    at_both_doors(config, |desk| {
        desk.login(&json!({"user": "ann", "session": "a"}), "admitted");
        desk.login(&json!({"user": "bridge-7", "session": "b"}), "admitted");
        let denied = desk.login(&json!({"user": "zoe", "session": "z", "groups": ["ops"]}), "denied");
        assert_eq!((&denied["quota"], &denied["limit"]), (&json!("seats"), &json!(2)));
        let other = desk.login(&json!({"user": "zoe", "session": "z", "groups": ["staff"]}), "admitted");
        assert_eq!(other["quota"], Value::Null, "no quota counts it");
    });
}

#[test]
fn a_profile_of_the_login_chooses_its_quota() {
    let config = "[[quota]]\nname = \"service\"\ncount_by = \"user\"\nwhen = { \"attr:profile\" = \"service\" }\n\
                  max_sessions = 1\non_exhausted = \"deny_access\"\n\
                  [[quota]]\nname = \"people\"\ncount_by = \"user\"\nwhen = { not = { \"attr:profile\" = \"service\" } }\n\
                  max_sessions = 2\non_exhausted = \"deny_access\"\n";
    at_both_doors(config, |desk| {
        let service = |id: &str| json!({"user": "bob", "session": id, "attributes": {"profile": "service"}});
        let first = desk.login(&service("s1"), "admitted");
        assert_eq!((&first["quota"], &first["limit"]), (&json!("service"), &json!(1)));
        assert_eq!(desk.login(&service("s2"), "denied")["quota"], "service");
        for id in ["p1", "p2"] {
            desk.login(&json!({"user": "bob", "session": id}), "admitted");
        }
        assert_eq!(desk.login(&json!({"user": "bob", "session": "p3"}), "denied")["quota"], "people");
        // What the user is, beside what the login is, is no dimension of quotas: scripts read it.
        desk.login(
            &json!({"user": "cy", "session": "c", "user_attributes": {"profile": "service"}}),
            "admitted",
        );
        assert_eq!(desk.live("cy"), ["c"]);
    });
}
