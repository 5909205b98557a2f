//! Policies on trial beside what decides, and what a policy is tried on before it comes into force.

use crate::policies::{DENY, FAILS, NEWEST, OLDEST, active, install, mine, office, policy, shadow, told};
use crate::world::{World, at_most, change, file, quota};
use sledger_core::answer::Outcome;
use sledger_core::command::{Changing, Command, Deed, Expect, Login, Refusal};
use sledger_core::config::{Dimension, Param, Quota};
use sledger_core::event::{Event, Judged, Judgement, PolicyMode};
use std::collections::BTreeMap;

fn differed(world: &World) -> Vec<&Judged> {
    let shadows = world.events().filter_map(|event| match event {
        Event::PolicyDiffered { shadow, .. } => Some(&**shadow),
        _ => None,
    });
    shadows.collect()
}

fn stopped(world: &World) -> usize {
    told(world, |event| matches!(event, Event::PolicyStopped { .. }))
}

fn limited(world: &mut World, limit: u32) {
    world.reload(&file(vec![office(limit, "mine")])).unwrap();
}

#[test]
fn giving_a_quota_what_it_asks_already_records_nothing() {
    let mut world = mine();
    let before = world.recorded();
    world.done(active("mine", OLDEST, Some("office")));
    assert_eq!(world.recorded(), before);
}

#[test]
fn a_trial_begins_with_an_event_and_ends_where_another_policy_takes_its_place() {
    let mut world = mine();
    world.done(shadow("mine", DENY, None));
    let begun = |event: &Event| matches!(event, Event::PolicyActivated { mode: PolicyMode::Shadow, .. });
    assert_eq!((told(&world, begun), stopped(&world)), (1, 0));
    world.done(shadow("other", DENY, Some("office")));
    assert_eq!((told(&world, begun), stopped(&world)), (2, 1));
    assert_eq!(&*world.settings().trial("office").unwrap().policy, "other");
}

#[test]
fn a_trial_stopped_on_one_quota_goes_on_on_the_other() {
    let home = Quota { name: "home".into(), ..office(9, "deny_access") };
    let mut world = World::new(file(vec![office(2, "deny_access"), home]));
    world.done(shadow("deny_access", OLDEST, None));
    world.done(policy("deny_access", Some("home"), Deed::Stop));
    assert!(world.settings().trial("home").is_none() && world.settings().trial("office").is_some());
}

#[test]
fn a_revision_is_found_under_the_params_of_its_quota() {
    let header = "//! [params]\n//! n = { default = 1, type = \"int\" }\n";
    let text = format!("{header}fn on_exhausted() {{ deny(`${{params.n}}`) }}");
    let mut world = World::new(file(vec![office(1, "deny_access")]));
    world.done(active("mine", &text, None));
    let params = BTreeMap::from([("n".to_owned(), Param::Int(7))]);
    world.reload(&file(vec![Quota { params, ..office(1, "mine") }])).unwrap();
    let first = world.state().bindings()[0].policy.revision;
    world.done(active("mine", &text.replace("deny(", "  deny("), None));
    world.done(policy("mine", None, Deed::RollBack { to: Some(first) }));
    assert_eq!(world.state().bindings()[0].policy.revision, first);
}

#[test]
fn the_same_sessions_in_another_order_are_no_difference() {
    let mut world = mine();
    world.done(shadow("mine", NEWEST, None));
    world.logins("ann", 2, Outcome::Admitted);
    limited(&mut world, 1);
    assert_eq!(world.login("ann", "c").evicted.len(), 2);
    assert_eq!(differed(&world).len(), 0);
}

#[test]
fn a_shadow_whose_own_limit_has_room_lets_in_without_being_asked() {
    let mut world = mine();
    world.done(shadow("mine", "fn limit() { 9 }\nfn on_exhausted() { deny(\"never\") }", None));
    world.logins("ann", 3, Outcome::Admitted);
    let told: Vec<_> = differed(&world).iter().map(|one| (one.answer.clone(), one.operations)).collect();
    assert_eq!(told, [(Judgement::Allow, 0)]);
}

