//! What was acknowledged is seen, from any thread.

use super::world::{World, quotas};
use crate::{Config, Next, Projection, Projector, ViewError};
use sledger_core::Seq;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn what_was_acknowledged_is_seen_from_another_thread() {
    let mut world = World::new(quotas(3));
    let (projector, input, views) =
        Projector::start(Projection::of_state(world.decider.state()), Config::default()).expect("it starts");
    let (acknowledge, acknowledged) = sync_channel::<(String, Seq)>(64);
    let reader = std::thread::spawn(move || {
        let mut seen = 0u32;
        for (session, number) in acknowledged {
            let found =
                views.read(|projection| projection.session_numbered(number)).expect("it comes that far");
            assert_eq!(found.map(|view| view.facts.session().to_owned()), Some(session));
            seen += 1;
        }
        seen
    });
    for n in 0..10_000 {
        let session = format!("s{n}");
        let recorded = world.login(&format!("user-{n}"), &session);
        let head = world.decider.state().seq();
        input.send(recorded, head).expect("the projector runs");
        acknowledge.send((session, head)).expect("the reader runs");
    }
    drop(acknowledge);
    assert_eq!(reader.join().expect("the reader saw everything"), 10_000);
    drop(input);
    projector.join().expect("it ends when its input is gone");
}

#[test]
fn the_feed_follows_the_blocks_and_ends_with_them() {
    let mut world = World::new(quotas(0));
    let (projector, input, views) =
        Projector::start(Projection::of_state(world.decider.state()), Config::default()).expect("it starts");
    let mut reader = views.subscribe(Some(Seq(1))).expect("nothing is lost yet");
    let blocks = std::thread::spawn(move || {
        for n in 0..500 {
            let recorded =
                [world.login("ann", &format!("a{n}")), world.login("bob", &format!("b{n}"))].concat();
            input.send(recorded, world.decider.state().seq()).expect("the projector runs");
        }
        world.decider.state().seq()
    });
    let mut expected = 1;
    let end = loop {
        match reader.next_blocking(LONG) {
            Next::Told(delivery) => {
                for told in delivery.events() {
                    assert_eq!(told.seq, Seq(expected));
                    expected += 1;
                }
                let last = delivery.events().last().expect("no delivery is empty");
                assert_eq!(last.index + 1, last.decision.events.len(), "a decision is never split");
            }
            other => break other,
        }
    };
    assert!(matches!(end, Next::Closed), "{end:?}");
    let head = blocks.join().expect("all blocks were taken");
    assert_eq!(Seq(expected - 1), head);
    projector.join().expect("it ends when its input is gone");
    assert_eq!(views.read(Projection::seq), Ok(head));
}

#[test]
fn a_reader_that_never_reads_holds_up_nobody() {
    let mut world = World::new(quotas(0));
    let config = Config { blocks_max: 1, events_max: 8, ..Config::default() };
    let (projector, input, views) =
        Projector::start(Projection::of_state(world.decider.state()), config).expect("it starts");
    let mut lazy = views.subscribe(None).expect("there is room");
    for n in 0..200 {
        let recorded = world.login("ann", &format!("a{n}"));
        input.send(recorded, world.decider.state().seq()).expect("the projector runs");
    }
    assert_eq!(views.read(|projection| projection.active("ann")), Ok(3));
    assert!(matches!(lazy.next_blocking(Duration::ZERO), Next::Lost(lost) if lost.from == Seq(1)));
    drop(input);
    projector.join().expect("it ends when its input is gone");
}

#[test]
fn a_query_that_waits_too_long_says_how_far_the_projection_is() {
    let world = World::new(quotas(0));
    let config = Config { wait_max: Duration::ZERO, ..Config::default() };
    let (projector, input, views) =
        Projector::start(Projection::of_state(world.decider.state()), config).expect("it starts");
    // The first query holds the lock, so the projector cannot come further while the second waits.
    let slow = views.read(|_| {
        let recorded = World::new(quotas(0)).login("ann", "a");
        input.send(recorded, Seq(1)).expect("the projector runs");
        views.read(Projection::seq)
    });
    assert_eq!(slow, Ok(Err(ViewError::Slow { wanted: Seq(1), reached: Seq(0) })));
    input.send(Vec::new(), Seq(9)).expect("the projector runs");
    drop(input);
    projector.join().expect("it ends when its input is gone");
    assert_eq!(views.read(Projection::seq), Ok(Seq(1)));
}
