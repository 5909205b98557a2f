//! Settings at run time, decided and folded: who owns what, what ends by itself, and what a restart finds.
//! Numbers in brackets are those of the rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "changes/given.rs"]
mod given;
#[path = "changes/keeping.rs"]
mod keeping;
#[path = "changes/policies.rs"]
mod policies;
#[path = "changes/random.rs"]
mod random;
#[path = "changes/records.rs"]
mod records;
#[path = "changes/trials.rs"]
mod trials;
#[path = "changes/world.rs"]
mod world;

use sledger_core::answer::Outcome;
use sledger_core::command::{Change, Changing, Command, Expect, Refusal};
use sledger_core::config::{GroupRule, Level, OnError, Origin, Quota, Selector, Settings};
use sledger_core::decide::merged;
use sledger_core::event::Event;
use sledger_core::{Limit, Millis, Span};
use world::{World, at_most, file, quota};

const MINUTE: u64 = 60_000;

#[test]
fn the_first_quota_that_is_set_ends_the_default_and_the_last_that_goes_brings_it_back() {
    let mut world = World::new(Settings::default());
    assert_eq!(world.origin("per-user"), Some(Origin::Default));
    world.done(Changing::Put(Box::new(quota("mine", 2))));
    assert_eq!((world.origin("per-user"), world.origin("mine")), (None, Some(Origin::Api)));
    world.done(Changing::Delete { quota: "mine".to_owned() });
    assert_eq!((world.origin("per-user"), world.origin("mine")), (Some(Origin::Default), None));
    let told: Vec<_> = world.events().filter(|event| matches!(event, Event::QuotaDeleted { .. })).collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_default_gives_way_to_a_quota_of_its_name_and_can_be_switched_but_not_deleted() {
    let mut world = World::new(Settings::default());
    let delete = Changing::Delete { quota: "per-user".to_owned() };
    assert_eq!(world.refused(delete.clone()), (Some(Refusal::Owned), "quota".to_owned()));
    world.done(Changing::Switch { quota: "per-user".to_owned(), enabled: false, lasts: None });
    world.logins("ann", 7, Outcome::Admitted);
    world.done(Changing::Put(Box::new(quota("per-user", 2))));
    assert_eq!(world.origin("per-user"), Some(Origin::Api));
    world.done(delete);
    assert!(world.settings().switches.is_empty(), "the default is back as it is by itself");
    assert_eq!(world.origin("per-user"), Some(Origin::Default));
}

#[test]
fn what_the_file_owns_is_neither_put_nor_deleted() {
    let mut world = World::new(file(vec![quota("office", 3)]));
    let put = Changing::Put(Box::new(quota("office", 4)));
    assert_eq!(world.refused(put), (Some(Refusal::Owned), "quota".to_owned()));
    let delete = Changing::Delete { quota: "office".to_owned() };
    assert_eq!(world.refused(delete), (Some(Refusal::Owned), "quota".to_owned()));
    assert_eq!(world.recorded(), 0, "nothing is recorded of it");
}

#[test]
fn quotas_of_the_ledger_come_after_those_of_the_file() {
    let mut world = World::new(file(vec![quota("a", 3), quota("b", 3)]));
    world.done(Changing::Put(Box::new(quota("0", 1))));
    world.done(Changing::Put(Box::new(quota("z", 1))));
    world.done(Changing::Put(Box::new(quota("0", 2))));
    assert_eq!(world.names(), ["a", "b", "0", "z"], "a change keeps its place");
    world.reload(&file(vec![quota("b", 3), quota("c", 3)])).unwrap();
    assert_eq!(world.names(), ["b", "c", "0", "z"]);
}

#[test]
fn a_quota_switched_off_for_a_while_is_on_again_at_the_minute_by_the_ledgers_clock() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    world.logins("ann", 1, Outcome::Admitted);
    let off =
        Changing::Switch { quota: "office".to_owned(), enabled: false, lasts: Some(Span::millis(MINUTE)) };
    world.done(off);
    world.logins("ann", 3, Outcome::Admitted);
    assert_eq!(world.next_due(), Some(Millis(world.at.0 + MINUTE)));
    world.pass(MINUTE - 1);
    world.logins("ann", 1, Outcome::Admitted);
    world.pass(1);
    world.logins("ann", 1, Outcome::Denied);
    assert!(world.settings().switches.is_empty());
    assert_eq!(world.next_due_setting(), None);
    let by_timer = world.decisions().filter(|decision| {
        decision.actor == sledger_core::command::Actor::Timer
            && decision.events.iter().any(|event| matches!(event, Event::QuotaChanged { .. }))
    });
    assert_eq!(by_timer.count(), 1, "the end is recorded");
}

