//! What a salvage left to be recorded by who opens the ledger next.
//!
//! `salvaged`: `ledger`, `from`, `to` (0 for nothing lost), `detail`; a mark, see `mark`.

use crate::block::LedgerId;
use crate::dir;
use crate::files;
use crate::mark::Mark;
use sledger_core::Seq;
use std::io;
use std::path::Path;

/// What was salvaged and is not recorded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// First event that is lost, if any.
    pub lost_from: Option<Seq>,
    /// Last event that is known to be lost.
    pub lost_to: Option<Seq>,
    /// What was done.
    pub detail: String,
}

impl Salvaged {
    /// What was salvaged in `dir`; `None` where there is nothing, or nothing that can be trusted.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn read(dir: &Path, ledger: LedgerId) -> io::Result<Option<Self>> {
        let found = Mark::read(&dir::salvaged_path(dir))?;
        Ok(found.and_then(|mark| Self::from_mark(&mark.ok()?, ledger)))
    }

    fn from_mark(mark: &Mark, ledger: LedgerId) -> Option<Self> {
        let seq = |key: &str| Some(Seq(mark.number(key).ok()?));
        if LedgerId(mark.bytes("ledger").ok()?) != ledger {
            return None;
        }
        let some = |seq: Seq| Some(seq).filter(|seq| seq.0 > 0);
        let detail = mark.text("detail").ok()?.to_owned();
        Some(Self { lost_from: some(seq("from")?), lost_to: some(seq("to")?), detail })
    }

    /// Forgets it: it is recorded.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn forget(dir: &Path) -> io::Result<()> {
        files::remove(&dir::salvaged_path(dir))
    }

    /// Leaves it to be recorded, beside what an earlier salvage left.
    pub(super) fn leave(mut self, dir: &Path, ledger: LedgerId) -> io::Result<()> {
        if let Some(earlier) = Self::read(dir, ledger)? {
            self.lost_from = [self.lost_from, earlier.lost_from].into_iter().flatten().min();
            self.lost_to = self.lost_to.max(earlier.lost_to);
            self.detail = format!("{}; {}", earlier.detail, self.detail).chars().take(DETAIL_MAX).collect();
        }
        Mark::default()
            .with("ledger", ledger)
            .with("from", self.lost_from.unwrap_or_default())
            .with("to", self.lost_to.unwrap_or_default())
            .with("detail", &self.detail)
            .write(&dir::salvaged_path(dir))
    }
}

/// No detail is longer, in characters.
const DETAIL_MAX: usize = 400;
