//! The server at byte level: what is sent, what comes back.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "a test that finds something missing fails right there"
)]

mod batch;
mod blocks;
mod client;
mod dry_run;
mod events;
mod fared;
mod guard;
mod introspect;
mod limits;
mod login;
mod metrics;
mod openapi;
mod policies;
mod quotas;
mod races;
mod relaxed;
mod reload;
mod sessions;
mod stopping;
mod support;
mod users;
mod why;
