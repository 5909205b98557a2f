//! Logins recorded in the real world, imported. The recordings lie beside a checkout, never in it; a test whose
//! recording is not there says so by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::indexing_slicing,
    reason = "a line of another reader that is shorter than it must be fails the test"
)]
#![expect(clippy::print_stdout, reason = "what is passed over is named")]

#[path = "real_data/radius.rs"]
mod radius;
#[path = "real_data/utmp.rs"]
mod utmp;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The recording, if it is at hand.
fn recording(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("../shared/data").join(name);
    if !path.exists() {
        println!("not tested: `{name}` is not at hand");
        return None;
    }
    Some(path)
}

/// The program, built beside the tests.
fn sledger() -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("sledger");
    assert!(program.exists(), "{} is missing: cargo build -p sledger-cli --bin sledger", program.display());
    Command::new(program)
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

fn import(recording: &Path, data: &Path, more: &[&str]) -> String {
    let data = data.to_str().unwrap();
    let output = sledger()
        .args(["import", "--format", "syslog", "--data", data])
        .args(more)
        .arg(recording)
        .output()
        .unwrap();
    text(&output)
}

/// Imports, the form told from how the file begins, which must be `form`; the report.
fn imported(recording: &Path, data: &Path, form: &str) -> Value {
    let data = data.to_str().unwrap();
    let output =
        sledger().args(["import", "--output", "json", "--data", data]).arg(recording).output().unwrap();
    let heard = text(&output);
    assert!(heard.contains(&format!(": read as {form}; ")), "{heard}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn verified(data: &Path) -> String {
    text(&sledger().args(["ledger", "verify", "--data", data.to_str().unwrap()]).output().unwrap())
}

#[test]
fn a_syslog_of_six_weeks_is_imported_pair_by_pair() {
    let Some(recording) = recording("loghub/Linux_2k.log") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ledger");
    let report = import(&recording, &data, &["--year", "2005"]);
    assert!(report.contains("123 pairs, 0 opens without a close, 0 closes without an open"), "{report}");
    // `test` was in eight times at once, and five may.
    assert!(report.contains("5 logins met an exhausted advisory quota"), "{report}");
    assert!(verified(&data).contains("whole"));
}

#[test]
fn the_same_syslog_enforced_never_has_more_than_five_sessions_of_a_user() {
    let Some(recording) = recording("loghub/Linux_2k.log") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ledger");
    import(&recording, &data, &["--year", "2005", "--enforce"]);
    let mut most = 0;
    let state = sledger_replay::history::fold(&data, |folded| {
        most = most.max(folded.state.active("test"));
        assert!(folded.state.active("test") <= 5, "[1] after seq {}", folded.first);
    });
    assert_eq!(state.unwrap().session_count(), 0);
    assert_eq!(most, 5, "the quota was exhausted");
}

#[test]
fn a_log_of_refused_passwords_and_hostile_names_is_no_sessions() {
    let Some(recording) = recording("loghub/OpenSSH_2k.log") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ledger");
    let report = import(&recording, &data, &["--year", "2016"]);
    assert!(report.contains("1 pairs, 0 opens without a close, 0 closes without an open"), "{report}");
    assert!(verified(&data).contains("whole"));
}
