//! `replay at`, `timeline` and `diff`: the past, walked.

use crate::common::{command, folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A day on which one is evicted, one denied, one disconnects and comes again, one expires and one logs out.
const CONFIG: &str = "[sessions]\nidle = \"1h\"\nretention = \"10m\"\n[[quota]]\nname = \"per-user\"\n\
                      max_sessions = 2\non_exhausted = \"destroy_oldest\"\n\
                      override = [ { user = \"vip\", max_sessions = 9, until = \"2026-11-20T09:00:00Z\" } ]\n\
                      [[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\nmax_sessions = 4\n\
                      on_exhausted = \"deny_access\"\n";

const DAY: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann","session":"a1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:01Z","op":"login","user":"ann","session":"a2","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:02Z","op":"login","user":"ann","session":"a3","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:03Z","op":"login","user":"bob","session":"b1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:04Z","op":"login","user":"vip","session":"v1","ip":"192.0.2.1","client":"=web"}
{"at":"2026-11-20T08:00:05Z","op":"login","user":"gus","session":"g1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:10:00Z","op":"disconnect","session":"b1"}
{"at":"2026-11-20T08:15:00Z","op":"login","user":"bob","session":"b1","ip":"192.0.2.9","client":"web"}
{"at":"2026-11-20T08:20:00Z","op":"touch","session":"a3"}
{"at":"2026-11-20T08:30:00Z","op":"end","session":"b1","reason":"bob asked"}
{"at":"2026-11-20T08:40:00Z","op":"logout","session":"a2"}
{"at":"2026-11-20T10:00:00Z","op":"advance"}
{"at":"2026-11-20T10:00:01Z","op":"login","user":"\u202eevil\"<b>","session":"=e1","ip":"192.0.2.7","client":"web"}
"#;

/// A folder with the day as a recording, as a ledger `past` served by nobody, and as exports of it.
fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", DAY)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for (name, form) in [("events.jsonl", "events"), ("blocks", "blocks")] {
        let args = ["export", "--data", "past", "--format", form];
        let output = command(dir.path(), &args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        std::fs::write(dir.path().join(name), output.stdout).unwrap();
    }
    dir
}

