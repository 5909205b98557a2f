//! What is shown of the moment: who was in, and how full everybody was.

use super::rows::Row;
use super::{History, Past};
use sledger_replay::at::{At, Walk};
use std::slice::from_ref;

/// The ledger at the moment.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) at: At,
    /// Everybody who was in, where that was asked for.
    rows: Option<Vec<Row>>,
}

impl Shown {
    /// Everybody who was in, by name.
    pub(super) fn rows(&mut self) -> &[Row] {
        let at = &self.at;
        self.rows.get_or_insert_with(|| at.users().map(|one| Row::of(&one)).collect())
    }
}

impl<H: History> Past<H> {
    /// The moment. What is written down behind it and tells of it is looked at, and stays to be folded.
    pub(super) fn show(&mut self) -> Result<&mut Shown, String> {
        let shown = match self.shown.take() {
            Some(shown) => shown,
            None => Shown { at: self.look()?, rows: None },
        };
        Ok(self.shown.insert(shown))
    }

    fn look(&mut self) -> Result<At, String> {
        let here = self.here()?;
        let next = here.state.seq().next();
        // No moment lies behind the last decision: nothing hangs on how the history ends.
        let mut walk = Walk::new(here.state.clone(), self.when, false);
        self.reading.look(&mut self.history, next, &mut |decision| walk.take(from_ref(decision)))?;
        Ok(walk.finish())
    }
}
