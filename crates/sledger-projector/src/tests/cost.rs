//! What one admission costs the projector's thread, in processor time: printed, not judged, since machines differ.

use super::world::{World, quota};
use crate::feed::Batch;
use crate::told::Kept;
use crate::{Projection, UserQuery};
use rustix::time::{ClockId, clock_gettime};
use sledger_core::config::{Dimension, Level};
use std::time::Duration;

const SESSIONS: u32 = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
const BLOCK: u32 = 1000;

/// Processor time of this thread: what else runs on the machine does not count.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("processor time does not run backwards from 0")
}

fn since(start: Duration) -> Duration {
    now().saturating_sub(start)
}

#[test]
fn the_cost_of_admissions_is_printed() {
    let mut world = World::new(vec![quota("per-user", vec![Dimension::User], 5, Level::Hard, "evict")]);
    let mut projection = Projection::of_state(world.decider.state());
    let feed = crate::feed::Feed::new(projection.seq(), 65_536, 8);
    let mut decide = Duration::ZERO;
    let fifth = SESSIONS / BLOCK / 5;
    let mut logins = 0u64;
    // Every user comes five times before anybody comes a sixth time and is evicted for.
    for (name, rounds) in [("growing", 4 * fifth), ("admitted", fifth), ("evicting", fifth)] {
        let (mut fold, mut told, mut push) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for _ in 0..rounds {
            let (start, mut block) = (now(), Vec::new());
            for _ in 0..BLOCK {
                let user = logins * 104_729 % u64::from(SESSIONS / 5);
                block.extend(world.login(&format!("user-{user:07}"), &format!("session-{logins:012}")));
                logins += 1;
            }
            decide += since(start);
            let start = now();
            projection.look_ahead(&block);
            for recorded in &block {
                projection.apply(recorded);
            }
            fold += since(start);
            let start = now();
            let mut names = Kept::new(projection.ready());
            for recorded in &block {
                names.keep(&projection, recorded);
            }
            told += since(start);
            let start = now();
            feed.push(Batch::new(block, names).expect("logins are recorded"));
            push += since(start);
        }
        let each = |time: Duration| time.as_nanos() / u128::from(rounds * BLOCK);
        println!(
            "{name}: {} live; per decision decide {} ns; fold {} ns, keep names {} ns, push and free {} ns",
            projection.session_count(),
            each(std::mem::take(&mut decide)),
            each(fold),
            each(told),
            each(push)
        );
    }
    let start = now();
    let found = projection.users(&UserQuery::default()).expect("the query can be answered").users.len();
    println!("a page of {found} of {} users: {:?}", projection.user_count(), since(start));
    let start = now();
    println!("top {}: {:?}", projection.top(20).len(), since(start));
    let start = now();
    let again = Projection::of_state(world.decider.state());
    println!("of_state: {:?}", since(start));
    assert_eq!(again.session_count(), world.decider.state().session_count());
    assert_eq!(projection.totals(80).at_limit, again.totals(80).at_limit);
}
