//! The log as a whole, on a real file system.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panics, and say by name what they could not look at"
)]

mod backups;
mod bad_input;
mod checkpoints;
mod child;
mod common;
mod crash;
mod damage;
mod disk;
mod fences;
mod fixtures;
mod life;
mod refusals;
mod salvaging;
mod sealed_damage;
mod sealing;