/// What `replay …` says.
fn replay(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &[&["replay"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&replay(dir, &[args, &["--output", "json"]].concat())).unwrap()
}

/// Sessions by user, with limits.
fn who(at: &Value) -> Vec<String> {
    let users = at["users"].as_array().unwrap().iter().map(|user| {
        let sessions = user["sessions"].as_array().unwrap();
        assert_eq!(user["active"], sessions.len());
        let ids: Vec<&str> = sessions.iter().map(|one| one["session"].as_str().unwrap()).collect();
        format!("{} {}/{}: {}", user["user"].as_str().unwrap(), sessions.len(), user["limit"], ids.join(" "))
    });
    users.collect()
}

#[test]
fn who_was_in_is_told_with_counts_and_limits_as_they_were() {
    let dir = past();
    let at = |when: &str| who(&json(dir.path(), &["at", when, "--data", "past"]));
    assert_eq!(at("2026-11-20 08:00:01"), ["ann 2/2: a1 a2"]);
    assert_eq!(at("2026-11-20T08:00:05Z"), ["ann 2/2: a2 a3", "bob 1/2: b1", "vip 1/9: v1"]);
    assert_eq!(at("2026-11-20 08:12"), ["ann 2/2: a2 a3", "bob 1/2: b1", "vip 1/9: v1"]);
    assert_eq!(at("2026-11-20 08:59:59"), ["ann 1/2: a3", "vip 1/9: v1"]);
    // The override is over at nine; the session four seconds later. Neither is written before ten.
    assert_eq!(at("2026-11-20 09:00"), ["ann 1/2: a3", "vip 1/2: v1"]);
    assert_eq!(at("2026-11-20 09:00:04"), ["ann 1/2: a3"]);
    assert_eq!(at("2026-11-20T10:19:59+01:00"), ["ann 1/2: a3"]);
    assert_eq!(at("2026-11-20 09:20"), [""; 0]);
    assert_eq!(at("2026-11-20 10:00:01"), ["\u{202e}evil\"<b> 1/2: =e1"]);
    let one = json(dir.path(), &["at", "2026-11-20 08:12", "--user", "bob", "--data", "past"]);
    assert_eq!(who(&one), ["bob 1/2: b1"]);
    assert_eq!(one["users"][0]["sessions"][0]["retained"], true);
    let nobody = json(dir.path(), &["at", "2026-11-20 08:12", "--user", "eve", "--data", "past"]);
    assert_eq!(
        (nobody["users"][0]["user"].as_str(), nobody["users"][0]["active"].as_u64()),
        (Some("eve"), Some(0))
    );
}

#[test]
fn a_ledger_its_exports_and_its_recording_tell_the_same() {
    let dir = past();
    for when in ["2026-11-20T08:00:05Z", "2026-11-20 08:12", "2026-11-20 09:00:04", "2026-11-20 10:00:01"] {
        let stored = json(dir.path(), &["at", when, "--data", "past"]);
        for file in ["events.jsonl", "blocks"] {
            assert_eq!(json(dir.path(), &["at", when, "--recording", file]), stored, "{file}");
        }
        assert_eq!(json(dir.path(), &["at", when, "--data", "past", "--no-snapshots"]), stored);
        // Its own numbers, since a simulation records no start; the same people all the same.
        let recorded = json(dir.path(), &["at", when, "--recording", "day.jsonl"]);
        assert_eq!(who(&recorded), who(&stored), "{when}");
    }
}

#[test]
fn a_moment_outside_of_history_is_answered_in_words() {
    let dir = past();
    let run = |args: &[&str]| run(dir.path(), &[&["replay", "at"], args].concat());
    let before = run(&["2020-01-01 00:00", "--data", "past", "--output", "json"]);
    assert_eq!(before.stdout, "{\"seq\":0,\"at\":\"2020-01-01T00:00:00.000Z\",\"users\":[]}\n");
    assert!(before.stderr.contains("before the first event: nobody is in"), "{before:?}");
    let beyond = run(&["seq:9999", "--data", "past"]);
    assert_eq!(beyond.code, 2, "{beyond:?}");
    assert!(beyond.stderr.contains("there is no seq 9999 yet: the last event is seq "), "{beyond:?}");
    let future = run(&["2999-01-01 00:00", "--data", "past"]);
    assert_eq!(future.code, 2, "{future:?}");
    assert!(future.stderr.contains("is yet to come: the last event, seq "), "{future:?}");
    let now = run(&["now", "--recording", "day.jsonl"]);
    assert_eq!(now.code, 2, "{now:?}");
    assert!(now.stderr.contains("a recording has no now"), "{now:?}");
    let bare = run(&["17", "--data", "past"]);
    assert_eq!((bare.code, bare.stderr.contains("is ambiguous")), (2, true), "{bare:?}");
    // A recording goes on for ever: what was over by then is over.
    let later = run(&["2999-01-01 00:00", "--recording", "day.jsonl", "--output", "json"]);
    assert!(later.stdout.ends_with("\"users\":[]}\n"), "{later:?}");
    assert!(later.stderr.contains("over by themselves since are left out"), "{later:?}");
    // The ledger was closed in good order: idle time does not run, so who was in still is.
    let closed = run(&["2026-11-20 12:00", "--data", "past", "--output", "json"]);
    assert_eq!(who(&serde_json::from_str(&closed.stdout).unwrap()), ["\u{202e}evil\"<b> 1/2: =e1"]);
    assert!(closed.stderr.contains("the ledger was down then"), "{closed:?}");
}

#[test]
fn names_from_strangers_move_neither_terminal_nor_spreadsheet() {
    let dir = past();
    let text = replay(dir.path(), &["at", "2026-11-20 10:00:01", "--data", "past"]);
    assert!(text.starts_with("USER ") && text.contains("\\u{202e}evil\"<b>  1       2      =e1"), "{text}");
    let csv = replay(dir.path(), &["at", "2026-11-20 10:00:01", "--data", "past", "--csv"]);
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("user,active,limit,session,") && rows[1].contains(",1,2,\"'=e1\","), "{csv}");
    let both = run(dir.path(), &["replay", "at", "now", "--data", "past", "--csv", "--output", "json"]);
    assert_eq!(both.code, 2, "{both:?}");
}

