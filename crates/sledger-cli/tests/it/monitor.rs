//! `top` in a real terminal: what it shows, and how it leaves.

use crate::common::{folder, run};
use crate::serve::{Served, post};
use sledger_testkit::picture;
use sledger_testkit::tmux::Tmux;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

const SLEDGER: &str = env!("CARGO_BIN_EXE_sledger");
/// Told after the monitor ended: its exit code, and how the terminal is set.
const AFTER: &str = "; echo \"ended $?\"; stty -a; exec cat";

fn is_restored(screen: &str) -> bool {
    let words: Vec<&str> = screen.split_whitespace().collect();
    ["icanon", "echo", "isig"].iter().all(|word| words.contains(word))
}

fn top(dir: &Path, args: &str) -> Option<Tmux> {
    Tmux::start((80, 24), dir, &format!("{SLEDGER} top {args}{AFTER}"))
}

#[test]
fn it_starts_follows_is_resized_and_leaves_the_terminal_as_it_was() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let Some(tmux) = top(dir.path(), &format!("--connect {}", served.url)) else { return };
    tmux.until("the present", |screen| screen.contains("LIVE") && screen.contains("1 Overview"));
    for n in 0..6 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"ann","session":"s{n}"}}"#));
    }
    tmux.until("a user at the limit", |screen| screen.contains("ann") && screen.contains("100%"));
    tmux.until("an eviction", |screen| screen.contains("EVICT"));
    tmux.resize(140, 45);
    tmux.until("more where there is room", |screen| screen.contains("durable up to"));
    tmux.resize(40, 10);
    tmux.until("that it is too small", |screen| screen.contains("40x10 is too small: 60x15 needed"));
    tmux.resize(80, 24);
    tmux.until("the overview again", |screen| screen.contains("1 Overview") && screen.contains("ann"));
    // A key that comes in the same moment as a new size is seen with the next key: crossterm reads it only then.
    tmux.until("a chosen row", |screen| {
        let is_chosen = screen.contains('▶');
        if !is_chosen {
            tmux.keys(&["j"]);
        }
        is_chosen
    });
    tmux.keys(&["Enter"]);
    tmux.until("the user", |screen| screen.contains("2 User > ann") && screen.contains("s5"));
    tmux.keys(&["t"]);
    tmux.until("the past", |screen| screen.contains(" AT 20") && screen.contains("evicted"));
    tmux.keys(&["q"]);
    let screen = tmux.until("the end", |screen| screen.contains("ended") && is_restored(screen));
    assert!(screen.contains("ended 0"), "{screen}");
}

#[test]
fn without_colours_none_is_sent_and_what_is_copied_reaches_the_clipboard() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    for n in 0..6 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"ann","session":"s{n}"}}"#));
    }
    let is_coloured = |screen: &str| {
        let sequences = screen.split("\u{1b}[").skip(1).filter_map(|rest| Some(rest.split_once('m')?.0));
        let is_colour = |one: &str| {
            one.starts_with("38;") || (one.len() == 2 && one.starts_with(['3', '9']) && one != "39")
        };
        sequences
            .flat_map(|one| if one.starts_with("38;") { vec![one] } else { one.split(';').collect() })
            .any(is_colour)
    };
    for (environment, coloured) in [("", true), ("NO_COLOR=1 ", false)] {
        let command = format!("{environment}{SLEDGER} top --connect {}{AFTER}", served.url);
        let Some(tmux) = Tmux::start((80, 24), dir.path(), &command) else { return };
        tmux.until("a user at the limit", |screen| screen.contains("ann") && screen.contains("100%"));
        assert_eq!(is_coloured(&tmux.coloured_screen()), coloured, "{}", tmux.coloured_screen());
        tmux.keys(&["j"]);
        tmux.until("the row", |screen| screen.contains("▶ ann"));
        tmux.keys(&["y"]);
        tmux.until("that it was copied", |screen| screen.contains("copied ann"));
        tmux.until("the clipboard", |_| tmux.clipboard() == "ann");
        tmux.keys(&["q"]);
        tmux.until("the end", |screen| screen.contains("ended 0"));
    }
}

