//! The state that a history begins with: loaded, folded on, written.

use crate::error::OpenError;
use sledger_core::event::RULES_REVISION;
use sledger_core::log::Head;
use sledger_core::snapshot::{Encoder, Loader, Rows, SNAPSHOT_REVISION, Taker};
use sledger_core::{State, refold};
use sledger_log::{Bases, Begins, Blocks, LettingGo, SnapshotAbout, SnapshotEnd, SnapshotReader};
use std::io;
use std::path::Path;

/// Rows of a slice: nobody waits for the state that is written.
const ROWS: usize = 8_192;

/// The state right before the first event that is there, in the data directory `data` of the ledger `meta`.
///
/// # Errors
/// The base is missing, changed, or not the one that `begins` names.
pub(crate) fn load(
    data: &Path,
    meta: &sledger_log::Meta,
    begins: &Begins,
    seed: u64,
) -> Result<State, OpenError> {
    let unfit = |reason: String| OpenError::Base { seq: begins.head.seq, reason };
    let bases = Bases::new(data, meta);
    let reader = bases.open(begins).map_err(|error| unfit(error.to_string()))?;
    if reader.about().revision != SNAPSHOT_REVISION {
        let found = reader.about().revision;
        return Err(unfit(format!(
            "its rows have revision `{found}`; this program reads `{SNAPSHOT_REVISION}`"
        )));
    }
    loaded(reader, seed).map_err(unfit)
}

fn loaded(mut reader: SnapshotReader, seed: u64) -> Result<State, String> {
    let mut loader = Loader::new(seed, reader.bytes());
    while let Some((kind, body)) = reader.frame().map_err(|error| error.to_string())? {
        let rows = Rows::decode(kind, &body).map_err(|error| error.to_string())?;
        loader.take(rows).map_err(|error| error.to_string())?;
    }
    loader.finish().map_err(|error| error.to_string())
}

/// Folds `blocks`, decoded here; false when `stop` says so before the end.
///
/// # Errors
/// What cannot be read.
pub(crate) fn fold(
    state: &mut State,
    blocks: Blocks,
    stop: &mut dyn FnMut() -> bool,
) -> Result<bool, OpenError> {
    for block in blocks {
        let block = block?;
        let mut seq = block.header().first;
        for decision in block.decisions() {
            let decision = decision.map_err(|source| OpenError::Decision { seq, source })?;
            refold(state, seq, &decision);
            seq = seq.plus(decision.events.len() as u64);
        }
        if stop() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes `state`, which is that after `head`, as a base, and sees that it loads as the same. BLAKE3 of its file.
///
/// # Errors
/// When it cannot be written, or does not load as what it was.
pub(crate) fn write(letting_go: &LettingGo, state: &mut State, head: Head) -> io::Result<[u8; 32]> {
    let (data, meta) = (letting_go.dir(), letting_go.meta());
    let about = SnapshotAbout {
        revision: SNAPSHOT_REVISION,
        rules: RULES_REVISION,
        ledger: meta.ledger,
        partition: meta.partition,
        seq: state.seq(),
        at: state.at(),
    };
    let digest = state.digest();
    let end = SnapshotEnd { head, through: state.seq() };
    let base = Bases::new(data, meta)
        .write(&about, &end, |writer| rows(state, &mut |kind, body| writer.frame(kind, body)))?;
    let begins = Begins {
        volume: 0,
        head,
        epoch: 0,
        base,
        why: sledger_log::Gone::Dropped,
        when: sledger_core::Millis(0),
    };
    let again = load(data, meta, &begins, 0).map_err(|error| io::Error::other(error.to_string()))?;
    if again.digest() == digest && again.seq() == head.seq {
        return Ok(base);
    }
    Err(io::Error::other(format!("the base after seq `{}` does not load as what was written", head.seq)))
}

fn rows(state: &mut State, give: &mut impl FnMut(u8, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut encoder = Encoder::default();
    let beginning = Taker::on(state).begin();
    encoder.beginning(&beginning, give)?;
    loop {
        let slice = Taker::on(state).slice(ROWS);
        let slice = slice.ok_or_else(|| io::Error::other("the state changed while it was written"))?;
        encoder.slice(&slice, give)?;
        if slice.last {
            return encoder.end(give);
        }
    }
}
