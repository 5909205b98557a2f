//! The thread that writes what the decider gives.

use crossbeam_channel::{Receiver, Sender, bounded};
use sledger_core::event::RULES_REVISION;
use sledger_core::snapshot::{Beginning, Encoder, SNAPSHOT_REVISION, Slice};
use sledger_log::{SnapshotAbout, SnapshotEnd, SnapshotWriter, Snapshots};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

/// Slices that may wait for the thread.
const JOBS_MAX: usize = 8;
/// About what a session takes in a snapshot, in bytes.
const SESSION_BYTES: u64 = 128;

/// What the decider gives, in this order; a beginning or giving up ends what came before.
pub(super) enum Job {
    Begin(Box<Beginning>),
    Slice(Box<Slice>),
    End(SnapshotEnd),
    GiveUp,
}

/// Starts the thread; it ends with the last sender.
pub(super) fn start(
    store: Snapshots,
    reserve_bytes: u64,
    newest: Arc<AtomicU64>,
) -> io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, jobs) = bounded(JOBS_MAX);
    let scribe = Scribe { store, reserve_bytes, newest, current: None };
    let thread = Builder::new().name("sledger-snapshot".to_owned()).spawn(move || scribe.run(&jobs))?;
    Ok((sender, thread))
}

struct Scribe {
    store: Snapshots,
    reserve_bytes: u64,
    newest: Arc<AtomicU64>,
    current: Option<(Encoder, SnapshotWriter)>,
}

impl Scribe {
    fn run(mut self, jobs: &Receiver<Job>) {
        sledger_log::stand_back();
        for job in jobs {
            if let Err(error) = self.take(job) {
                self.current = None;
                tracing::warn!(%error, "a snapshot cannot be written; opening folds more events instead");
            }
        }
    }

    fn take(&mut self, job: Job) -> io::Result<()> {
        match job {
            Job::Begin(beginning) => {
                self.current = None;
                self.current = Some(self.begin(&beginning)?);
            }
            Job::Slice(slice) => {
                if let Some((encoder, writer)) = &mut self.current {
                    encoder.slice(&slice, &mut |kind, body| writer.frame(kind, body))?;
                }
            }
            Job::End(end) => {
                if let Some((encoder, writer)) = self.current.take() {
                    self.end(encoder, writer, &end)?;
                }
            }
            Job::GiveUp => self.current = None,
        }
        Ok(())
    }

    fn begin(&self, beginning: &Beginning) -> io::Result<(Encoder, SnapshotWriter)> {
        let needed =
            beginning.session_count().saturating_mul(SESSION_BYTES).saturating_add(self.reserve_bytes);
        let mut free = self.store.free_bytes()?;
        if free < needed && self.store.drop_old()? {
            tracing::warn!("snapshots of old times were removed: the disk has no room for the next one");
            free = self.store.free_bytes()?;
        }
        if free < needed {
            return Err(io::Error::other(format!("`{free}` bytes are free and `{needed}` are needed")));
        }
        let meta = self.store.meta();
        let mut writer = self.store.begin(SnapshotAbout {
            revision: SNAPSHOT_REVISION,
            rules: RULES_REVISION,
            ledger: meta.ledger,
            partition: meta.partition,
            seq: beginning.seq(),
            at: beginning.at(),
        })?;
        let mut encoder = Encoder::default();
        encoder.beginning(beginning, &mut |kind, body| writer.frame(kind, body))?;
        Ok((encoder, writer))
    }

    fn end(&self, encoder: Encoder, mut writer: SnapshotWriter, end: &SnapshotEnd) -> io::Result<()> {
        encoder.end(&mut |kind, body| writer.frame(kind, body))?;
        let bytes = writer.bytes();
        let path = self.store.publish(writer, end)?;
        // Relaxed: a number that stands for itself.
        self.newest.store(end.head.seq.0, Ordering::Relaxed);
        tracing::info!(path = %path.display(), bytes, "a snapshot was written");
        Ok(())
    }
}
