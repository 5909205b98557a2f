//! The server at byte level: what is sent, what comes back.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "a test that finds something missing fails right there"
)]

mod batch;
mod client;
mod events;
mod guard;
mod login;
mod races;
mod sessions;
mod stopping;
mod support;
mod users;
