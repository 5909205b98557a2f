//! Audit sinks: what arrives, how often, and what happens when a sink or the process dies.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds something missing fails right there"
)]

mod datagrams;
mod files;
mod full;
mod kills;
mod rsyslog;
mod running;
mod streams;
mod support;
mod tls;
