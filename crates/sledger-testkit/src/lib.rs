//! Generators, an independent model of the rules, a virtual clock, a log that fails on request.
#![forbid(unsafe_code)]

pub mod changes;
pub mod crash;
pub mod faulty_log;
pub mod model;
pub mod picture;
pub mod recordings;
pub mod sim_clock;
pub mod tmux;
