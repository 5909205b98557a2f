//! Policies given to quotas, at odds with what the quotas say, with each other, and with what comes after.

use crate::policies::{DENY, FAILS, NEWEST, OLDEST, active, decides, mine, office, policy, shadow, told};
use crate::world::{World, file, quota};
use sledger_core::answer::Outcome;
use sledger_core::command::{Changing, Deed, Refusal};
use sledger_core::config::{Param, Quota, Settings};
use sledger_core::event::{Event, PolicyMode};
use sledger_policy::built_in;
use std::collections::BTreeMap;

fn home(policy: &str) -> Quota {
    Quota { name: "home".into(), ..office(9, policy) }
}

fn notes(world: &World) -> usize {
    told(world, |event| matches!(event, Event::NoteAdded { .. }))
}

#[test]
fn a_policy_installed_anew_for_all_stays_on_a_quota_that_it_was_given_to() {
    let mut world = World::new(file(vec![office(2, "deny_access"), home("deny_access")]));
    world.done(active("mine", OLDEST, Some("home")));
    world.done(active("mine", NEWEST, None));
    assert_eq!(decides(&world), ["deny_access", "mine"]);
    assert_eq!(&*world.settings().assigned("home").unwrap().text, NEWEST);
}

#[test]
fn what_is_promoted_on_the_quotas_that_name_it_leaves_those_alone_that_it_was_given_to() {
    let mut world = World::new(file(vec![office(2, "destroy_oldest"), home("deny_access")]));
    world.done(active("destroy_oldest", NEWEST, Some("home")));
    world.done(shadow("destroy_oldest", DENY, Some("office")));
    world.done(policy("destroy_oldest", None, Deed::Promote));
    assert_eq!(decides(&world), ["destroy_oldest", "destroy_oldest"]);
    assert_eq!(&*world.settings().assigned("home").unwrap().text, NEWEST);
}

#[test]
fn a_rollback_on_a_quota_that_has_nothing_to_do_with_the_policy_is_refused() {
    let mut world = mine();
    world.done(active("mine", NEWEST, None));
    world.done(Changing::Put(Box::new(Quota { name: "home".into(), ..quota("home", 3) })));
    let first = world.state().policy_sources("mine")[0].text.clone();
    assert_eq!(&*first, OLDEST);
    for to in [None, Some(world.state().bindings()[0].policy.revision)] {
        let (refusal, _) = world.refused(policy("mine", Some("home"), Deed::RollBack { to }));
        assert_eq!(refusal, Some(Refusal::Unknown));
    }
    assert_eq!(decides(&world), ["mine", "deny_access"]);
}

#[test]
fn what_was_given_to_a_quota_goes_with_it_also_where_the_default_has_its_name() {
    let mut world = World::new(Settings::default());
    world.done(Changing::Put(Box::new(quota("per-user", 2))));
    world.done(active("mine", DENY, Some("per-user")));
    world.done(shadow("other", OLDEST, Some("per-user")));
    world.done(Changing::Delete { quota: "per-user".to_owned() });
    assert_eq!(decides(&world), ["destroy_next_expiring"]);
    assert!(world.settings().assignments.is_empty());
}

#[test]
fn why_a_policy_was_taken_back_is_kept() {
    let mut world = World::new(file(vec![office(2, "destroy_oldest")]));
    world.done(active("mine", DENY, Some("office")));
    world.done_because(policy("mine", None, Deed::RollBack { to: None }), "too hard");
    assert_eq!(notes(&world), 1);
    world.done(active("mine", DENY, Some("office")));
    world.done(shadow("other", DENY, Some("office")));
    world.done_because(Changing::Reset { quota: "office".into() }, "back to the file");
    assert_eq!(notes(&world), 3, "one for each policy that goes");
}