/// Every file below, with its bytes' hash, its times and its mode.
fn trace(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(path) = left.pop() {
        let about = std::fs::symlink_metadata(&path).unwrap();
        let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec(), about.mode());
        let bytes = if about.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else {
            let bytes = std::fs::read(&path).unwrap();
            format!("{} bytes, {:?}", bytes.len(), bytes)
        };
        found.insert(path.display().to_string(), format!("{times:?} {bytes}"));
    }
    found
}

/// Every look at a ledger at rest.
const LOOKS: &[&[&str]] = &[
    &["at", "2026-11-20 08:12"],
    &["at", "2026-11-20 08:12", "--no-snapshots", "--csv"],
    &["at", "seq:9", "--user", "ann", "--output", "json"],
    &["timeline", "ann"],
    &["timeline", "session:b1", "--output", "json"],
    &["timeline", "192.0.2.1", "--csv"],
    &["timeline", "--changes", "--no-filters"],
    &["diff", "2026-11-20 08:00:03", "2026-11-20 08:59"],
];

#[test]
fn looking_changes_nothing_below_the_directory() {
    let dir = past();
    let before = trace(&dir.path().join("past"));
    for look in LOOKS {
        replay(dir.path(), &[look, &["--data", "past"][..]].concat());
        let after = trace(&dir.path().join("past"));
        assert!(before == after, "{look:?} changed something");
    }
}

#[test]
fn a_read_only_directory_is_looked_at_as_well() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = past();
    let data = dir.path().join("past");
    let set = |mode: u32, file: u32| {
        let mut left = vec![data.clone()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(file)).unwrap();
            }
        }
    };
    let wanted: Vec<String> =
        LOOKS.iter().map(|look| replay(dir.path(), &[look, &["--data", "past"][..]].concat())).collect();
    set(0o555, 0o444);
    // Root may write all the same: then this shows that reading works, and the traces above that nothing is written.
    let found: Vec<String> =
        LOOKS.iter().map(|look| replay(dir.path(), &[look, &["--data", "past"][..]].concat())).collect();
    set(0o755, 0o644);
    assert_eq!(found, wanted);
}

/// What a timeline says: what happened, line by line.
fn words(text: &str) -> Vec<&str> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.get(36..).unwrap().split(" [import:").next().unwrap()).collect()
}

#[test]
fn a_timeline_tells_each_event_with_its_cause_and_draws_a_lane_a_session() {
    let dir = past();
    let ran = run(dir.path(), &["replay", "timeline", "ann", "--data", "past", "--ascii"]);
    assert!(ran.stderr.contains("`ann` is taken as a user; session:ann asks for a session"), "{ran:?}");
    let told = words(&ran.stdout);
    assert_eq!(told.len(), 7, "{}", ran.stdout);
    assert_eq!(told[0], "session a1 began");
    assert!(
        told[2].starts_with(
            "session a1 was ended to make room for a3; quota per-user held 2 of 2, decided by destroy_oldest@"
        ),
        "{told:?}"
    );
    assert!(told[2].contains(": "), "{told:?}");
    assert_eq!(told[4], "session a3 was active");
    assert_eq!((told[5], told[6]), ("session a2 logged out", "session a3 was idle for too long"));
    let drawn: Vec<&str> = ran.stdout.lines().skip_while(|line| !line.is_empty()).skip(1).collect();
    assert!(drawn.iter().all(|line| line.len() <= 80 && line.is_ascii()), "{drawn:#?}");
    let lane = |session: &str| *drawn.iter().find(|line| line.starts_with(session)).unwrap();
    assert!(
        lane("a1").trim_end().ends_with('E') && lane("a2").ends_with('L') && lane("a3").ends_with('I'),
        "{drawn:#?}"
    );
    assert!(
        drawn.iter().any(|line| line.contains("E evicted") || line.contains("L logged out")),
        "{drawn:#?}"
    );
    let bob = replay(dir.path(), &["timeline", "session:b1", "--data", "past"]);
    assert!(bob.contains("bob: session b1 was ended on request: bob asked"), "{bob}");
    assert!(bob.contains('┄') && bob.contains('○') && bob.contains('C'), "{bob}");
}

