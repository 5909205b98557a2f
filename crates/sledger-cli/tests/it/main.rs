//! The command as its users meet it: argv in, stdout, stderr and exit code out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panics, and say by name what they could not look at"
)]

mod answers;
mod bad;
mod checkpoints;
mod common;
mod erase;
mod evidence;
mod export;
mod export_parts;
mod help;
mod import;
mod keeping;
mod monitor;
mod monitor_past;
mod policies;
mod policy_check;
mod policy_past;
mod policy_test;
mod radius;
mod ready;
mod recordings;
mod replay_note;
mod replay_past;
mod replay_report;
mod replay_verify;
mod replay_why;
mod salvage;
mod serve;
mod settings;
mod top_once;
mod utmp;
mod windows;
