//! The past, wherever it lies: a data directory, a served ledger, an export of blocks or events, a recording.
//!
//! Promise: decision by decision, folded here, never written. What a file is, is told by what it begins with.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::lines::Lines;
use crate::output::Output;
use crate::policies;
use crate::served;
use crate::verbs::asking::Asking;
use crate::verbs::ledger::not_served;
use crate::whence::Whence;
use anyhow::{Result, anyhow, bail};
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_core::{Seq, State};
use sledger_log::block::MAGIC;
use sledger_log::{Block, BlockStream, Blocks, Reader};
use sledger_projector::Projection;
use sledger_replay::export::{ReadBack, begun};
use sledger_replay::history::{Ahead, Fold, decisions, first_state};
use sledger_replay::simulate::Simulation;
use sledger_wire::events::{Base, Begin, is_event_line};
use std::io::Read;
use std::iter::Peekable;
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;

/// Gets every decision, and the state after it.
type See<'s> = &'s mut dyn FnMut(&Recorded, &State) -> Result<()>;

/// Blocks, wherever they come from.
type AnyBlocks = Box<dyn Iterator<Item = Result<Block>> + Send>;

/// Gets every decision; false when it has seen enough.
type Each<'s> = &'s mut dyn FnMut(Arc<Decision>) -> Result<bool>;

/// Gets every decision, some at a time; false when it has seen enough.
type Batches<'s> = &'s mut dyn FnMut(&[Decision]) -> Result<bool>;

/// A past that can be read once.
pub(crate) struct Past {
    /// How it began.
    pub(crate) begin: Begin,
    /// Where it begins, in words, if that is not with the first event.
    begins: Option<String>,
    kind: Kind,
}

enum Kind {
    Blocks(AnyBlocks),
    Events(Lines, Box<ReadBack>),
    Recording(Lines, Box<Simulation>),
    /// A file without a line: nothing happened.
    Nothing,
}