#[test]
fn what_is_asked_about_is_told_apart_and_said() {
    let dir = past();
    let timeline = |args: &[&str]| {
        let ran = run(dir.path(), &[&["replay", "timeline", "--data", "past"], args].concat());
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        (words(&ran.stdout).len(), ran.stderr)
    };
    assert_eq!(timeline(&["192.0.2.9"]).0, 1, "a session taken up again from elsewhere");
    let (count, said) = timeline(&["b1"]);
    assert_eq!(count, 4);
    assert!(said.contains("no user `b1` is recorded: it is taken as a session"), "{said}");
    assert_eq!(timeline(&["ip:192.0.2.1", "--until", "2026-11-20 08:00:03"]).0, 5);
    let (count, said) = timeline(&["user:nobody"]);
    assert_eq!((count, said.contains("nothing is recorded about it")), (0, true), "{said}");
    assert_eq!(timeline(&["user:gus"]).0, 1);
    let (count, _) = timeline(&["--changes"]);
    assert!((1..40).contains(&count), "{count}");
    assert!(timeline(&["ann", "--changes"]).0 > 7);
    assert_eq!(timeline(&["ann", "--since", "2026-11-20 08:20"]).0, 3);
    assert_eq!(timeline(&["ann", "--actor", "nobody*"]).0, 0);
    assert!(timeline(&["--actor", "import:*"]).0 > 5);
    let none = run(dir.path(), &["replay", "timeline", "--data", "past"]);
    assert_eq!(
        (none.code, none.stderr.contains("name a user, a session or an address")),
        (2, true),
        "{none:?}"
    );
}

#[test]
fn timelines_from_filters_from_everything_and_from_exports_are_the_same() {
    let dir = past();
    for who in [
        &["ann"][..],
        &["bob"],
        &["session:a2"],
        &["192.0.2.1"],
        &["ip:192.0.2.9"],
        &["--changes"],
        &["vip", "--changes"],
    ] {
        for form in [&["--output", "json"][..], &["--csv"], &[]] {
            let told = |rest: &[&str]| replay(dir.path(), &[&["timeline"], who, form, rest].concat());
            let wanted = told(&["--data", "past"]);
            assert!(!wanted.is_empty(), "{who:?}");
            for rest in [
                &["--data", "past", "--no-filters"][..],
                &["--recording", "blocks"],
                &["--recording", "events.jsonl"],
            ] {
                assert_eq!(told(rest), wanted, "{who:?} {rest:?}");
            }
        }
    }
}

