//! kill -9 at every named point and at any moment: nothing acknowledged is lost, nothing is half there.
//!
//! A child, this binary again, runs a real ledger and writes a line to a pipe for every answer it gets. It is
//! killed; then the log is read without the ledger, and every line ever written must be in it.
//!
//! `SLEDGER_CRASH_KILLS` sets how many kills (each named point comes at least twice), `SLEDGER_CRASH_SEED` the seed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

#[path = "crash/child.rs"]
mod child;
#[path = "crash/io_errors.rs"]
mod io_errors;
#[path = "crash/parent.rs"]
mod parent;
#[path = "crash/served.rs"]
mod served;
#[path = "crash/steps.rs"]
mod steps;

use child::Orders;
use parent::{Life, was_killed};
use sledger_testkit::crash::{Book, Kill, Plan, Run};
use std::time::Instant;

/// The point that is the ledger's own.
const ANSWER: &str = "answer.before";

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

fn seed() -> u64 {
    number("SLEDGER_CRASH_SEED").unwrap_or(7)
}

/// Not a test of its own: the process that is killed. Does nothing unless it was ordered to.
#[test]
fn child() {
    if let Some(orders) = Orders::read() {
        child::run(&orders);
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_there_after_a_kill_anywhere() {
    if Orders::read().is_some() {
        return;
    }
    let (seed, kills) = (seed(), number("SLEDGER_CRASH_KILLS").unwrap_or(200));
    println!("SLEDGER_CRASH_SEED={seed} SLEDGER_CRASH_KILLS={kills}");
    let points = sledger_log::POINTS.into_iter().chain(sledger_log::SNAPSHOT_POINTS);
    let points: Vec<&'static str> = points.chain([ANSWER]).collect();
    let plan = Plan::draw(seed, usize::try_from(kills).unwrap(), &points);
    let begun = Instant::now();
    let (mut killed, mut acknowledged) = (0, 0);
    for (no, runs) in plan.lives.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let mut life = Life::default();
        let mut held = 0;
        for (run_no, run) in (1..).zip(runs) {
            let orders = orders(dir.path(), seed ^ (no as u64) << 32, run_no, run);
            let (status, said) = parent::run(&orders, run);
            let acks = said.acks.len();
            println!(
                "{:>6} ms, life {no}, run {run_no}: {run:?}, {acks} acknowledged",
                begun.elapsed().as_millis()
            );
            assert_eq!(was_killed(status), run.kill.is_some(), "{status}");
            assert_eq!(said.closed, run.kill.is_none(), "seed {seed}");
            killed += usize::from(was_killed(status));
            let checked = life.check(dir.path(), said);
            held =
                checked.unwrap_or_else(|why| panic!("seed {seed}, life {no}, run {run_no}, {run:?}: {why}"));
        }
        acknowledged += held;
    }
    println!("{killed} kills, {acknowledged} acknowledgements, {} ms", begun.elapsed().as_millis());
    assert!(killed >= usize::try_from(kills).unwrap());
    assert!(acknowledged > 0);
}

fn orders(dir: &std::path::Path, seed: u64, run_no: u32, run: &Run) -> Orders {
    let point = match &run.kill {
        Some(Kill::AtPoint { point, occurrence }) => Some(((*point).to_owned(), *occurrence)),
        Some(Kill::AfterAcks { .. } | Kill::AfterStart { .. }) | None => None,
    };
    Orders { dir: dir.to_owned(), seed, run: run_no, requests: run.requests, point }
}

#[test]
fn a_killed_server_decides_each_login_once_however_often_it_is_asked() {
    let Some(program) = served::program() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the program `sledger` was not built");
        println!(
            "skipped: a_killed_server_decides_each_login_once_however_often_it_is_asked: no `sledger` was built"
        );
        return;
    };
    let seed = seed();
    println!("SLEDGER_CRASH_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let told = served::ask_through_kills(&program, dir.path(), seed, 4);
    println!("{} acknowledged, {} of them again", told.acks.len(), told.repeated);
    let admitted = told.acks.iter().filter(|ack| ack.is(sledger_core::answer::Outcome::Admitted)).count();
    assert_eq!(admitted, told.acks.len(), "whoever is too many makes room");
    let live = parent::check_served(&dir.path().join("data"), &told.acks);
    let live = live.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    assert!(live.iter().all(|live| !told.logged_out.contains(&live.session)), "logged out is logged out");
}

#[test]
fn a_decision_that_is_gone_or_changed_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run { requests: 40, kill: None };
    let (_, said) = parent::run(&orders(dir.path(), 1, 1, &run), &run);
    let whole = parent::decisions(dir.path());
    let book = |decisions: &[_]| {
        let mut book = Book::default();
        decisions.iter().try_for_each(|(first, decision)| book.note(*first, decision)).map(|()| book)
    };
    assert_eq!(book(&whole).unwrap().check(&said.acks), Ok(()));
    let last = said.acks.iter().filter_map(|ack| ack.seq).max().unwrap();
    let cut: Vec<_> = whole.iter().take_while(|(first, _)| *first < last).cloned().collect();
    let tail = cut.iter().rposition(|(_, decision)| decision.command.is_some()).unwrap();
    let missed = book(&cut[..tail]).unwrap().check(&said.acks);
    assert!(missed.is_err_and(|why| why.contains("no decision of the log ends at its seq")));
    let mut holed = whole.clone();
    holed.remove(whole.len() / 2);
    assert!(book(&holed).is_err_and(|why| why.contains("is not there")));
    let mut twice = whole;
    let (_, again) = twice[tail].clone();
    let end = twice.last().map(|(first, decision)| first.plus(decision.events.len() as u64)).unwrap();
    twice.push((end, again));
    assert!(book(&twice).is_err());
}
