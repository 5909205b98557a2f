//! How policies fare, told by what is recorded.

use super::world::{Stub, World, quota};
use crate::{Fared, Fares, LastFailure, Projection};
use sledger_core::Span;
use sledger_core::command::{Change, Changing, Command, Deed, PolicyChange};
use sledger_core::config::{Dimension, Level, Quota};
use sledger_core::decider::Recorded;
use sledger_core::event::{Event, PolicyCode, PolicyMode, PolicyRef};
use sledger_core::policy::Policies as _;
use std::collections::BTreeMap;
use std::sync::Arc;

fn per_user(policy: &str) -> Quota {
    quota("per-user", vec![Dimension::User], 1, Level::Hard, policy)
}

/// A world and what is projected of it.
struct Watched {
    world: World,
    projection: Projection,
}

impl Watched {
    fn new(quotas: Vec<Quota>) -> Self {
        let world = World::new(quotas);
        let projection = Projection::of_state(world.decider.state());
        Self { world, projection }
    }

    fn see(&mut self, recorded: &[Recorded]) {
        self.projection.apply_all(recorded);
    }

    /// Logs `user` in so often, each time with another session.
    fn logins(&mut self, user: &str, count: usize) {
        for _ in 0..count {
            let session = format!("{user}-{}", self.world.at.0);
            self.world.at = self.world.at.plus(Span::millis(10));
            let recorded = self.world.login(user, &session);
            self.see(&recorded);
        }
    }

    fn shadow(&mut self, name: &str) {
        let mode = PolicyMode::Shadow;
        let deed = Deed::Install { text: Arc::from("stub"), mode, params: BTreeMap::new() };
        let change = PolicyChange { name: name.to_owned(), quota: Some("per-user".to_owned()), deed };
        let what = Changing::Policy(Box::new(change));
        let recorded = self.world.run(Command::Change(Box::new(Change { what, expect: None, reason: None })));
        assert!(!recorded.is_empty(), "the shadow is installed");
        self.see(&recorded);
    }

    fn fared(&self, quota: &str, name: &str) -> Fared {
        self.projection.policies().fared(quota, &policy(name))
    }
}

fn policy(name: &str) -> PolicyRef {
    let bound = Stub.bind(name, "stub", &BTreeMap::new());
    bound.expect("the stub binds everything").policy
}

#[test]
fn answers_are_counted_by_revision_and_quota() {
    let all = quota("all", vec![Dimension::All], 2, Level::Hard, "evict");
    let mut watched = Watched::new(vec![per_user("evict"), all]);
    watched.logins("u1", 3);
    let once = Fared { asked: 2, evicted: 2, ..Fared::default() };
    assert_eq!((watched.fared("per-user", "evict"), watched.fared("all", "evict")), (once, Fared::default()));
    watched.logins("u2", 1);
    watched.logins("u3", 1);
    let of_all = Fared { asked: 1, evicted: 1, ..Fared::default() };
    assert_eq!((watched.fared("per-user", "evict"), watched.fared("all", "evict")), (once, of_all));

    let soft = Quota { level: Level::Soft, ..per_user("allow") };
    let mut watched = Watched::new(vec![soft]);
    watched.logins("u1", 3);
    assert_eq!(watched.fared("per-user", "allow"), Fared { asked: 2, allowed: 2, ..Fared::default() });
}

#[test]
fn a_policy_that_fails_was_asked_and_answered_nothing() {
    let mut watched = Watched::new(vec![per_user("fail")]);
    watched.logins("u1", 2);
    let seq = watched.projection.seq();
    let (first, at) = (watched.fared("per-user", "fail"), watched.world.at);
    let last_failure = first.last_failure.expect("it failed");
    assert!(last_failure.seq <= seq && last_failure.seq.0 > 0, "{last_failure:?}");
    let wanted = LastFailure { seq: last_failure.seq, at, code: PolicyCode::Error, line: 2 };
    let counted = Fared { asked: 1, failures: 1, last_failure: Some(wanted), ..Fared::default() };
    assert_eq!(first, counted);
    // It trips, and is not asked for a while.
    watched.logins("u1", 150);
    let tripped = watched.fared("per-user", "fail");
    assert_eq!((tripped.asked, tripped.failures, tripped.denied), (100, 100, 0));
    assert!(tripped.last_failure.is_some_and(|last| last.seq > last_failure.seq));
    // Those that were refused meanwhile are only counted, and by now on record.
    watched.world.at = watched.world.at.plus(Span::seconds(3600));
    watched.logins("u2", 1);
    assert_eq!(watched.fared("per-user", "fail"), tripped);
}