#[test]
fn what_is_shown_is_written_for_its_owner_alone_and_over_nothing() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    post(&served, "/v1/sessions", r#"{"user":"ann","session":"web"}"#);
    let Some(tmux) = top(dir.path(), &format!("--connect {}", served.url)) else { return };
    tmux.until("a user", |screen| screen.contains("ann"));
    tmux.keys(&["j"]);
    tmux.until("the row", |screen| screen.contains("▶ ann"));
    tmux.keys(&["Enter"]);
    tmux.until("the user", |screen| screen.contains("web") && screen.contains("LOGIN"));
    tmux.keys(&["o"]);
    tmux.until("where it is", |screen| screen.contains("written to sledger-user-ann-"));
    tmux.keys(&["q"]);
    tmux.until("the end", |screen| screen.contains("ended 0"));
    let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let written = files.filter(|path| path.extension().is_some_and(|one| one == "json")).collect::<Vec<_>>();
    let [file] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let shown: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&shown["user"], &shown["sessions"][0]["session"]), (&"ann".into(), &"web".into()));
}

#[test]
fn of_a_burst_the_tail_shows_the_end_and_logins_where_few_come() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let Some(tmux) = top(dir.path(), &format!("--connect {}", served.url)) else { return };
    tmux.until("the present", |screen| screen.contains("LIVE"));
    post(&served, "/v1/sessions", r#"{"user":"bob","session":"first"}"#);
    tmux.until("a login", |screen| screen.contains("LOGIN") && screen.contains("first"));
    let lines: Vec<String> =
        (0..400).map(|n| format!(r#"{{"op":"login","user":"ann","session":"s{n}"}}"#)).collect();
    post(&served, "/v1/batch", &format!("{}\n", lines.join("\n")));
    tmux.until("the last of them", |screen| screen.contains("s399") && screen.contains("skipped"));
    tmux.keys(&["q"]);
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_as_it_was() {
    for signal in ["TERM", "HUP"] {
        let dir = folder(&[]);
        let served = Served::start(dir.path(), &[]);
        let command = format!("{SLEDGER} top --connect {} & echo $! > pid; fg{AFTER}", served.url);
        let command = format!("set -m; {command}");
        let Some(tmux) = Tmux::start((80, 24), dir.path(), &command) else { return };
        tmux.until("the present", |screen| screen.contains("LIVE"));
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let killed = std::process::Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status();
        assert!(killed.unwrap().success());
        let screen = tmux.until("the end", |screen| screen.contains("ended") && is_restored(screen));
        assert!(screen.contains("ended 1"), "{screen}");
    }
}

#[test]
fn it_is_suspended_and_goes_on() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let Some(tmux) = Tmux::start((80, 24), dir.path(), "PS1='ready> ' exec sh -i") else { return };
    tmux.until("a shell", |screen| screen.contains("ready>"));
    tmux.keys(&[&format!("{SLEDGER} top --connect {}", served.url), "Enter"]);
    tmux.until("the present", |screen| screen.contains("LIVE"));
    tmux.keys(&["C-z"]);
    tmux.until("the shell", |screen| screen.contains("ready>") && !screen.contains("LIVE"));
    tmux.keys(&["stty -a", "Enter"]);
    tmux.until("a terminal as it was", is_restored);
    tmux.keys(&["fg", "Enter"]);
    tmux.until("the present again", |screen| screen.contains("LIVE") && screen.contains("1 Overview"));
    tmux.keys(&["q"]);
    tmux.until("the shell again", |screen| screen.contains("ready>") && !screen.contains("LIVE"));
}

#[test]
fn a_server_that_goes_away_and_comes_back_is_told_so() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let (url, address) = (served.url.clone(), served.address().to_owned());
    let Some(tmux) = top(dir.path(), &format!("--connect {url}")) else { return };
    post(&served, "/v1/sessions", r#"{"user":"ann","session":"a"}"#);
    tmux.until("a user", |screen| screen.contains("ann"));
    assert_eq!(served.stop("-TERM").0, Some(0));
    tmux.until("that it is gone, and what was known", |screen| {
        screen.contains("RECONNECTING") && screen.contains("cannot connect") && screen.contains("ann")
    });
    let served = Served::start_at(dir.path(), &address, &[]);
    tmux.until("the present again", |screen| screen.contains("LIVE"));
    for n in 0..6 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"bob","session":"b{n}"}}"#));
    }
    tmux.until("the feed again", |screen| screen.contains("EVICT") && screen.contains("bob"));
    // One that answers slowly is another state.
    served.signal("-STOP");
    tmux.until("that it is slow", |screen| screen.contains("SLOW"));
    served.signal("-CONT");
    tmux.until("the present once more", |screen| screen.contains("LIVE"));
}

#[test]
fn whoever_answers_garbage_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _read = stream.read(&mut [0; 4096]);
            let _gone = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n\x1b[2Jboom\n");
        }
    });
    let dir = folder(&[]);
    let Some(tmux) = top(dir.path(), &format!("--connect {url}")) else { return };
    tmux.until("what is wrong", |screen| {
        screen.contains("RECONNECTING") && screen.contains("does not answer as a ledger")
    });
    tmux.keys(&["q"]);
    tmux.until("the end", |screen| screen.contains("ended 0") && is_restored(screen));
}

