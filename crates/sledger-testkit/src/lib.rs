//! Generators, an independent model of the rules, a virtual clock, a log that fails on request.
#![forbid(unsafe_code)]

pub mod model;
pub mod recordings;
