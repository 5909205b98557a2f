//! `replay note`: written into a served ledger, found in its past.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;

#[test]
fn a_note_stands_in_the_ledger_beside_what_it_is_about() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let args = ["replay", "note", "user:ann", "her phone was stolen", "--connect", &served.url];
    let ran = run(dir.path(), &args);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("recorded as seq:"), "{ran:?}");
    let ran = run(dir.path(), &[&args[..], &["--output", "json"]].concat());
    let kept: Value = serde_json::from_str(&ran.stdout).unwrap();
    served.stop("-TERM");
    let told =
        run(dir.path(), &["events", "--type", "note.added", "--data", "sledger-data", "--output", "json"]);
    let told: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[1]["seq"], &told[1]["at"]), (&kept["seq"], &kept["at"]));
    let details = &told[1]["details"];
    assert_eq!((&details["about"], &details["text"]), (&"user:ann".into(), &"her phone was stolen".into()));
}

#[test]
fn a_note_that_cannot_be_is_refused_by_field() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    for (about, text, said) in [("", "x", "about"), ("seq:1", "a\u{1b}b", "text"), ("seq:1", "", "text")] {
        let ran = run(dir.path(), &["replay", "note", about, text, "--connect", &served.url]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
}
