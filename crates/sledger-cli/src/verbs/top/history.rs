//! A past for the monitor: read from its beginning or from any event on, as often as somebody walks back.

use crate::args::Global;
use crate::output::{Format, Output};
use crate::past::Past;
use crate::verbs::asking::Asking;
use crate::verbs::replay;
use crate::whence::Whence;
use anyhow::{Error, Result, anyhow};
use sledger_core::event::Decision;
use sledger_core::{Seq, State};
use sledger_log::{Block, BlockStream, Reader};
use sledger_replay::export::begun;
use sledger_replay::history::Ahead;
use sledger_tui::past::{Decisions, History};
use sledger_wire::why::Why;
use std::io::{Write, sink};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Decisions handed over together, and how many such wait.
const BATCH: usize = 256;
const BATCHES_AHEAD: usize = 16;

/// What the flags name, to be read again and again.
pub(super) struct Walked {
    whence: Whence,
    global: Global,
}

impl Walked {
    pub(super) fn new(whence: &Whence, global: &Global) -> Self {
        Self { whence: whence.clone(), global: global.clone() }
    }

    /// What opening it says was said when the program started.
    fn open(&self) -> Result<Past> {
        let (mut data, mut talk): (Box<dyn Write>, Box<dyn Write>) = (Box::new(sink()), Box::new(sink()));
        Past::open(&self.whence, &self.global, &mut Output::new(&mut data, &mut talk, Format::Text))
    }

    fn decisions(&self, from: Seq) -> Result<Decisions> {
        match &self.whence {
            Whence::Data(dir) => {
                let blocks = Reader::open(dir)?.blocks(from);
                Ok(of_blocks(blocks.map(|block| Ok(block?)), from))
            }
            Whence::Connect(url) => {
                let url = url.clone();
                let blocks = BlockStream::new(Asking::new(&url)?.client().blocks(from.0)?);
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
        let each = |batch: Result<Vec<Arc<Decision>>, String>| match batch {
            Ok(decisions) => decisions.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(why) => vec![Err(why)],
        };
        Box::new(batches.into_iter().flat_map(each))
    }

    fn send(&self, from: Seq, to: &SyncSender<Result<Vec<Arc<Decision>>, String>>) -> Result<()> {
        let mut batch = Vec::new();
        let mut seq = Seq(1);
        self.open()?.each(&mut |decision| {
            let is_wanted = seq >= from;
            seq = seq.plus(decision.events.len() as u64);
            if is_wanted {
                batch.push(decision);
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
        Ok(decisions) => decisions.into_iter().map(|one| Ok(Arc::new(one))).collect::<Vec<_>>(),
        Err(error) => vec![Err(format!("{error:#}"))],
    };
    let wanted = move |decision: &Result<Arc<Decision>, String>| {
        let first = seq;
        seq = seq.plus(decision.as_ref().map_or(0, |one| one.events.len() as u64));
        decision.is_err() || first >= from
    };
    Box::new(batches.flat_map(each).filter(wanted))
}

impl History for Walked {
    fn begin(&mut self) -> Result<State, String> {
        let begun = || Ok::<_, Error>(begun(&self.open()?.begin)?);
        begun().map_err(|error| format!("{error:#}"))
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        self.decisions(from).map_err(|error| format!("{error:#}"))
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        let (mut data, mut talk): (Box<dyn Write>, Box<dyn Write>) = (Box::new(sink()), Box::new(sink()));
        let mut out = Output::new(&mut data, &mut talk, Format::Text);
        replay::why_of(about, &self.whence, &self.global, &mut out).map_err(|error| format!("{error:#}"))
    }
}
