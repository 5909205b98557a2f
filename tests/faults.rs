//! What a ledger does when its log, its clock or one of its threads fails: never a wrong grant, never silence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use sledger::core::command::Target;
use sledger::core::event::{Decision, Event};
use sledger::core::{Millis, Seq, Span, State};
use sledger::{Actor, Answer, Command, Config, Failure, Ledger, Login, OpenError, Outcome, Request, Ticket};
use sledger_log::Probe;
use sledger_replay::history;
use sledger_testkit::faulty_log::{Fault, FaultyLog, Held, Then};
use sledger_testkit::sim_clock::SimClock;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600_000;
const NOON: Millis = Millis(1_800_000_000_000);

fn login(user: &str, session: &str) -> Request {
    let login = Login { user: Some(user.into()), session: Some(session.into()), ..Login::default() };
    Request::new(Actor::Local, Command::Login(Box::new(login)))
}

fn ask(ledger: &Ledger, request: Request) -> Result<Box<Answer>, Failure> {
    ledger.submit(request)?.wait_for(PATIENCE)
}

/// A ledger on a log with these faults, the log, and where it says that it is poisoned.
fn faulty(faults: impl IntoIterator<Item = (u64, Fault)>) -> (Ledger, Held, Receiver<String>) {
    let (log, held) = FaultyLog::new(faults);
    let ledger = Ledger::on_log(Config::new("unused"), Box::new(log)).unwrap();
    let told = poison_told(&ledger);
    (ledger, held, told)
}

fn poison_told(ledger: &Ledger) -> Receiver<String> {
    let (sender, told) = channel();
    ledger.on_poison(move |reason| sender.send(reason.to_owned()).unwrap());
    told
}

/// Waits for the poison, and checks that nothing is admitted behind it and that it is told once.
fn is_poisoned(ledger: &Ledger, told: &Receiver<String>) -> String {
    let reason = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(ledger.poisoned().as_deref(), Some(reason.as_str()));
    let after = ask(ledger, login("late", "late"));
    assert_eq!(after, Err(Failure::Poisoned(Arc::from(reason.as_str()))), "nothing is admitted any more");
    assert!(told.try_recv().is_err(), "told once");
    reason
}

fn admitted(decisions: &[Arc<Decision>]) -> usize {
    let events = decisions.iter().flat_map(|decision| &decision.events);
    events.filter(|event| matches!(event, Event::Admitted { .. })).count()
}

/// Some logins, all handed in while an append waits: they lie in the writer, between, and in the decider.
fn in_flight(ledger: &Ledger, held: &Held) -> Vec<Ticket> {
    let first = ledger.submit(login("u", "s0")).unwrap();
    held.until_it_waits();
    let more = (1..40).map(|n| ledger.submit(login("u", &format!("s{n}"))).unwrap());
    std::iter::once(first).chain(more).collect()
}

/// Those who are told that their outcome is unknown, or that nothing was decided, within `patience`; nobody is told
/// yes, and the first, who was being written, is told at least that it is unknown.
fn count_told(tickets: Vec<Ticket>, patience: Duration) -> usize {
    let end = Instant::now() + patience;
    let mut told = 0;
    for (index, ticket) in tickets.into_iter().enumerate() {
        match ticket.wait_for(end.saturating_duration_since(Instant::now())) {
            Err(Failure::OutcomeUnknown(reason)) => told += usize::from(&*reason != "no answer in time"),
            Err(Failure::Poisoned(_)) if index > 0 => told += 1,
            answer => panic!("ticket {index}: {answer:?}"),
        }
        assert!(told > 0, "the first is told");
    }
    told
}

fn everybody_is_told(tickets: Vec<Ticket>) {
    let count = tickets.len();
    assert_eq!(count_told(tickets, PATIENCE), count);
}

#[test]
fn a_failed_append_tells_everybody_in_flight_that_the_outcome_is_unknown() {
    let fails = Fault::Fails("the disk is gone".to_owned());
    let (ledger, held, told) = faulty([(1, Fault::Waits(Some(Box::new(fails))))]);
    let tickets = in_flight(&ledger, &held);
    held.let_go();
    everybody_is_told(tickets);
    assert!(is_poisoned(&ledger, &told).contains("the disk is gone"));
    assert_eq!(admitted(&held.decisions()), 0);
    ledger.close();
    assert!(!held.is_closed(), "a poisoned log is left as it is");
}

