//! Policies while a ledger is served: sent, tried, taken back, and saved into a watched folder under load.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;
use sledger_client::Client;
use sledger_core::command::Login;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FILE: &str =
    "[policies]\nwatch = true\n[[quota]]\nname = \"office\"\nmax_sessions = 2\non_exhausted = \"mine\"\n";
const OLDEST: &str = "fn on_exhausted() { evict(sessions.oldest(quota.excess)).because(\"oldest\") }\n";
const NEWEST: &str = "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }\n";

fn ask(served: &Served, dir: &Path, args: &[&str]) -> Value {
    let ran = run(dir, &[args, &["--connect", &served.url, "--output", "json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn refused(served: &Served, dir: &Path, args: &[&str]) -> (i32, String) {
    let ran = run(dir, &[args, &["--connect", &served.url]].concat());
    assert_eq!(ran.stdout, "", "{args:?}");
    (ran.code, ran.stderr)
}

/// `policy:state:quota` of everything that is in force.
fn uses(served: &Served, dir: &Path) -> Vec<String> {
    let page = ask(served, dir, &["policy", "list"]);
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let mut found = Vec::new();
    for policy in page["policies"].as_array().unwrap() {
        for used in policy["uses"].as_array().unwrap() {
            found.push(format!("{}:{}:{}", text(policy, "name"), text(used, "state"), text(used, "quota")));
        }
    }
    found
}

/// Waits until `is_so`.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "not seen: {what}");
        std::thread::yield_now();
    }
}

/// Why the last reload failed, as `/readyz` has it.
fn trouble(client: &Client) -> String {
    client.ready().unwrap().reasons.iter().map(|reason| reason.reason.clone()).collect()
}

#[test]
fn a_policy_is_installed_tried_promoted_and_rolled_back_by_the_command() {
    let quota = "[[quota]]\nname = \"office\"\nmax_sessions = 1\non_exhausted = \"destroy_oldest\"\n";
    let tests = "[[case]]\nname = \"refuses\"\nlimit = 1\nsessions = [\"a\"]\nexpect = { deny = \"full\" }\n";
    let dir = folder(&[
        ("sledger.toml", quota),
        ("full.rhai", "fn on_exhausted() { deny(\"full\") }\n"),
        ("full.test.toml", tests),
    ]);
    let served = Served::start(dir.path(), &[]);
    let (code, said) = refused(&served, dir.path(), &["policy", "install", "full.rhai", "--shadow"]);
    assert!(code == 2 && said.contains("say for which quota; there are `office`"), "{said}");
    let install = ["policy", "install", "full.rhai", "--quota", "office"];
    ask(&served, dir.path(), &[&install[..], &["--shadow", "--reason", "try"]].concat());
    assert_eq!(uses(&served, dir.path()), ["destroy_oldest:active:office", "full:shadow:office"]);
    ask(&served, dir.path(), &["policy", "promote", "full"]);
    assert_eq!(uses(&served, dir.path()), ["full:active:office"]);
    ask(&served, dir.path(), &["login", "ann", "a"]);
    assert_eq!(run(dir.path(), &["login", "ann", "b", "--connect", &served.url]).code, 4);
    ask(&served, dir.path(), &["policy", "rollback", "full", "--reason", "too hard"]);
    assert_eq!(uses(&served, dir.path()), ["destroy_oldest:active:office"]);
    ask(&served, dir.path(), &[&install[..], &["--share", "30"]].concat());
    let text = run(dir.path(), &["policy", "list", "--connect", &served.url]).stdout;
    assert!(text.contains("share 30%"), "{text}");
    let at_rest = uses(&served, dir.path());
    assert_eq!(served.stop("-TERM").0, Some(0));
    let page = run(dir.path(), &["policy", "list", "--data", "sledger-data", "--output", "json"]);
    assert!(page.stdout.contains("\"share\":30") && at_rest.len() == 2, "{page:?}");
    let served = Served::start(dir.path(), &[]);
    assert_eq!(uses(&served, dir.path()), at_rest, "it survives a restart");
    ask(&served, dir.path(), &["policy", "stop", "full"]);
    assert_eq!(refused(&served, dir.path(), &["policy", "stop", "full"]).0, 1);
}

#[test]
fn the_list_tells_how_policies_fare_live_and_from_the_past() {
    let quota = "[[quota]]\nname = \"office\"\nmax_sessions = 1\non_exhausted = \"slip\"\n";
    let slip = "fn on_exhausted() {\n  let odd = request.session == \"odd\";\n  \
        if odd { return deny(`${1 / (quota.excess - 1)}`) }\n  deny(\"full\")\n}\n";
    let dir = folder(&[("sledger.toml", quota), ("policies/slip.rhai", slip)]);
    let served = Served::start(dir.path(), &[]);
    ask(&served, dir.path(), &["login", "ann", "a"]);
    for session in ["b", "c", "odd"] {
        assert_eq!(run(dir.path(), &["login", "ann", session, "--connect", &served.url]).code, 4);
    }
    let fares = |page: &Value| {
        let policies = page["policies"].as_array().unwrap().iter();
        let mut uses = policies.flat_map(|policy| policy["uses"].as_array().unwrap());
        let mut used = uses.next().unwrap().clone();
        let us = used.as_object_mut().unwrap().remove("us").unwrap();
        (used, us)
    };
    let (live, us) = fares(&ask(&served, dir.path(), &["policy", "list"]));
    let counts =
        ["asked", "denied", "failures", "evicted", "allowed"].map(|name| live[name].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1, 0, 0], "{live}");
    assert!(us["p50"].is_u64() && us["p99"].is_u64(), "{us}");
    let text = run(dir.path(), &["policy", "list", "--connect", &served.url]).stdout;
    assert!(text.lines().next().unwrap().ends_with("EVICTED  FAILED  DIFFERED  P50 US  P99 US"), "{text}");
    assert!(text.contains(": POLICY_ERROR at line 3: it raised an error\n"), "{text}");
    assert_eq!(served.stop("-TERM").0, Some(0));
    let page = run(dir.path(), &["policy", "list", "--data", "sledger-data", "--output", "json"]);
    let (past, us) = fares(&serde_json::from_str(&page.stdout).unwrap());
    assert_eq!((past, &us["p50"]), (live, &Value::Null), "times are not recorded");
}

