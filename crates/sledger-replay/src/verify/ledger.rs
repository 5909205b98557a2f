//! A ledger's blocks proved: one thread reads, checks hashes and decodes, the other decides again and folds.
//!
//! Promise: what is shown to the fold is whole and chained; what is damaged is in the report of the storage, and the
//! fold goes on behind it where that can be.
//!
//! Invariant: at most [`BATCHES_AHEAD`] batches wait.

use super::{Anchor, Anchors, Loose, Report, Verify};
use crate::history::HistoryError;
use crate::rejudge::RejudgeError;
use sledger_core::Seq;
use sledger_core::event::Decision;
use sledger_core::log::Head;
use sledger_log::{Block, OpenError, VerifyReport, verify_seen};
use sledger_wire::events::Begin;
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
    End(Chain),
}

/// The chain as far as it was read.
#[derive(Debug, Default)]
struct Chain {
    anchors: Anchors,
    blocks: u64,
    head: Head,
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
    /// Whole blocks read.
    pub blocks: u64,
    /// The last whole block.
    pub head: Head,
    /// The last anchor that holds.
    pub anchored: Option<Anchor>,
    /// Anchors that do not hold.
    pub loose: Vec<Loose>,
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
    anchors: Vec<Anchor>,
    seen: &mut dyn FnMut(u64),
) -> Result<Whole<VerifyReport>, ProveError> {
    let dir = dir.to_owned();
    let read = move |mut gather: Gather| {
        let add = move |volume, block: &Block, decisions| gather.add(Some(volume), block, decisions);
        verify_seen(&dir, &sledger_log::Anchors::default(), Box::new(add)).map_err(ProveError::from)
    };
    prove(&Begin::default(), anchors, read, seen)
}

/// Proves blocks that are checked as they are read, until one cannot be; what stood in the way is in `storage`.
///
/// # Errors
/// Where not even the beginning can be used.
pub fn blocks<E: Send + 'static>(
    begin: &Begin,
    blocks: impl Iterator<Item = Result<Block, E>> + Send + 'static,
    anchors: Vec<Anchor>,
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
    anchors: Vec<Anchor>,
    read: impl FnOnce(Gather) -> Result<S, ProveError> + Send + 'static,
    seen: &mut dyn FnMut(u64),
) -> Result<Whole<S>, ProveError> {
    let mut verify = Verify::new(begin)?;
    let (send, batches) = sync_channel(BATCHES_AHEAD);
    let chain = Chain { anchors: Anchors::new(anchors), ..Chain::default() };
    let reader = thread::spawn(move || read(Gather { send, batch: None, chain }));
    let chain = fold(&mut verify, &batches, seen);
    let storage = reader.join().map_err(|_| HistoryError::Stopped)??;
    let Chain { anchors, blocks, head } = chain.ok_or(HistoryError::Stopped)?;
    let (anchored, loose) = anchors.finish();
    Ok(Whole { storage, blocks, head, anchored, loose, report: verify.finish() })
}

fn fold(verify: &mut Verify, batches: &Receiver<Message>, seen: &mut dyn FnMut(u64)) -> Option<Chain> {
    for message in batches {
        let Batch { volume, first, decisions } = match message {
            Message::Batch(batch) => batch,
            Message::End(chain) => return Some(chain),
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
    chain: Chain,
}

impl Gather {
    fn add(&mut self, volume: Option<u32>, block: &Block, mut decisions: Vec<Decision>) {
        let (first, next) = (block.header().first, block.header().last().next());
        self.chain.blocks += 1;
        self.chain.head = block.head();
        self.chain.anchors.head(&self.chain.head);
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
        let _unheard = self.send.send(Message::End(std::mem::take(&mut self.chain)));
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
