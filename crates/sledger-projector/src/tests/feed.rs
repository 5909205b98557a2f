//! The feed has no gaps, shows whole decisions, and waits for nobody.

use super::world::{World, quotas};
use crate::feed::{Batch, Feed};
use crate::told::Kept;
use crate::{Lost, Next, Projection, SubscribeError, Subscription};
use sledger_core::Seq;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

struct Source {
    world: World,
    projection: Projection,
    logins: u32,
}

impl Source {
    fn new() -> Self {
        let world = World::new(quotas(0));
        let projection = Projection::of_state(world.decider.state());
        Self { world, projection, logins: 0 }
    }

    /// The next login's decisions: from the fourth on an end and an admission.
    fn next(&mut self) -> Batch {
        self.logins += 1;
        let recorded = self.world.login("ann", &format!("s{}", self.logins));
        let mut names = Kept::new(self.projection.ready());
        for recorded in &recorded {
            self.projection.apply(recorded);
            names.keep(&self.projection, recorded);
        }
        Batch::new(recorded, names).expect("a login is recorded")
    }
}

fn seqs(next: Next) -> Vec<u64> {
    match next {
        Next::Told(delivery) => delivery.events().iter().map(|told| told.seq.0).collect(),
        other => panic!("events were expected, not {other:?}"),
    }
}

fn now(reader: &mut Subscription) -> Next {
    reader.next_blocking(Duration::ZERO)
}

fn feed(events_max: usize, readers_max: usize) -> Arc<Feed> {
    Arc::new(Feed::new(Seq(0), events_max, readers_max))
}

#[test]
fn a_reader_gets_everything_in_order_from_where_it_asks() {
    let (feed, mut source) = (feed(1000, 8), Source::new());
    let mut live = feed.subscribe(None).expect("there is room");
    for _ in 0..6 {
        feed.push(source.next());
    }
    let mut all = feed.subscribe(Some(Seq(1))).expect("all is kept");
    let mut seen = Vec::new();
    for _ in 0..6 {
        let batch = seqs(now(&mut all));
        assert_eq!(batch, seqs(now(&mut live)));
        seen.extend(batch);
    }
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    assert!(matches!(now(&mut all), Next::Idle));
    let mut within = feed.subscribe(Some(Seq(5))).expect("all is kept");
    assert_eq!(seqs(now(&mut within)), [5]);
    assert_eq!(seqs(now(&mut within)), [6, 7]);
    let mut ahead = feed.subscribe(Some(Seq(11))).expect("it will come");
    feed.push(source.next());
    assert_eq!(seqs(now(&mut ahead)), [11]);
}

#[test]
fn a_reader_that_falls_behind_is_told_what_is_lost_and_closed() {
    let (feed, mut source) = (feed(4, 8), Source::new());
    let mut slow = feed.subscribe(None).expect("there is room");
    feed.push(source.next());
    assert_eq!(seqs(now(&mut slow)), [1]);
    for _ in 0..6 {
        feed.push(source.next());
    }
    let Next::Lost(lost) = now(&mut slow) else { panic!("it fell behind") };
    assert_eq!(lost, Lost { from: Seq(2), to: Seq(7) });
    assert!(matches!(now(&mut slow), Next::Closed));
    let refused = feed.subscribe(Some(Seq(7))).err();
    assert_eq!(refused, Some(SubscribeError::TooOld { oldest: Seq(8) }));
    let mut fresh = feed.subscribe(Some(Seq(8))).expect("it is kept");
    assert_eq!(seqs(now(&mut fresh)), [8, 9]);
}

#[test]
fn readers_are_bounded_and_make_room_when_they_go() {
    let feed = feed(10, 2);
    let first = feed.subscribe(None).expect("there is room");
    let _second = feed.subscribe(None).expect("there is room");
    assert_eq!(feed.subscribe(None).err(), Some(SubscribeError::TooManyReaders { readers_max: 2 }));
    drop(first);
    assert_eq!(feed.readers(), 1);
    assert!(feed.subscribe(None).is_ok());
}

#[test]
fn a_batch_greater_than_the_ring_is_kept_whole() {
    let (feed, mut source) = (feed(1, 2), Source::new());
    for _ in 0..3 {
        source.next();
    }
    let mut reader = feed.subscribe(Some(Seq(4))).expect("it will come");
    feed.push(source.next());
    assert_eq!(seqs(now(&mut reader)), [4, 5]);
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_async_reader_is_woken_once_per_batch_and_at_the_end() {
    let (feed, mut source) = (feed(100, 2), Source::new());
    let mut reader = feed.subscribe(None).expect("there is room");
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    assert!(reader.poll_next(&mut context).is_pending());
    assert!(reader.poll_next(&mut context).is_pending());
    feed.push(source.next());
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(matches!(reader.poll_next(&mut context), Poll::Ready(Next::Told(_))));
    assert!(reader.poll_next(&mut context).is_pending());
    feed.close();
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    assert!(matches!(reader.poll_next(&mut context), Poll::Ready(Next::Closed)));
}
