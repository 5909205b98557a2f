//! The clocks of this machine: the only place where they are read.

use rustix::time::{ClockId, clock_gettime};
use sledger_core::Millis;
use sledger_core::clock::Clock;

/// `CLOCK_BOOTTIME`, which counts while the machine sleeps, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn boot(&self) -> u64 {
        millis(ClockId::Boottime)
    }

    fn wall(&self) -> Millis {
        Millis(millis(ClockId::Realtime))
    }
}

fn millis(id: ClockId) -> u64 {
    let now = clock_gettime(id);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
}
