//! Relaxed durability: answers run ahead of the disk, but not far, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use sledger::core::event::{Decision, Event};
use sledger::{Actor, Answer, Command, Config, Durability, Failure, Ledger, Login, Outcome, Request};
use sledger_testkit::faulty_log::{Fault, FaultyLog, Held};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Far above the bound, and far below the time after which a barrier that hangs poisons.
const SOON: Duration = Duration::from_secs(5);

fn ledger(durability: Durability, faults: impl IntoIterator<Item = (u64, Fault)>) -> (Ledger, Held) {
    let (log, held) = FaultyLog::new(faults);
    let config = Config { durability, ..Config::new("unused") };
    (Ledger::on_log(config, Box::new(log)).unwrap(), held)
}

fn login(ledger: &Ledger, n: u64) -> Result<Box<Answer>, Failure> {
    let login = Login { user: Some(format!("u{n}")), session: Some(format!("s{n}")), ..Login::default() };
    let request = Request::new(Actor::Local, Command::Login(Box::new(login)));
    ledger.submit(request)?.wait_for(PATIENCE)
}

/// Logs in until nobody is told yes any more: how many were, when the last of them, and what then was said.
fn log_in_until_it_stops(ledger: &Ledger) -> (u64, Duration, Failure) {
    let begun = Instant::now();
    let mut last = Duration::ZERO;
    for n in 0.. {
        match login(ledger, n) {
            Ok(answer) => assert_eq!(answer.outcome, Outcome::Admitted),
            Err(failure) => return (n, last, failure),
        }
        last = begun.elapsed();
    }
    unreachable!("the watchdog ends it")
}

fn admitted(decisions: &[Arc<Decision>]) -> usize {
    let events = decisions.iter().flat_map(|decision| &decision.events);
    events.filter(|event| matches!(event, Event::Admitted { .. })).count()
}

#[test]
fn while_a_barrier_hangs_relaxed_answers_come_until_the_bound_and_then_nobody_is_told_yes() {
    // On a machine that stands still for as long as the bound only the first would come.
    let ran_ahead = (0..3).any(|_| {
        let (ledger, held) = ledger(Durability::Relaxed, [(1, Fault::Hangs)]);
        let (yes, last, failure) = log_in_until_it_stops(&ledger);
        assert!(yes >= 1, "the first does not wait");
        assert!(last < SOON, "the last yes came after {last:?}, though the disk had taken nothing");
        // Where the decider was waiting for the writer already, the next one was never decided at all.
        assert!(matches!(failure, Failure::OutcomeUnknown(_) | Failure::Poisoned(_)), "{failure:?}");
        assert!(matches!(login(&ledger, 0), Err(Failure::Poisoned(_))), "nothing is admitted any more");
        assert_eq!(admitted(&held.decisions()), 0);
        held.let_go();
        // One is written, one batch waits for the writer: more than that must not wait for the disk.
        yes > 3
    });
    assert!(ran_ahead);
}

#[test]
fn while_a_barrier_hangs_no_durable_answer_comes() {
    let (ledger, held) = ledger(Durability::Durable, [(1, Fault::Hangs)]);
    let (yes, _, failure) = log_in_until_it_stops(&ledger);
    assert_eq!(yes, 0);
    assert!(matches!(failure, Failure::OutcomeUnknown(_)), "{failure:?}");
    held.let_go();
}

#[test]
fn after_the_bound_answers_wait_for_the_disk_and_come_with_it() {
    let (ledger, held) = ledger(Durability::Relaxed, [(1, Fault::Waits(None))]);
    let first = login(&ledger, 0).unwrap();
    held.until_it_waits();
    // Ledger time shows when the bound is over.
    let is_over = |n| {
        let login = Login { user: Some(format!("w{n}")), session: Some(format!("w{n}")), ..Login::default() };
        let ticket = ledger.submit(Request::new(Actor::Local, Command::Login(Box::new(login)))).unwrap();
        ticket.wait_for(Duration::from_secs(1)).is_err()
    };
    assert!((0..100_000).any(is_over), "one waits at last");
    assert_eq!(ledger.poisoned(), None);
    held.let_go();
    let after = login(&ledger, 1).unwrap();
    assert!(after.seq > first.seq);
    ledger.close();
    assert!(held.is_closed());
}

#[test]
fn queries_show_what_is_durable_and_nothing_before_it() {
    let (ledger, held) = ledger(Durability::Relaxed, [(1, Fault::Waits(None))]);
    let answer = login(&ledger, 7).unwrap();
    held.until_it_waits();
    assert!(Some(ledger.durable()) < answer.seq, "answered, and not durable");
    let seen = |ledger: &Ledger| ledger.views().read(|views| views.session("s7").is_some()).unwrap();
    assert!(!seen(&ledger));
    held.let_go();
    let views = ledger.views().clone();
    ledger.close();
    assert!(views.read(|views| views.session("s7").is_some()).unwrap());
}

#[test]
fn a_close_writes_everything_that_was_answered() {
    let (ledger, held) = ledger(Durability::Relaxed, []);
    let count = 2_000;
    let mut caller = ledger.caller(count);
    for n in 0..count {
        let login = Login { user: Some(format!("u{n}")), session: Some(format!("s{n}")), ..Login::default() };
        caller.submit(Request::new(Actor::Local, Command::Login(Box::new(login)))).unwrap();
    }
    for _ in 0..count {
        let (_, answer) = caller.next_within(PATIENCE).unwrap();
        assert_eq!(answer.unwrap().outcome, Outcome::Admitted);
    }
    ledger.close();
    assert!(held.is_closed());
    assert_eq!(admitted(&held.decisions()), count);
}

#[test]
fn a_failed_append_poisons_though_its_logins_were_answered() {
    let fails = Fault::Waits(Some(Box::new(Fault::Fails("the disk is gone".to_owned()))));
    let (ledger, held) = ledger(Durability::Relaxed, [(1, fails)]);
    assert_eq!(login(&ledger, 0).unwrap().outcome, Outcome::Admitted);
    let (sender, told) = std::sync::mpsc::channel();
    ledger.on_poison(move |reason| sender.send(reason.to_owned()).unwrap());
    held.until_it_waits();
    held.let_go();
    assert!(told.recv_timeout(PATIENCE).unwrap().contains("the disk is gone"));
    assert!(matches!(login(&ledger, 1), Err(Failure::Poisoned(_))));
    assert_eq!(admitted(&held.decisions()), 0);
}
