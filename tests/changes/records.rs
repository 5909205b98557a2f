//! No record of a login is too long for the log, whatever a caller names and a policy says [20].

use crate::policies::{office, shadow};
use crate::world::{World, file};
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Command, Ending, Login};
use sledger_core::config::{DECISION_BYTES_MAX, Dimension, Level, Quota};
use sledger_core::event::{Code, Event};
use sledger_core::{Limit, Millis, UserNo};

/// A policy that says as much as it may.
fn talkative(answer: &str) -> String {
    let long = "x".repeat(500);
    let notes: Vec<String> = (0..16).map(|n| format!("note(\"{n}{long}\");")).collect();
    let notes = notes.concat();
    format!("fn limit() {{ 1 }}\nfn on_exhausted() {{ {notes} {answer} }}")
}

#[test]
fn a_talkative_shadow_never_makes_a_record_too_long() {
    let groups = |limit, policy: &str| Quota {
        count_by: vec![Dimension::Group],
        evict_others: true,
        ..office(limit, policy)
    };
    for (limit, policy, outcome) in
        [(99, "destroy_oldest", Outcome::Admitted), (1, "deny_access", Outcome::Denied)]
    {
        let first = Quota { name: "first".into(), level: Level::Advisory, ..groups(limit, policy) };
        let mut world = World::new(file(vec![first, groups(limit, policy)]));
        for name in ["first", "office"] {
            world.done(shadow("other", &talkative("evict(sessions.oldest(quota.excess))"), Some(name)));
        }
        for (user, expected) in [("ann", Outcome::Admitted), ("bob", outcome)] {
            let groups = (0..32).map(|n| format!("group-{n}")).collect();
            let (user, session) = (Some(user.to_owned()), Some(user.to_owned()));
            let login = Login { user, session, groups, ..Login::default() };
            assert_eq!(world.ask(Command::Login(Box::new(login))).outcome, expected);
        }
        assert!(longest(&world) <= DECISION_BYTES_MAX, "{} bytes, {outcome:?}", longest(&world));
        let users = world.events().zip(1..).filter_map(|(event, seq)| match event {
            Event::Admitted { user, .. } => Some((*user, UserNo(seq))),
            _ => None,
        });
        assert!(
            users.into_iter().all(|(user, own)| user == own),
            "a new user has the number of its admission"
        );
    }
}

/// One login with these ids to be ended.
fn ending(world: &mut World, session: &str, end: Ending) -> Answer {
    let (user, session) = (Some("ann".to_owned()), Some(session.to_owned()));
    world.ask(Command::Login(Box::new(Login { user, session, end, ..Login::default() })))
}

fn longest(world: &World) -> usize {
    world.decisions().map(|one| sledger_core::codec::encode(one).len()).max().unwrap()
}

#[test]
fn a_login_that_names_more_than_can_be_recorded_is_refused_by_field() {
    let mut world = World::new(file(vec![office(2, "deny_access")]));
    let ids = |count: usize| Ending::Ids((0..count).map(|n| format!("{n:0>250}")).collect());
    let before = world.recorded();
    let answer = ending(&mut world, "a", ids(300));
    assert_eq!((answer.outcome, answer.field.as_deref()), (Outcome::Rejected, Some("end")));
    assert_eq!(world.recorded(), before);
    assert_eq!(ending(&mut world, "a", ids(90)).outcome, Outcome::Admitted);
    assert_eq!(ending(&mut world, "a", ids(90)).outcome, Outcome::Resumed);
    assert!(longest(&world) <= DECISION_BYTES_MAX);
}

#[test]
fn a_resume_that_would_end_more_than_can_be_recorded_is_denied() {
    let mut world =
        World::new(file(vec![Quota { max_sessions: Limit::Unlimited, ..office(1, "deny_access") }]));
    world.at = Millis(1_900_000_000_000);
    world.logins("ann", 4_090, Outcome::Admitted);
    let answer = ending(&mut world, "s1", Ending::Others);
    assert_eq!(answer.code, Some(Code::ExcessTooLarge), "{:?}", answer.outcome);
    assert!(longest(&world) <= DECISION_BYTES_MAX, "{}", longest(&world));
}