#[test]
fn a_decider_that_was_replaced_stops_and_decides_nothing_again() {
    let (ledger, held, told) = faulty([(2, Fault::Waits(Some(Box::new(Fault::Conflicts))))]);
    let before = ask(&ledger, login("ann", "a")).unwrap();
    assert_eq!(before.outcome, Outcome::Admitted);
    let tickets = in_flight(&ledger, &held);
    held.let_go();
    everybody_is_told(tickets);
    assert!(is_poisoned(&ledger, &told).contains("another decider"));
    assert_eq!((admitted(&held.decisions()), held.tries()), (1, 1), "a conflict is final");
}

#[test]
fn an_unknown_append_that_was_taken_is_answered_as_if_nothing_had_been() {
    let (ledger, held, _) = faulty([(1, Fault::Unknown { tries: 3, then: Then::Committed })]);
    let answer = ask(&ledger, login("ann", "a")).unwrap();
    assert_eq!((answer.outcome, answer.active), (Outcome::Admitted, Some(1)));
    assert_eq!((held.tries(), admitted(&held.decisions())), (4, 1), "the same bytes, kept once");
    assert_eq!(ask(&ledger, login("ann", "b")).unwrap().active, Some(2));
    assert_eq!(ledger.poisoned(), None);
    ledger.close();
    assert!(held.is_closed());
}

#[test]
fn an_unknown_append_that_somebody_else_overtook_is_a_conflict() {
    let (ledger, held, told) = faulty([(1, Fault::Unknown { tries: 2, then: Then::Conflicts })]);
    let answer = ask(&ledger, login("ann", "a"));
    assert!(matches!(answer, Err(Failure::OutcomeUnknown(_))), "{answer:?}");
    is_poisoned(&ledger, &told);
    assert_eq!(admitted(&held.decisions()), 0);
}

#[test]
fn an_append_that_stays_unknown_poisons_within_the_watchdogs_time() {
    let (ledger, held, told) = faulty([(1, Fault::Unknown { tries: 1, then: Then::Never })]);
    let begun = Instant::now();
    let answer = ask(&ledger, login("ann", "a"));
    assert!(matches!(answer, Err(Failure::OutcomeUnknown(_))), "nobody is answered meanwhile: {answer:?}");
    assert!(begun.elapsed() >= Duration::from_secs(9), "it is tried for 10 s: {:?}", begun.elapsed());
    is_poisoned(&ledger, &told);
    assert!(held.tries() > 10, "{} tries", held.tries());
}

#[test]
fn a_barrier_that_hangs_poisons_after_ten_seconds_and_tells_those_it_held() {
    let (ledger, held, told) = faulty([(1, Fault::Hangs)]);
    let begun = Instant::now();
    let tickets = in_flight(&ledger, &held);
    let reason = is_poisoned(&ledger, &told);
    assert!(reason.contains("10 s"), "{reason}");
    assert!(begun.elapsed() >= Duration::from_secs(10), "{:?}", begun.elapsed());
    everybody_is_told(tickets);
    held.let_go();
    assert_eq!(admitted(&held.decisions()), 0);
}

#[test]
fn a_panic_of_the_writer_poisons() {
    let (ledger, held, told) = faulty([(1, Fault::Waits(Some(Box::new(Fault::Panics))))]);
    let tickets = in_flight(&ledger, &held);
    held.let_go();
    everybody_is_told(tickets);
    assert!(is_poisoned(&ledger, &told).contains("sledger-write"));
}

#[test]
fn a_panic_of_the_decider_poisons() {
    let clock = Arc::new(SimClock::at(NOON));
    let mut config = Config::new("unused");
    config.clock = Arc::clone(&clock) as Arc<_>;
    let (log, held) = FaultyLog::new([]);
    let ledger = Ledger::on_log(config, Box::new(log)).unwrap();
    let told = poison_told(&ledger);
    assert_eq!(ask(&ledger, login("ann", "a")).unwrap().outcome, Outcome::Admitted);
    clock.break_it();
    let answer = ask(&ledger, login("ann", "b"));
    assert!(matches!(answer, Err(Failure::OutcomeUnknown(_) | Failure::Poisoned(_))), "{answer:?}");
    assert!(is_poisoned(&ledger, &told).contains("sledger-decide"));
    assert_eq!(admitted(&held.decisions()), 1);
}

