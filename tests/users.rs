//! Users and ids, arriving and leaving, words for the person: over HTTP and by the command, with equal outcomes.
//!
//! Each scenario is played twice, on ledgers of its own: through the HTTP calls of the contract, and by the program's
//! verbs. Every answer is held against the status and the exit code that its outcome must have.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

#[path = "users/arriving.rs"]
mod arriving;
#[path = "users/command.rs"]
mod command;
#[path = "users/desk.rs"]
mod desk;
#[path = "users/http.rs"]
mod http;
#[path = "users/ids.rs"]
mod ids;
#[path = "users/leaving.rs"]
mod leaving;
#[path = "users/names.rs"]
mod names;
#[path = "users/words.rs"]
mod words;
