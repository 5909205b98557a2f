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
//! **What to read next.** [`Ledger`] opens, asks and closes; [`Config`] is what it is opened with, of which
//! [`core::config::Settings`] are the quotas and what else decides; [`Answer`] is what came of a command. Many requests
//! from one place go through a [`Caller`]. Who is in is read from [`Ledger::views`], which give out the feed as well.
//!
//! ```
//! use sledger::core::Limit;
//! use sledger::core::config::{Quota, Settings};
//! use sledger::{Config, Ledger, Login, Outcome};
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One session a user; the one that began first makes room.
//! let quota = Quota {
//!     max_sessions: Limit::at_most(1).ok_or("a limit is at least 1")?,
//!     on_exhausted: "destroy_oldest".to_owned(),
//!     ..Quota::default_quota()
//! };
//! let settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
//! let ledger = Ledger::in_memory(Config { settings, ..Config::new("unused") })?;
//! let login = |session: &str| Login {
//!     user: Some("ann".into()),
//!     session: Some(session.into()),
//!     ..Login::default()
//! };
//! ledger.login(login("laptop"))?;
//! let answer = ledger.login(login("phone"))?;
//! assert_eq!(answer.outcome, Outcome::Admitted);
//! let evicted: Vec<&str> = answer.evicted.iter().map(|facts| facts.session()).collect();
//! assert_eq!(evicted, ["laptop"]);
//! assert_eq!(answer.reason.as_deref(), Some("oldest"));
//! # ledger.close();
//! # Ok(())
//! # }
//! ```
//!
//! One thread decides, one writes; an answer leaves only after the block that was open when it was decided is
//! durable, unless the ledger was opened with [`Durability::Relaxed`]. After a failed append, flush or sync nobody is told
//! yes any more.
//!
//! # What stays as it is
//!
//! The crates carry one version and follow semantic versioning. Until 1.0 a change that breaks what the table promises
//! raises the second number, from 1.0 on the first; whatever it does not name may change with any release.
//!
//! | crate | promised |
//! |---|---|
//! | `sledger` | its own items, and those of other crates that it gives out by name |
//! | `sledger-client` | its items |
//! | `sledger-core` | what is decided: equal settings, state and commands decide equally, unless the recorded revision of the rules changes; its types as far as `sledger` gives them out. Its encoding only grows at its ends |
//! | `sledger-wire` | the names and meanings of what it reads and writes (configuration, recordings, events, HTTP); not its Rust items, but for the types that `sledger-client` gives out |
//! | `sledger-log` | the bytes on disk: each later version opens what an earlier one wrote; not its Rust items |
//! | `sledger-policy` | what a script sees and may say, and the decisions of the policies that come with it, by their recorded revisions; not its Rust items |
//! | `sledger-cli` | verbs, flags, exit codes, and what is printed with `--output json`; not the text for people |
//! | `sledger-server` | the HTTP calls and metrics; not its Rust items |
//! | `sledger-ingest` | nothing but what `sledger` gives out |
//! | `sledger-projector` | nothing but what `sledger` gives out |
//! | `sledger-replay` | nothing: it serves the other rooms |
//! | `sledger-tui` | nothing: keys and flags are promised with `sledger-cli`, screens are for people |
//! | `sledger-testkit` | nothing: it is for tests |
//! | `sledger-bench` | nothing: it measures |
//!
//! Absent on purpose: HTTP, terminals, argv, environment.
#![forbid(unsafe_code)]

mod base;
mod checkpoints;
mod clock;
mod config;
mod decide_loop;
mod erase;
mod error;
mod heads;
mod keeping;
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
mod timed;
mod watchdog;
mod write_loop;

pub use checkpoints::{CheckpointConfig, CheckpointFailure, Made};
pub use clock::SystemClock;
pub use config::{BoxedLog, Config};
pub use erase::{EraseError, Erased};
pub use error::OpenError;
pub use keeping::{KeepingError, KeepingStatus, Upto, Went};
pub use ledger::{Decision, Ledger};
pub use memory::MemoryLog;
pub use meters::{LoginKind, OPERATIONS_BOUNDS, Tallies};
pub use recover::{IgnoredSnapshot, Recovery};
pub use relaxed::{Durability, RELAXED_BEHIND_MAX};
pub use ticket::Ticket;
pub use timed::PolicyTimes;

pub use sledger_core as core;
pub use sledger_core::answer::{Answer, Outcome};
pub use sledger_core::command::{Actor, Command, Login, Request};
pub use sledger_ingest::{Caller, Failure, Refused, Token};
pub use sledger_log as log;
pub use sledger_policy as policy;
pub use sledger_projector as projector;