#[test]
fn of_a_shadow_that_names_many_some_are_recorded_and_how_many_there_were() {
    let mut world = World::new(file(vec![office(100, "deny_access")]));
    world.done(shadow("destroy_all_others", "fn on_exhausted() { evict(sessions) }", Some("office")));
    world.logins("ann", 100, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    let said = differed(&world);
    let Judgement::Evict { victims } = &said[0].answer else { panic!("{said:?}") };
    assert_eq!((victims.len(), &*said[0].notes[0]), (64, "100 sessions, of which 64 are recorded"));
}

#[test]
fn a_tripped_shadow_is_silent_until_it_is_put_on_trial_anew() {
    let mut world = mine();
    world.done(shadow("mine", FAILS, None));
    world.logins("ann", 150, Outcome::Admitted);
    assert_eq!(differed(&world).len(), 100, "once for each time that it was asked");
    world.done(policy("mine", None, Deed::Stop));
    assert_eq!(world.refused(shadow("mine", FAILS, None)).1, "text", "that it was tripped is forgotten");
    let harmless = "fn on_exhausted() { if quota.limit == 2 { deny(\"two\") } else { deny(\"more\") } }";
    world.done(shadow("mine", harmless, None));
    world.logins("ann", 1, Outcome::Admitted);
    assert_eq!(differed(&world).len(), 101);
}

#[test]
fn a_shadow_that_fails_where_the_login_is_refused_anyway_is_a_difference() {
    let mut world = World::new(file(vec![office(1, "deny_access")]));
    world.done(shadow("other", FAILS, Some("office")));
    world.logins("ann", 1, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    assert!(differed(&world).iter().any(|one| one.failure.is_some()));
}

#[test]
fn a_share_brings_its_own_limit() {
    let mut world = mine();
    let strict = "fn limit() { 1 }\nfn on_exhausted() { deny(\"one\") }";
    world.done(install("mine", strict, None, PolicyMode::Share(100)));
    world.logins("ann", 1, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
}

#[test]
fn a_new_policy_is_tried_as_if_there_were_no_room_also_where_there_is_some_by_now() {
    let mut world = mine();
    world.logins("ann", 3, Outcome::Admitted);
    limited(&mut world, 9);
    let text = "fn on_exhausted() { let n = 1 / (quota.used - quota.limit); deny(`${n}`) }";
    assert_eq!(world.refused(active("mine", text, None)).1, "text");
}

#[test]
fn a_new_policy_is_not_blamed_where_nobody_could_have_made_room() {
    let by_ip = Quota { count_by: vec![Dimension::Ip], ..office(1, "deny_access") };
    let mut world = World::new(file(vec![by_ip]));
    for (user, outcome) in [("ann", Outcome::Admitted), ("bob", Outcome::Denied)] {
        let (user, ip) = (Some(user.to_owned()), Some("10.0.0.1".to_owned()));
        let login = Login { session: user.clone(), user, ip, ..Login::default() };
        assert_eq!(world.ask(Command::Login(Box::new(login))).outcome, outcome);
    }
    world.done(active("deny_access", OLDEST, None));
}

#[test]
fn a_limit_that_fails_on_logins_as_there_were_lately_is_not_taken() {
    let mut world = mine();
    world.logins("ann", 3, Outcome::Admitted);
    let text = "fn limit() { 1 / (quota.limit - quota.limit) }\nfn on_exhausted() { deny(\"x\") }";
    assert_eq!(world.refused(active("mine", text, None)).1, "text");
}

#[test]
fn a_policy_given_or_on_trial_is_a_change_of_the_quota_to_whoever_looked_at_it() {
    for given in [active("mine", DENY, Some("mine")), shadow("mine", DENY, Some("mine"))] {
        let mut world = World::new(file(vec![office(1, "deny_access")]));
        world.done(Changing::Put(Box::new(quota("mine", 2))));
        let seen = world.settings().quota_tag("mine").map(Expect::Tag);
        world.done(given);
        let put = Changing::Put(Box::new(Quota { max_sessions: at_most(3), ..quota("mine", 2) }));
        assert_eq!(world.refused_if(put, seen).0, Some(Refusal::Raced));
    }
}

#[test]
fn names_of_policies_are_bounded() {
    let mut world = mine();
    let refused = (0..600).find_map(|n| {
        let answer = world.ask(change(active(&format!("p{n}"), DENY, None), None));
        answer.field
    });
    assert_eq!(refused.as_deref(), Some("policies"));
}
