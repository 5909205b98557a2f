//! A disk that fails: at each step of a ledger's life one system call is made to fail. It is completed or poisoned, never wrong.
//!
//! A child, this binary again, runs a real ledger under `strace`, which lets one call on one of the ledger's files
//! fail. Which calls there are is read off a run in which nothing fails. Afterwards the log is read without the
//! ledger, every answer ever given must be in it, and the next run, on a whole disk, must go on from there.
//!
//! `SLEDGER_IO_ERRORS` sets how many calls of each kind fail (1), `SLEDGER_CRASH_SEED` which.

use super::child::Orders;
use super::parent::{self, Life, Said};
use super::steps::{self, Fault, Step};
use super::{number, seed};
use sledger_testkit::crash::Run;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Enough to fill several volumes.
const REQUESTS: u32 = 360;

#[test]
fn call_that_fails_poisons_or_is_made_good_and_never_gives_a_wrong_answer() {
    if Orders::read().is_some() {
        return;
    }
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "strace is not installed");
        println!("skipped: call_that_fails_poisons_or_is_made_good…: strace is not installed");
        return;
    }
    let (seed, each) = (seed(), number("SLEDGER_IO_ERRORS").unwrap_or(1));
    println!("SLEDGER_CRASH_SEED={seed} SLEDGER_IO_ERRORS={each}");
    let mut tally = Tally::default();
    for before in [Before::Nothing, Before::Closed] {
        let steps = before.steps(seed);
        let faults = steps::draw(&steps, seed, usize::try_from(each).unwrap());
        println!("{before:?}: {} calls of {} kinds", steps.len(), steps::kinds(&steps).len());
        for fault in &faults {
            tally.add(one(before, seed, fault));
        }
    }
    println!("{tally:?}");
    assert!(tally.missed * 5 <= tally.hit, "too many faults were never met: {tally:?}");
    assert!(tally.poisoned > 0 && tally.completed > 0, "{tally:?}");
}

/// What the directory holds when the child begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Closed,
}

impl Before {
    fn life(self, dir: &Path, seed: u64) -> Life {
        let mut life = Life::default();
        if self == Self::Closed {
            whole(&mut life, dir, seed, 1);
        }
        life
    }

    /// Every call on a file of the ledger in a run in which none fails.
    fn steps(self, seed: u64) -> Vec<Step> {
        let dir = tempfile::tempdir().unwrap();
        let mut life = self.life(dir.path(), seed);
        let trace = dir.path().with_extension("trace");
        let (status, said) = under(steps::watch(&trace), dir.path(), seed, 2);
        assert!(status.success() && said.closed, "{status}");
        life.check(dir.path(), said).unwrap();
        let text = std::fs::read_to_string(&trace).unwrap();
        std::fs::remove_file(trace).unwrap();
        steps::read(&text, dir.path())
    }
}

#[expect(clippy::print_stdout, reason = "the output of a test")]
/// Runs the child where one call fails, and checks what it left. Whether it closed; `None` when the call was not met.
fn one(before: Before, seed: u64, fault: &Fault) -> Option<bool> {
    let dir = tempfile::tempdir().unwrap();
    let mut life = before.life(dir.path(), seed);
    let trace = dir.path().with_extension("trace");
    let (status, said) = under(fault.strace(dir.path(), &trace), dir.path(), seed, 2);
    let met = std::fs::read_to_string(&trace).unwrap().contains("(INJECTED)");
    std::fs::remove_file(trace).unwrap();
    let closed = said.closed;
    let became = if !met {
        "never met"
    } else if closed {
        "completed"
    } else {
        "stopped"
    };
    println!("{before:?}, {fault}: {became}");
    assert!(met || closed, "{fault}: it stopped without a fault: {status}");
    assert!(!(met && closed && fault.is_fatal()), "{fault}: went on after a barrier had failed");
    let fail = |why| -> usize { panic!("seed {seed}, {before:?}, {fault}: {why}") };
    life.check(dir.path(), said).unwrap_or_else(fail);
    whole(&mut life, dir.path(), seed, 3);
    met.then_some(closed)
}

/// A run on a whole disk, which closes in good order.
fn whole(life: &mut Life, dir: &Path, seed: u64, run: u32) {
    let plan = Run { requests: REQUESTS, kill: None };
    let (status, said) = parent::run(&orders(dir, seed, run), &plan);
    assert!(status.success() && said.closed, "seed {seed}, run {run}: {status}");
    life.check(dir, said).unwrap_or_else(|why| panic!("seed {seed}, run {run}: {why}"));
}

fn under(strace: Command, dir: &Path, seed: u64, run: u32) -> (ExitStatus, Said) {
    let plan = Run { requests: REQUESTS, kill: None };
    parent::run_under(strace, &orders(dir, seed, run), &plan)
}

fn orders(dir: &Path, seed: u64, run: u32) -> Orders {
    Orders { dir: dir.to_owned(), seed, run, requests: REQUESTS, point: None }
}

#[derive(Debug, Default)]
struct Tally {
    hit: usize,
    missed: usize,
    completed: usize,
    poisoned: usize,
}

impl Tally {
    fn add(&mut self, closed: Option<bool>) {
        let Some(closed) = closed else {
            self.missed += 1;
            return;
        };
        self.hit += 1;
        *(if closed { &mut self.completed } else { &mut self.poisoned }) += 1;
    }
}
