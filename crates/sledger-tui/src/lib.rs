//! The live monitor: a ledger watched in a terminal, and its past walked with the same screens.
//!
//! Promise: one reducer ([`app::App`]) for present and past, one drawing of it ([`view::render`]), both pure. What is
//! asked goes through [`source::Source`]; terminal, threads, sockets and clocks are in [`run`](fn@run) and [`terminal`].
//! What is chosen is known by name or number and never by its place; nothing is changed but by a confirmed command.
//!
//! Absent on purpose: argv, environment, files: whoever starts it hands in what they say.
#![forbid(unsafe_code)]

pub mod app;
pub mod chain;
pub mod cursor;
pub mod figure;
pub mod filter;
pub mod glyphs;
pub mod keys;
pub mod live;
pub mod past;
mod run;
pub mod scene;
pub mod source;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod twin;
pub mod view;

pub use run::{Ends, Sources, run};
