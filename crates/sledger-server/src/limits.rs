//! Bounds of one request. Those of the ledger are the ledger's.

use std::time::Duration;

/// Bytes of a single body; a batch is bounded line by line.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of a request's head.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long an answer is waited for: longer than a barrier may take.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Between two looks at whether the ledger was poisoned, while an answer is waited for.
pub(crate) const ANSWER_LOOK: Duration = Duration::from_secs(1);
/// Callers kept for the next request.
pub(crate) const CALLERS_KEPT: usize = 1_024;
/// Lines of one batch that wait for their answers.
pub(crate) const BATCH_IN_FLIGHT: usize = 4_096;
/// Bytes of answers of a batch gathered before they are sent.
pub(crate) const BATCH_CHUNK_BYTES: usize = 32 << 10;
/// Chunks of answers that wait for a slow reader of a batch.
pub(crate) const BATCH_CHUNKS_MAX: usize = 4;
/// Events that wait for a slow reader of the feed.
pub(crate) const FEED_CHUNKS_MAX: usize = 16;
/// Bytes of events read from disk that are sent at once.
pub(crate) const FEED_CHUNK_BYTES: usize = 32 << 10;
/// Readers of the feed that are served from disk at once; more wait.
pub(crate) const DISK_READERS_MAX: usize = 2;
/// Who takes raw blocks at once; more wait.
pub(crate) const BLOCK_READERS_MAX: usize = 2;
/// Who has the past folded at once; others are told to ask again.
pub(crate) const PAST_READERS_MAX: usize = 2;
/// Chunks of an answer about the past that wait for a slow reader.
pub(crate) const PAST_CHUNKS_MAX: usize = 8;
/// Blocks, each of at most 64 KiB, that wait for a slow reader.
pub(crate) const BLOCK_CHUNKS_MAX: usize = 8;
/// How often a ledger is opened for reading beside its writer before its error is believed.
pub(crate) const DISK_OPENS_MAX: u32 = 3;
/// Between two tries.
pub(crate) const DISK_OPEN_PAUSE: Duration = Duration::from_millis(20);
/// Before the queue is tried again, where there is no answer to wait for.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_millis(2);
