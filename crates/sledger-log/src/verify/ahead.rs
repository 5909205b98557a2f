//! Frames read, checked and unpacked by a thread of their own, while what they say is looked at.
//!
//! Bounded: so many blocks ahead. Goes on behind each fault, as whoever asks does.

use crate::block::Block;
use crate::seal::{Frames, SealedFault};
use sledger_core::log::Head;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Blocks that may wait: some mebibytes.
const BLOCKS_MAX: usize = 64;

enum Step {
    Block(Result<Option<Block>, SealedFault>),
    Skipped(Result<Option<Head>, SealedFault>),
}

/// As [`Frames`], ahead of who asks.
pub(super) struct Ahead(Receiver<Step>);

impl Ahead {
    /// Begins to read.
    pub(super) fn of(frames: Frames) -> io::Result<Self> {
        let (sender, steps) = sync_channel(BLOCKS_MAX);
        thread::Builder::new().name("sledger-verify".to_owned()).spawn(move || run(frames, &sender))?;
        Ok(Self(steps))
    }

    /// As [`Frames::step`].
    pub(super) fn step(&mut self) -> Result<Option<Block>, SealedFault> {
        match self.0.recv() {
            Ok(Step::Block(block)) => block,
            _ => Err(gone()),
        }
    }

    /// As [`Frames::skip`], to be asked after a fault alone.
    pub(super) fn skip(&mut self) -> Result<Option<Head>, SealedFault> {
        match self.0.recv() {
            Ok(Step::Skipped(head)) => head,
            _ => Err(gone()),
        }
    }
}

/// Ends with the last frame, or with who asks.
fn run(mut frames: Frames, steps: &SyncSender<Step>) {
    loop {
        let step = frames.step();
        let (is_fault, is_last) = (step.is_err(), matches!(step, Ok(None)));
        if steps.send(Step::Block(step)).is_err() || is_last {
            return;
        }
        if is_fault {
            let skipped = frames.skip();
            let is_last = !matches!(skipped, Ok(Some(_)));
            if steps.send(Step::Skipped(skipped)).is_err() || is_last {
                return;
            }
        }
    }
}

fn gone() -> SealedFault {
    io::Error::other("the thread that reads ahead is gone").into()
}
