//! What is recorded of the ledger's own keeping: notes, holds, looks at the past, volumes that go.

use crate::world::World;
use sledger_core::answer::Outcome;
use sledger_core::command::{Command, Keep, Refusal};
use sledger_core::config::{NOTE_BYTES_MAX, Settings};
use sledger_core::event::Event;
use sledger_core::state::HOLDS_MAX;
use sledger_core::{Personal, Seq};

fn hold(name: &str) -> Keep {
    Keep::Hold { name: name.to_owned(), reason: "case 7".to_owned() }
}

fn release(name: &str) -> Keep {
    Keep::Release { name: name.to_owned() }
}

fn note(about: &str, text: &str) -> Keep {
    Keep::Note { about: about.to_owned(), text: text.to_owned() }
}

fn dropped() -> Keep {
    Keep::Dropped { volume: 1, first: Seq(1), last: Seq(2), head: [7; 32] }
}

fn keep(world: &mut World, keep: Keep) -> (Outcome, Option<Refusal>, Option<String>) {
    let before = world.recorded();
    let answer = world.ask(Command::Keep(Box::new(keep)));
    let grew = usize::from(answer.outcome == Outcome::Configured);
    assert_eq!(world.recorded() - before, grew, "one event for what is done, none for a refusal");
    world.assert_folded();
    (answer.outcome, answer.refusal, answer.field)
}

fn refused(world: &mut World, what: Keep) -> (Option<Refusal>, String) {
    let (outcome, refusal, field) = keep(world, what);
    assert_eq!(outcome, Outcome::Rejected);
    (refusal, field.unwrap_or_default())
}

fn done(world: &mut World, what: Keep) {
    let (outcome, _, field) = keep(world, what);
    assert_eq!((outcome, field), (Outcome::Configured, None));
}

#[test]
fn while_a_hold_stands_no_volume_goes() {
    let mut world = World::new(Settings::default());
    done(&mut world, hold("case-7"));
    assert_eq!(&*world.state().holds()["case-7"].reason, "case 7");
    assert_eq!(refused(&mut world, dropped()), (Some(Refusal::Owned), "hold".to_owned()));
    let archived = Keep::Archived { volume: 1, to: "/media/a".to_owned() };
    assert_eq!(refused(&mut world, archived), (Some(Refusal::Owned), "hold".to_owned()));
    done(&mut world, release("case-7"));
    assert!(world.state().holds().is_empty());
    done(&mut world, dropped());
}

#[test]
fn a_hold_is_set_once_and_released_once() {
    let mut world = World::new(Settings::default());
    assert_eq!(refused(&mut world, release("x")), (Some(Refusal::Unknown), "name".to_owned()));
    done(&mut world, hold("x"));
    assert_eq!(refused(&mut world, hold("x")), (Some(Refusal::Owned), "name".to_owned()));
    done(&mut world, release("x"));
    assert_eq!(refused(&mut world, release("x")), (Some(Refusal::Unknown), "name".to_owned()));
}

#[test]
fn holds_are_bounded_and_none_is_lost_over_it() {
    let mut world = World::new(Settings::default());
    for index in 0..HOLDS_MAX {
        done(&mut world, hold(&format!("h{index}")));
    }
    assert_eq!(refused(&mut world, hold("more")), (Some(Refusal::Owned), "name".to_owned()));
    assert_eq!(world.state().holds().len(), HOLDS_MAX);
}

#[test]
fn a_digest_without_holds_is_what_it_was_before_there_were_any() {
    let mut world = World::new(Settings::default());
    done(&mut world, note("user:ann", "called the desk"));
    let before = world.digest();
    done(&mut world, hold("x"));
    assert_ne!(world.digest(), before);
}

#[test]
fn notes_and_holds_are_bounded_and_refused_by_field() {
    let mut world = World::new(Settings::default());
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    let cases = [
        (note("", "x"), "about"),
        (note("seq:1", ""), "text"),
        (note("seq:1", &long), "text"),
        (note("seq:1", "a\u{1b}[2J"), "text"),
        (note("a\nb", "x"), "about"),
        (hold(""), "name"),
        (hold("a\u{7}"), "name"),
        (hold(&"n".repeat(257)), "name"),
        (Keep::Hold { name: "n".to_owned(), reason: String::new() }, "reason"),
        (release(""), "name"),
    ];
    for (what, field) in cases {
        assert_eq!(refused(&mut world, what.clone()), (None, field.to_owned()), "{what:?}");
    }
}

#[test]
fn a_look_at_the_past_is_recorded_whatever_was_asked_for() {
    let mut world = World::new(Settings::default());
    let about = format!("user:\u{1b}[31m{}", "é".repeat(400));
    done(&mut world, Keep::Read { what: "timeline", about });
    let told = world.events().last().cloned();
    let Some(Event::HistoryRead { what, about: Personal::Plain(about) }) = told else {
        panic!("not told: {told:?}");
    };
    assert_eq!(&*what, "timeline");
    assert!(about.starts_with("user:\u{fffd}[31m") && about.len() <= 512, "{about}");
}
