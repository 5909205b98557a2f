//! A kill at every point on the way of volumes out of a ledger.
//!
//! The directory is copied at each point, as it then lies on the disk: that is what a kill would leave.

use crate::story::{Story, config, copy_dir, events, live, probed, state, whole};
use sledger::{Ledger, Upto};
use sledger_core::event::Event;
use sledger_log::{KEEPING_POINTS, Probe, Reader, verify};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Copies the directory each time a point is reached.
struct Copies {
    from: PathBuf,
    to: PathBuf,
    taken: Mutex<Vec<&'static str>>,
}

impl Probe for Copies {
    fn at(&self, point: &'static str) {
        if !KEEPING_POINTS.contains(&point) {
            return;
        }
        let mut taken = self.taken.lock().unwrap();
        copy_dir(&self.from, &self.to.join(format!("{}-{point}", taken.len())));
        taken.push(point);
    }
}

fn copies(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// What is left by a kill opens, is whole, and lets the rest go.
fn survives(left: &Path, before: &Path) {
    let name = left.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(verify(left).unwrap().problems, [], "{name}: as it lies there");
    assert_eq!(state(left).digest(), whole(before, left).digest(), "{name}: as it lies there");
    let first = Reader::open(left).unwrap().volumes().next().unwrap().no;
    let ledger = Ledger::open(config(left)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let recorded = events(left, |event| matches!(event, Event::VolumeDropped { .. }));
    assert!(recorded.len() + 1 >= first as usize, "{name}: what went is recorded");
    let files = std::fs::read_dir(left.join("volumes")).unwrap().map(|entry| entry.unwrap().file_name());
    let gone = files
        .filter(|name| name.to_str().unwrap().get(..6).is_some_and(|no| no.parse::<u32>().unwrap() < first));
    assert_eq!(gone.count(), 0, "{name}: what was about to go is gone");
    if first < 3 {
        let went = ledger.drop_volumes(Upto::Volume(2)).unwrap();
        assert_eq!(went.volumes, (first..=2).collect::<Vec<_>>(), "{name}");
    }
    live(&ledger, 9, 20);
    ledger.close();
    assert_eq!(verify(left).unwrap().problems, [], "{name}");
    assert_eq!(state(left).digest(), whole(before, left).digest(), "{name}");
}

#[test]
fn a_kill_at_any_point_leaves_a_ledger_that_opens_and_goes_on() {
    let story = Story::told();
    let (before, to) = (story.copy("before"), story.temp.path().join("left"));
    let copies_at = Copies { from: story.dir.clone(), to: to.clone(), taken: Mutex::default() };
    let ledger = Ledger::open(probed(&story.dir, copies_at)).unwrap();
    ledger.drop_volumes(Upto::Volume(2)).unwrap();
    ledger.close();
    let left = copies(&to);
    assert_eq!(left.len(), 11, "all points but the first twice: {left:?}");
    for left in &left {
        survives(left, &before);
    }
}

/// Fails the step at one point.
struct FailAt(&'static str);

impl Probe for FailAt {
    fn at(&self, _: &'static str) {}

    fn fail(&self, point: &'static str) -> Option<String> {
        (point == self.0).then(|| format!("no more at {point}"))
    }
}

#[test]
fn a_step_that_fails_is_told_and_the_ledger_serves_on() {
    for point in KEEPING_POINTS {
        let story = Story::told();
        let before = story.copy("before");
        let ledger = Ledger::open(probed(&story.dir, FailAt(point))).unwrap();
        let failed = ledger.drop_volumes(Upto::Volume(1)).unwrap_err().to_string();
        assert_eq!(failed, format!("volumes cannot go: no more at {point}"));
        live(&ledger, 9, 5);
        assert_eq!(ledger.poisoned(), None);
        ledger.close();
        let ledger = story.open();
        let went = ledger.drop_volumes(Upto::Volume(1));
        let marked = ["keeping.marked", "keeping.removed", "keeping.done"].contains(&point);
        assert_eq!(went.is_ok(), !marked, "{point}: {went:?}");
        ledger.close();
        assert!(!story.dir.join("volumes/000001.sealed").exists(), "{point}");
        assert_eq!(verify(&story.dir).unwrap().problems, [], "{point}");
        assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest(), "{point}");
    }
}