#[test]
fn a_switch_for_a_while_gives_way_to_the_one_for_good_that_was_set_before_it() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    let switch = |enabled, lasts: Option<u64>| Changing::Switch {
        quota: "office".to_owned(),
        enabled,
        lasts: lasts.map(Span::millis),
    };
    world.done(switch(false, None));
    world.done(switch(true, Some(MINUTE)));
    world.done(switch(true, Some(2 * MINUTE)));
    world.logins("ann", 1, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    world.pass(2 * MINUTE);
    world.logins("ann", 3, Outcome::Admitted);
    assert_eq!(
        world.settings().switch("office").map(|switch| (switch.enabled, switch.until)),
        Some((false, None))
    );
}

#[test]
fn an_override_set_at_run_time_counts_until_its_time_and_is_taken_out_then() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    let until = Millis(world.at.0 + MINUTE);
    world.done(World::limit("ann", Some(at_most(3)), Some(until)));
    world.logins("ann", 3, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    world.pass(MINUTE);
    world.logins("ann", 1, Outcome::Denied);
    assert!(world.quota("office").overrides.is_empty());
    let last = world.events().filter(|event| matches!(event, Event::OverrideChanged { limit: None, .. }));
    assert_eq!(last.count(), 1, "the end is recorded");
}

#[test]
fn of_two_overrides_the_newest_counts_and_unset_brings_back_the_files() {
    let mut office = quota("office", 1);
    office.overrides.push(world::fixed("ann", at_most(2)));
    let mut world = World::new(file(vec![office]));
    world.logins("ann", 2, Outcome::Admitted);
    world.done(World::limit("ann", Some(at_most(3)), None));
    world.done(World::limit("ann", Some(at_most(4)), None));
    world.logins("ann", 2, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    assert_eq!(world.quota("office").overrides.len(), 2, "the newer one replaced the older one");
    world.done(World::limit("ann", None, None));
    world.logins("ann", 1, Outcome::Denied);
    assert_eq!(world.refused(World::limit("ann", None, None)), (Some(Refusal::Owned), "override".to_owned()));
    assert_eq!(
        world.refused(World::limit("bob", None, None)),
        (Some(Refusal::Unknown), "override".to_owned())
    );
}

#[test]
fn reset_takes_back_what_was_set_at_run_time_and_nothing_else() {
    let mut office = quota("office", 1);
    office.overrides.push(world::fixed("ann", at_most(2)));
    let mut world = World::new(file(vec![office]));
    world.done(World::limit("ann", Some(Limit::Unlimited), None));
    world.done(World::limit("b*", Some(Limit::Banned), None));
    world.done(Changing::Switch { quota: "office".to_owned(), enabled: false, lasts: None });
    world.done(Changing::Reset { quota: "office".to_owned() });
    let before = world.recorded();
    assert_eq!(world.quota("office").overrides.len(), 1);
    assert!(world.settings().switches.is_empty());
    world.done(Changing::Reset { quota: "office".to_owned() });
    assert_eq!(world.recorded(), before, "nothing to take back, nothing recorded");
}

#[test]
fn who_is_put_into_a_group_at_run_time_gets_its_limit_and_the_file_is_overruled() {
    let mut office = quota("office", 1);
    let group = Selector::Group("vip".to_owned());
    office.overrides.push(sledger_core::config::Override {
        selector: group,
        limit: at_most(3),
        until: None,
        set_at: None,
        reason: None,
    });
    let rule = GroupRule { name: "vip".to_owned(), users: vec!["boss-*".to_owned()] };
    let mut world = World::new(Settings { groups: vec![rule], ..file(vec![office]) });
    let member =
        |user: &str, member| Changing::Member { group: "vip".to_owned(), user: user.to_owned(), member };
    world.done(member("ann", true));
    world.logins("ann", 3, Outcome::Admitted);
    world.logins("ann", 1, Outcome::Denied);
    world.done(member("boss-1", false));
    world.logins("boss-1", 1, Outcome::Admitted);
    world.logins("boss-1", 1, Outcome::Denied);
    world.logins("boss-2", 3, Outcome::Admitted);
    world.done(member("ann", false));
    world.done(member("boss-1", true));
    assert!(world.settings().members.is_empty(), "what the file says needs no note");
    assert_eq!(world.refused(member("joe", false)), (Some(Refusal::Unknown), "user".to_owned()));
    assert_eq!(world.refused(member("j*", true)), (None, "user".to_owned()));
}

#[test]
fn a_change_of_what_somebody_else_changed_is_refused() {
    let mut world = World::new(Settings::default());
    let put = |limit| Changing::Put(Box::new(quota("mine", limit)));
    world.done_if(put(1), Some(Expect::Absent));
    assert_eq!(world.refused_if(put(2), Some(Expect::Absent)).0, Some(Refusal::Raced));
    let seen = world.settings().quota_tag("mine").map(Expect::Tag);
    world.done_if(put(2), seen);
    assert_eq!(world.refused_if(put(3), seen), (Some(Refusal::Raced), "if_match".to_owned()));
    let seen = world.settings().quota_tag("mine").map(Expect::Tag);
    world.done(Changing::Switch { quota: "mine".to_owned(), enabled: false, lasts: None });
    assert_eq!(world.refused_if(put(3), seen).0, Some(Refusal::Raced), "a switch is a change too");
    assert_eq!(
        world.refused_if(Changing::Delete { quota: "none".to_owned() }, Some(Expect::Present)).0,
        Some(Refusal::Raced)
    );
}

#[test]
fn bad_changes_are_refused_by_field_and_nothing_is_recorded() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    let cases = [
        (World::limit("ann", Some(at_most(2)), Some(world.at)), "until"),
        (World::limit("", Some(at_most(2)), None), "selector"),
        (World::limit("an\u{1b}n", Some(at_most(2)), None), "selector"),
        (Changing::Switch { quota: "office".to_owned(), enabled: true, lasts: Some(Span::ZERO) }, "for"),
        (
            Changing::Put(Box::new(Quota { on_exhausted: "none".to_owned(), ..quota("x", 1) })),
            "quota.on_exhausted",
        ),
        (
            Changing::Put(Box::new(Quota { on_error: OnError::Allow, ..quota("x", 1) })),
            "config.quota.on_error",
        ),
        (Changing::Member { group: String::new(), user: "ann".to_owned(), member: true }, "group"),
        (Changing::Member { group: "g".to_owned(), user: "a\nn".to_owned(), member: true }, "user"),
        (Changing::Member { group: "x".repeat(300), user: "ann".to_owned(), member: true }, "group"),
    ];
    for (what, field) in cases {
        assert_eq!(world.refused(what.clone()), (None, field.to_owned()), "{what:?}");
    }
    assert_eq!(world.refused(world::limit_of("none", "ann")).0, Some(Refusal::Unknown));
    let change = Change {
        what: Changing::Reset { quota: "office".to_owned() },
        expect: None,
        reason: Some("x".repeat(600)),
    };
    assert_eq!(world.ask(Command::Change(Box::new(change))).field.as_deref(), Some("reason"));
    let member = Changing::Member { group: "vip".to_owned(), user: "ann".to_owned(), member: true };
    let change = Change { what: member, expect: None, reason: Some("why".to_owned()) };
    assert_eq!(
        world.ask(Command::Change(Box::new(change))).field.as_deref(),
        Some("reason"),
        "not lost in silence"
    );
    assert_eq!(world.recorded(), 0);
}

