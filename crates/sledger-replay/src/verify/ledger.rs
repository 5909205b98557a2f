//! A ledger's blocks proved: one thread reads, checks hashes and decodes, the other decides again and folds.
//!
//! Promise: what is shown to the fold is whole and chained; what is damaged is in the report of the storage, and the
//! fold goes on behind it where that can be.
//!
//! Invariant: at most [`BATCHES_AHEAD`] batches wait.

use super::{Report, Verify};
use crate::history::{HistoryError, first_state};
use crate::rejudge::RejudgeError;
use sledger_core::Seq;
use sledger_core::event::Decision;
use sledger_log::{Anchors, Block, BlocksReport, Held, OpenError, Reader, VerifyReport, verify_seen};
use sledger_wire::events::{Base, Begin};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Decisions handed over together.
const BATCH_DECISIONS: usize = 512;
/// Batches decoded ahead.
const BATCHES_AHEAD: usize = 16;

/// What the reader hands to the fold.
enum Message {
    Batch(Batch),
    End(Box<BlocksReport>),
}

/// Whole decisions that stand behind each other.
struct Batch {
    volume: Option<u32>,
    first: Seq,
    decisions: Vec<Decision>,
}

/// What was found of a ledger's blocks.
#[derive(Debug)]
pub struct Whole<S> {
    /// Of what is stored.
    pub storage: S,
    /// Of the chain of whole blocks: how far it goes, and what checkpoints say of it.
    pub held: BlocksReport,
    /// Of what is decided.
    pub report: Report,
}

/// Proves the ledger in `dir`, storage and decisions, and holds it against `anchors`. `seen` hears how many events
/// were folded so far.
///
/// # Errors
/// Where not even the beginning can be read.
pub fn ledger(
    dir: &Path,
    anchors: &Anchors,
    seen: &mut dyn FnMut(u64),
) -> Result<Whole<VerifyReport>, ProveError> {
    let begin = begin_of(dir);
    let (dir, anchors) = (dir.to_owned(), anchors.clone());
    let read = move |mut gather: Gather| {
        let add = move |volume, block: &Block, decisions| gather.add(Some(volume), block, decisions);
        verify_seen(&dir, &anchors, Box::new(add)).map_err(ProveError::from)
    };
    // What checkpoints say is in the report of the storage.
    prove(&begin, Anchors::default(), read, seen)
}

/// How the history in `dir` begins. Where that cannot be read the report of the storage says why, and what rests on it
/// is counted as behind a loss.
fn begin_of(dir: &Path) -> Begin {
    let base = Reader::open(dir).ok().filter(|reader| reader.begins().is_some());
    let base = base.and_then(|reader| first_state(dir, &reader).ok());
    Begin { base: base.map(Base), ..Begin::default() }
}

/// Proves blocks that are checked as they are read, until one cannot be; what stood in the way is in `storage`.
///
/// # Errors
/// Where not even the beginning can be used.
pub fn blocks<E: Send + 'static>(
    begin: &Begin,
    blocks: impl Iterator<Item = Result<Block, E>> + Send + 'static,
    anchors: Anchors,
    seen: &mut dyn FnMut(u64),
) -> Result<Whole<Option<BlocksEnd<E>>>, ProveError> {
    let read = move |mut gather: Gather| {
        for block in blocks {
            let block = match block {
                Ok(block) => block,
                Err(error) => return Ok(Some(BlocksEnd::Read(error))),
            };
            match block.decisions().collect::<Result<Vec<_>, _>>() {
                Ok(decisions) => gather.add(None, &block, decisions),
                Err(source) => {
                    let error = HistoryError::Decision { seq: block.header().first, source };
                    return Ok(Some(BlocksEnd::Decision(error)));
                }
            }
        }
        Ok(None)
    };
    prove(begin, anchors, read, seen)
}

/// Why blocks end before their end.
#[derive(Debug)]
pub enum BlocksEnd<E> {
    /// A block cannot be read.
    Read(E),
    /// A block is whole, and holds what this program cannot read.
    Decision(HistoryError),
}

fn prove<S: Send + 'static>(
    begin: &Begin,
    anchors: Anchors,
    read: impl FnOnce(Gather) -> Result<S, ProveError> + Send + 'static,
    seen: &mut dyn FnMut(u64),
) -> Result<Whole<S>, ProveError> {
    let mut verify = Verify::new(begin)?;
    let (send, batches) = sync_channel(BATCHES_AHEAD);
    let held = Held::against(anchors);
    let reader = thread::spawn(move || read(Gather { send, batch: None, held }));
    let held = fold(&mut verify, &batches, seen);
    let storage = reader.join().map_err(|_| HistoryError::Stopped)??;
    let held = *held.ok_or(HistoryError::Stopped)?;
    Ok(Whole { storage, held, report: verify.finish() })
}

fn fold(
    verify: &mut Verify,
    batches: &Receiver<Message>,
    seen: &mut dyn FnMut(u64),
) -> Option<Box<BlocksReport>> {
    for message in batches {
        let Batch { volume, first, decisions } = match message {
            Message::Batch(batch) => batch,
            Message::End(held) => return Some(held),
        };
        if let Some(volume) = volume {
            verify.in_volume(volume);
        }
        verify.decisions_from(first, &decisions);
        seen(verify.report().events);
    }
    None
}

/// Puts decisions of blocks together to batches: handing over one by one costs more than decoding.
struct Gather {
    send: SyncSender<Message>,
    batch: Option<(Batch, Seq)>,
    held: Held,
}

impl Gather {
    fn add(&mut self, volume: Option<u32>, block: &Block, mut decisions: Vec<Decision>) {
        let (first, next) = (block.header().first, block.header().last().next());
        self.held.block(block);
        match &mut self.batch {
            Some((batch, end)) if (*end, batch.volume) == (first, volume) => {
                batch.decisions.append(&mut decisions);
                *end = next;
            }
            _ => {
                self.hand_over();
                self.batch = Some((Batch { volume, first, decisions }, next));
            }
        }
        if self.batch.as_ref().is_some_and(|(batch, _)| batch.decisions.len() >= BATCH_DECISIONS) {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if let Some((batch, _)) = self.batch.take() {
            // Whoever folds may have stopped; then nobody needs it.
            let _unheard = self.send.send(Message::Batch(batch));
        }
    }
}

impl Drop for Gather {
    fn drop(&mut self) {
        self.hand_over();
        let _unheard = self.send.send(Message::End(Box::new(std::mem::take(&mut self.held).finish())));
    }
}

/// Why nothing can be proved.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The beginning.
    #[error(transparent)]
    Begin(#[from] RejudgeError),
    /// The thread that reads.
    #[error(transparent)]
    History(#[from] HistoryError),
}
