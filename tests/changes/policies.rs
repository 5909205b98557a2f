//! Policies at run time: installed, on trial, promoted, rolled back, stopped; per quota and for all.

use crate::world::{World, file, quota};
use sledger_core::answer::Outcome;
use sledger_core::command::{Changing, Deed, PolicyChange, Refusal};
use sledger_core::config::{Level, Param, Quota, is_in_share};
use sledger_core::event::{Event, PolicyMode};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const OLDEST: &str =
    "fn on_exhausted() { evict(sessions.oldest(quota.excess)).because(\"oldest\") }";
pub(crate) const NEWEST: &str =
    "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }";
pub(crate) const DENY: &str = "fn on_exhausted() { deny(\"no\") }";
pub(crate) const FAILS: &str = "fn on_exhausted() { let n = 1 / (quota.limit - quota.limit); deny(`${n}`) }";

pub(crate) fn policy(name: &str, quota: Option<&str>, deed: Deed) -> Changing {
    let quota = quota.map(str::to_owned);
    Changing::Policy(Box::new(PolicyChange { name: name.to_owned(), quota, deed }))
}

pub(crate) fn install(name: &str, text: &str, quota: Option<&str>, mode: PolicyMode) -> Changing {
    policy(name, quota, Deed::Install { text: text.into(), mode, params: BTreeMap::new() })
}

pub(crate) fn shadow(name: &str, text: &str, quota: Option<&str>) -> Changing {
    install(name, text, quota, PolicyMode::Shadow)
}

pub(crate) fn active(name: &str, text: &str, quota: Option<&str>) -> Changing {
    install(name, text, quota, PolicyMode::Active)
}

pub(crate) fn office(limit: u32, policy: &str) -> Quota {
    Quota { on_exhausted: policy.to_owned(), ..quota("office", limit) }
}

/// A world with quota `office` of two that asks policy `mine`, which evicts the oldest.
pub(crate) fn mine() -> World {
    let mut world = World::new(file(vec![office(2, "deny_access")]));
    world.done(active("mine", OLDEST, None));
    world.reload(&file(vec![office(2, "mine")])).unwrap();
    world
}

pub(crate) fn decides(world: &World) -> Vec<String> {
    world.state().bindings().iter().map(|binding| binding.policy.name.to_string()).collect()
}

pub(crate) fn told(world: &World, of: impl Fn(&Event) -> bool) -> usize {
    world.events().filter(|event| of(event)).count()
}

#[test]
fn a_policy_installed_for_all_decides_from_the_next_login_on() {
    let mut world = mine();
    world.logins("ann", 2, Outcome::Admitted);
    assert_eq!(world.login("ann", "c").evicted.len(), 1);
    world.done(active("mine", DENY, None));
    world.logins("ann", 1, Outcome::Denied);
    assert_eq!(
        told(&world, |event| matches!(event, Event::PolicyActivated { mode: PolicyMode::Active, .. })),
        2
    );
    let before = world.recorded();
    world.done(active("mine", DENY, None));
    assert_eq!(world.recorded(), before, "installing what decides already records nothing");
}

#[test]
fn a_policy_installed_for_one_quota_leaves_the_others_alone() {
    let quotas =
        || vec![office(2, "destroy_oldest"), Quota { name: "home".into(), ..office(9, "destroy_oldest") }];
    let mut world = World::new(file(quotas()));
    world.done(active("mine", DENY, Some("home")));
    assert_eq!(decides(&world), ["destroy_oldest", "mine"]);
    world.reload(&file(quotas())).unwrap();
    assert_eq!(decides(&world), ["destroy_oldest", "mine"], "it survives a reload");
    world.done(Changing::Reset { quota: "home".into() });
    assert_eq!(decides(&world), ["destroy_oldest", "destroy_oldest"]);
}

#[test]
fn a_shadow_is_asked_and_changes_nothing_but_the_record() {
    let mut world = mine();
    world.done(shadow("other", DENY, Some("office")));
    world.logins("ann", 2, Outcome::Admitted);
    let answer = world.login("ann", "c");
    assert_eq!((answer.outcome, answer.evicted.len()), (Outcome::Admitted, 1));
    assert!(answer.policy.is_some_and(|policy| &*policy.name == "mine"));
    let differed: Vec<_> = world
        .events()
        .filter_map(|event| match event {
            Event::PolicyDiffered { shadow, .. } => Some(shadow),
            _ => None,
        })
        .collect();
    assert_eq!(differed.len(), 1, "only where it was asked and said otherwise");
    assert_eq!((&*differed[0].policy.as_ref().unwrap().name, differed[0].enforced), ("other", false));
    assert_eq!(differed[0].reason.as_deref(), Some("no"));
}

#[test]
fn a_shadow_that_says_the_same_is_no_difference() {
    let mut world = mine();
    let same = "fn on_exhausted() { let old = sessions.oldest(); evict(old).because(\"said otherwise\") }";
    world.done(shadow("mine", same, None));
    world.logins("ann", 5, Outcome::Admitted);
    assert_eq!(told(&world, |event| matches!(event, Event::PolicyDiffered { .. })), 0);
}