#[test]
fn what_answers_for_a_policy_that_failed_is_counted_by_its_own_name() {
    let on_error = sledger_core::config::OnError::Policy("evict".to_owned());
    let mut watched = Watched::new(vec![Quota { on_error, ..per_user("fail") }]);
    watched.logins("u1", 2);
    let failed = watched.fared("per-user", "fail");
    assert_eq!((failed.asked, failed.failures, failed.evicted), (1, 1, 0));
    let second = Fared { asked: 1, evicted: 1, ..Fared::default() };
    assert_eq!(watched.fared("per-user", "evict"), second);
    watched.logins("u1", 129);
    let (tripped, second) = (watched.fared("per-user", "fail"), watched.fared("per-user", "evict"));
    assert_eq!((tripped.asked, second.asked), (100, 130), "what is tripped is not asked");
}

#[test]
fn a_shadow_is_counted_whether_it_differs_or_agrees() {
    let mut watched = Watched::new(vec![per_user("evict")]);
    watched.shadow("deny");
    watched.logins("u1", 3);
    let differed = Fared { asked: 2, denied: 2, differences: 2, ..Fared::default() };
    assert_eq!(watched.fared("per-user", "deny"), differed);
    watched.shadow("oldest");
    watched.logins("u1", 4);
    assert_eq!(watched.fared("per-user", "oldest"), Fared { asked: 4, evicted: 4, ..Fared::default() });
    assert_eq!(watched.fared("per-user", "deny"), differed, "it is on trial no longer");
    assert_eq!(watched.fared("per-user", "evict").asked, 6);
}

#[test]
fn a_shadow_that_tripped_was_not_asked() {
    let mut watched = Watched::new(vec![per_user("evict")]);
    watched.shadow("fail");
    watched.logins("u1", 131);
    let shadow = watched.fared("per-user", "fail");
    let counts = (shadow.asked, shadow.failures, shadow.differences, shadow.denied, shadow.evicted);
    assert_eq!(counts, (100, 100, 100, 0, 0));
    watched.world.at = watched.world.at.plus(Span::seconds(31));
    watched.logins("u1", 1);
    assert_eq!(watched.fared("per-user", "fail").asked, 101);
}

#[test]
fn a_shadow_that_fails_as_what_decides_does_was_asked() {
    let mut watched = Watched::new(vec![per_user("fail")]);
    watched.shadow("fail_too");
    watched.logins("u1", 3);
    let shadow = watched.fared("per-user", "fail_too");
    assert_eq!((shadow.asked, shadow.failures, shadow.differences, shadow.denied), (2, 2, 0, 0));
}

#[test]
fn denials_of_a_storm_are_counted_with_those_on_record() {
    let mut watched = Watched::new(vec![per_user("deny")]);
    watched.shadow("deny_too");
    watched.logins("u1", 101);
    watched.world.at = watched.world.at.plus(Span::seconds(3600));
    watched.logins("u2", 1);
    let denied = watched.fared("per-user", "deny");
    assert_eq!(denied, Fared { asked: 100, denied: 100, ..Fared::default() });
    let shadow = watched.fared("per-user", "deny_too");
    assert!(shadow.denied < 100, "not every denial stands on record: {shadow:?}");
    assert_eq!(shadow, Fared { asked: 100, denied: shadow.denied, ..Fared::default() });
}

#[test]
fn revisions_beyond_the_bound_are_not_counted() {
    let world = World::new(vec![per_user("evict")]);
    let ready = Arc::clone(world.decider.state().ready());
    let mut watched = Watched::new(vec![per_user("fail")]);
    watched.logins("u1", 1);
    let recorded = watched.world.login("u1", "again");
    let failed = |name: &str| {
        let mut decision = (*recorded[0].decision).clone();
        decision.judged.clear();
        for event in &mut decision.events {
            if let Event::PolicyFailed { failure, .. } = event {
                failure.policy = policy(name);
            }
        }
        Recorded { decision: Arc::new(decision), ..recorded[0].clone() }
    };
    let mut fares = Fares::default();
    for n in 0..1_100 {
        fares.apply(&failed(&format!("p{n}")), &ready);
    }
    fares.apply(&failed("p0"), &ready);
    let counted = (0..1_100).filter(|n| fares.fared("per-user", &policy(&format!("p{n}"))).failures > 0);
    assert_eq!((counted.count(), fares.fared("per-user", &policy("p0")).failures), (1_024, 2));
}
