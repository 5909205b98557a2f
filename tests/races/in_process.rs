//! Through the library.

use super::{PATIENCE, Seen, THREADS, config, login, quota};
use sledger::core::command::Target;
use sledger::core::config::{Dimension, Quota};
use sledger::{Actor, Command, Ledger, Outcome, Request};
use sledger_testkit::recordings::Rng;
use std::sync::{Arc, Barrier, Mutex};
use tempfile::TempDir;

/// Runs `ask` in every thread, all at once, over a ledger with these quotas; then reads what it left.
fn race(
    quotas: Vec<Arc<Quota>>,
    ask: impl Fn(&Ledger, usize) -> Vec<Outcome> + Sync,
) -> (Seen, Vec<Outcome>) {
    let dir = TempDir::new().unwrap();
    let ledger = Ledger::open(config(dir.path(), quotas)).unwrap();
    let (start, outcomes) = (Barrier::new(THREADS), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ledger, start, outcomes, ask) = (&ledger, &start, &outcomes, &ask);
            scope.spawn(move || {
                start.wait();
                let came = ask(ledger, thread);
                outcomes.lock().unwrap().extend(came);
            });
        }
    });
    ledger.close();
    (Seen::read(dir.path()), outcomes.into_inner().unwrap())
}

fn ask(ledger: &Ledger, command: Command) -> Outcome {
    let ticket = ledger.submit(Request::new(Actor::Local, command)).unwrap();
    ticket.wait_for(PATIENCE).unwrap().outcome
}

fn enter(ledger: &Ledger, user: &str, session: &str, ip: &str) -> Outcome {
    ask(ledger, Command::Login(Box::new(login(user, session, ip))))
}

fn count(outcomes: &[Outcome], outcome: Outcome) -> usize {
    outcomes.iter().filter(|found| **found == outcome).count()
}

#[test]
fn as_many_as_the_limit_are_admitted_and_the_rest_denied() {
    let quotas = vec![quota(Dimension::User, 5, "deny_access")];
    let (seen, outcomes) = race(quotas, |ledger, thread| {
        (0..4).map(|n| enter(ledger, "ann", &format!("{thread}.{n}"), "10.0.0.1")).collect()
    });
    assert_eq!(count(&outcomes, Outcome::Admitted), 5);
    assert_eq!(count(&outcomes, Outcome::Denied), THREADS * 4 - 5);
    assert_eq!((seen.user_max, seen.admitted, seen.live.len()), (5, 5, 5));
}

#[test]
fn a_policy_that_evicts_admits_everybody_and_never_passes_the_limit() {
    for policy in ["destroy_oldest", "destroy_next_expiring", "destroy_most_idle", "destroy_least_time_left"]
    {
        let (seen, outcomes) = race(vec![quota(Dimension::User, 5, policy)], |ledger, thread| {
            (0..4).map(|n| enter(ledger, "ann", &format!("{thread}.{n}"), "10.0.0.1")).collect()
        });
        assert_eq!(count(&outcomes, Outcome::Admitted), THREADS * 4, "{policy}");
        assert_eq!((seen.user_max, seen.live.len()), (5, 5), "{policy}");
    }
}

#[test]
fn evicting_all_others_leaves_one() {
    let (seen, outcomes) = race(vec![quota(Dimension::User, 3, "destroy_all_others")], |ledger, thread| {
        vec![enter(ledger, "ann", &format!("{thread}"), "10.0.0.1")]
    });
    assert_eq!(count(&outcomes, Outcome::Admitted), THREADS);
    assert_eq!(seen.user_max, 3);
    assert!((1..=3).contains(&seen.live.len()), "{}", seen.live.len());
}

#[test]
fn one_id_from_sixty_four_threads_is_one_session() {
    let (seen, outcomes) = race(vec![quota(Dimension::User, 5, "deny_access")], |ledger, _| {
        vec![enter(ledger, "ann", "same", "10.0.0.1")]
    });
    assert_eq!(count(&outcomes, Outcome::Admitted), 1);
    assert_eq!(count(&outcomes, Outcome::Resumed), THREADS - 1);
    assert_eq!((seen.admitted, seen.live.len()), (1, 1));
}

#[test]
fn two_quotas_hold_together_with_touches_and_logouts_between() {
    for (by_user, by_ip) in [
        ("deny_access", "deny_access"),
        ("destroy_oldest", "deny_access"),
        ("deny_access", "destroy_oldest"),
        ("destroy_most_idle", "destroy_next_expiring"),
    ] {
        let quotas = vec![quota(Dimension::User, 4, by_user), quota(Dimension::Ip, 7, by_ip)];
        let (seen, outcomes) = race(quotas, come_and_go);
        let names = format!("{by_user}, {by_ip}");
        assert!(seen.user_max == 4 && seen.ip_max == 7, "{names}: {} {}", seen.user_max, seen.ip_max);
        assert_eq!(count(&outcomes, Outcome::Admitted), seen.admitted, "{names}: told as recorded");
        assert!(count(&outcomes, Outcome::Unknown) == 0, "{names}");
    }
}

/// Logs in as one of six users from one of four addresses, touches and logs out.
fn come_and_go(ledger: &Ledger, thread: usize) -> Vec<Outcome> {
    let mut rng = Rng::new(thread as u64);
    let mut outcomes = Vec::new();
    let mut mine: Vec<(String, String)> = Vec::new();
    for n in 0..24 {
        let target = |(user, session): &(String, String)| Target {
            session: Some(session.clone()),
            user: Some(user.clone()),
            generation: None,
        };
        let outcome = match (rng.below(100), mine.is_empty()) {
            (60..80, false) => ask(ledger, Command::Touch(target(&mine[rng.below(mine.len())]))),
            (80.., false) => {
                let index = rng.below(mine.len());
                ask(ledger, Command::Logout(target(&mine.swap_remove(index))))
            }
            _ => {
                let (user, session) = (format!("user-{}", rng.below(6)), format!("{thread}.{n}"));
                let ip = format!("10.0.0.{}", 1 + rng.below(4));
                let outcome = enter(ledger, &user, &session, &ip);
                if outcome == Outcome::Admitted {
                    mine.push((user, session));
                }
                outcome
            }
        };
        outcomes.push(outcome);
    }
    outcomes
}
