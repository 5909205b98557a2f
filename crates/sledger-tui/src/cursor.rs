//! Which row is chosen: by what it is, never by where it stands.
//!
//! Invariant: a choice names the same thing until somebody chooses another, also when its row moves or leaves the list.
//! Nothing is chosen before somebody chooses.

/// The chosen row of a list whose rows are known by `K`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    /// What is chosen.
    pub chosen: Option<K>,
    /// Where it stood when it was last in the list.
    place: usize,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { chosen: None, place: 0 }
    }
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows down.
    Down(usize),
    /// So many rows up.
    Up(usize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// Where the chosen row stands in `rows`; `None` where it is not among them.
    #[must_use]
    pub fn place(&self, rows: &[K]) -> Option<usize> {
        let chosen = self.chosen.as_ref()?;
        rows.iter().position(|row| row == chosen)
    }

    /// Remembers where the chosen row stands, for when it leaves.
    pub fn settle(&mut self, rows: &[K]) {
        if let Some(place) = self.place(rows) {
            self.place = place;
        }
    }

    /// Chooses another row of `rows`.
    pub fn step(&mut self, step: Step, rows: &[K]) {
        let Some(last) = rows.len().checked_sub(1) else { return };
        let at = self.place(rows);
        let from = at.unwrap_or(self.place).min(last);
        let to = match (step, &self.chosen) {
            (Step::Last, _) => last,
            // The first step chooses where it is looked: at the top.
            (Step::First, _) | (Step::Down(_) | Step::Up(_), None) => 0,
            // Its row is gone: the one that stands there now is next.
            (Step::Down(1), Some(_)) if at.is_none() => from,
            (Step::Down(rows), Some(_)) => from.saturating_add(rows).min(last),
            (Step::Up(rows), Some(_)) => from.saturating_sub(rows),
        };
        self.choose(to, rows);
    }

    /// Chooses the row at `place`, where there is one.
    pub fn choose(&mut self, place: usize, rows: &[K]) {
        if let Some(row) = rows.get(place) {
            (self.chosen, self.place) = (Some(row.clone()), place);
        }
    }

    /// Chooses nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first row to show so that the chosen one is among `height` rows.
    #[must_use]
    pub fn offset(&self, rows: &[K], height: usize) -> usize {
        let Some(place) = self.chosen.as_ref().map(|_| self.place(rows).unwrap_or(self.place)) else {
            return 0;
        };
        let most = rows.len().saturating_sub(height);
        (place + 1).saturating_sub(height).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_choice_follows_its_row_and_outlives_it() {
        let mut cursor = Cursor::default();
        cursor.step(Step::Down(1), &["a", "b", "c"]);
        assert_eq!(cursor.chosen, Some("a"), "the first step chooses the first row");
        cursor.step(Step::Down(1), &["a", "b", "c"]);
        cursor.settle(&["c", "a", "b"]);
        assert_eq!((cursor.chosen, cursor.place(&["c", "a", "b"])), (Some("b"), Some(2)));
        assert_eq!((cursor.chosen, cursor.place(&["c", "a"])), (Some("b"), None), "it is gone, not another");
        assert_eq!(cursor.place(&["c", "a", "z", "y"]), None, "nor whoever stands where it stood");
        cursor.step(Step::Up(1), &["c", "a"]);
        assert_eq!(cursor.chosen, Some("c"));
    }

    #[test]
    fn nothing_is_chosen_from_nothing() {
        let mut cursor: Cursor<u64> = Cursor::default();
        for step in [Step::Down(1), Step::Up(9), Step::First, Step::Last] {
            cursor.step(step, &[]);
            assert_eq!(cursor.chosen, None);
        }
    }

    proptest! {
        #[test]
        fn no_shuffle_changes_what_is_chosen(
            rows in prop::collection::vec(0_u8..50, 0..20),
            later in prop::collection::vec(0_u8..50, 0..20),
            steps in 0_usize..10,
            height in 0_usize..12,
        ) {
            let mut cursor = Cursor::default();
            (0..steps).for_each(|_| cursor.step(Step::Down(1), &rows));
            let chosen = cursor.chosen;
            cursor.settle(&later);
            prop_assert_eq!(cursor.chosen, chosen);
            let offset = cursor.offset(&later, height);
            if let Some(place) = cursor.place(&later) && height > 0 {
                prop_assert!((offset..offset + height).contains(&place));
            }
        }
    }
}
