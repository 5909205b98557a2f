//! Keys that stand in their user's row, also where history is odd.

use super::*;
use crate::config::{Quota, Settings};
use crate::event::{Counted, Decision, Event, LoginOp, Op};
use crate::evolve::evolve_decision;
use crate::{Facts, Limit, Personal, Texts};

fn state() -> State {
    let quotas = vec![Arc::new(Quota::default_quota())];
    let ready = Ready::new(Settings { quotas, ..Settings::default() });
    State::new(ready.expect("the default quota can be used"), Vec::new(), 1)
}

fn admit(state: &mut State, id: &str, counted: &[Counted]) {
    let facts = Facts::new(Texts { user: "ann", session: id, ..Texts::default() });
    let login = LoginOp {
        facts: Personal::Plain(Arc::new(facts)),
        extras: None,
        ttl: None,
        idle: None,
        retention: None,
    };
    let first = state.seq().next();
    let admitted = Event::Admitted { user: UserNo(1), counted: counted.iter().copied().collect() };
    fold(state, first, Op::Login(Box::new(login)), admitted);
}

fn end(state: &mut State, session: Seq) {
    let ended =
        Event::Ended { session, cause: crate::event::Cause::Logout, ended_at: Millis(1), judged: None };
    fold(state, state.seq().next(), Op::Logout { session }, ended);
}

fn fold(state: &mut State, first: Seq, op: Op, event: Event) {
    let by = crate::command::Actor::Local;
    let decision: Decision = crate::decide::own_decision(by, Millis(1), op, vec![event]);
    evolve_decision(state, first, &decision);
}

fn counted(key: u64) -> Counted {
    Counted { quota: 0, key: KeyNo(key), limit: Limit::Unlimited, count: 1 }
}

#[test]
fn a_key_that_counts_all_of_its_user_holds_what_the_user_holds() {
    let mut state = state();
    admit(&mut state, "a", &[counted(1)]);
    admit(&mut state, "b", &[counted(1)]);
    assert_eq!((state.active("ann"), state.key_count(0, "ann")), (2, 2));
    assert_eq!(state.key_counts(), [(KeyNo(1), 0, 2)]);
    end(&mut state, Seq(1));
    assert_eq!(state.key_counts(), [(KeyNo(1), 0, 1)]);
    end(&mut state, Seq(2));
    assert_eq!((state.user_count(), state.key_counts().len()), (0, 0));
}

#[test]
fn a_session_that_its_users_key_does_not_count_is_not_counted() {
    let mut state = state();
    admit(&mut state, "a", &[counted(1)]);
    admit(&mut state, "b", &[]);
    assert_eq!((state.active("ann"), state.key_count(0, "ann")), (2, 1));
    admit(&mut state, "c", &[counted(1)]);
    assert_eq!((state.active("ann"), state.key_count(0, "ann")), (3, 2));
    end(&mut state, Seq(1));
    end(&mut state, Seq(3));
    assert_eq!((state.active("ann"), state.key_count(0, "ann")), (1, 0));
    assert_eq!(state.key_counts(), []);
}

#[test]
fn a_key_that_comes_after_its_users_first_session_counts_from_then_on() {
    let mut state = state();
    admit(&mut state, "a", &[]);
    admit(&mut state, "b", &[counted(1)]);
    assert_eq!((state.active("ann"), state.key_count(0, "ann")), (2, 1));
    end(&mut state, Seq(2));
    assert_eq!((state.active("ann"), state.key_counts().len()), (1, 0));
}
