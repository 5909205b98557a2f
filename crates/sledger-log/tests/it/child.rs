//! This test binary once more, as a process that can be traced and killed.

use crate::common::{append, config, probed, write};
use rustix::process::{Signal, getpid, kill_process};
use sledger_core::log::{Appended, Head, Log};
use sledger_log::{Probe, SledLog};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

const ROLE: &str = "SLEDGER_LOG_CHILD";

/// The command that runs `role` in `dir` in a process of its own.
pub(crate) fn command(role: &str, dir: &Path) -> (PathBuf, Vec<(&'static str, String)>) {
    let env = vec![(ROLE, role.to_owned()), ("SLEDGER_LOG_DIR", dir.to_str().unwrap().to_owned())];
    (std::env::current_exe().unwrap(), env)
}

/// Exit code of a child whose disk was full.
pub(crate) const FULL: i32 = 17;

pub(crate) const ARGS: [&str; 4] = ["child::child_process", "--exact", "--nocapture", "--test-threads=1"];

pub(crate) fn run(role: &str, dir: &Path) -> ExitStatus {
    let (exe, env) = command(role, dir);
    Command::new(exe).args(ARGS).envs(env).output().unwrap().status
}

/// Does nothing unless this process was started by another test.
#[test]
fn child_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = PathBuf::from(std::env::var("SLEDGER_LOG_DIR").unwrap());
    match role.split_once('#') {
        Some((point, count)) => live_until_killed(&dir, point, count.parse().unwrap()),
        None if role == "fill" => fill(&dir),
        None if role == "grow" => grow(&dir),
        None => append_once(&dir),
    }
}

/// Opens, appends, and shows by a file when the append has returned.
fn append_once(dir: &Path) {
    let mut log = SledLog::open(config(dir)).unwrap();
    std::fs::write(dir.join("opened"), "").unwrap();
    write(&mut log, 100);
    std::fs::write(dir.join("returned"), "").unwrap();
    log.close().unwrap();
}

/// Large blocks, then small ones.
fn grow(dir: &Path) {
    let mut log = SledLog::open(config(dir)).unwrap();
    write(&mut log, 30_000);
    for _ in 0..200 {
        write(&mut log, 1);
    }
    for _ in 0..50 {
        write(&mut log, 100);
    }
}

/// Appends until an append fails, noting what was acknowledged; the failure must be for good.
fn fill(dir: &Path) {
    let mut log = SledLog::open(config(dir)).unwrap();
    for _ in 0..2_000 {
        match append(&mut log, 1_000) {
            Appended::Committed(head) => note(dir, head),
            Appended::Failed(reason) => {
                assert_eq!(append(&mut log, 1), Appended::Failed(reason));
                std::process::exit(FULL);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn note(dir: &Path, head: Head) {
    std::fs::write(dir.with_extension("acknowledged"), head.seq.to_string()).unwrap();
}

struct KillAt {
    point: String,
    left: AtomicU32,
}

impl Probe for KillAt {
    fn at(&self, point: &'static str) {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}

/// Opens, appends and closes over and over, noting what was acknowledged, until the point kills it.
fn live_until_killed(dir: &Path, point: &str, count: u32) {
    let left = AtomicU32::new(count);
    let kill = std::sync::Arc::new(KillAt { point: point.to_owned(), left });
    for _ in 0..20 {
        let mut config = probed(dir, Nothing);
        config.probe = Some(std::sync::Arc::clone(&kill) as _);
        let mut log = SledLog::open(config).unwrap();
        for _ in 0..6 {
            let head = write(&mut log, 150);
            note(dir, head);
        }
        log.close().unwrap();
    }
    panic!("`{point}` was not reached `{count}` times");
}

pub(crate) struct Nothing;

impl Probe for Nothing {
    fn at(&self, _: &'static str) {}
}