#[test]
fn an_override_that_can_never_match_is_refused_with_what_would() {
    let mut settings = file(vec![quota("office", 1)]);
    settings.users.lowercase = true;
    let mut world = World::new(settings);
    let answer = world.ask(world::change(World::limit("Ann*", Some(at_most(2)), None), None));
    assert_eq!(
        answer.reason.as_deref(),
        Some("`Ann*` never matches: user keys are folded to lower case: write `ann*`")
    );
    world.done(World::limit("Ann", Some(at_most(2)), None));
    assert_eq!(
        world.quota("office").overrides[0].selector,
        Selector::User("ann".to_owned()),
        "an exact name is folded"
    );
}

#[test]
fn a_user_that_folds_to_nothing_is_refused_where_one_is_needed_and_is_no_session() {
    let mut settings = file(vec![quota("office", 1)]);
    settings.users.strip_domain = vec!["corp".to_owned()];
    let mut world = World::new(settings);
    assert_eq!(world.refused(World::limit("@corp", Some(at_most(2)), None)), (None, "selector".to_owned()));
    let member = Changing::Member { group: "vip".to_owned(), user: "CORP\\".to_owned(), member: true };
    assert_eq!(world.refused(member), (None, "user".to_owned()));
    world.logins("@corp", 3, Outcome::Ignored);
    assert_eq!(world.recorded(), 0);
}