#[test]
fn what_is_wrong_with_a_policy_is_told_with_file_line_and_column() {
    let dir = folder(&[
        ("bad.rhai", "fn on_exhausted() {\n    evict(sesions.oldest())\n}\n"),
        ("notes.txt", "x"),
        ("failing.rhai", "fn on_exhausted() { deny(\"full\") }\n"),
        (
            "failing.test.toml",
            "[[case]]\nname = \"lets in\"\nlimit = 1\nsessions = [\"a\"]\nexpect = { evict = [\"a\"] }\n",
        ),
    ]);
    let served = Served::start(dir.path(), &[]);
    let install =
        |file: &str| refused(&served, dir.path(), &["policy", "install", file, "--quota", "per-user"]);
    let (code, said) = install("bad.rhai");
    assert!(code == 2 && said.contains("bad.rhai:2:11: unknown: there is no `sesions`"), "{said}");
    let (code, said) = install("notes.txt");
    assert!(code == 2 && said.contains("is called NAME.rhai"), "{said}");
    let (code, said) = install("failing.rhai");
    assert!(code == 2 && said.contains("test `lets in` (line 2) fails"), "{said}");
    assert_eq!(install("nowhere.rhai").0, 1);
    assert_eq!(uses(&served, dir.path()), ["destroy_next_expiring:active:per-user"]);
}

/// Logins one after the other while `meanwhile` happens; the reasons given for evictions, in order.
fn under_load(served: &Served, meanwhile: impl FnOnce()) -> Vec<String> {
    let (stop, reasons) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let client = Client::new(&served.url).unwrap();
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let (user, session) = (Some("ann".to_owned()), Some(format!("s{number}")));
                let answer = client.login(&Login { user, session, ..Login::default() }, None).unwrap();
                assert_eq!(answer.outcome, "admitted");
                reasons.lock().unwrap().extend(answer.reason);
            }
        });
        // Whatever goes wrong, the logins must end.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(meanwhile));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    reasons.into_inner().unwrap()
}

