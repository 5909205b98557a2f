//! The watchdog: a barrier that does not end poisons the ledger, a disk that fills up closes the door.

use crate::shared::Shared;
use crate::write_loop::BARRIER_MAX;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Between two looks.
const LOOK_EACH: Duration = Duration::from_millis(250);

/// The running watchdog.
pub(crate) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// Starts looking after `shared`, and after the disk that holds `data`.
pub(crate) fn start(
    shared: &Arc<Shared>,
    data: Option<PathBuf>,
    reserve_bytes: u64,
) -> Result<Watch, std::io::Error> {
    let (stop, stopped) = bounded(1);
    let watched = Arc::clone(shared);
    let reserve = data.map(|data| (data, reserve_bytes));
    look_at_disk(&watched, reserve.as_ref());
    let thread = Builder::new()
        .name("sledger-watch".to_owned())
        .spawn(move || watch(&watched, reserve.as_ref(), &stopped))?;
    Ok(Watch { stop, thread })
}

impl Watch {
    /// Goes on watching while `last` runs, then stops.
    pub(crate) fn stop_after(self, last: impl FnOnce()) {
        last();
        // A watchdog that is gone already needs no stop.
        let _gone = self.stop.send(());
        let _panicked = self.thread.join();
    }
}

fn watch(shared: &Shared, reserve: Option<&(PathBuf, u64)>, stopped: &Receiver<()>) {
    while stopped.recv_timeout(LOOK_EACH) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
        if u128::from(shared.barrier_ms()) > BARRIER_MAX.as_millis() {
            shared.poison(&format!("a barrier was not done within {} s", BARRIER_MAX.as_secs()));
        }
        look_at_disk(shared, reserve);
    }
}

fn look_at_disk(shared: &Shared, reserve: Option<&(PathBuf, u64)>) {
    let Some((data, reserve)) = reserve else { return };
    let Some(free) = free_bytes(data) else { return };
    // Relaxed: whoever shows it wants a figure that is about right.
    shared.disk_free.store(free, Ordering::Relaxed);
    let full = free < *reserve;
    if shared.disk_full.swap(full, Ordering::Relaxed) != full {
        tracing::warn!(free, reserve, full, "free disk space against the reserve");
    }
}

fn free_bytes(data: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(data).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
