//! Sessions that exist already: adopted, and first asked about.

use crate::command::{self, lines};
use crate::desk::{Door, at_both_doors, ids};
use serde_json::{Value, json};

const CONFIG: &str = "[[ignore]]\nclient = \"probe\"\n\
    [[quota]]\nname = \"per-user\"\ncount_by = \"user\"\nmax_sessions = 2\non_exhausted = \"destroy_oldest\"\n\
    override = [{ user = \"cy\", max_sessions = \"unlimited\" }, { user = \"mallory\", max_sessions = \"banned\" }]\n\
    [[quota]]\nname = \"seats\"\ncount_by = \"ip\"\nmax_sessions = 3\nlevel = \"advisory\"\n\
    on_exhausted = \"deny_access\"\n";

fn session(user: &str, id: &str, more: &Value) -> Value {
    let mut session = json!({"user": user, "session": id, "started": "2026-11-20T11:00:00Z",
                             "last_active": "2026-11-20T11:55:00Z"});
    session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    session
}

/// What another product hands over.
fn handed_over() -> Value {
    let ip = json!({"ip": "10.0.0.1"});
    let over = json!({"started": "2026-11-19T11:00:00Z", "last_active": "2026-11-19T11:00:00Z"});
    json!({"source": "old", "sessions": [
        session("ann", "a2", &ip), session("ann", "a3", &ip), session("ann", "a4", &json!({})),
        session("ann", "a9", &over), session("bob", "b1", &ip), session("bob", "b2", &ip),
        session("cy", "c1", &json!({})), session("cy", "c2", &json!({})), session("cy", "c3", &json!({})),
        session("mallory", "m1", &json!({})), session("probe", "p", &json!({"client": "probe"})),
        session("ann", "a1", &json!({})),
    ]})
}

fn dry(command: &Value) -> Value {
    let mut command = command.clone();
    command.as_object_mut().unwrap().insert("dry_run".to_owned(), true.into());
    command
}

#[test]
fn before_an_adoption_it_is_told_who_would_stand_above_which_limit() {
    at_both_doors(CONFIG, |desk| {
        desk.login(&json!({"user": "ann", "session": "a1"}), "admitted");
        let head = desk.client().ledger().unwrap().head;
        let told = desk.ask("adopt", &dry(&handed_over()), "adopted");
        assert_eq!(told["dry_run"], true);
        // Ann's a9 is over already, and a1 is live; Cy may have any number.
        let over = json!([
            {"quota": "per-user", "key": "ann", "active": 4, "limit": 2},
            {"quota": "per-user", "key": "mallory", "active": 1, "limit": "banned"},
            {"quota": "seats", "key": "10.0.0.1", "active": 4, "limit": 3},
        ]);
        assert_eq!(told["over"], over, "{told}");
        assert_eq!(ids(&told["skipped"]), ["p", "a1"]);
        assert_eq!(desk.client().ledger().unwrap().head, head, "nothing was recorded");
        assert_eq!((desk.live("ann"), desk.live("cy").len()), (vec!["a1".to_owned()], 0));
    });
}

#[test]
fn an_adoption_comes_to_what_its_dry_run_said_and_the_next_login_restores_the_limit() {
    at_both_doors(CONFIG, |desk| {
        desk.login(&json!({"user": "ann", "session": "a1"}), "admitted");
        let told = desk.ask("adopt", &dry(&handed_over()), "adopted");
        let done = desk.ask("adopt", &handed_over(), "adopted");
        assert_eq!(done["skipped"], told["skipped"]);
        assert_eq!((done.get("over"), done.get("dry_run")), (None, None));
        // Whatever is over is drained before the next command.
        desk.ask("touch", &json!({"session": "a1"}), "touched");
        assert_eq!(desk.live("ann").len(), 4, "a9 was over before it came");
        let again = desk.ask("adopt", &dry(&handed_over()), "adopted");
        assert_eq!(again.get("over"), None, "nobody new would come: {again}");
        let login = desk.login(&json!({"user": "ann", "session": "a5"}), "admitted");
        assert_eq!(ids(&login["evicted"]), ["a2", "a3", "a4"], "oldest first, by their true start");
    });
}

#[test]
fn what_is_wrong_with_an_adoption_is_named_and_nothing_of_it_is_done() {
    at_both_doors(CONFIG, |desk| {
        let odd = json!({"source": "old", "sessions": [session("ann", "a", &json!({})), {"user": "b\nob", "session": "b"}]});
        for command in [odd.clone(), dry(&odd)] {
            let refused = desk.ask("adopt", &command, "rejected");
            assert_eq!(refused["field"], "sessions[1].user");
        }
        assert_eq!(desk.live("ann"), Vec::<String>::new());
    });
}

#[test]
fn a_person_reads_the_dry_run_as_a_table_and_large_ones_are_handed_over_in_pieces() {
    at_both_doors(CONFIG, |desk| {
        let Door::Command(program) = &desk.door else { return };
        let adopt = |flags: &[&str], input: &str| {
            let arguments: Vec<String> =
                [&["adopt"], flags].concat().into_iter().map(str::to_owned).collect();
            command::run(program, &desk.address, &arguments, input)
        };
        let sessions = handed_over()["sessions"].as_array().unwrap().clone();
        let (code, said) = adopt(&["--dry-run"], &lines(&sessions));
        let table = "would adopt 11 of 12 sessions\nwould pass over p\n\
                     would stand above a limit, until the next login of each:\n\
                     QUOTA     KEY       ACTIVE  LIMIT\n\
                     per-user  ann       4       2\n\
                     per-user  mallory   1       banned\n\
                     seats     10.0.0.1  4       3\n";
        assert_eq!((code, said.as_str()), (0, table));
        let many: Vec<Value> =
            (0..12_000).map(|n| session(&format!("user-{n}"), &format!("many-{n}"), &json!({}))).collect();
        let (code, said) = adopt(&["--dry-run"], &lines(&many));
        assert!(code == 2 && said.contains("ask about some users at a time"), "{said}");
        let (code, said) = adopt(&["--command", "moving"], &lines(&many));
        assert_eq!((code, said.as_str()), (0, "adopted\nadopted\n"));
        assert_eq!(desk.client().ledger().unwrap().sessions, 12_000);
        let (_, said) = adopt(&["--command", "moving"], &lines(&many));
        assert!(!said.contains("skipped"), "each piece is remembered: {said}");
    });
}

#[test]
fn an_id_that_is_in_the_list_twice_is_adopted_once_and_told() {
    at_both_doors(CONFIG, |desk| {
        let list = json!({"source": "old", "sessions": [
            session("ann", "a", &json!({})), session("ann", "a", &json!({})), session("bob", "a", &json!({})),
            session("bob", "b", &json!({})),
        ]});
        for (command, live) in [(dry(&list), 0), (list.clone(), 1)] {
            let told = desk.ask("adopt", &command, "adopted");
            assert_eq!(ids(&told["skipped"]), ["a", "a"], "{told}");
            assert_eq!((desk.live("ann").len(), desk.live("bob").len()), (live, live), "{told}");
        }
    });
}