#[test]
fn a_shadow_with_a_limit_of_its_own_is_judged_by_it() {
    let mut world = mine();
    let stricter = "fn limit() { 1 }\nfn on_exhausted() { deny(\"one is enough\") }";
    world.done(shadow("mine", stricter, None));
    world.logins("ann", 2, Outcome::Admitted);
    assert_eq!(
        told(&world, |event| matches!(event, Event::PolicyDiffered { .. })),
        1,
        "the second would be refused"
    );
    let wider = "fn limit() { \"unlimited\" }\nfn on_exhausted() { deny(\"never\") }";
    world.done(shadow("mine", wider, None));
    world.logins("ann", 1, Outcome::Admitted);
    assert_eq!(
        told(&world, |event| matches!(event, Event::PolicyDiffered { .. })),
        2,
        "nobody would have to go"
    );
}

#[test]
fn a_shadow_that_fails_is_recorded_trips_and_harms_nobody() {
    let mut world = mine();
    world.done(shadow("mine", FAILS, None));
    world.logins("ann", 200, Outcome::Admitted);
    let failed = told(&world, |event| matches!(event, Event::PolicyFailed { judged: None, .. }));
    let tripped = told(&world, |event| matches!(event, Event::PolicyTripped { .. }));
    assert_eq!((failed, tripped), (100, 1));
    assert!(world.login("ann", "last").policy_code.is_none(), "the one that decides did not fail");
}

#[test]
fn denials_of_a_storm_are_still_counted_beside_a_shadow_that_differs() {
    let mut world = World::new(file(vec![office(1, "deny_access")]));
    world.done(shadow("other", OLDEST, Some("office")));
    world.logins("ann", 1, Outcome::Admitted);
    world.logins("ann", 50, Outcome::Denied);
    let denied = told(&world, |event| matches!(event, Event::Denied { .. }));
    assert!(denied < 20, "{denied} of 50 are recorded one by one");
}

#[test]
fn a_share_decides_for_the_same_users_and_for_no_others() {
    let mut world = mine();
    world.done(install("mine", DENY, None, PolicyMode::Share(50)));
    for n in 0..40 {
        let user = format!("user-{n}");
        world.logins(&user, 2, Outcome::Admitted);
        let outcome = if is_in_share("mine", &user, 50) { Outcome::Denied } else { Outcome::Admitted };
        world.logins(&user, 2, outcome);
    }
    let (_, field) = world.refused(install("mine", OLDEST, None, PolicyMode::Share(0)));
    assert_eq!(field, "share");
}

