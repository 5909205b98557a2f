//! The fold is the core's.

use super::world::{Step, World, quotas};
use crate::{Projection, SessionQuery, Sort, SortBy, UserQuery, tell};
use proptest::collection::vec;
use proptest::prelude::*;
use sledger_core::answer::SessionView;
use sledger_core::config::{Dimension, Level};
use sledger_core::decider::Recorded;
use sledger_core::state::Session;
use sledger_core::{Millis, Seq, State, refold};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec((any::<u8>(), any::<u8>(), any::<u8>(), 0u16..60), 1..most)
}

fn all_sessions(projection: &Projection) -> Vec<SessionView> {
    projection.sessions(&SessionQuery::default()).sessions
}

fn users_of(state: &State) -> BTreeSet<String> {
    state.sessions().iter().map(|session| session.facts.user().to_owned()).collect()
}

fn assert_equal(projection: &Projection, state: &State) {
    assert_eq!((projection.seq(), projection.at()), (state.seq(), state.at()));
    let sessions: Vec<SessionView> = state.sessions().into_iter().map(Session::view).collect();
    assert_eq!(all_sessions(projection), sessions);
    assert_eq!(projection.user_count(), state.user_count());
    for user in users_of(state) {
        let detail = projection.user(&user).expect("a user with sessions is known");
        assert_eq!(detail.sessions, state.sessions_of(&user));
        assert_eq!((detail.active, projection.active(&user)), (state.active(&user), state.active(&user)));
    }
    for session in state.sessions() {
        assert_eq!(projection.session(session.facts.session()), Some(session.view()));
        assert_eq!(projection.session_numbered(session.number), Some(session.view()));
        for (quota, _, key) in state.keys_of(session) {
            assert_eq!(projection.key_count(quota, &key), state.key_count(quota, &key), "{quota} {key}");
        }
    }
    assert!(projection.tombstones().eq(state.tombstones()));
    for tombstone in state.tombstones() {
        let id = tombstone.facts.session();
        assert_eq!(projection.tombstone(id).as_ref(), state.tombstone(id));
    }
    assert_full(projection, state);
}

/// Users at and near a limit, by looking at every key that belongs to one user.
fn assert_full(projection: &Projection, state: &State) {
    let (mut at_limit, mut near_limit) = (BTreeSet::new(), BTreeSet::new());
    for session in state.sessions() {
        for (index, _, key) in state.keys_of(session) {
            let quota = state.ready().quota(index).expect("a key is of a quota in force");
            let is_watched =
                quota.quota.level == Level::Hard && quota.quota.count_by.contains(&Dimension::User);
            let used = state.key_count(index, &key);
            let limit = quota.configured_limit(&session.facts, state.at()).0;
            let user = session.facts.user();
            if is_watched && limit.is_exhausted_by(used) {
                at_limit.insert(user.to_owned());
            }
            let near = limit.number().is_none_or(|limit| used * 100 >= limit * 80);
            if is_watched && (near || limit.is_exhausted_by(used)) {
                near_limit.insert(user.to_owned());
            }
        }
    }
    let totals = projection.totals(80);
    assert_eq!((totals.at_limit, totals.near_limit), (at_limit.len(), near_limit.len()));
    assert_eq!((totals.sessions, totals.users), (state.session_count(), state.user_count()));
}

fn listed(projection: &Projection) -> (Vec<SessionView>, Vec<crate::UserRow>, Vec<crate::UserRow>) {
    let query = UserQuery { sort: Sort { by: SortBy::Used, descending: true }, ..UserQuery::default() };
    let users = projection.users(&query).expect("the query can be answered");
    (all_sessions(projection), users.users, projection.top(10))
}

