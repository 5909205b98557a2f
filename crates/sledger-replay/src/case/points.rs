//! How many sessions were in over time.

use sledger_core::Millis;

/// Points kept: beyond them, of two neighbours the higher one stays.
pub const POINTS_MAX: usize = 2000;

/// How many were in from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// From when on.
    pub at: Millis,
    /// Live sessions.
    pub active: u32,
    /// The limit for whoever comes then, where one is known.
    pub limit: Option<u32>,
}

/// Points in the order of time.
#[derive(Debug, Default)]
pub(super) struct Points {
    all: Vec<Point>,
    /// What stood right before the window.
    before: Option<Point>,
}

impl Points {
    pub(super) fn add(&mut self, point: Point, is_covered: bool) {
        if !is_covered {
            if self.all.is_empty() {
                self.before = Some(point);
            }
            return;
        }
        match self.all.last_mut().filter(|last| last.at == point.at) {
            Some(last) => *last = point,
            None => self.all.push(point),
        }
        if self.all.len() > POINTS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let pairs = self.all.chunks(2);
        self.all = pairs.filter_map(|pair| pair.iter().max_by_key(|point| point.active).copied()).collect();
    }

    pub(super) fn finish(self) -> Vec<Point> {
        self.before.into_iter().chain(self.all).collect()
    }
}
