//! The past, and what would be: recordings decided in virtual time, ledgers folded and checked.
//!
//! Promise: nothing here writes to disk. What is read back is judged by the same core that decided it.
#![forbid(unsafe_code)]

pub mod at;
pub mod backtest;
pub mod capture;
pub mod case;
pub mod commands;
pub mod diff;
pub mod explain;
pub mod export;
pub mod history;
pub mod lines;
pub mod one_user;
pub mod pseudonyms;
pub mod quotas;
pub mod rejudge;
pub mod simulate;
pub mod timeline;
pub mod verify;
pub mod why;
