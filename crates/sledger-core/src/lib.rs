//! The rules of sledger: commands, events, state, [`decide`](decider) and evolve.
//!
//! Promise: equal inputs give equal decisions on every machine and every day.
//! Absent on purpose: IO, clocks, async, randomness, floats, iteration in hash order.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

pub mod answer;
pub mod civil;
pub mod clock;
pub mod codec;
pub mod command;
pub mod config;
pub mod decide;
pub mod decider;
pub mod event;
pub mod evolve;
mod facts;
mod foresee;
mod limit;
pub mod log;
mod narrate;
pub mod numbers;
mod packed;
mod personal;
pub mod policy;
pub mod quota;
pub mod set;
pub mod snapshot;
pub mod state;
mod units;
mod words;

pub use facts::{Facts, Texts};
pub use limit::Limit;
pub use narrate::{refold, refusal_message};
pub use personal::Personal;
pub use state::State;
pub use units::{KeyNo, Millis, Seq, Span, UserNo};
