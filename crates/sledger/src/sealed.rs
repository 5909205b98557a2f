//! Volumes that were sealed in the background, as events of the ledger.
//!
//! A kill between the sealing of a volume and its event loses the event only: the file tells of itself.

use sledger_core::event::Event;
use sledger_log::Sealing;
use std::time::{Duration, Instant};

/// How often the decider looks.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// The decider's side.
pub(crate) struct Sealed {
    sealing: Sealing,
    looked: Instant,
}

impl Sealed {
    pub(crate) fn new(sealing: Sealing) -> Self {
        Self { sealing, looked: Instant::now() }
    }

    /// Whether the active volume is to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.sealing.is_asked()
    }

    /// An event for each volume that was sealed since the last look; looks once a second at most.
    pub(crate) fn events(&mut self, now: Instant) -> Vec<Event> {
        if now.saturating_duration_since(self.looked) < LOOK_EACH {
            return Vec::new();
        }
        self.looked = now;
        let sealed = self.sealing.take_sealed().into_iter();
        sealed
            .map(|sealed| Event::VolumeSealed {
                volume: sealed.volume,
                first: sealed.first,
                last: sealed.last,
                head: sealed.head,
                bytes: sealed.bytes,
            })
            .collect()
    }
}