#[test]
fn what_is_promoted_decides_and_what_was_there_can_come_back() {
    let mut world = mine();
    world.done(shadow("mine", DENY, None));
    world.done(policy("mine", None, Deed::Promote));
    assert_eq!(world.state().policy_source("mine").map(|text| &**text), Some(DENY));
    assert!(world.state().ready().settings.assignments.is_empty(), "the trial is over");
    world.logins("ann", 2, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    world.done(policy("mine", None, Deed::RollBack { to: None }));
    world.logins("ann", 1, Outcome::Admitted);
    assert_eq!(told(&world, |event| matches!(event, Event::PolicyRolledBack { .. })), 1);
    world.done(policy("mine", None, Deed::RollBack { to: None }));
    world.logins("ann", 1, Outcome::Denied);
}

#[test]
fn another_policy_promoted_on_a_quota_is_taken_back_to_what_the_quota_says() {
    let mut world = World::new(file(vec![office(2, "destroy_oldest")]));
    world.done(shadow("other", DENY, Some("office")));
    world.done(policy("other", None, Deed::Promote));
    assert_eq!(decides(&world), ["other"]);
    world.done(policy("other", None, Deed::RollBack { to: None }));
    assert_eq!(decides(&world), ["destroy_oldest"]);
}

#[test]
fn a_rollback_names_a_revision_that_is_kept_or_is_told_which_are() {
    let mut world = mine();
    let first = world.state().bindings()[0].policy.revision;
    world.done(active("mine", NEWEST, None));
    world.done(active("mine", DENY, None));
    world.done(policy("mine", None, Deed::RollBack { to: Some(first) }));
    assert_eq!(world.state().bindings()[0].policy.revision, first);
    let (refusal, field) = world.refused(policy("mine", None, Deed::RollBack { to: Some([0; 4]) }));
    assert_eq!((refusal, &*field), (Some(Refusal::Unknown), "to"));
    let (refusal, _) = world.refused(policy("nobodys", None, Deed::RollBack { to: None }));
    assert_eq!(refusal, Some(Refusal::Unknown));
}

#[test]
fn what_is_on_trial_is_stopped_with_a_reason_and_then_there_is_nothing_to_stop() {
    let mut world = mine();
    world.done(shadow("mine", DENY, None));
    world.done_because(policy("mine", None, Deed::Stop), "enough seen");
    assert_eq!(told(&world, |event| matches!(event, Event::PolicyStopped { .. })), 1);
    assert_eq!(told(&world, |event| matches!(event, Event::NoteAdded { .. })), 1);
    let (refusal, _) = world.refused(policy("mine", None, Deed::Stop));
    assert_eq!(refusal, Some(Refusal::Unknown));
}

#[test]
fn a_policy_that_cannot_run_never_comes_into_force() {
    let mut world = mine();
    for text in ["fn on_exhausted() {", "fn other() { }", "fn on_exhausted() { sesions.oldest() }"] {
        assert_eq!(world.refused(active("mine", text, None)).1, "text");
    }
    let large = format!("{DENY}//{}", " ".repeat(33_000));
    assert_eq!(world.refused(active("mine", &large, None)).1, "text");
    assert_eq!(world.refused(active("Mine", DENY, None)).1, "name");
    assert_eq!(world.refused(active("mine", DENY, Some("nowhere"))).1, "quota");
    assert_eq!(world.refused(shadow("unnamed", DENY, None)).1, "quota");
    assert_eq!(decides(&world), ["mine"]);
}

#[test]
fn a_policy_that_fails_on_logins_as_there_were_lately_is_not_taken() {
    let mut world = mine();
    world.done(active("mine", FAILS, None));
    world.done(active("mine", OLDEST, None));
    world.logins("ann", 3, Outcome::Admitted);
    for mode in [PolicyMode::Active, PolicyMode::Shadow, PolicyMode::Share(5)] {
        let (refusal, field) = world.refused(install("mine", FAILS, None, mode));
        assert_eq!((refusal, &*field), (None, "text"));
    }
    let allows = "fn on_exhausted() { allow(\"come in\") }";
    assert_eq!(world.refused(active("mine", allows, None)).1, "text", "the quota is hard");
    world.logins("ann", 1, Outcome::Admitted);
}

#[test]
fn the_level_is_the_quotas_whatever_a_policy_on_trial_says() {
    let soft = Quota { level: Level::Soft, ..office(1, "deny_access") };
    let mut world = World::new(file(vec![soft]));
    let allows = "fn on_exhausted() { allow(\"come in\") }";
    world.done(install("mine", allows, Some("office"), PolicyMode::Share(100)));
    world.logins("ann", 3, Outcome::Admitted);
}

#[test]
fn params_of_another_policy_come_with_it_and_those_of_the_named_one_from_the_quota() {
    let header = "//! [params]\n//! n = { default = 1, type = \"int\" }\n";
    let text = format!("{header}fn on_exhausted() {{ deny(`${{params.n}}`) }}");
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let with = |n: i64, quota: Option<&str>, name: &str| {
        let params = BTreeMap::from([("n".to_owned(), Param::Int(n))]);
        let deed = Deed::Install { text: Arc::from(text.as_str()), mode: PolicyMode::Active, params };
        policy(name, quota, deed)
    };
    world.done(with(7, Some("office"), "mine"));
    world.logins("ann", 1, Outcome::Admitted);
    let answer = world.login("ann", "b");
    assert_eq!(answer.reason.as_deref(), Some("7"));
    assert_eq!(world.refused(with(7, Some("office"), "destroy_oldest")).1, "params");
    let unknown = BTreeMap::from([("m".to_owned(), Param::Int(1))]);
    let deed = Deed::Install { text: text.as_str().into(), mode: PolicyMode::Active, params: unknown };
    assert_eq!(world.refused(policy("mine", Some("office"), deed)).1, "text");
}

#[test]
fn a_file_that_did_not_change_does_not_undo_what_was_sent() {
    let mut world = World::new(file(vec![office(1, "deny_access")]));
    let settings = file(vec![office(1, "mine")]);
    world.reload_with(&settings, &[("mine", OLDEST)]).unwrap();
    world.done(active("mine", DENY, None));
    world.reload_with(&settings, &[("mine", OLDEST)]).unwrap();
    assert_eq!(world.state().policy_source("mine").map(|text| &**text), Some(DENY));
    world.reload_with(&settings, &[("mine", NEWEST)]).unwrap();
    assert_eq!(world.state().policy_source("mine").map(|text| &**text), Some(NEWEST));
}

#[test]
fn a_built_in_policy_comes_back_when_the_file_in_its_place_is_gone() {
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let settings = file(vec![office(1, "destroy_oldest")]);
    let built_in = world.state().bindings()[0].policy.revision;
    world.reload_with(&settings, &[("destroy_oldest", DENY)]).unwrap();
    world.logins("ann", 1, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    world.reload_with(&settings, &[]).unwrap();
    assert_eq!(world.state().bindings()[0].policy.revision, built_in);
}

#[test]
fn a_broken_file_of_the_folder_leaves_everything_as_it_was() {
    let mut world = mine();
    world.logins("ann", 3, Outcome::Admitted);
    let settings = file(vec![office(2, "mine")]);
    let before = world.recorded();
    assert_eq!(world.reload_with(&settings, &[("mine", FAILS)]), Err("text".to_owned()));
    assert_eq!(world.recorded(), before);
    world.logins("ann", 1, Outcome::Admitted);
}
