//! A past for the monitor: read from its beginning or from any event on, as often as somebody walks back.

#[cfg(test)]
mod tests;

use crate::args::Global;
use crate::output::{Format, Output};
use crate::past::Past;
use crate::verbs::asking::Asking;
use crate::verbs::ledger::not_served;
use crate::verbs::replay;
use crate::whence::Whence;
use anyhow::{Error, Result, anyhow};
use sledger_core::event::Decision;
use sledger_core::{Seq, State};
use sledger_log::{Block, BlockStream, Reader};
use sledger_projector::Told;
use sledger_replay::at::{Begin, When, nearest, reach, stopped_never};
use sledger_replay::export::begun;
use sledger_replay::history::Ahead;
use sledger_replay::timeline::{Asked, SparseError, of_ledger};
use sledger_tui::past::{Decisions, History};
use sledger_wire::why::Why;
use std::io::{Write, sink};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Decisions handed over together, and how many such wait.
const BATCH: usize = 256;
const BATCHES_AHEAD: usize = 16;

/// Folding no more events than this is cheaper than loading a snapshot.
const NEAR: u64 = 20_000;

const BEGIN: Begin<'static> = Begin { snapshots: false, upto: None, is_stopped: &stopped_never };

/// A decision with its first event.
type Read = (Seq, Arc<Decision>);

/// What the flags name, to be read again and again.
pub(super) struct Walked {
    whence: Whence,
    global: Global,
    /// Events that are folded rather than a snapshot is loaded.
    near: u64,
}

impl Walked {
    pub(super) fn new(whence: &Whence, global: &Global) -> Self {
        Self { whence: whence.clone(), global: global.clone(), near: NEAR }
    }

    /// What opening it says was said when the program started.
    fn open(&self) -> Result<Past> {
        let (mut data, mut talk): (Box<dyn Write>, Box<dyn Write>) = (Box::new(sink()), Box::new(sink()));
        Past::open(&self.whence, &self.global, &mut Output::new(&mut data, &mut talk, Format::Text))
    }

    /// The ledger, where it lies at rest.
    fn at_rest(&self) -> Result<Option<Reader>, String> {
        let Whence::Data(dir) = &self.whence else { return Ok(None) };
        let open = || {
            not_served(dir)?;
            Ok(Some(Reader::open(dir)?))
        };
        open().map_err(|error: Error| told(&error))
    }

    fn decisions(&self, from: Seq) -> Result<Decisions> {
        match &self.whence {
            Whence::Data(dir) => {
                let blocks = Reader::open(dir)?.blocks(from);
                Ok(of_blocks(blocks.map(|block| Ok(block?)), from))
            }
            Whence::Connect(url) => {
                let url = url.clone();
                let blocks = BlockStream::anywhere(Asking::new(&url)?.client().blocks(from.0)?);
                Ok(of_blocks(blocks.map(move |block| block.map_err(|error| anyhow!("{url}: {error}"))), from))
            }
            Whence::Recording(_) => Ok(self.of_file(from)),
        }
    }

    /// A file is read from its beginning by a thread of its own, which stops when nobody listens any more.
    fn of_file(&self, from: Seq) -> Decisions {
        let (send, batches) = sync_channel(BATCHES_AHEAD);
        let again = Self::new(&self.whence, &self.global);
        thread::spawn(move || {
            if let Err(error) = again.send(from, &send) {
                let _gone = send.send(Err(format!("{error:#}")));
            }
        });
        let each = |batch: Result<Vec<Read>, String>| match batch {
            Ok(decisions) => decisions.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(why) => vec![Err(why)],
        };
        Box::new(batches.into_iter().flat_map(each))
    }

    fn send(&self, from: Seq, to: &SyncSender<Result<Vec<Read>, String>>) -> Result<()> {
        let mut batch = Vec::new();
        let past = self.open()?;
        let mut seq = past.begin.base.as_ref().map_or(Seq(1), |base| base.0.seq().next());
        past.each(&mut |decision| {
            let first = seq;
            seq = seq.plus(decision.events.len() as u64);
            if seq > from {
                batch.push((first, decision));
            }
            let is_full = batch.len() == BATCH;
            Ok(!is_full || to.send(Ok(std::mem::take(&mut batch))).is_ok())
        })?;
        let _gone = to.send(Ok(batch));
        Ok(())
    }
}

fn of_blocks(blocks: impl Iterator<Item = Result<Block>> + Send + 'static, from: Seq) -> Decisions {
    let mut blocks = blocks.peekable();
    // The block that holds `from` begins before it.
    let mut seq =
        blocks.peek().and_then(|block| block.as_ref().ok()).map_or(from, |block| block.header().first);
    let batches = Ahead::<Error>::of(blocks);
    let each = |batch: Result<Vec<Decision>>| match batch {
        Ok(decisions) => decisions.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(format!("{error:#}"))],
    };
    let placed = move |decision: Result<Decision, String>| {
        decision.map(|decision| {
            let first = seq;
            seq = seq.plus(decision.events.len() as u64);
            (first, Arc::new(decision))
        })
    };
    let is_before = move |one: &Result<Read, String>| {
        one.as_ref().is_ok_and(|(first, one)| first.plus(one.events.len() as u64) <= from)
    };
    Box::new(batches.flat_map(each).map(placed).skip_while(is_before))
}

fn told(error: &Error) -> String {
    format!("{error:#}")
}

impl History for Walked {
    fn begin(&mut self) -> Result<State, String> {
        let begun = || Ok::<_, Error>(begun(&self.open()?.begin)?);
        begun().map_err(|error| told(&error))
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        self.decisions(from).map_err(|error| told(&error))
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        let (mut data, mut talk): (Box<dyn Write>, Box<dyn Write>) = (Box::new(sink()), Box::new(sink()));
        let mut out = Output::new(&mut data, &mut talk, Format::Text);
        replay::why_of(about, &self.whence, &self.global, &mut out).map_err(|error| told(&error))
    }

    fn rest(&mut self) -> Result<Option<Seq>, String> {
        let Some(reader) = self.at_rest()? else { return Ok(None) };
        Ok(Some(reach(&reader)))
    }

    fn nearest(&mut self, when: When, after: Seq) -> Result<Option<State>, String> {
        let Some(reader) = self.at_rest()? else { return Ok(None) };
        let found = nearest(&reader, reader.dir(), when, after.plus(self.near));
        found.map_err(|error| told(&error.into()))
    }

    fn concerning(&mut self, asked: &Asked, see: &mut dyn FnMut(&[Told])) -> Result<bool, String> {
        let Some(reader) = self.at_rest()? else { return Ok(false) };
        let read = of_ledger(&reader, asked, BEGIN, |told, _| {
            see(told);
            Ok::<_, SparseError>(true)
        });
        match read {
            Ok(_) => Ok(true),
            Err(SparseError::TooForeign) => Ok(false),
            Err(error) => Err(told(&error.into())),
        }
    }
}
