//! sledger in your own process: a session ledger that decides each login once, durably, and says why.
//!
//! ```
//! use sledger::{Config, Ledger, Login, Outcome};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ledger = Ledger::in_memory(Config::new("unused"))?;
//! let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
//! let decision = ledger.login(login)?;
//! assert_eq!(decision.outcome, Outcome::Admitted);
//! assert_eq!(decision.active, Some(1));
//! ledger.close();
//! # Ok(())
//! # }
//! ```
//!
//! One thread decides, one writes; an answer leaves only after the block that was open when it was decided is
//! durable, unless the ledger was opened with [`Durability::Relaxed`]. After a failed append, flush or sync nobody is told yes any more.
//!
//! Absent on purpose: HTTP, terminals, argv, environment.
#![forbid(unsafe_code)]

mod clock;
mod config;
mod decide_loop;
mod error;
mod heads;
mod ledger;
mod memory;
mod meters;
mod open;
mod recover;
mod relaxed;
mod sealed;
mod shared;
mod snapshots;
mod ticket;
mod watchdog;
mod write_loop;

pub use clock::SystemClock;
pub use config::{BoxedLog, Config};
pub use error::OpenError;
pub use ledger::{Decision, Ledger};
pub use memory::MemoryLog;
pub use meters::{LoginKind, OPERATIONS_BOUNDS, Tallies};
pub use recover::{IgnoredSnapshot, Recovery};
pub use relaxed::{Durability, RELAXED_BEHIND_MAX};
pub use ticket::Ticket;

pub use sledger_core as core;
pub use sledger_core::answer::{Answer, Outcome};
pub use sledger_core::command::{Actor, Command, Login, Request};
pub use sledger_ingest::{Caller, Failure, Refused, Token};
pub use sledger_log as log;
pub use sledger_policy as policy;
pub use sledger_projector as projector;