#[test]
fn a_full_queue_says_busy_and_forgets_nobody_it_took() {
    let (log, held) = FaultyLog::new([(1, Fault::Waits(None))]);
    let mut config = Config::new("unused");
    config.queue_max = 4;
    let ledger = Ledger::on_log(config, Box::new(log)).unwrap();
    let mut taken = vec![ledger.submit(login("u", "first")).unwrap()];
    held.until_it_waits();
    let busy = (0..100_000).find_map(|n| match ledger.submit(login(&format!("u{n}"), &format!("s{n}"))) {
        Ok(ticket) => {
            taken.push(ticket);
            None
        }
        Err(failure) => Some(failure),
    });
    assert_eq!(busy, Some(Failure::Busy));
    held.let_go();
    let count = taken.len();
    for ticket in taken {
        assert_eq!(ticket.wait_for(PATIENCE).unwrap().outcome, Outcome::Admitted);
    }
    ledger.close();
    assert_eq!(admitted(&held.decisions()), count, "whoever was told busy left no trace");
}

/// Fails the step at one point, the how manieth time.
struct Breaks {
    point: &'static str,
    left: AtomicU32,
}

impl Probe for Breaks {
    fn at(&self, _point: &'static str) {}

    fn fail(&self, point: &'static str) -> Option<String> {
        let breaks = point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        breaks.then(|| format!("broken at {point}"))
    }
}

/// Logs in until the ledger is poisoned. How many were told yes.
fn log_in_until_poisoned(ledger: &Ledger) -> usize {
    for n in 0..5_000 {
        match ask(ledger, login(&format!("u{n}"), &format!("s{n}"))) {
            Ok(answer) => assert_eq!(answer.outcome, Outcome::Admitted),
            Err(Failure::OutcomeUnknown(_)) => return n,
            Err(failure) => panic!("{failure}"),
        }
    }
    panic!("never poisoned")
}

#[test]
fn a_disk_that_fails_at_any_step_of_an_append_loses_nothing_that_was_answered() {
    let steps = sledger_log::POINTS.into_iter();
    for point in steps.filter(|point| point.starts_with("append.") || point.starts_with("rotate.")) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path());
        config.volume_bytes_max = 16 * 1024;
        config.reserve_bytes = 0;
        let occurrence = if point.starts_with("append.") { 5 } else { 1 };
        config.probe = Some(Arc::new(Breaks { point, left: AtomicU32::new(occurrence) }));
        let ledger = Ledger::open(config.clone()).unwrap();
        let told = poison_told(&ledger);
        let yes = log_in_until_poisoned(&ledger);
        assert!(is_poisoned(&ledger, &told).contains(point), "{point}");
        drop(ledger);
        let live = |state: &State| state.session_count();
        let left = live(&history::fold(dir.path(), |_| {}).unwrap());
        // The one whose outcome is unknown may be there or not.
        assert!(left == yes || left == yes + 1, "{point}: {yes} were told yes, {left} are there");
    }
}

/// A ledger in `dir` that runs by `clock`.
fn by_clock(dir: &Path, clock: &Arc<SimClock>, accept: bool) -> Result<Ledger, OpenError> {
    let mut config = Config::new(dir);
    config.clock = Arc::clone(clock) as Arc<_>;
    config.reserve_bytes = 0;
    config.accept_clock = accept;
    Ledger::open(config)
}

fn deadline(dir: &Path, session: &str) -> Option<Millis> {
    let state = history::fold(dir, |_| {}).unwrap();
    state.session(session).map(sledger_core::state::Session::deadline)
}

fn login_with_idle(session: &str, idle: Span) -> Request {
    let mut request = login("ann", session);
    if let Command::Login(login) = &mut request.command {
        login.idle = Some(idle);
    }
    request
}

