//! The contract of sledger as types: configuration, recordings, answers, events.
//!
//! Promise: every name that other programs read or write is spelt here and
//! nowhere else, and what is read here becomes types of `sledger-core` or a
//! complaint that names place, key, reason and, where it can be guessed, what
//! was meant. Reading never panics, whatever the bytes.
//!
//! ```
//! use sledger_core::command::Actor;
//! use sledger_wire::recording::{Reading, parse};
//!
//! let reading = Reading::simulated(Actor::Cli);
//! let line = parse(br#"{"at":0,"op":"logout","session":"a"}"#, &reading)?;
//! assert_eq!(line.echo.op.as_str(), "logout");
//!
//! let slip = parse(br#"{"at":0,"op":"logot","session":"a"}"#, &reading);
//! assert_eq!(slip.unwrap_err().to_string(), "`op` `logot` is unknown; did you mean `logout`?");
//! # Ok::<(), sledger_wire::recording::Malformed>(())
//! ```
//!
//! Absent on purpose: files, sockets, the environment, clocks.

pub mod answer;
pub mod audit;
pub mod bodies;
pub mod config;
pub mod csv;
pub mod escape;
pub mod events;
pub mod evidence;
mod fields;
pub mod keeping;
pub mod pages;
pub mod past;
pub mod policies;
pub mod proof;
pub mod queries;
pub mod quotas;
mod readers;
pub mod recording;
#[cfg(feature = "openapi")]
pub mod schemas;
mod suggest;
mod tree;
pub mod values;
pub mod why;

pub use escape::escape;
pub use fields::Fault;
pub use tree::Place;
