//! When to kill: drawn from a seed, every named point among it.
//!
//! A life is one data directory and the runs over it, one after the other, so
//! that what a kill left is opened, and killed in, again. Each life begins with
//! a short run that closes in good order: its volume is small enough to be
//! taken up again by the next.

use crate::recordings::Rng;

/// Requests of a run that is killed while it closes.
const REQUESTS: u32 = 400;
/// Requests of a run that is to reach a named point: far more than it takes.
const REQUESTS_TRAPPED: u32 = 20_000;
/// Requests of a short run in good order.
const REQUESTS_SHORT: u32 = 12;
/// Requests of a run that never comes to its end.
const REQUESTS_ENDLESS: u32 = 1_000_000;
/// Kills of one directory.
const KILLS_PER_LIFE: usize = 7;
/// Percent of kills after which the next run closes in good order.
const CLOSES_PERCENT: usize = 30;

/// When a process is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kill {
    /// By itself, at a named point.
    AtPoint {
        /// Which.
        point: &'static str,
        /// The how manieth time, from 1.
        occurrence: u32,
    },
    /// From outside, so long after the acknowledgement of this number was read.
    AfterAcks {
        /// How many.
        acks: u32,
        /// Microseconds on top.
        micros: u64,
    },
    /// From outside, so many microseconds after its start: while it opens, too.
    AfterStart {
        /// Microseconds.
        micros: u64,
    },
}

/// One process over a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many requests it makes before it closes.
    pub requests: u32,
    /// When it is killed; `None` when it closes in good order.
    pub kill: Option<Kill>,
}

/// Runs over one directory, in order.
pub type Life = Vec<Run>;

/// Everything that is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One for each directory.
    pub lives: Vec<Life>,
}

impl Plan {
    /// Draws at least `kills` kills, each of `points` at least twice and the rest at any moment.
    #[must_use]
    pub fn draw(seed: u64, kills: usize, points: &[&'static str]) -> Self {
        let mut rng = Rng::new(seed);
        let named = points.iter().chain(points).map(|point| at_point(&mut rng, point));
        let mut drawn: Vec<Kill> = named.collect();
        while drawn.len() < kills {
            drawn.push(at_any_moment(&mut rng));
        }
        shuffle(&mut rng, &mut drawn);
        let lives = drawn.chunks(KILLS_PER_LIFE).map(|kills| life(&mut rng, kills)).collect();
        Self { lives }
    }
}

fn at_point(rng: &mut Rng, point: &'static str) -> Kill {
    let most = match point.split_once('.').map_or(point, |(stage, _)| stage) {
        "append" | "answer" => 9,
        "rotate" | "seal" | "snapshot" => 2,
        // Reached once in a run.
        _ => 1,
    };
    let occurrence = u32::try_from(1 + rng.below(most)).unwrap_or(1);
    Kill::AtPoint { point, occurrence }
}

fn at_any_moment(rng: &mut Rng) -> Kill {
    if rng.chance(40) {
        return Kill::AfterStart { micros: rng.next() % 400_000 };
    }
    let acks = u32::try_from(1 + rng.below(900)).unwrap_or(1);
    Kill::AfterAcks { acks, micros: rng.next() % 4_000 }
}

fn life(rng: &mut Rng, kills: &[Kill]) -> Life {
    let good = Run { requests: REQUESTS_SHORT, kill: None };
    let mut runs = vec![good.clone()];
    for kill in kills {
        let requests = match kill {
            Kill::AtPoint { point, .. } if point.starts_with("close.") => REQUESTS,
            Kill::AtPoint { .. } => REQUESTS_TRAPPED,
            Kill::AfterAcks { .. } | Kill::AfterStart { .. } => REQUESTS_ENDLESS,
        };
        runs.push(Run { requests, kill: Some(kill.clone()) });
        if rng.chance(CLOSES_PERCENT) {
            runs.push(good.clone());
        }
    }
    runs.push(good);
    runs
}

fn shuffle<T>(rng: &mut Rng, items: &mut [T]) {
    for index in (1..items.len()).rev() {
        items.swap(index, rng.below(index + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_every_point_and_follows_from_its_seed() {
        let points = ["open.before_scan", "append.after_flush", "rotate.done"];
        let plan = Plan::draw(7, 20, &points);
        assert_eq!(plan, Plan::draw(7, 20, &points));
        let kills: Vec<&Kill> = plan.lives.iter().flatten().filter_map(|run| run.kill.as_ref()).collect();
        assert_eq!(kills.len(), 20);
        for named in points {
            let is = |kill: &&&Kill| matches!(kill, Kill::AtPoint { point, .. } if *point == named);
            assert_eq!(kills.iter().filter(is).count(), 2, "{named}");
        }
        assert!(plan.lives.iter().all(|life| life.first().is_some_and(|run| run.kill.is_none())));
    }
}