/// Folds `recorded` into both, and holds them against each other after every decision.
fn fold_both(projection: &mut Projection, state: &mut State, recorded: &[Recorded]) {
    for recorded in recorded {
        projection.apply(recorded);
        let effects = refold(state, recorded.first, &recorded.decision);
        assert_equal(projection, state);
        let read = Recorded { effects, ..recorded.clone() };
        let (ours, theirs) = (tell(projection, recorded), tell(state, &read));
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn after_every_decision_the_projection_equals_the_state(which in any::<u8>(), steps in steps(120)) {
        let mut world = World::new(quotas(which));
        let mut state = world.decider.state().clone();
        let mut projection = Projection::of_state(&state);
        for step in steps {
            let recorded = world.step(step);
            fold_both(&mut projection, &mut state, &recorded);
        }
        let again = Projection::of_state(&state);
        assert_equal(&again, &state);
        prop_assert_eq!(listed(&again), listed(&projection));
    }

    #[test]
    fn a_projection_taken_over_midway_goes_on_as_if_it_had_folded_all(
        which in any::<u8>(),
        before in steps(60),
        after in steps(60),
    ) {
        let mut world = World::new(quotas(which));
        for step in before {
            world.step(step);
        }
        let mut state = world.decider.state().clone();
        let mut projection = Projection::of_state(&state);
        for step in after {
            let recorded = world.step(step);
            fold_both(&mut projection, &mut state, &recorded);
        }
    }
}

#[test]
fn facts_are_shared_with_the_decider() {
    let mut world = World::new(quotas(0));
    let mut projection = Projection::new(Arc::clone(world.decider.state().ready()));
    projection.apply_all(&world.login("ann", "a"));
    let ours = projection.session("a").expect("she is in").facts;
    let theirs = &world.decider.state().session("a").expect("she is in").facts;
    assert!(Arc::ptr_eq(&ours, theirs));
}

#[test]
fn a_user_with_very_many_sessions_is_counted_like_any_other() {
    let mut world = World::new(Vec::new());
    let mut state = world.decider.state().clone();
    let mut projection = Projection::of_state(&state);
    for n in 0..150 {
        let recorded = world.login("service", &format!("s{n}"));
        fold_both(&mut projection, &mut state, &recorded);
    }
    for n in (0..150).rev().filter(|n| n % 7 != 0) {
        let recorded = world.logout(&format!("s{n}"));
        fold_both(&mut projection, &mut state, &recorded);
    }
    assert_eq!(projection.active("service"), 22);
}

#[test]
fn rates_count_what_happened_within_a_minute() {
    let mut world = World::new(quotas(0));
    let mut projection = Projection::of_state(world.decider.state());
    assert_eq!(projection.rates(world.at), None);
    for n in 0..5 {
        projection.apply_all(&world.login("ann", &format!("s{n}")));
    }
    for recorded in [world.login("u1", "x"), world.login("ann", "s4"), world.logout("s4")].concat() {
        projection.apply(&recorded);
    }
    let rates = projection.rates(world.at).expect("a lot happened");
    let counts = [rates.admitted, rates.evicted, rates.denied, rates.resumed, rates.ended, rates.expired];
    assert_eq!(counts.map(|rate| rate.count), [5, 2, 1, 1, 1, 0]);
    assert_eq!(projection.rates(Millis(world.at.0 + 60_000)), None);
}

#[test]
fn an_evicted_session_is_told_with_the_newcomer_that_is_not_in_yet() {
    let mut world = World::new(quotas(0));
    let mut projection = Projection::of_state(world.decider.state());
    let mut told = Vec::new();
    for n in 0..4 {
        for recorded in world.login("ann", &format!("s{n}")) {
            projection.apply(&recorded);
            told = tell(&projection, &recorded);
        }
    }
    let [evicted, admitted] = &told[..] else { panic!("one makes room for one: {told:?}") };
    assert_eq!(evicted.by_session.as_ref().map(|facts| facts.session()), Some("s3"));
    assert_eq!(evicted.session.as_ref().map(|facts| facts.session()), Some("s0"));
    assert_eq!((evicted.quota.as_deref(), evicted.key().as_deref()), (Some("per-user"), Some("ann")));
    assert_eq!((evicted.limit(), evicted.active()), (Some(super::world::at_most(3)), Some(3)));
    assert_eq!((evicted.line(), evicted.reason(), evicted.user()), (Some(3), Some("so it is"), Some("ann")));
    assert!(evicted.message().is_some_and(|message| message.starts_with("You were signed out")));
    assert_eq!(evicted.code(), admitted.code());
    assert_eq!((evicted.number, admitted.number), (Some(Seq(1)), Some(admitted.seq)));
    assert_eq!(evicted.policy().map(ToString::to_string).as_deref(), Some("evict@01010101"));
}