impl Past {
    /// Opens what `whence` names.
    pub(crate) fn open(whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Self> {
        let past = Self::opened(whence, global, out)?;
        if let Some(begins) = &past.begins {
            out.say(&sledger_wire::escape(begins));
        }
        Ok(past)
    }

    fn opened(whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Self> {
        match whence {
            Whence::Data(dir) => Self::of_data(dir),
            Whence::Connect(url) => Self::of_served(url),
            Whence::Recording(file) => Self::of_file(file, global, out),
        }
    }

    fn of_data(dir: &Path) -> Result<Self> {
        not_served(dir)?;
        let reader = Reader::open(dir)?;
        let base = reader.begins().map(|_| first_state(dir, &reader)).transpose()?.map(Base);
        let begin = Begin { ledger: Some(reader.meta().ledger.to_string()), base, ..Begin::default() };
        let blocks: Blocks = reader.blocks(Seq(1));
        let begins = reader.begins().map(ToString::to_string);
        Ok(Self { begin, begins, kind: Kind::Blocks(Box::new(blocks.map(|block| Ok(block?)))) })
    }

    fn of_served(url: &str) -> Result<Self> {
        let asking = Asking::new(url)?;
        let Some(begins) = asking.stats()?.begins else {
            return Self::of_stream(url.to_owned(), asking.blocks()?);
        };
        let base = served::base(&asking, &begins)?;
        let mut past =
            Self::of_blocks(url.to_owned(), BlockStream::after(asking.blocks()?, base.head, None))?;
        past.begins = Some(served::begins(&begins)?.to_string());
        past.begin.base = Some(Base(base.state));
        Ok(past)
    }

    fn of_stream(name: String, input: impl Read + Send + 'static) -> Result<Self> {
        Self::of_blocks(name, BlockStream::new(input))
    }

    fn of_blocks(name: String, blocks: BlockStream<impl Read + Send + 'static>) -> Result<Self> {
        let mut blocks: Peekable<_> = blocks.peekable();
        let ledger = match blocks.peek() {
            Some(Ok(block)) => Some(block.header().ledger.to_string()),
            Some(Err(error)) => bail!("{name}: {error}"),
            None => None,
        };
        let begin = Begin { ledger, ..Begin::default() };
        let blocks = blocks.map(move |block| block.map_err(|error| anyhow!("{name}: {error}")));
        Ok(Self { begin, begins: None, kind: Kind::Blocks(Box::new(blocks)) })
    }

    fn of_file(file: &Path, global: &Global, out: &mut Output<'_>) -> Result<Self> {
        Self::of_lines(Lines::open(file)?, global, out)
    }

    /// What a file holds, of which nothing was read yet.
    pub(crate) fn of_lines(mut lines: Lines, global: &Global, out: &mut Output<'_>) -> Result<Self> {
        let name = lines.name.clone();
        if lines.first_byte()? == MAGIC.first().copied() {
            return Self::of_stream(name, lines.into_input());
        }
        let first = match lines.peek()? {
            Some(first) if is_event_line(first) => Some(ReadBack::new(first)),
            Some(_) => None,
            None => return Ok(Self { begin: Begin::default(), begins: None, kind: Kind::Nothing }),
        };
        if let Some(read) = first {
            let (read, begin) = read.map_err(|error| anyhow!("{name}:1: {error}"))?;
            return Ok(Self { begin, begins: None, kind: Kind::Events(lines, Box::new(read)) });
        }
        let config = configured::load(global, &Flags::new(), out)?.config;
        policies::load(&config)?;
        let simulation = Simulation::new(config)?;
        let begin = simulation.begin().clone();
        Ok(Self { begin, begins: None, kind: Kind::Recording(lines, Box::new(simulation)) })
    }

    /// Whether it is a recording, whose commands are decided while it is read.
    pub(crate) const fn is_recording(&self) -> bool {
        matches!(self.kind, Kind::Recording(..) | Kind::Nothing)
    }

    /// Whether it consists of blocks.
    pub(crate) const fn has_blocks(&self) -> bool {
        matches!(self.kind, Kind::Blocks(_))
    }

    /// The blocks themselves, where it consists of them.
    pub(crate) fn into_blocks(self) -> Option<AnyBlocks> {
        match self.kind {
            Kind::Blocks(blocks) => Some(blocks),
            Kind::Nothing | Kind::Events(..) | Kind::Recording(..) => None,
        }
    }

    /// Shows every decision, folding only what must be folded to know it. The last event.
    pub(crate) fn decisions(self, see: &mut dyn FnMut(&Decision)) -> Result<Seq> {
        let Kind::Blocks(blocks) = self.kind else {
            let read = self.read(&mut |recorded, _| {
                see(&recorded.decision);
                Ok(())
            });
            return read.map(|state| state.seq());
        };
        let mut last = Seq(0);
        for block in blocks {
            let block = block?;
            last = block.header().last();
            for decision in decisions(&block) {
                see(&decision?);
            }
        }
        Ok(last)
    }

    /// Shows every decision with its first event, folding only what must be folded to know it.
    pub(crate) fn scan(self, see: &mut dyn FnMut(Seq, &Decision)) -> Result<()> {
        let Kind::Blocks(blocks) = self.kind else {
            let mut first = Seq(1);
            return self.each(&mut |decision| {
                see(first, &decision);
                first = first.plus(decision.events.len() as u64);
                Ok(true)
            });
        };
        for block in blocks {
            let block = block?;
            let mut first = block.header().first;
            for decision in decisions(&block) {
                let decision = decision?;
                see(first, &decision);
                first = first.plus(decision.events.len() as u64);
            }
        }
        Ok(())
    }

    /// Shows every decision, unfolded where it is stored so: blocks are read and decoded by a thread of their own.
    pub(crate) fn each(self, see: Each<'_>) -> Result<()> {
        match self.kind {
            Kind::Blocks(blocks) => each_of_blocks(blocks, see),
            Kind::Events(..) => {
                let mut goes_on = true;
                self.read(&mut |recorded, _| {
                    goes_on = goes_on && see(Arc::clone(&recorded.decision))?;
                    Ok(())
                })?;
                Ok(())
            }
            Kind::Recording(lines, simulation) => each_of_recording(lines, *simulation, see),
            Kind::Nothing => Ok(()),
        }
    }

    /// As [`Past::each`], as many at a time as are decoded together.
    pub(crate) fn batches(self, see: Batches<'_>) -> Result<()> {
        let Kind::Blocks(blocks) = self.kind else {
            return self.each(&mut |decision| see(from_ref(&*decision)));
        };
        for batch in Ahead::of(blocks) {
            if !see(&batch?)? {
                break;
            }
        }
        Ok(())
    }

    /// Folds it all; the state at the end.
    pub(crate) fn read(self, see: See<'_>) -> Result<State> {
        match self.kind {
            Kind::Blocks(blocks) => of_blocks(blocks, Fold::new(begun(&self.begin)?), see),
            Kind::Events(lines, read) => of_events(lines, *read, see),
            Kind::Recording(lines, simulation) => {
                of_recording(lines, *simulation, Fold::new(begun(&self.begin)?), see)
            }
            Kind::Nothing => Ok(begun(&self.begin)?),
        }
    }
}

/// Who is in at the end of the past.
pub(crate) fn projection(whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<Projection> {
    let state = Past::open(whence, global, out)?.read(&mut |_, _| Ok(()))?;
    Ok(Projection::of_state(&state))
}

fn of_blocks(blocks: AnyBlocks, mut fold: Fold, see: See<'_>) -> Result<State> {
    for batch in Ahead::of(blocks) {
        fold.batch(batch?, &mut *see)?;
    }
    Ok(fold.state().clone())
}

fn each_of_blocks(blocks: AnyBlocks, see: Each<'_>) -> Result<()> {
    for batch in Ahead::of(blocks) {
        for decision in batch? {
            if !see(Arc::new(decision))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn each_of_recording(mut lines: Lines, mut simulation: Simulation, see: Each<'_>) -> Result<()> {
    let name = lines.name.clone();
    while let Some((number, line)) = lines.next()? {
        simulation.play(number, line).map_err(|why| anyhow!("{name}:{number}: {why}"))?;
        for recorded in simulation.recorded() {
            if !see(Arc::clone(&recorded.decision))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn of_events(mut lines: Lines, mut read: ReadBack, see: See<'_>) -> Result<State> {
    let name = lines.name.clone();
    let mut last = 0;
    while let Some((number, line)) = lines.next()? {
        last = number;
        let recorded = read.line(line).map_err(|error| anyhow!("{name}:{number}: {error}"))?;
        if let Some(recorded) = recorded {
            see(&recorded, read.state())?;
        }
    }
    read.finish().map_err(|error| anyhow!("{name}:{last}: {error}"))
}

/// What the simulation records is folded again, so that each decision is shown with the state right after it.
fn of_recording(mut lines: Lines, mut simulation: Simulation, mut fold: Fold, see: See<'_>) -> Result<State> {
    let name = lines.name.clone();
    while let Some((number, line)) = lines.next()? {
        simulation.play(number, line).map_err(|why| anyhow!("{name}:{number}: {why}"))?;
        for recorded in simulation.recorded() {
            let recorded = fold.decision(recorded.decision.clone())?;
            see(&recorded, fold.state())?;
        }
    }
    Ok(fold.state().clone())
}