#[test]
fn why_a_policy_decides_for_all_again_is_kept_where_nothing_is_installed() {
    let mut world = mine();
    world.done(active("mine", DENY, Some("office")));
    world.done_because(active("mine", OLDEST, None), "one for all");
    assert_eq!(decides(&world), ["mine"]);
    assert_eq!(notes(&world), 1);
}

fn with_param(name: &str) -> String {
    format!(
        "//! [params]\n//! {name} = {{ default = 1, type = \"int\" }}\nfn on_exhausted() {{ deny(`${{params.{name}}}`) }}"
    )
}

#[test]
fn a_trial_that_cannot_take_the_files_new_params_ends_and_the_file_is_taken() {
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let named =
        |n: &str| Quota { params: BTreeMap::from([(n.to_owned(), Param::Int(1))]), ..office(1, "mine") };
    world.reload_with(&file(vec![named("n")]), &[("mine", &with_param("n"))]).unwrap();
    world.done(shadow("mine", &with_param("n").replace("deny", "  deny"), None));
    world.reload_with(&file(vec![named("m")]), &[("mine", &with_param("m"))]).unwrap();
    assert!(world.settings().trial("office").is_none());
    assert_eq!(told(&world, |event| matches!(event, Event::PolicyStopped { .. })), 1);
}

#[test]
fn a_file_whose_params_a_given_policy_cannot_take_is_refused_with_the_quotas_name() {
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let named =
        |n: &str| Quota { params: BTreeMap::from([(n.to_owned(), Param::Int(1))]), ..office(1, "mine") };
    world.reload_with(&file(vec![named("n")]), &[("mine", &with_param("n"))]).unwrap();
    world.done(active("mine", &with_param("n").replace("deny", "  deny"), Some("office")));
    let (settings, text) = (file(vec![named("m")]), with_param("m"));
    let answer = world.reload_answer(&settings, &[("mine", &text)]);
    let reason = answer.reason.unwrap();
    assert!(reason.contains("`office`") && reason.contains("policy rollback mine"), "{reason}");
}

#[test]
fn a_policy_given_to_a_quota_ends_the_trial_of_the_same_text() {
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    world.done(shadow("mine", DENY, Some("office")));
    world.done(active("mine", DENY, Some("office")));
    assert!(world.settings().trial("office").is_none(), "it decides");
}

#[test]
fn a_built_in_policy_that_was_in_the_folder_word_for_word_is_no_news_for_ever() {
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let settings = file(vec![office(1, "destroy_oldest")]);
    let text = built_in("destroy_oldest").unwrap();
    world.reload_with(&settings, &[("destroy_oldest", text)]).unwrap();
    world.reload_with(&settings, &[]).unwrap();
    let before = world.recorded();
    world.reload_with(&settings, &[]).unwrap();
    assert_eq!(world.recorded(), before);
}

#[test]
fn what_failed_as_a_shadow_is_not_promoted() {
    let mut world = mine();
    world.done(shadow("mine", FAILS, None));
    world.logins("ann", 3, Outcome::Admitted);
    assert_eq!(world.refused(policy("mine", None, Deed::Promote)), (None, "text".to_owned()));
    world.logins("ann", 1, Outcome::Admitted);
}

#[test]
fn params_come_with_the_policy_that_is_promoted() {
    let header = "//! [params]\n//! n = { default = 1, type = \"int\" }\n";
    let text = format!("{header}fn on_exhausted() {{ deny(`${{params.n}}`) }}");
    let mut world = World::new(file(vec![office(1, "destroy_oldest")]));
    let params = BTreeMap::from([("n".to_owned(), Param::Int(7))]);
    let deed = Deed::Install { text: text.as_str().into(), mode: PolicyMode::Share(1), params };
    world.done(policy("mine", Some("office"), deed));
    world.done(policy("mine", Some("office"), Deed::Promote));
    world.logins("ann", 1, Outcome::Admitted);
    assert_eq!(world.login("ann", "b").reason.as_deref(), Some("7"));
}