/// What a pretended server answers to the path of a request, and to how manieth; none lets it wait for ever.
type Pretend = fn(&str, usize) -> Option<String>;

/// A server that answers as told, each connection on a thread of its own.
fn pretended(answer: Pretend) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || answered(stream, &seen, answer));
        }
    });
    url
}

fn answered(mut stream: TcpStream, seen: &Mutex<BTreeMap<String, usize>>, answer: Pretend) {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return,
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let count = {
            let mut seen = seen.lock().unwrap();
            let count = seen.entry(path.clone()).or_default();
            *count += 1;
            *count
        };
        let Some(answer) = answer(&path, count) else {
            // Held open: whoever waits, waits.
            std::thread::park();
            return;
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        if answer.contains("text/event-stream") {
            return;
        }
    }
}

fn json(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const FIGURES: &str = r#"{"seq":5000,"sessions":3,"users":1,"at_limit":1,"near_limit":1,"durability":"durable",
    "poisoned":false,"top":[{"user":"ann","active":3,"limit":3}],
    "rates":{"admitted":1.0,"denied":0.0,"resumed":0.0,"evicted":0.0,"expired":0.0,"ended":0.0},
    "latency_us":{"p50":1,"p99":2,"p999":3,"max":4},"decide_us":{"p50":1,"p99":2,"p999":3,"max":4}}"#;

fn nothing_else() -> String {
    let body = r#"{"status":404,"title":"Not Found","detail":"not here"}"#;
    let head = "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_server_that_answers_slowly_is_said_and_keys_work_meanwhile() {
    let url = pretended(|path, count| match (path, count) {
        ("/v1/top", 1) => Some(json(FIGURES)),
        _ => None,
    });
    let dir = folder(&[]);
    let Some(tmux) = top(dir.path(), &format!("--connect {url}")) else { return };
    tmux.until("that it is slow", |screen| screen.contains("SLOW ") && screen.contains("ann"));
    tmux.keys(&["?"]);
    tmux.until("the help", |screen| screen.contains("keys in force"));
    tmux.keys(&["?"]);
    tmux.until("the overview", |screen| !screen.contains("keys in force"));
    tmux.keys(&["j", "Enter"]);
    tmux.until("the user, as far as known", |screen| screen.contains("2 User > ann"));
    tmux.keys(&["q"]);
    tmux.until("the end", |screen| screen.contains("ended 0") && is_restored(screen));
}

#[test]
fn a_monitor_that_was_too_slow_is_cut_off_and_told_what_it_missed() {
    let url = pretended(|path, count| match (path, count) {
        ("/v1/top", _) => Some(json(FIGURES)),
        ("/v1/events", 1) => Some(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\
             event: lost\ndata: {\"from\":5001,\"to\":6234}\n\n"
                .to_owned(),
        ),
        ("/v1/events", _) => None,
        _ => Some(nothing_else()),
    });
    let dir = folder(&[]);
    let Some(tmux) = top(dir.path(), &format!("--connect {url}")) else { return };
    tmux.until("what was missed", |screen| screen.contains("skipped 1,234"));
    tmux.keys(&["q"]);
    tmux.until("the end", |screen| screen.contains("ended 0") && is_restored(screen));
}

#[test]
fn a_ledger_at_rest_is_walked() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    for n in 0..7 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"ann","session":"s{n}"}}"#));
    }
    let refused = run(dir.path(), &["top", "--data", "sledger-data"]);
    assert!(refused.stderr.contains("is served by pid"), "{refused:?}");
    served.stop("-TERM");
    let Some(tmux) = top(dir.path(), "--data sledger-data") else { return };
    tmux.until("the past at its end", |screen| screen.contains("3 Replay") && screen.contains(" AT 20"));
    // As fast as anybody types: none is lost.
    tmux.keys(&["V", "V"]);
    tmux.until("the last eviction but one", |screen| {
        screen.contains("<- by s5") && !screen.contains("<- by s6")
    });
    tmux.keys(&["q"]);
    tmux.until("the end", |screen| screen.contains("ended 0") && is_restored(screen));
}