#[test]
fn while_the_ledger_is_down_idle_does_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::at(NOON));
    let ledger = by_clock(dir.path(), &clock, false).unwrap();
    for (session, idle) in [("long", Span::seconds(1800)), ("brief", Span::seconds(70))] {
        assert_eq!(ask(&ledger, login_with_idle(session, idle)).unwrap().outcome, Outcome::Admitted);
    }
    clock.pass(60_000);
    // What is left of the brief one's idle time is 10 s, of the long one's 29 minutes.
    ledger.close();
    clock.pass(2 * HOUR);
    let opened = clock_now(&clock);
    let ledger = by_clock(dir.path(), &clock, false).unwrap();
    assert_eq!(
        deadline(dir.path(), "long"),
        Some(opened.plus(Span::seconds(29 * 60))),
        "[2] moved by the gap"
    );
    assert_eq!(
        deadline(dir.path(), "brief"),
        Some(opened.plus(Span::seconds(60))),
        "[2] never below resolution"
    );
    clock.pass(60_000);
    let answer = ask(&ledger, Request::new(Actor::Local, Command::Advance)).unwrap();
    let expired: Vec<&str> = answer.expired.iter().map(|facts| facts.session()).collect();
    // At its deadline exactly it is over; the timer may have been there first.
    assert!(expired.is_empty() || expired == ["brief"], "{expired:?}");
    let touched = ask(&ledger, touch("brief")).unwrap();
    assert_eq!(touched.outcome, Outcome::Ended);
    assert_eq!(ask(&ledger, touch("long")).unwrap().outcome, Outcome::Touched);
    ledger.close();
}

fn touch(session: &str) -> Request {
    let target = Target { session: Some(session.into()), user: Some("ann".into()), generation: None };
    Request::new(Actor::Local, Command::Touch(target))
}

fn clock_now(clock: &SimClock) -> Millis {
    sledger_core::clock::Clock::wall(clock)
}

#[test]
fn a_wall_clock_far_ahead_is_refused_until_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::at(NOON));
    let ledger = by_clock(dir.path(), &clock, false).unwrap();
    assert_eq!(ask(&ledger, login_with_idle("a", Span::NEVER)).unwrap().outcome, Outcome::Admitted);
    ledger.close();
    let seq = last_seq(dir.path());
    clock.pass(7 * 24 * HOUR + 1);
    let refused = by_clock(dir.path(), &clock, false).unwrap_err();
    assert!(matches!(refused, OpenError::ClockAhead { .. }), "{refused}");
    assert!(refused.to_string().contains("clock accept"), "it says what to do: {refused}");
    assert_eq!(last_seq(dir.path()), seq, "nothing is recorded by a refusal");
    let ledger = by_clock(dir.path(), &clock, true).unwrap();
    ledger.close();
    let ledger = by_clock(dir.path(), &clock, false).expect("accepted once, it is the last recorded time");
    ledger.close();
}

fn last_seq(dir: &Path) -> Seq {
    history::fold(dir, |_| {}).unwrap().seq()
}

#[test]
fn a_jump_forward_of_up_to_an_hour_is_followed_and_a_longer_one_is_slewed() {
    let clock = Arc::new(SimClock::at(NOON));
    let mut config = Config::new("unused");
    config.clock = Arc::clone(&clock) as Arc<_>;
    let (log, held) = FaultyLog::new([]);
    let ledger = Ledger::on_log(config, Box::new(log)).unwrap();
    let now = || ask(&ledger, Request::new(Actor::Local, Command::Advance)).unwrap().at;
    assert_eq!(now(), NOON);
    // The wall clock is set before time passes: the ledger looks at it once a second of the other hand.
    clock.set_wall(NOON.plus(Span::millis(HOUR - 1_000)));
    clock.pass(1_000);
    assert_eq!(now(), NOON.plus(Span::millis(HOUR)), "[9] the machine slept");
    clock.set_wall(NOON.plus(Span::millis(4 * HOUR)));
    clock.pass(1_000);
    let before = now();
    clock.pass(10_000);
    assert_eq!(now().since(before), 11_000, "[9] a tenth faster");
    clock.set_wall(NOON);
    clock.pass(1_000);
    let before = now();
    clock.pass(10_000);
    assert_eq!(now().since(before), 9_000, "[9] a tenth slower, never backwards");
    ledger.close();
    let differs =
        |decision: &Arc<Decision>| matches!(decision.events.first(), Some(Event::ClockDiffers { .. }));
    assert!(held.decisions().iter().any(differs), "[9] a difference is recorded");
}
