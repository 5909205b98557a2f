//! A log that does not know, or that somebody else has written to: nobody is answered before it is settled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use sledger::core::command::Target;
use sledger::{Actor, Command, Config, Failure, Ledger, Login, Outcome, Request, Ticket};
use sledger_testkit::faulty_log::{Fault, FaultyLog, Held, Then};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the log says that it does not know, and how long that is at the writer's pace.
const TRIES: u32 = 25;
const SETTLED: Duration = Duration::from_millis(20 * 25);

fn login(session: &str) -> Request {
    let login = Login { user: Some("ann".into()), session: Some(session.into()), ..Login::default() };
    let request = Request::new(Actor::Local, Command::Login(Box::new(login)));
    Request { command_id: Some(format!("c-{session}")), ..request }
}

/// Records nothing, and rests on what is in flight all the same.
fn touch_of_nobody() -> Request {
    let target = Target { session: Some("nobody".into()), ..Target::default() };
    Request::new(Actor::Local, Command::Touch(target))
}

fn ledger(fault: Fault) -> (Ledger, Held) {
    let (log, held) = FaultyLog::new([(1, fault)]);
    (Ledger::on_log(Config::new("unused"), Box::new(log)).unwrap(), held)
}

/// A login whose append meets the fault, and what comes behind it.
fn in_flight(ledger: &Ledger) -> [Ticket; 3] {
    [login("a"), touch_of_nobody(), login("b")].map(|request| ledger.submit(request).unwrap())
}

#[test]
fn while_an_append_is_unknown_nobody_is_answered_not_even_who_recorded_nothing() {
    let (ledger, held) = ledger(Fault::Unknown { tries: TRIES, then: Then::Committed });
    let (begun, mut outcomes) = (Instant::now(), Vec::new());
    for ticket in in_flight(&ledger) {
        outcomes.push(ticket.wait_for(PATIENCE).unwrap().outcome);
        let waited = begun.elapsed();
        assert!(waited >= SETTLED / 2, "answered after {waited:?}, while the log did not know");
    }
    assert_eq!(outcomes, [Outcome::Admitted, Outcome::Unknown, Outcome::Admitted]);
    assert_eq!(ledger.poisoned(), None);
    ledger.close();
    assert!(held.is_closed());
}

#[test]
fn a_decider_that_was_replaced_tells_all_to_ask_again_with_the_same_command_id() {
    for fault in [Fault::Conflicts, Fault::Unknown { tries: 2, then: Then::Conflicts }] {
        let (ledger, held) = ledger(Fault::Waits(Some(Box::new(fault))));
        let tickets = in_flight(&ledger);
        held.until_it_waits();
        held.let_go();
        for ticket in tickets {
            let failure = ticket.wait_for(PATIENCE).unwrap_err();
            let told = failure.to_string();
            match failure {
                Failure::OutcomeUnknown(_) => {
                    assert!(told.contains("repeat it with the same command id"), "{told}");
                }
                // It came when the ledger had stopped already: nothing was decided.
                failure => assert!(matches!(failure, Failure::Poisoned(_)), "{told}"),
            }
        }
        let reason = ledger.poisoned().unwrap();
        assert!(reason.contains("another decider writes this log"), "{reason}");
        let admitted = held.decisions().iter().any(|one| format!("{one:?}").contains("Admitted"));
        assert!(!admitted, "nothing was written over the other's block");
        ledger.close();
        assert!(!held.is_closed(), "a log that is another's now is left alone");
    }
}
