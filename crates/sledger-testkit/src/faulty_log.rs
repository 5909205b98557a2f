//! A log in memory that fails where a test says so.
//!
//! Appends are numbered from 0 by batch, not by try: the record of a ledger's
//! start is number 0. Each number may have a [`Fault`]; all others commit.
//! [`FaultyLog`] goes to the ledger, [`Held`] stays with the test.
//!
//! Invariant: what [`Held::decisions`] shows is exactly what a reader of this
//! log would find, also where the ledger was told something else.

use sledger_core::event::Decision;
use sledger_core::log::{Appended, Batch, Head, Log};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What an append meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not durable, and never will be.
    Fails(String),
    /// Somebody else has written.
    Conflicts,
    /// The log does not know, for so many tries; then this.
    Unknown {
        /// Tries answered with *unknown*.
        tries: u32,
        /// What it says after them.
        then: Then,
    },
    /// Never returns, until [`Held::let_go`].
    Hangs,
    /// Waits for [`Held::let_go`], and then meets the other fault, or commits.
    Waits(Option<Box<Fault>>),
    /// Panics.
    Panics,
}

/// What an append says after it did not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It had been taken at the first try: the answer was lost, not the block.
    Committed,
    /// It had not been taken, and somebody else wrote instead.
    Conflicts,
    /// It goes on not knowing.
    Never,
}

#[derive(Debug, Default)]
struct Inside {
    head: Head,
    decisions: Vec<Arc<Decision>>,
    /// Number of the batch that begins at the seq, and how often it was tried.
    number: u64,
    tries: u32,
    tried_first: Option<u64>,
    waiting: bool,
    let_go: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    inside: Mutex<Inside>,
    changed: Condvar,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log, for the ledger.
#[derive(Debug)]
pub struct FaultyLog {
    shared: Arc<Shared>,
    faults: BTreeMap<u64, Fault>,
}

/// The same log, for the test.
#[derive(Clone, Debug)]
pub struct Held(Arc<Shared>);

impl FaultyLog {
    /// An empty log whose append of each number meets its fault.
    #[must_use]
    pub fn new(faults: impl IntoIterator<Item = (u64, Fault)>) -> (Self, Held) {
        let shared = Arc::<Shared>::default();
        let held = Held(Arc::clone(&shared));
        (Self { shared, faults: faults.into_iter().collect() }, held)
    }

    fn meet(&self, fault: &Fault, batch: Batch<'_>, tries: u32) -> Appended {
        match fault {
            Fault::Fails(reason) => Appended::Failed(reason.clone()),
            Fault::Conflicts => Appended::Conflict(self.overtaken()),
            Fault::Unknown { tries: unknown, then } => self.unknown(batch, tries <= *unknown, *then),
            Fault::Hangs => {
                self.wait();
                Appended::Failed("hung, and was let go".to_owned())
            }
            Fault::Waits(next) => {
                self.wait();
                match next {
                    Some(next) => self.meet(next, batch, tries),
                    None => Appended::Committed(self.take(batch)),
                }
            }
            Fault::Panics => panic!("the log panics, as the test asked"),
        }
    }

    fn unknown(&self, batch: Batch<'_>, still: bool, then: Then) -> Appended {
        if then == Then::Committed {
            // Taken at once, and once only: a repeat finds it.
            self.take(batch);
        }
        match then {
            _ if still => Appended::Unknown,
            Then::Never => Appended::Unknown,
            Then::Committed => Appended::Committed(self.head()),
            Then::Conflicts => Appended::Conflict(self.overtaken()),
        }
    }

    /// Keeps the batch, unless it is kept already.
    fn take(&self, batch: Batch<'_>) -> Head {
        let mut inside = self.shared.inside();
        if batch.first == inside.head.seq.next() {
            let events: u64 = batch.decisions.iter().map(|decision| decision.events.len() as u64).sum();
            let at = batch.decisions.last().map_or(inside.head.at, |decision| decision.at);
            inside.head = Head { seq: inside.head.seq.plus(events), at, ..inside.head };
            inside.decisions.extend(batch.decisions.iter().map(Arc::clone));
        }
        inside.head
    }

    /// The head of a log that somebody else wrote to.
    fn overtaken(&self) -> Head {
        let head = self.head();
        Head { seq: head.seq.plus(1), hash: [1; 32], ..head }
    }

    fn wait(&self) {
        let mut inside = self.shared.inside();
        inside.waiting = true;
        self.shared.changed.notify_all();
        while !inside.let_go {
            inside = self.shared.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        inside.waiting = false;
    }

    /// The number of the batch, and which try of it this is.
    fn count(&self, batch: Batch<'_>) -> (u64, u32) {
        let mut inside = self.shared.inside();
        if inside.tried_first == Some(batch.first.0) {
            inside.tries += 1;
        } else {
            inside.number += u64::from(inside.tried_first.is_some());
            inside.tried_first = Some(batch.first.0);
            inside.tries = 1;
        }
        (inside.number, inside.tries)
    }
}

impl Log for FaultyLog {
    fn append(&mut self, batch: Batch<'_>, head: &Head) -> Appended {
        let (number, tries) = self.count(batch);
        if let Some(fault) = self.faults.get(&number) {
            return self.meet(fault, batch, tries);
        }
        if head.seq != self.head().seq {
            return Appended::Conflict(self.head());
        }
        Appended::Committed(self.take(batch))
    }

    fn head(&self) -> Head {
        self.shared.inside().head
    }

    fn close(&mut self) -> Result<(), String> {
        self.shared.inside().closed = true;
        Ok(())
    }
}

impl Held {
    /// Everything the log has taken.
    #[must_use]
    pub fn decisions(&self) -> Vec<Arc<Decision>> {
        self.0.inside().decisions.clone()
    }

    /// How often the last batch was tried.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.0.inside().tries
    }

    /// Whether the log was closed in good order.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.inside().closed
    }

    /// Waits until an append waits or hangs.
    pub fn until_it_waits(&self) {
        let mut inside = self.0.inside();
        while !inside.waiting {
            inside = self.0.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the append that waits, and every later one, go on.
    pub fn let_go(&self) {
        self.0.inside().let_go = true;
        self.0.changed.notify_all();
    }
}