#[test]
fn a_reload_takes_the_files_settings_and_leaves_what_was_set_at_run_time() {
    let mut world = World::new(file(vec![quota("office", 1), quota("old", 9)]));
    world.done(World::limit("ann", Some(at_most(2)), None));
    world.done(Changing::Switch { quota: "old".to_owned(), enabled: false, lasts: None });
    world.done(Changing::Put(Box::new(quota("mine", 7))));
    world.reload(&file(vec![quota("office", 5)])).unwrap();
    assert_eq!(world.names(), ["office", "mine"]);
    assert_eq!(world.quota("office").max_sessions, at_most(5));
    assert_eq!(world.quota("office").overrides.len(), 1, "the override stays");
    assert!(world.settings().switches.is_empty(), "the switch went with its quota");
    let before = world.recorded();
    world.reload(&file(vec![quota("office", 5)])).unwrap();
    assert_eq!(world.recorded(), before, "the same again is no event");
}

#[test]
fn a_reload_that_cannot_be_used_changes_nothing() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    world.done(Changing::Put(Box::new(quota("mine", 7))));
    let before = (world.recorded(), world.digest());
    let mut users = file(vec![quota("office", 2)]);
    users.users.lowercase = true;
    assert_eq!(world.reload(&users).unwrap_err(), "users");
    assert_eq!(world.reload(&file(vec![quota("office", 2), quota("mine", 1)])).unwrap_err(), "quota");
    let missing = Quota { on_exhausted: "nowhere".to_owned(), ..quota("office", 2) };
    assert_eq!(world.reload(&file(vec![missing])).unwrap_err(), "quota.on_exhausted");
    assert_eq!((world.recorded(), world.digest()), before);
}

#[test]
fn at_a_start_a_quota_of_the_ledger_gives_way_to_the_files_of_that_name() {
    let mut world = World::new(file(vec![quota("office", 1)]));
    world.done(Changing::Put(Box::new(quota("mine", 7))));
    let next = merged(&file(vec![quota("mine", 1)]), world.settings());
    assert_eq!(next.gave_way, ["mine"]);
    assert_eq!(
        next.settings.quotas.iter().map(|quota| (&*quota.name, quota.origin)).collect::<Vec<_>>(),
        [("mine", Origin::File)]
    );
}

#[test]
fn a_limit_for_somebody_neither_counts_anew_nor_records_what_is_in_force() {
    let mut world = World::new(file(vec![Quota { level: Level::Hard, ..quota("office", 3) }]));
    world.done(World::limit("ann", Some(at_most(2)), None));
    world.logins("bob", 3, Outcome::Admitted);
    let keys = world.keys();
    let before = world.recorded();
    world.done(World::limit("zoe", Some(at_most(2)), None));
    assert_eq!(world.keys(), keys, "keys keep their numbers");
    assert_eq!(world.recorded() - before, 3, "one part, what changed, and that it is in force");
}

#[test]
fn hundreds_of_overrides_set_one_by_one_stay_small_decisions_and_are_read_again() {
    let mut world = World::new(file(vec![quota("office", 3)]));
    for n in 0..500u32 {
        world.done(World::limit(&format!("user-{n}"), Some(at_most(2)), None));
    }
    assert_eq!(world.quota("office").overrides.len(), 500);
    let largest = world.decisions().map(|decision| sledger_core::codec::encode(decision).len()).max();
    assert!(
        largest.is_some_and(|bytes| bytes <= sledger_core::config::DECISION_BYTES_MAX),
        "[20] {largest:?}"
    );
}

#[test]
fn the_same_command_id_changes_nothing_twice() {
    let mut world = World::new(file(vec![quota("office", 3)]));
    let what = World::limit("ann", Some(at_most(2)), None);
    assert!(!world.ask_as("c-1", what.clone()).repeated);
    let before = world.recorded();
    assert!(world.ask_as("c-1", what).repeated, "[14]");
    assert_eq!(world.recorded(), before);
    let other = Changing::Reset { quota: "office".to_owned() };
    assert_eq!(world.ask_as("c-1", other).field.as_deref(), Some("command"));
}
