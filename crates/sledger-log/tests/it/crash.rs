//! Kills at every named point, more than once.

use crate::child;
use crate::common::{Place, names, place, read_all, sealed, sealing, write};
use sledger_core::log::Log;
use sledger_log::{POINTS, SledLog, verify};
use std::os::unix::process::ExitStatusExt;

/// The how manieth time a point kills when it is reached.
const REACHED: [u32; 2] = [1, 4];

#[test]
fn nothing_acknowledged_is_lost_by_a_kill_at_any_point() {
    for point in POINTS {
        for count in REACHED {
            survives(point, count);
        }
    }
}

fn survives(point: &str, count: u32) {
    let place = place();
    let status = child::run(&format!("{point}#{count}"), &place.dir);
    assert_eq!(status.signal(), Some(9), "{point} {count}: {status}");
    let noted = std::fs::read_to_string(place.dir.with_extension("acknowledged")).unwrap_or_default();
    let acknowledged: u64 = noted.parse().unwrap_or(0);
    let before = read_all(&place.dir);
    let mut log =
        SledLog::open(sealing(&place.dir)).unwrap_or_else(|error| panic!("{point} {count}: {error}"));
    assert_eq!(log.head().seq, before.seq, "{point} {count}");
    assert!(log.head().seq.0 >= acknowledged, "{point} {count}: {acknowledged} acknowledged");
    assert_eq!(log.head().seq.0 % 150, 0, "{point} {count}: half an append");
    let head = write(&mut log, 150);
    sealed(&log);
    log.close().unwrap();
    assert_eq!(read_all(&place.dir).hash, head.hash);
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    all_but_the_last_are_sealed(&place, point);
}

/// Whatever the kill left of sealing was finished, and nothing lies about.
fn all_but_the_last_are_sealed(place: &Place, point: &str) {
    let mut names = names(place);
    let active = names.pop().unwrap();
    assert!(active.parse::<u32>().is_ok(), "{point}: {active}");
    assert!(names.iter().all(|name| name.ends_with(".sealed")), "{point}: {names:?}");
}

#[test]
fn log_dropped_without_close_is_opened_as_after_a_kill() {
    let place = place();
    let mut log = place.open();
    let head = write(&mut log, 500);
    drop(log);
    let mut log = place.open();
    assert!(!log.was_clean());
    assert_eq!((log.head().seq, log.head().hash), (head.seq, head.hash));
    write(&mut log, 10);
    drop(log);
    assert_eq!(read_all(&place.dir).seq.0, 510);
    assert!(place.volume(1).join("end").exists());
}
