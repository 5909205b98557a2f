//! Named points on the way of a block to the disk, for crash harnesses.
//!
//! A [`Probe`] is told when a point is reached, and may kill the process there;
//! it may also have the step after the point fail, as a full or broken disk would.

use std::sync::Arc;

/// Every point there is, in the order of a life: open, append, rotate, seal, close.
pub const POINTS: [&str; 22] = [
    "open.before_scan",
    "open.after_scan",
    "open.before_unmark",
    "open.after_sled",
    "append.before_insert",
    "append.after_insert",
    "append.after_flush",
    "append.after_fdatasync",
    "rotate.begin",
    "rotate.made_ahead",
    "rotate.closed",
    "rotate.renamed",
    "rotate.done",
    "seal.begin",
    "seal.written",
    "seal.synced",
    "seal.renamed",
    "seal.verified",
    "seal.folder_gone",
    "seal.removed",
    "close.before_mark",
    "close.after_mark",
];

/// Every point on the way of a key to the disk and from it: they are reached where personal values are sealed.
pub const KEY_POINTS: [&str; 4] =
    ["keys.before_sync", "keys.after_sync", "keys.before_wipe", "keys.after_wipe"];

/// Watches, kills or fails a log at its named points.
pub trait Probe: Send + Sync {
    /// The log has reached `point`, one of [`POINTS`].
    fn at(&self, point: &'static str);

    /// The text of the error with which the step at `point` is to fail; `None` lets it go on.
    fn fail(&self, _point: &'static str) -> Option<String> {
        None
    }
}

/// A probe or none.
#[derive(Clone, Default)]
pub(crate) struct Probes(pub(crate) Option<Arc<dyn Probe>>);

impl Probes {
    /// Reaches `point`.
    pub(crate) fn reach(&self, point: &'static str) -> std::io::Result<()> {
        debug_assert!(POINTS.contains(&point) || KEY_POINTS.contains(&point), "{point} is listed");
        let Some(probe) = &self.0 else { return Ok(()) };
        probe.at(point);
        probe.fail(point).map_or(Ok(()), |text| Err(std::io::Error::other(text)))
    }
}

impl std::fmt::Debug for Probes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "probe" } else { "no probe" })
    }
}
