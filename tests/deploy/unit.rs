//! The unit: what systemd says of it, and that its fences let the program do its work.

use crate::support::{Served, have, program, room};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// Exposure as `systemd-analyze security` counts it, times ten: above it the unit is refused.
const EXPOSURE_MAX: &str = "--threshold=11";

fn text() -> String {
    std::fs::read_to_string(room("sledger-cli").join("debian/sledger.service")).unwrap()
}

/// A copy that names the program where it is.
fn copy(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("sledger.service");
    std::fs::write(&path, text().replace("/usr/bin/sledger", program().to_str().unwrap())).unwrap();
    path
}

/// Values of a key, in order.
fn values(key: &str) -> Vec<String> {
    let begin = format!("{key}=");
    text().lines().filter_map(|line| line.strip_prefix(&begin).map(str::to_owned)).collect()
}

#[test]
fn systemd_has_nothing_to_say_against_the_unit() {
    if !have("systemd_has_nothing_to_say_against_the_unit", &[&["systemd-analyze"]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let verify = ["verify", "--man=no", "--recursive-errors=no"];
    let output = Command::new("systemd-analyze").args(verify).arg(copy(&dir)).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn the_unit_exposes_no_more_than_it_must() {
    if !have("the_unit_exposes_no_more_than_it_must", &[&["systemd-analyze"]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let security = ["security", "--offline=true", "--no-pager", EXPOSURE_MAX];
    let output = Command::new("systemd-analyze").args(security).arg(copy(&dir)).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_unit_is_what_the_program_expects() {
    for (key, value) in [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30s"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "sledger"),
        ("Environment", "SLEDGER__LEDGER__DATA=/var/lib/sledger"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("Restart", "on-failure"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
}

#[test]
fn every_system_call_of_a_served_ledger_passes_the_filter_of_the_unit() {
    let test = "every_system_call_of_a_served_ledger_passes_the_filter_of_the_unit";
    if !have(test, &[&["strace"], &["systemd-analyze"]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let strace = || {
        let mut strace = Command::new("strace");
        // What only starts the program is the manager's.
        strace.args(["-f", "-q", "-D", "-o"]).arg(&trace).arg(program());
        strace
    };
    let served = Served::start_by(strace, "[sessions]\nttl = \"1s\"\n", &[("WATCHDOG_USEC", "100000")]);
    for n in 0..50 {
        assert_eq!(served.login("ann", &format!("s{n}")).0, 201);
    }
    for path in ["/metrics", "/readyz", "/v1/users", "/v1/blocks?from=1"] {
        assert_eq!(served.ask("GET", path, "").0, 200, "{path}");
    }
    served.stop();
    let made = calls(&crate::support::until("the trace ends", || {
        let text = std::fs::read_to_string(&trace).unwrap();
        if text.contains("+++ exited with 0 +++") { Ok(text) } else { Err("not yet".to_owned()) }
    }));
    assert!(made.contains("fdatasync") && made.contains("accept4"), "{made:?}");
    let allowed = allowed();
    let refused: Vec<&String> = made.iter().filter(|call| !allowed.contains(*call)).collect();
    assert_eq!(refused, [""; 0]);
}

/// The names of the calls in a trace, but for the one that begins the program.
fn calls(trace: &str) -> BTreeSet<String> {
    let call = |line: &str| {
        let (_, rest) = line.split_once(' ')?;
        let name = rest.trim_start().trim_start_matches("<... ");
        let end = name.find(['(', ' '])?;
        Some(name[..end].to_owned())
    };
    let is_name = |call: &String| call.starts_with(|first: char| first.is_ascii_lowercase());
    trace.lines().filter_map(call).filter(is_name).filter(|call| call != "execve").collect()
}

/// What the unit's filter lets through.
fn allowed() -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for line in values("SystemCallFilter") {
        let (is_denied, names) = line.strip_prefix('~').map_or((false, line.as_str()), |names| (true, names));
        for name in names.split_whitespace() {
            let calls = expand(name);
            if is_denied {
                allowed.retain(|call| !calls.contains(call));
            } else {
                allowed.extend(calls);
            }
        }
    }
    allowed
}

/// A call, or those of a set and of the sets in it.
fn expand(name: &str) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return BTreeSet::from([name.to_owned()]);
    }
    let output =
        Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", name]).output().unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    names.flat_map(expand).collect()
}