#[test]
fn bindings_that_cannot_be_used_are_refused_by_name() {
    let dir = folder(&[("sledger.toml", "[monitor]\nkeys = { fly = \"x\" }\n")]);
    let ran = run(dir.path(), &["top", "--connect", "http://127.0.0.1:9"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("monitor.keys: there is no action `fly`"), "{ran:?}");
    let ran = run(dir.path(), &["top", "--theme", "pink", "--connect", "http://127.0.0.1:9"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn a_file_that_the_server_would_refuse_does_not_keep_anybody_from_watching() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    std::fs::write(dir.path().join("sledger.toml"), "[[quotaa]]\n").unwrap();
    let ran = run(dir.path(), &["top", "--once", "--connect", &served.url]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("quotaa") && ran.stderr.contains("takes its defaults"), "{}", ran.stderr);
    std::fs::write(dir.path().join("sledger.toml"), "[monitor]\nnear_percnt = 70\n").unwrap();
    let ran = run(dir.path(), &["top", "--connect", &served.url]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("`monitor.near_percnt`"), "{}", ran.stderr);
}

#[test]
fn without_a_terminal_the_other_way_is_named() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["top", "--connect", "http://127.0.0.1:9"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("this is no terminal; `sledger top --once` prints the figures"), "{ran:?}");
}

const PICTURED: &str = "[[quota]]\nname = \"per-user\"\nmax_sessions = 3\non_exhausted = \"destroy_oldest\"\n\
    [[quota.override]]\nuser = \"svc-*\"\nmax_sessions = 8\n\
    [[quota]]\nname = \"per-address\"\ncount_by = \"ip\"\nmax_sessions = 9\non_exhausted = \"deny_access\"\n";

/// Titles of panes: what stands between brackets in a frame.
fn titles(screen: &str) -> BTreeSet<String> {
    let lines = screen.lines().filter(|line| line.contains('┌'));
    let parts = lines.flat_map(|line| line.split('┌').skip(1));
    let title = |part: &str| Some(part.strip_prefix('[')?.split_once(']')?.0.to_owned());
    parts.filter_map(title).collect()
}

/// Logins of some users from some addresses: more or fewer of them each time.
fn logins(served: &Served, round: usize) {
    let users = ["alice", "bob", "carol", "dave", "erin", "frank", "svc-etl", "svc-mail"];
    for n in 0..30 + round * 7 % 23 {
        let (user, ip) = (users[(n * n + round) % users.len()], n * (n + round) % 8);
        let body =
            format!(r#"{{"user":"{user}","session":"s{round}-{n}","client":"web","ip":"203.0.113.{ip}"}}"#);
        post(served, "/v1/sessions", &body);
        if n % 5 == 3 {
            // It may have been refused, or evicted since.
            let _answer = post(
                served,
                "/v1/batch",
                &format!("{{\"op\":\"logout\",\"session\":\"s{round}-{}\"}}\n", n - 1),
            );
        }
    }
}

/// Drawn anew by `SLEDGER_PICTURE=write cargo test -p sledger-cli --test it the_picture`.
#[test]
fn the_picture_in_the_readme_shows_what_the_monitor_shows_today() {
    let size = (140, 38);
    let dir = folder(&[("sledger.toml", PICTURED)]);
    let served = Served::start(dir.path(), &[]);
    let args = format!("--connect {}", served.url);
    let Some(tmux) = Tmux::start(size, dir.path(), &format!("{SLEDGER} top {args}{AFTER}")) else { return };
    tmux.until("the present", |screen| screen.contains("LIVE"));
    let is_written = std::env::var_os("SLEDGER_PICTURE").is_some_and(|word| word == "write");
    // For a picture long enough that rates have a shape.
    for round in 0..if is_written { 40 } else { 3 } {
        let before = tmux.until("figures", |screen| screen.contains("  seq "));
        logins(&served, round);
        tmux.until("the next figures", |screen| screen.lines().next() != before.lines().next());
    }
    tmux.until("evictions and refusals", |screen| {
        screen.contains("EVICT") && screen.contains("DENY") && screen.contains("denied per-address")
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("crates/sledger-tui/monitor.svg");
    if is_written {
        let screen = tmux.coloured_screen().replace(&served.url, "http://127.0.0.1:7070");
        let address = served.url.trim_start_matches("http://");
        std::fs::write(&file, picture::svg(&screen.replace(address, "127.0.0.1:7070 "), size)).unwrap();
    }
    let drawn = std::fs::read_to_string(&file).unwrap();
    let shown = titles(&tmux.screen());
    assert!(shown.len() > 5, "{shown:?}");
    for title in shown.iter().filter(|title| !title.starts_with("why refused")) {
        assert!(drawn.contains(title.as_str()), "`{title}` is missing in {}", file.display());
    }
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("](crates/sledger-tui/monitor.svg)"), "the README shows it");
    tmux.keys(&["q"]);
}
