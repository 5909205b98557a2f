//! Places to go on from: near the cursor many, further away fewer and fewer.
//!
//! Invariant: at most `KEPT_MAX` places, with at most `SESSIONS_MAX` live sessions in all of them, or one place alone
//! that has more. The beginning may go: it can be had again.

use super::place::Place;
use sledger_core::Seq;

/// Places at most.
const KEPT_MAX: usize = 16;
/// Live sessions in all of them.
const SESSIONS_MAX: usize = 200_000;

/// Places, earliest first.
#[derive(Debug)]
pub(super) struct Kept {
    places: Vec<Place>,
    sessions_max: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { places: Vec::new(), sessions_max: SESSIONS_MAX }
    }
}

impl Kept {
    /// Keeps a place, which is near where somebody looks; others may go for it.
    pub(super) fn keep(&mut self, place: Place) {
        let seq = place.state.seq();
        let at = self.places.partition_point(|one| one.state.seq() < seq);
        match self.places.get_mut(at) {
            // What folded longer knows more.
            Some(one) if one.state.seq() == seq => {
                if one.recent.len() <= place.recent.len() {
                    *one = place;
                }
            }
            _ => self.places.insert(at, place),
        }
        while self.is_over() && self.places.len() > 1 {
            self.drop_one(seq);
        }
    }

    /// The last place that will do.
    pub(super) fn last(&self, will_do: impl Fn(&Place) -> bool) -> Option<&Place> {
        self.places.iter().rev().find(|place| will_do(place))
    }

    /// How many places, and how many sessions in them.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.places.len(), self.places.iter().map(|place| place.state.session_count()).sum())
    }

    fn is_over(&self) -> bool {
        let (places, sessions) = self.size();
        places > KEPT_MAX || sessions > self.sessions_max
    }

    /// Lets go of the place that is missed least: where the gap that it leaves is small beside its distance.
    fn drop_one(&mut self, cursor: Seq) {
        let seqs: Vec<u64> = self.places.iter().map(|place| place.state.seq().0).collect();
        let loss = |(index, seq): (usize, &u64)| {
            let before = index.checked_sub(1).and_then(|index| seqs.get(index)).copied().unwrap_or_default();
            let after = seqs.get(index + 1).copied().unwrap_or(cursor.0.max(*seq));
            let gap = u128::from(after.saturating_sub(before)).saturating_mul(1 << 32);
            (gap / (u128::from(cursor.0.abs_diff(*seq)) + 1), index)
        };
        let others = seqs.iter().enumerate().filter(|(_, seq)| **seq != cursor.0);
        if let Some((_, index)) = others.map(loss).min() {
            self.places.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::State;
    use sledger_replay::export::begun;
    use sledger_replay::history::beginning;
    use sledger_replay::simulate::Simulation;
    use sledger_wire::config::{Config, Written};
    use std::collections::BTreeMap;

    fn at(seq: u64) -> Place {
        let mut state: State = beginning().unwrap();
        state.skip_to(Seq(seq));
        Place::beginning(state)
    }

    #[test]
    fn places_are_many_near_the_cursor_and_few_far_away() {
        let mut kept = Kept::default();
        for seq in (0..1_000_000).step_by(1_000) {
            kept.keep(at(seq));
            assert!(kept.size().0 <= KEPT_MAX);
        }
        let seqs: Vec<u64> = kept.places.iter().map(|place| place.state.seq().0).collect();
        assert_eq!(seqs.last(), Some(&999_000));
        // A step back of any length finds a place no further behind it than a few times that length.
        for back in [1_000, 3_000, 10_000, 50_000, 200_000, 900_000] {
            let to = 999_000 - back;
            let found = kept.last(|place| place.state.seq().0 <= to).map_or(0, |place| place.state.seq().0);
            assert!(to - found <= 4 * back, "{back} back: {seqs:?}");
        }
    }

    #[test]
    fn places_together_hold_no_more_sessions_than_they_may_or_there_is_one() {
        let nothing = BTreeMap::new();
        let config = Config::read(&Written { file: None, environment: &nothing, flags: &nothing }).unwrap();
        let mut simulation = Simulation::new(config).unwrap();
        let mut place = Place::beginning(begun(simulation.begin()).unwrap());
        let mut kept = Kept { sessions_max: 300, ..Kept::default() };
        let mut most = 0;
        for n in 0..400 {
            let line = format!(r#"{{"at":{},"op":"login","user":"u{n}","session":"s{n}"}}"#, 1_000_000 + n);
            simulation.play(n + 1, line.as_bytes()).unwrap();
            for one in simulation.recorded() {
                place.fold(&one.decision);
                kept.keep(place.clone());
                let (places, sessions) = kept.size();
                assert!(places == 1 || (places <= KEPT_MAX && sessions <= 300), "{places}, {sessions}");
                most = most.max(places);
            }
        }
        assert_eq!((kept.size(), most), ((1, 400), KEPT_MAX));
        assert!(kept.places.iter().all(|one| one.state.seq() == place.state.seq()), "the one at the cursor");
    }
}
