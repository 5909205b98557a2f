use super::*;
use sledger_core::Millis;
use sledger_core::answer::Outcome;
use sledger_core::command::{Actor, Command};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn request() -> Request {
    Request::new(Actor::Local, Command::Advance)
}

fn answer() -> Box<Answer> {
    Box::new(Answer::new(Outcome::Advanced, Millis(0)))
}

#[test]
fn a_full_queue_says_busy_and_nothing_is_in_flight_for_it() {
    let (ingest, _intake) = channel(1);
    let mut caller = ingest.caller(4);
    assert!(caller.submit(request()).is_ok());
    assert_eq!(caller.submit(request()), Err(Refused::Ledger(Failure::Busy)));
    assert_eq!(caller.in_flight(), 1);
}

#[test]
fn a_full_ring_refuses_before_the_queue_is_touched() {
    let (ingest, intake) = channel(8);
    let mut caller = ingest.caller(1);
    assert!(caller.submit(request()).is_ok());
    assert_eq!(caller.submit(request()), Err(Refused::RingFull { in_flight: 1 }));
    let mut wakes = Wakes::default();
    intake.take().unwrap().reply.fill(Ok(answer()), &mut wakes);
    wakes.wake_all();
    assert!(caller.next_within(PATIENCE).unwrap().1.is_ok());
    assert!(caller.submit(request()).is_ok());
}

#[test]
fn a_dropped_submission_is_answered_as_unknown() {
    let (ingest, intake) = channel(8);
    let mut caller = ingest.caller(1);
    caller.submit(request()).unwrap();
    drop(intake.take());
    let (_, completion) = caller.next_within(PATIENCE).unwrap();
    assert!(matches!(completion, Err(Failure::OutcomeUnknown(_))));
}

#[test]
fn every_one_of_many_threads_gets_each_of_its_answers_once() {
    let (ingest, intake) = channel(64);
    let decider = std::thread::spawn(move || {
        let mut wakes = Wakes::default();
        let (_speaker, quiet) = bounded(1);
        while let Some(first) = intake.wait(&quiet, Instant::now() + Duration::from_millis(500)) {
            first.reply.fill(Ok(answer()), &mut wakes);
            while let Some(more) = intake.take() {
                more.reply.fill(Ok(answer()), &mut wakes);
            }
            wakes.wake_all();
        }
    });
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let mut caller = ingest.caller(16);
            std::thread::spawn(move || {
                let mut got = std::collections::BTreeSet::new();
                let mut sent = 0;
                while got.len() < 2_000 {
                    while sent < 2_000 && caller.submit(request()).is_ok() {
                        sent += 1;
                    }
                    if let Some((token, completion)) = caller.next_within(PATIENCE) {
                        assert!(completion.is_ok());
                        assert!(got.insert(token), "answered twice: {token:?}");
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    drop(ingest);
    decider.join().unwrap();
}

#[test]
fn a_stopped_ledger_takes_nothing_and_says_why() {
    let (ingest, _intake) = channel(8);
    ingest.stop(Failure::Poisoned(Arc::from("disk")));
    ingest.stop(Failure::Closed);
    let refused = ingest.caller(1).submit(request()).unwrap_err();
    assert_eq!(refused, Refused::Ledger(Failure::Poisoned(Arc::from("disk"))));
}
