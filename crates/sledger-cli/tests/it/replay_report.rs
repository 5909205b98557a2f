//! `replay report`: one page for a case, whose hashes are those of the ledger's own blocks.

use crate::common::{command, folder, run};
use sledger_log::DecisionHash;
use std::fs;
use std::path::Path;

const CONFIG: &str = "[sessions]\nidle = \"30m\"\nttl = \"12h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                      on_exhausted = \"deny_access\"\n";

/// A user with a hostile name comes three times and is refused once, another leaves.
const DAY: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"<img src=x onerror=alert(1)>","session":"s\"1"}
{"at":"2026-11-20T08:01:00Z","op":"login","user":"<img src=x onerror=alert(1)>","session":"s2"}
{"at":"2026-11-20T08:02:00Z","op":"login","user":"<img src=x onerror=alert(1)>","session":"s3","client":"&amp;"}
{"at":"2026-11-20T08:03:00Z","op":"login","user":"bob","session":"b1"}
{"at":"2026-11-20T08:04:00Z","op":"logout","user":"bob","session":"b1"}
{"at":"2026-11-20T10:00:00Z","op":"advance"}
"#;

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", DAY)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    dir
}

fn page(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &[&["replay", "report", "--out", "page.html"], args].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    fs::read_to_string(dir.join("page.html")).unwrap()
}

/// Cells of the rows of the table of places.
fn places(page: &str) -> Vec<Vec<String>> {
    let table = page.split("<h2>Places and hashes</h2>").nth(1).unwrap().split("</table>").next().unwrap();
    let rows = table.split("<tr>").filter(|row| row.contains("<td>"));
    let cell = |cell: &str| cell.split("</td>").next().unwrap().to_owned();
    rows.map(|row| row.split("<td>").skip(1).map(cell).collect()).collect()
}

#[test]
fn the_page_is_whole_in_itself_and_nothing_that_a_stranger_named_is_markup() {
    let dir = past();
    let page =
        page(dir.path(), &["--data", "past", "--user", HOSTILE, "--question", "</h1><script>x</script>"]);
    for forbidden in ["<script", "<img", "src=\"", "href=", "url(", "@import", "onerror=alert(1)>"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;") && page.contains("&lt;/h1&gt;&lt;script&gt;")
    );
    assert_eq!(page.matches("<svg").count(), 2, "lives, and how many were in");
    assert!(
        page.contains("class=\"refused\"") && page.contains("class=\"limit\""),
        "the refusal and the limit"
    );
    for words in ["@media print", "prefers-color-scheme: dark", "role=\"img\"", "<html lang=\"en\">"] {
        assert!(page.contains(words), "{words}");
    }
    for heading in ["Timeline", "Sessions in over time", "Ends and refusals", "Events", "Gaps and clocks"] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert!(page.contains("What this page does not prove") && page.contains("How to check it"));
    assert!(page.contains("the limit is reached") && page.contains("it was idle for 30m"), "why");
    assert!(!page.contains("bob"), "somebody else's");
}

#[test]
fn each_hash_is_that_of_the_bytes_it_names_in_an_export() {
    let dir = past();
    let page = page(dir.path(), &["--data", "past", "--session", "s2"]);
    let export = command(dir.path(), &["export", "--format", "blocks", "--data", "past"]).output().unwrap();
    let rows = places(&page);
    assert!(!rows.is_empty(), "{page}");
    for row in &rows {
        let [from, bytes] = [&row[1], &row[2]].map(|cell| cell.parse::<usize>().unwrap());
        let found = DecisionHash::of(&export.stdout[from..from + bytes]);
        let found: String = sledger_log::hex(&found.0);
        assert_eq!(found, row[3], "the decision of seq {}", row[0]);
        assert!(page.contains(&format!("<code title=\"{found}\">")), "beside its event");
    }
    let ran = run(dir.path(), &["replay", "verify", "--data", "past"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_case_by_event_by_time_and_of_a_recording_says_what_it_has_and_has_not() {
    let dir = past();
    let why = run(dir.path(), &["replay", "why", "user:bob", "--data", "past", "--output", "json"]);
    let why: serde_json::Value = serde_json::from_str(&why.stdout).unwrap();
    let of_event = page(dir.path(), &["--data", "past", "--seq", &why["seq"].to_string()]);
    assert!(of_event.contains("What happened to session b1?"), "{of_event}");
    let none = page(dir.path(), &["--data", "past", "--user", "bob", "--until", "2026-11-20T07:00:00Z"]);
    assert!(none.contains("There were none."), "{none}");
    let simulated = page(dir.path(), &["--recording", "day.jsonl", "--user", "bob"]);
    assert!(
        simulated.contains("has no blocks") && simulated.contains("its own side ended it"),
        "{simulated}"
    );
}