#[test]
fn a_broken_file_saved_into_a_watched_folder_under_load_changes_no_decision() {
    let dir = folder(&[("sledger.toml", FILE), ("policies/mine.rhai", OLDEST)]);
    let served = Served::start(dir.path(), &[]);
    let client = Client::new(&served.url).unwrap();
    let save =
        |name: &str, text: &[u8]| std::fs::write(dir.path().join("policies").join(name), text).unwrap();
    let tests = "[[case]]\nname = \"never\"\nlimit = 1\nsessions = [\"a\"]\nexpect = { deny = \"no\" }\n";
    let reasons = under_load(&served, || {
        let broken: [(&str, &[u8], &str); 6] = [
            ("mine.rhai", b"fn on_exhausted() {", "mine.rhai:"),
            ("mine.rhai", b"fn on_exhausted() { evict(sesions.oldest()) }", "did you mean `sessions`"),
            ("mine.rhai", b"\xff\xfe\x00f", "UTF-16"),
            ("mine.rhai", &vec![b' '; 10 << 20], "larger than"),
            ("mine.rhai", b"//! description = \n\nfn on_exhausted() { deny(\"x\") }", "header"),
            (
                "mine.rhai",
                b"fn on_exhausted() { let n = 1 / (quota.excess - 1); deny(`${n}`) }",
                "POLICY_ERROR",
            ),
        ];
        for (name, text, complaint) in broken {
            save(name, text);
            wait_for(complaint, || trouble(&client).contains(complaint));
        }
        save("mine.rhai", OLDEST.as_bytes());
        wait_for("it is well again", || trouble(&client).is_empty());
        let others: [(&str, &[u8], &str); 5] = [
            ("MINE.rhai", b"", "MINE.rhai"),
            ("mine.RHAI", OLDEST.as_bytes(), "have one name"),
            ("latin.rhai", b"// caf\xe9\nfn on_exhausted() { deny(\"x\") }", "latin.rhai"),
            ("words.rhai", b"//! [params]\n//! if = { default = 1, type = \"int\" }\nfn on_exhausted() { deny(\"x\") }", "words.rhai"),
            ("typed.rhai", b"//! [params]\n//! n = { default = \"a\", type = \"int\" }\nfn on_exhausted() { deny(\"x\") }", "typed.rhai"),
        ];
        for (name, text, complaint) in others {
            save(name, text);
            wait_for(complaint, || trouble(&client).contains(complaint));
            std::fs::remove_file(dir.path().join("policies").join(name)).unwrap();
        }
        std::os::unix::fs::symlink("nowhere", dir.path().join("policies/gone.rhai")).unwrap();
        wait_for("a link to nowhere", || trouble(&client).contains("gone.rhai"));
        std::fs::remove_file(dir.path().join("policies/gone.rhai")).unwrap();
        save("mine.test.toml", tests.as_bytes());
        wait_for("a failing test", || trouble(&client).contains("test `never`"));
    });
    assert!(reasons.len() > 50, "{}", reasons.len());
    assert!(reasons.iter().all(|reason| reason == "oldest"), "{reasons:?}");
}

#[test]
fn a_good_file_saved_under_load_is_in_force_from_one_login_on() {
    let dir = folder(&[("sledger.toml", FILE), ("policies/mine.rhai", OLDEST)]);
    let served = Served::start(dir.path(), &[]);
    let reasons = under_load(&served, || {
        std::fs::write(dir.path().join("policies/mine.rhai"), NEWEST).unwrap();
        let decides = || {
            let page = run(dir.path(), &["events", "--type", "policy.activated", "--connect", &served.url]);
            page.stdout.contains("mode=active")
        };
        wait_for("the new one decides", decides);
        let client = Client::new(&served.url).unwrap();
        let seen = client.top().unwrap().seq;
        wait_for("some more logins", || client.top().unwrap().seq > seen + 20);
    });
    let first = reasons.iter().position(|reason| reason == "newest").unwrap();
    assert!(first > 0 && first < reasons.len());
    assert!(reasons.iter().skip(first).all(|reason| reason == "newest"), "{reasons:?}");
}

#[test]
fn a_start_with_a_broken_folder_goes_on_with_the_policies_of_the_ledger_and_says_so() {
    let dir = folder(&[("sledger.toml", FILE), ("policies/mine.rhai", "fn on_exhausted() {")]);
    let ran = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(ran.code == 2 && ran.stderr.contains("mine.rhai:"), "a ledger that is not there yet: {ran:?}");
    let save = |text: &str| std::fs::write(dir.path().join("policies/mine.rhai"), text).unwrap();
    save(NEWEST);
    let served = Served::start(dir.path(), &[]);
    let before = uses(&served, dir.path());
    assert_eq!(served.stop("-TERM").0, Some(0));
    save("fn on_exhausted() {");
    let served = Served::start(dir.path(), &[]);
    assert_eq!(uses(&served, dir.path()), before);
    let client = Client::new(&served.url).unwrap();
    assert!(trouble(&client).contains("mine.rhai:"), "{}", trouble(&client));
    ask(&served, dir.path(), &["login", "ann", "a"]);
    save(OLDEST);
    wait_for("the mended one is taken", || trouble(&client).is_empty());
    let (code, said) = served.stop("-TERM");
    assert!(code == Some(0) && said.contains("those of the ledger stay in force"), "{said}");
}
