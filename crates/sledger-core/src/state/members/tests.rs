use super::*;
use crate::{Facts, Span, Texts};
use proptest::prelude::*;
use std::sync::Arc;

const ORDERS: [Order; 6] = [
    Order::Oldest,
    Order::Newest,
    Order::NextExpiring,
    Order::LeastTimeLeft,
    Order::MostIdle,
    Order::LeastIdle,
];

/// A session that came at `at` and began `age` before; each third one lives shorter.
fn session(number: u64, at: u64, age: u64) -> Session {
    let mut facts = Facts::new(Texts { user: "ann", session: "a", ..Texts::default() });
    facts.started = Millis(at.saturating_sub(age));
    facts.ttl = Span::millis(if number.is_multiple_of(3) { 40 } else { 90 });
    facts.idle = Span::millis(50);
    Session::new(Arc::new(facts), Seq(number), Millis(at), 0)
}

/// The order worked out by sorting all.
fn by_sorting(rows: &Rows, order: Order) -> Vec<u32> {
    let (key, greatest) = key_of_order(order);
    let slots = rows.iter().map(|(slot, _)| u32::try_from(slot).unwrap_or(u32::MAX));
    let mut all: Vec<Entry> = slots.map(|slot| entry(rows, slot, key)).collect();
    all.sort_unstable();
    if greatest {
        all.reverse();
    }
    all.into_iter().map(|(_, _, slot)| slot).collect()
}

proptest! {
    #[test]
    fn every_pick_is_what_sorting_all_would_give(
        steps in prop::collection::vec((0u8..8, 0u64..3, 0usize..16, 1usize..4), 1..60)
    ) {
        let (mut rows, mut members, mut at) = (Rows::new(), Members::default(), 1000);
        for (number, (step, age, place, most)) in (1u64..).zip(steps) {
            at += u64::from(step % 3);
            let live: Vec<usize> = rows.iter().map(|(slot, _)| slot).collect();
            let chosen = live.get(place % live.len().max(1)).copied();
            match (step, chosen) {
                (0, Some(slot)) => {
                    members.remove(&rows, u32::try_from(slot).unwrap_or(u32::MAX));
                    rows.remove(slot);
                }
                (1, Some(slot)) => {
                    let named = u32::try_from(slot).unwrap_or(u32::MAX);
                    members.leave_orders(&rows, named);
                    rows.get_mut(slot).into_iter().for_each(|session| session.last_active = Millis(at));
                    members.join_orders(&rows, named);
                }
                (2, Some(slot)) => {
                    rows.get_mut(slot).into_iter().for_each(|session| session.set_idle_shift(age * 30));
                    members.put_off(&rows);
                }
                _ => {
                    let slot = rows.insert(session(number, at, age * 7));
                    members.add(&rows, u32::try_from(slot).unwrap_or(u32::MAX), Millis(at));
                }
            }
            prop_assert_eq!(members.len(), rows.len());
            for order in ORDERS {
                let mut expected = by_sorting(&rows, order);
                let all = members.pick(&rows, order, usize::MAX, &|_| true);
                prop_assert_eq!(&all[..], &expected[..], "{:?} of all", order);
                expected.retain(|slot| slot % 2 == 0);
                expected.truncate(most);
                let some = members.pick(&rows, order, most, &|slot| slot % 2 == 0);
                prop_assert_eq!(&some[..], &expected[..], "{:?} of some", order);
            }
        }
    }
}

#[test]
fn very_many_sessions_put_off_at_once_expire_in_their_new_order() {
    let (mut rows, mut members) = (Rows::new(), Members::default());
    for number in 1..=1_100 {
        let slot = rows.insert(session(number, 1_000 + number / 7, 0));
        members.add(&rows, u32::try_from(slot).unwrap_or(u32::MAX), Millis(1_000 + number / 7));
    }
    for (slot, session) in &mut rows {
        session.set_idle_shift(if slot % 5 == 0 { 39 } else { 0 });
    }
    members.put_off(&rows);
    for order in ORDERS {
        let picked = members.pick(&rows, order, usize::MAX, &|_| true);
        assert_eq!(&picked[..], &by_sorting(&rows, order)[..], "{order:?}");
    }
}