#[test]
fn two_moments_differ_in_who_came_who_went_and_what_was_changed() {
    let dir = past();
    let diff = |args: &[&str]| json(dir.path(), &[&["diff"], args, &["--data", "past"]].concat());
    let found = diff(&["2026-11-20 08:00:03", "2026-11-20 08:59"]);
    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["session"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&found["sessions"]["came"]), ["v1"]);
    assert_eq!(ids(&found["sessions"]["gone"]), ["a2", "b1"]);
    let users: Vec<String> = found["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!("{} {}->{}", one["user"].as_str().unwrap(), one["from"]["active"], one["to"]["active"])
        })
        .collect();
    assert_eq!(users, ["ann 2->1", "bob 1->0", "vip 0->1"]);
    assert_eq!(found["quotas"].as_array().unwrap().len(), 0);
    // At nine the override is over.
    let lapsed = diff(&["2026-11-20 08:59:59", "2026-11-20 09:00"]);
    assert_eq!(lapsed["overrides"][0]["selector"], "vip");
    assert_eq!(
        (&lapsed["overrides"][0]["to"], &lapsed["users"][0]["to"]["limit"]),
        (&Value::Null, &Value::from(2))
    );
    // From nothing to the configuration.
    let begun = diff(&["seq:0", "2026-11-20 08:00:00"]);
    let fields: Vec<&Value> = begun["quotas"].as_array().unwrap().iter().map(|one| &one["quota"]).collect();
    assert!(
        fields.contains(&&Value::from("per-ip")) && fields.contains(&&Value::from("per-user")),
        "{begun}"
    );
    assert!(begun["policies"].as_array().unwrap().len() >= 2, "{begun}");
    let text = replay(dir.path(), &["diff", "2026-11-20 08:00:03", "2026-11-20 08:59", "--data", "past"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("--- seq ") && lines[1].starts_with("+++ seq "), "{text}");
    assert!(lines.iter().any(|line| line.starts_with("- session b1@")), "{text}");
    assert!(text.contains("~ user bob: 1 of 2 -> 0"), "{text}");
    let recorded =
        json(dir.path(), &["diff", "ms:1795161603000", "ms:1795165140000", "--recording", "day.jsonl"]);
    assert_eq!(ids(&recorded["sessions"]["gone"]), ["a2", "b1"], "{recorded}");
}

#[test]
fn a_served_ledger_tells_the_same_and_records_who_looked() {
    let dir = past();
    let looks: [&[&str]; 6] = [
        &["at", "2026-11-20 08:12", "--output", "json"],
        &["at", "seq:12", "--csv"],
        &["at", "2026-11-20 08:00:05", "--user", "ann"],
        &["timeline", "ann", "--until", "2026-11-20 10:00", "--output", "json"],
        &["timeline", "192.0.2.1", "--until", "2026-11-20 10:00"],
        &["diff", "2026-11-20 08:00:03", "2026-11-20 08:59"],
    ];
    let wanted: Vec<String> =
        looks.iter().map(|look| replay(dir.path(), &[look, &["--data", "past"][..]].concat())).collect();
    let served = Served::start(dir.path(), &["--data", "past"]);
    for (look, wanted) in looks.iter().zip(&wanted) {
        let found = replay(dir.path(), &[look, &["--connect", &served.url][..]].concat());
        assert_eq!(&found, wanted, "{look:?}");
    }
    // The wire's JSON is whole.
    let json = json(dir.path(), &["diff", "seq:1", "now", "--connect", &served.url]);
    assert_eq!(json["from"]["seq"], 1, "{json}");
    let ran =
        run(dir.path(), &["events", "--type", "history.read", "--output", "json", "--connect", &served.url]);
    let reads: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> = reads
        .iter()
        .map(|read| format!("{} {}", read["details"]["what"].as_str().unwrap(), read["details"]["about"]))
        .collect();
    assert_eq!(
        told,
        [
            "at \"\"",
            "at \"\"",
            "at \"ann\"",
            "timeline \"ann\"",
            "timeline \"192.0.2.1\"",
            "diff \"\"",
            "diff \"\""
        ]
    );
    let beyond = run(dir.path(), &["replay", "at", "seq:99999", "--connect", &served.url]);
    assert_eq!((beyond.code, beyond.stderr.contains("there is no seq 99999 yet")), (2, true), "{beyond:?}");
    let held = run(dir.path(), &["replay", "at", "now", "--data", "past"]);
    assert!(held.code == 1 && held.stderr.contains(&format!("use --connect {}", served.url)), "{held:?}");
    // What somebody looked at stands in the timeline of the one who was looked at.
    let ann = replay(dir.path(), &["timeline", "ann", "--connect", &served.url]);
    assert!(ann.contains("somebody looked at the past (timeline) about ann"), "{ann}");
    assert_eq!(served.stop("-TERM").0, Some(0));
}
